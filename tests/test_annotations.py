"""Type annotations: public functions of the modules that the type checker reads have all of them.

The linter runs the checker, which passes over what is not annotated at all; that is looked for
here.
"""

import ast
import pathlib
import tomllib

import pytest

ROOT = pathlib.Path(__file__).parents[1]
TYPED = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["files"]


def files():
    for name in TYPED:
        path = ROOT / name
        assert path.exists(), name
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def public(node):
    """Public functions and methods below a module or class, constructors among them."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef):
            if not part.name.startswith("_") or part.name == "__init__":
                yield part
        elif isinstance(part, ast.ClassDef) and not part.name.startswith("_"):
            yield from public(part)


def bare(function):
    """Names of a function's arguments without an annotation, and "return"."""
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    names = [each.arg for each in every if each and each.annotation is None]
    names = [name for name in names if name not in ("self", "cls")]
    return names + (["return"] if function.returns is None else [])


def test_public_functions_are_annotated():
    found = [
        f"{path.relative_to(ROOT)}: {function.name} lacks {', '.join(names)}"
        for path in files()
        for function in public(ast.parse(path.read_text()))
        if (names := bare(function))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(x: int, *rest: int, **more: int) -> None: ...", []),
        ("def f(x, *rest, y=1, **more) -> None: ...", ["x", "y", "rest", "more"]),
        ("def f(x: int): ...", ["return"]),
        ("class A:\n def __init__(self, x) -> None: ...\n def _f(self, x): ...", ["x"]),
        ("class A:\n @classmethod\n def f(cls, x: int): ...", ["return"]),
        ("def _f(x): ...\nclass _A:\n def f(self, x): ...", []),
    ],
)
def test_what_is_missing_is_found(source, expected):
    found = [name for function in public(ast.parse(source)) for name in bare(function)]
    assert found == expected
