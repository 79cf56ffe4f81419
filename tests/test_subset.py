"""Some rows in place of all: uniform, the same in every form of data, in order."""

import numpy as np
import pytest
from scipy import stats

from tfsp import subset


def in_batches(columns, size):
    for start in range(0, len(columns[0]), size):
        yield tuple(column[start : start + size] for column in columns)


def test_all_rows_in_order_where_there_are_no_more():
    for limit in (None, 7, 8, 10**9):
        np.testing.assert_array_equal(subset.rows(7, limit), np.arange(7))
    assert subset.rows(7, 0).tolist() == []
    assert subset.rows(0, 3).tolist() == []


@pytest.mark.parametrize("size", [21, 1000, 25_000])
def test_rows_are_distinct_in_order_nested_and_repeatable(size):
    taken = [subset.rows(size, limit) for limit in (1, 5, 20)]
    for rows, limit in zip(taken, (1, 5, 20), strict=True):
        assert len(rows) == limit
        assert np.all(np.diff(rows) > 0)
        assert rows[0] >= 0
        assert rows[-1] < size
        np.testing.assert_array_equal(rows, subset.rows(size, limit))
    assert set(taken[0]) < set(taken[1]) < set(taken[2])


def test_every_part_of_the_data_is_taken_alike():
    """Of 100 classes one after the other: shares as of draws without replacement."""
    labels = np.repeat(np.arange(100), 300)
    counts = np.bincount(labels[subset.rows(30_000, 20_000)], minlength=100)
    # Hypergeometric counts; a right choice is outside with probability 1e-9 each.
    low, high = stats.hypergeom(30_000, 300, 20_000).ppf([5e-10, 1 - 5e-10])
    assert counts.min() >= low
    assert counts.max() <= high
    small = np.bincount(labels[subset.rows(30_000, 1000)], minlength=100)
    assert np.count_nonzero(small) >= 98  # 10 rows of each on average


@pytest.mark.parametrize("size", [1, 64, 999, 5000])
@pytest.mark.parametrize("limit", [0, 1, 30, 999, 1000, 4000, None])
def test_streams_give_the_rows_of_arrays(size, limit):
    x = np.arange(2000.0, dtype=np.float32).reshape(1000, 2)
    y = np.arange(1000) % 7
    rows = subset.rows(1000, limit)
    found = subset.of_batches(in_batches((x, y), size), limit)
    for array, expected in zip(found, (x[rows], y[rows]), strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == expected.dtype
        assert array.shape == expected.shape


def test_a_stream_without_batches():
    assert subset.of_batches([], 5) is None
    assert subset.of_batches([], None) is None
    (empty,) = subset.of_batches([(np.zeros((0, 3)),)], 5)
    assert empty.shape == (0, 3)


def test_a_stream_is_read_once_and_its_batches_may_be_reused():
    buffer = np.zeros((10, 1))

    def batches():
        for start in range(0, 100, 10):
            buffer[:, 0] = np.arange(start, start + 10)
            yield (buffer,)

    stream = batches()
    (found,) = subset.of_batches(stream, 12)
    np.testing.assert_array_equal(found[:, 0], subset.rows(100, 12))
    assert next(stream, None) is None
