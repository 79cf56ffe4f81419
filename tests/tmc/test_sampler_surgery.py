"""Prune and attach: labelled leaves, and subtrees with their cached messages."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import tmc as reference

from tfsp.tmc import native_sampler
from tmc import sampler_testing

seeds = st.integers(0, 2**32 - 1)


def tree_of(seed, num_leaves, dims=3):
    rng = np.random.default_rng(seed)
    parent, time = reference.random_tree(rng, num_leaves)
    return rng, parent.astype(np.int32), time, rng.normal(size=(num_leaves, dims))


def attach_back(parent, time, place):
    return native_sampler.attach_leaf(
        parent, time, place["edge"], place["time"], place["leaf"], place["node"]
    )


@settings(deadline=None, max_examples=100, derandomize=True)
@given(seed=seeds, num_leaves=st.integers(2, 30), data=st.data())
def test_prune_then_attach_restores_the_tree(seed, num_leaves, data):
    _, parent, time, _ = tree_of(seed, num_leaves)
    leaf = data.draw(st.integers(0, num_leaves - 1))
    rest_parent, rest_time, place = native_sampler.prune_leaf(parent, time, leaf)
    assert len(rest_parent) == len(parent) - 2
    again, again_time = attach_back(rest_parent, rest_time, place)
    np.testing.assert_array_equal(again, parent)
    np.testing.assert_array_equal(again_time, time)


@settings(deadline=None, max_examples=100, derandomize=True)
@given(seed=seeds, num_leaves=st.integers(2, 30), data=st.data())
def test_attach_then_prune_restores_the_tree(seed, num_leaves, data):
    _, parent, time, _ = tree_of(seed, num_leaves)
    v = data.draw(st.integers(0, 2 * num_leaves - 2).filter(lambda v: parent[v] >= 0))
    start, end = time[parent[v]], time[v]
    at_time = start + (end - start) * data.draw(st.floats(0.01, 0.99))
    larger, larger_time = native_sampler.attach_leaf(parent, time, v, at_time)
    expected, expected_time = reference.attach(parent, time, v, at_time)
    np.testing.assert_array_equal(larger, expected)
    np.testing.assert_array_equal(larger_time, expected_time)
    back, back_time, place = native_sampler.prune_leaf(larger, larger_time, num_leaves)
    np.testing.assert_array_equal(back, parent)
    np.testing.assert_array_equal(back_time, time)
    assert place == dict(edge=v, time=at_time, leaf=num_leaves, node=2 * num_leaves)


@settings(deadline=None, max_examples=100, derandomize=True)
@given(seed=seeds, num_leaves=st.integers(3, 40), data=st.data())
def test_subtree_prune_then_attach_restores_every_message(seed, num_leaves, data):
    _, parent, time, leaves = tree_of(seed, num_leaves, dims=data.draw(st.integers(1, 11)))
    state = sampler_testing.State(parent, time, leaves, 2.0, 1.5)
    before = state.messages()
    exact = reference.messages(parent, time, leaves)
    for key in ("mean", "variance", "log_z"):
        expected = exact[key].astype(float)
        np.testing.assert_allclose(before[key], expected, rtol=1e-10, atol=1e-10, err_msg=key)
    prunable = [v for v in range(len(parent)) if parent[v] >= 0 and parent[parent[v]] >= 0]
    for v in data.draw(st.lists(st.sampled_from(prunable), min_size=1, max_size=5)):
        sibling, when = state.prune(v)
        pruned = state.messages()
        assert pruned["parent"][sibling] == parent[parent[v]]
        state.attach(sibling, when)
        after = state.messages()
        for key in before:
            np.testing.assert_array_equal(after[key], before[key], err_msg=key)


@settings(deadline=None, max_examples=50, derandomize=True)
@given(seed=seeds, num_leaves=st.integers(4, 25), data=st.data())
def test_subtree_moved_elsewhere_has_the_messages_of_the_new_tree(seed, num_leaves, data):
    rng, parent, time, leaves = tree_of(seed, num_leaves)
    state = sampler_testing.State(parent, time, leaves, 1.4, 2.0)
    for _ in range(4):
        now = state.messages()
        parent, time = now["parent"], now["time"]
        prunable = [v for v in range(len(parent)) if parent[v] >= 0 and parent[parent[v]] >= 0]
        v = data.draw(st.sampled_from(prunable))
        w = parent[v]
        state.prune(v)
        rest = state.messages()
        places = [
            x
            for x in range(len(parent))
            if x not in (v, w)
            and rest["parent"][x] >= 0
            and time[rest["parent"][x]] < time[v]
            and rest["parent"][x] not in (v, w)
        ]
        x = data.draw(st.sampled_from(places))
        low, high = time[rest["parent"][x]], min(time[x], time[v])
        state.attach(x, low + (high - low) * rng.uniform(0.05, 0.95))
        moved = state.messages()
        fresh = sampler_testing.State(moved["parent"], moved["time"], leaves, 1.4, 2.0).messages()
        assert np.array_equal(moved["count"], fresh["count"])
        for key in ("mean", "variance", "log_z", "joint"):
            np.testing.assert_allclose(moved[key], fresh[key], rtol=1e-12, atol=1e-12, err_msg=key)
        np.testing.assert_allclose(
            moved["joint"].sum(),
            reference.log_joint(moved["parent"], moved["time"], leaves, 1.4, 2.0),
            rtol=1e-10,
        )


def test_the_last_leaf_but_one_and_a_leaf_of_the_root():
    parent, time, place = native_sampler.prune_leaf([2, 2, -1], [1, 1, 0], 0)
    assert parent.tolist() == [-1]
    assert time.tolist() == [1.0]
    assert attach_back(parent, time, place)[0].tolist() == [2, 2, -1]
    # Leaf 2 hangs from the root: node 3 becomes the root and moves to time 0.
    parent, time, place = native_sampler.prune_leaf([3, 3, 4, 4, -1], [1, 1, 1, 0.5, 0], 2)
    assert parent.tolist() == [2, 2, -1]
    assert time.tolist() == [1, 1, 0]
    assert place == dict(edge=2, time=0.5, leaf=2, node=4)
    again, again_time = attach_back(parent, time, place)
    assert again.tolist() == [3, 3, 4, 4, -1]
    assert again_time.tolist() == [1, 1, 1, 0.5, 0]


@pytest.mark.parametrize(
    ("edge", "at_time", "leaf", "node", "message"),
    [
        (5, 0.2, -1, -1, "edge = 5 must lie in \\[0, 5\\)"),
        (3, 0.5, -1, -1, "time = 0.5 must lie strictly between 0 and 0.5"),
        (0, 0.4, -1, -1, "strictly between 0.5 and 1"),
        (4, 0.6, -1, -1, "strictly between 0 and 0.5"),
        (0, np.nan, -1, -1, "time = nan"),
        (0, 0.7, 4, -1, "leaf = 4"),
        (0, 0.7, -1, 3, "node = 3"),
    ],
)
def test_attach_errors(edge, at_time, leaf, node, message):
    with pytest.raises(ValueError, match=message):
        native_sampler.attach_leaf([3, 3, 4, 4, -1], [1, 1, 1, 0.5, 0], edge, at_time, leaf, node)


def test_prune_errors():
    with pytest.raises(ValueError, match="only leaf"):
        native_sampler.prune_leaf([-1], [1.0], 0)
    with pytest.raises(ValueError, match="leaf = 3"):
        native_sampler.prune_leaf([3, 3, 4, 4, -1], [1, 1, 1, 0.5, 0], 3)
