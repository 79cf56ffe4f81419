"""What every registered measure keeps; and that a measure takes one file to add."""

import math
import pathlib
import sys

import numpy as np
import pytest

from tfsp import measures

ROOT = pathlib.Path(__file__).parents[2]
SPREAD = '''"""Spread of codes."""

import numpy as np

from tfsp.measures.examples import points
from tfsp.measures.registry import register


@register("spread", example=lambda rng: points(rng, 9))
def spread(codes):
    """Mean squared distance of codes `[n, D]` from their mean."""
    return float(np.var(codes, axis=0).sum())
'''


def numbers(result):
    """All numbers in a result."""
    if isinstance(result, dict):
        for value in result.values():
            yield from numbers(value)
    elif isinstance(result, np.ndarray | list | tuple):
        yield from np.ravel(np.asarray(result, np.float64))
    else:
        yield float(result)


def check(name):
    """Finite, the same in a second call, and what it was given is left as it was."""
    measure = measures.get(name)
    args = measure.example(np.random.default_rng(0))
    kept = [np.array(a) for a in args]
    first, second = measure.function(*args), measure.function(*args)
    found = list(numbers(first))
    assert found
    assert all(math.isfinite(value) for value in found)
    np.testing.assert_array_equal(found, list(numbers(second)))
    for one, before in zip(args, kept, strict=True):
        np.testing.assert_array_equal(one, before)
    assert measure.help.endswith(".")


@pytest.mark.parametrize("name", measures.names())
def test_contract(name):
    check(name)


def test_a_measure_is_one_file(tmp_path, monkeypatch):
    (tmp_path / "spread.py").write_text(SPREAD)
    monkeypatch.setattr(measures, "__path__", [*measures.__path__, str(tmp_path)])
    before = dict(measures.MEASURES)
    try:
        measures.discover()
        assert "spread" in measures.names()
        row = "| `spread` | Mean squared distance of codes `[n, D]` from their mean. |"
        assert row in measures.markdown().splitlines()
        check("spread")
    finally:
        measures.MEASURES.clear()
        measures.MEASURES.update(before)
        del sys.modules["tfsp.measures.spread"], measures.spread


def test_modules_do_not_hide_the_measures_of_their_name():
    measures.discover()
    assert all(callable(getattr(measures, n)) for n in measures.names())
    assert measures.few_shot is measures.get("few_shot").function


def test_the_page_of_the_docs_is_that_of_the_registry():
    written = (ROOT / "docs" / "measures.md").read_text()
    assert written == measures.markdown(), "make it anew, by the command that stands in it"


def test_unknown_measures_are_refused():
    with pytest.raises(KeyError, match="spred"):
        measures.get("spred")
    with pytest.raises(ValueError, match="measure name 'retrieval' is taken"):
        measures.register("retrieval")(check)
