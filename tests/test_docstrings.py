"""Docstrings are in Google's form, with sections that Sphinx's napoleon knows.

Ruff's `D` rules, which the linter runs, pass over a section written on one line (`Raises: ...`) and
over names that no argument has; both are looked for here. Rooms that pyproject.toml exempts from
`D` are exempt here.
"""

import ast
import inspect
import pathlib
import re
import tomllib

import pytest

ROOT = pathlib.Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
EXEMPT = tuple(
    pattern.removesuffix("**")
    for pattern, rules in SETTINGS["per-file-ignores"].items()
    if "D" in rules
)
FILES = [
    path
    for path in sorted((ROOT / "tfsp").rglob("*.py"))
    if not path.relative_to(ROOT).as_posix().startswith(EXEMPT)
]

SECTION = re.compile(r"(Args|Attributes|Raises|Returns|Yields):(.*)")
ENTRIES = {
    "Args": re.compile(r"  (\*{0,2}\w+(?:, \*{0,2}\w+)*): \S"),
    "Attributes": re.compile(r"  (\w+(?:, \w+)*): \S"),
    "Raises": re.compile(r"  ([\w.]+): \S"),
}
INDENTED = re.compile(r"  \S")


def problems(docstring, parameters=None):
    """What is wrong with a docstring; `parameters`: names that `Args` may have, None for any."""
    lines, section = inspect.cleandoc(docstring).split("\n"), None
    for before, line in zip(["", *lines], lines, strict=False):
        is_first = SECTION.fullmatch(before)
        if header := SECTION.fullmatch(line):
            section = header[1]
            if header[2]:
                yield f"`{section}` is no section of its own: {line!r}"
            if before:
                yield f"no blank line before `{section}`"
        elif line and not line.startswith(" "):
            section = None
        elif section and line and (is_first or not line.startswith("    ")):
            entry = ENTRIES.get(section, INDENTED).match(line)
            if not entry:
                yield f"no entry of `{section}`: {line!r}"
            elif section == "Args" and parameters is not None:
                for name in entry[1].replace("*", "").split(", "):
                    if name not in parameters:
                        yield f"no argument is named {name!r}"


def parameters_of(node):
    """Names of the arguments of a function or of a class's constructor; None if unknown."""
    if isinstance(node, ast.ClassDef):
        functions = [part for part in node.body if isinstance(part, ast.FunctionDef)]
        node = next((part for part in functions if part.name == "__init__"), None)
    if not isinstance(node, ast.FunctionDef):
        return None
    given = node.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    # What a constructor hands on by **kwargs is explained with the others.
    open_ended = node.name == "__init__" and given.kwarg
    return None if open_ended else {argument.arg for argument in every if argument}


def all_problems(source):
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef
    for node in ast.walk(ast.parse(source)):
        docstring = ast.get_docstring(node) if isinstance(node, kinds) else None
        for problem in problems(docstring or "", parameters_of(node)):
            yield f"{getattr(node, 'name', 'module')}: {problem}"


def test_sections():
    assert len(FILES) > 100
    found = [
        f"{path.relative_to(ROOT)}: {problem}"
        for path in FILES
        for problem in all_problems(path.read_text())
    ]
    assert not found, "\n".join(found)


GOOD = '''
def f(x, least, most=None, *rest, **options):
    """Does.

    Args:
      x: a number,
        on two lines.
      least, most: limits.
      **options: others.

    Returns:
      a number.

    Raises:
      ValueError: if not.
      tf.errors.InvalidArgumentError: if not at all.

    Source: someone.
    """
'''


def test_the_form_itself_has_no_problem():
    assert not list(all_problems(GOOD))


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("Raises:\n      ValueError: if not.", "Raises: ValueError if not.", "no section"),
        ("number.\n\n    Raises", "number.\n    Raises", "no blank line"),
        ("ValueError: if not.", "ValueError if not.", "no entry of `Raises`"),
        ("      x: a", "        x: a", "no entry of `Args`"),
        ("      x: a", "       x: a", "no entry of `Args`"),
        ("      x: a", "      y: a", "no argument is named 'y'"),
        ("least, most:", "least, largest:", "no argument is named 'largest'"),
    ],
)
def test_what_is_wrong_is_found(right, wrong, expected):
    assert right in GOOD
    assert any(expected in problem for problem in all_problems(GOOD.replace(right, wrong, 1)))
