"""Rows on a tree in one stretch for each node, against walking up from every row."""

import numpy as np
import pytest
from reference import tmc

from tfsp.explorer.branches import branches


def rows_below(parent, last, v):
    """Rows whose path to the root goes through node v, by walking."""
    found = set()
    for row, node in enumerate(last):
        while True:
            if node == v:
                found.add(row)
                break
            if parent[node] < 0 or parent[node] == node:
                break
            node = parent[node]
    return found


@pytest.mark.parametrize("seed", range(5))
def test_stretches_are_the_rows_below(seed):
    rng = np.random.default_rng(seed)
    parent, _ = tmc.random_tree(rng, 9)
    last = rng.integers(0, len(parent), 30)
    found = branches(parent, last)
    assert sorted(found.order) == list(range(30))
    for number, up, start, count in zip(
        found.number, found.parent, found.start, found.count, strict=True
    ):
        assert set(found.order[start : start + count]) == rows_below(parent, last, number)
        if up >= 0:
            assert found.number[up] == parent[number]
            assert up < list(found.number).index(number)
    empty = set(range(len(parent))) - set(found.number)
    assert all(not rows_below(parent, last, v) for v in empty)
    assert found.parent[0] == -1
    assert (found.parent[1:] >= 0).all()


def test_own_rows_come_first_and_larger_children_before_smaller():
    #      4
    #    /   \
    #   3     2
    #  / \
    # 0   1
    parent = np.array([3, 3, 4, 4, -1])
    last = np.array([0, 2, 4, 1, 1, 3, 2, 2, 2, 2, 2])
    found = branches(parent, last)
    assert found.number.tolist() == [4, 2, 3, 1, 0]
    assert found.order.tolist() == [2, 1, 6, 7, 8, 9, 10, 5, 3, 4, 0]
    assert found.start.tolist() == [0, 1, 7, 8, 10]
    assert found.count.tolist() == [11, 6, 4, 2, 1]


def test_nodes_that_a_tree_does_not_have_are_left_out():
    """Categories that nothing is in are their own parents."""
    found = branches(np.array([3, 1, 3, -1]), np.array([0, 2, 2]))
    assert found.number.tolist() == [3, 2, 0]


def test_a_deep_tree_needs_no_deep_stack():
    """A comb of 20,000 leaves."""
    n = 20_000
    parent = np.empty(2 * n - 1, int)
    parent[0] = n
    parent[1:n] = np.arange(n, 2 * n - 1)
    parent[n:] = np.append(np.arange(n + 1, 2 * n - 1), -1)
    found = branches(parent, np.arange(n))
    assert found.count[0] == n
    assert len(found.number) == 2 * n - 1
