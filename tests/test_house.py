"""The house stays in order: short files, few files to a folder, few overrides to a model."""

import ast
import inspect
import pathlib
import statistics

import keras
import pytest

from tfsp import models
from tfsp.models.core.assembly import EncoderDecoder
from tfsp.models.core.contract import StructuredVAE

ROOT = pathlib.Path(models.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
# What a model defines; more than these it may override only a little.
DEFINED = {"__init__", "infer", "log_likelihood", "likelihood_parameters", "generate"}


def test_files_of_models_are_short():
    lines = {path: len(path.read_text().splitlines()) for path in FILES}
    assert statistics.median(lines.values()) <= 150
    assert not [str(path) for path, number in lines.items() if number > 320]


def test_folders_of_models_hold_few_files():
    folders = [ROOT, *(path for path in ROOT.rglob("*") if path.is_dir())]
    assert {len(list(folder.glob("*.py"))) <= 16 for folder in folders} == {True}


def overrides(cls):
    """Methods and properties of a class that a base of it, Keras's included, has too."""
    return sorted(
        name
        for name, value in vars(cls).items()
        if (inspect.isfunction(value) or isinstance(value, classmethod | staticmethod | property))
        and name not in DEFINED
        and any(hasattr(base, name) for base in cls.__bases__)
    )


def test_overrides_are_counted():
    class Child(EncoderDecoder):
        def __init__(self):
            pass

        def infer(self, x, num_samples, seed=None, training=False):
            """Defined, not overridden."""

        def encode(self, x):
            pass

        def fit(self, x):
            """Of Keras."""

        def own(self):
            pass

    assert overrides(Child) == ["encode", "fit"]


@pytest.mark.parametrize("name", models.names())
def test_a_model_overrides_at_most_five(name):
    for cls in models.get(name).__mro__:
        if cls in (StructuredVAE, EncoderDecoder, keras.Model):
            break
        assert len(overrides(cls)) <= 5, (cls.__name__, overrides(cls))


def test_no_model_jumps_over_its_parent():
    """`super(Parent, self)` means that the class is not what its base is."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "super":
                assert not node.args, f"{path}:{node.lineno}"
