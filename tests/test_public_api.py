"""The public names: static, sorted, present, documented; and `import tfsp` stays light."""

import ast
import importlib
import inspect
import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGES = sorted(
    ".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "tfsp").rglob("__init__.py")
)


def declared(package):
    path = ROOT.joinpath(*package.split("."), "__init__.py")
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__":
            return ast.literal_eval(node.value)
    raise AssertionError(f"{package} has no __all__ made of plain strings")


@pytest.mark.parametrize("package", PACKAGES)
def test_all_is_static_sorted_and_present(package):
    names = declared(package)
    assert names == sorted(names, key=lambda n: (not n.isupper(), not n[0].isupper(), n))
    module = importlib.import_module(package)
    for name in names:
        assert getattr(module, name) is not None


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_have_docstrings(package):
    module = importlib.import_module(package)
    assert module.__doc__
    for name in declared(package):
        thing = getattr(module, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert thing.__doc__, f"{package}.{name}"


@pytest.mark.slow
def test_import_is_light():
    """Beyond TensorFlow and TFP, `import tfsp` and its models load no heavy library."""
    code = """
import sys, json
import tensorflow, tensorflow_probability, keras
before = set(sys.modules)
import tfsp, tfsp.models, tfsp.priors, tfsp.data, tfsp.experiment, tfsp.evaluation, tfsp.viz
print(json.dumps(sorted({m.partition(".")[0] for m in set(sys.modules) - before})))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    loaded = set(json.loads(result.stdout))
    heavy = {"sklearn", "matplotlib", "tensorflow_datasets", "scipy", "networkx", "PIL", "pandas"}
    assert not loaded & (heavy | {"pymbar", "numexpr"})
    assert "tfsp" in loaded


def test_unknown_attribute():
    import tfsp

    with pytest.raises(AttributeError, match="no attribute 'prior'"):
        _ = tfsp.prior
    assert "models" in dir(tfsp)
