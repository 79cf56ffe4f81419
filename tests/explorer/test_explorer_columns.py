"""What sets a node apart, against sums over its rows one by one."""

import base64

import numpy as np
import pytest

from tfsp.explorer import columns
from tfsp.explorer.columns import distinguishing, packed


@pytest.mark.parametrize("chunk", [2**22, 150])
@pytest.mark.parametrize("missing", [False, True])
def test_differences_are_those_of_plain_means(missing, chunk, monkeypatch):
    monkeypatch.setattr(columns, "_CHUNK", chunk)  # numbers held at once: all columns, or three
    rng = np.random.default_rng(0)
    values = rng.normal(size=(50, 12)) * rng.uniform(0.1, 100, 12) + 1e4
    if missing:
        values[rng.random(values.shape) < 0.2] = np.nan
    start, count = np.array([0, 0, 10, 49]), np.array([50, 10, 15, 1])
    found = distinguishing(values, start, count, num_columns=4)
    assert found[0] == []  # all rows: there are no others
    for begin, size, node in list(zip(start, count, found, strict=True))[1:]:
        inside = np.zeros(50, bool)
        inside[begin : begin + size] = True
        expected = {}
        for j in range(12):
            within, others = values[inside, j], values[~inside, j]
            if np.isfinite(within).any():
                apart = np.nanmean(within) - np.nanmean(others)
                expected[j] = apart / np.nanstd(values[:, j]), np.nanmean(within)
        best = sorted(expected, key=lambda j: -abs(expected[j][0]))[:4]
        assert [j for j, _, _ in node] == best
        for j, difference, mean in node:
            np.testing.assert_allclose([difference, mean], expected[j], rtol=1e-8)


def test_columns_that_do_not_vary_and_differ_nowhere_are_left_out():
    values = np.array([[1.0, 5.0, 0.0], [1.0, 7.0, 0.0], [1.0, 5.0, np.nan], [1.0, 7.0, np.nan]])
    found = distinguishing(values, [0, 0], [2, 1])
    assert found[0] == []  # means alike; of the third column there is nothing outside
    assert [(j, round(d, 6), m) for j, d, m in found[1]] == [(1, round(-4 / 3, 6), 5.0)]


def test_values_are_packed_row_by_row():
    values = np.array([[1.5, np.nan], [3.25, -2.0]])
    kept, text = packed(values)
    assert kept.tolist() == [0, 1]
    read = np.frombuffer(base64.b64decode(text), "<f4").reshape(2, 2)
    np.testing.assert_array_equal(read, values.astype(np.float32))


def test_of_too_many_columns_those_that_vary_are_kept():
    values = np.ones((10, 5))
    values[:, 3] = np.arange(10)
    values[:, 1] = np.arange(10) % 2 * 5
    kept, text = packed(values, most=20)
    assert kept.tolist() == [1, 3]
    read = np.frombuffer(base64.b64decode(text), "<f4").reshape(10, 2)
    np.testing.assert_array_equal(read, values[:, [1, 3]])
