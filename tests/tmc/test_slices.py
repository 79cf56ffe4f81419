"""Slices of a tree with leaves against conditioning of a dense Gaussian."""

import numpy as np
import pytest
from reference import tmc

from tfsp.tmc import Phylogeny, native, slice_locations
from tfsp.tmc.density.slices import at_or_below


def example(num_leaves, dim=3, seed=0):
    rng = np.random.default_rng(seed)
    parent, time = tmc.random_tree(rng, num_leaves)
    return Phylogeny(parent, time), tmc.sample_leaves(rng, parent, time, dim)[:num_leaves]


def dense(tree, leaves, v, t):
    """Location at time t on the edge above v: its covariance with leaf n is 1 + min(t, lca)."""
    count = len(leaves)
    cov = tmc.node_covariance(tree.parent, tree.time)
    here = 1 + np.minimum(t, cov[v, :count] - 1)
    weights = np.linalg.solve(cov[:count, :count], here)
    return weights @ leaves, 1 + t - weights @ here


@pytest.mark.parametrize("num_leaves", [2, 3, 6, 15])
def test_matches_dense_conditioning(num_leaves):
    tree, leaves = example(num_leaves, seed=num_leaves)
    for t in [0.0, 0.1, 0.37, 0.5, 0.8, 0.999]:
        there = slice_locations(tree, leaves, t)
        expected = [
            v
            for v in range(tree.num_nodes)
            if v != tree.root and tree.time[tree.parent[v]] <= t < tree.time[v]
        ]
        assert there.nodes.tolist() == expected
        assert expected
        for v, mean, variance in zip(*there, strict=True):
            slow_mean, slow_variance = dense(tree, leaves, v, t)
            np.testing.assert_allclose(mean, slow_mean, rtol=1e-9, atol=1e-11)
            np.testing.assert_allclose(variance, slow_variance, rtol=1e-8, atol=1e-11)


def test_ends_of_edges():
    tree, leaves = example(7)
    mean, variance = tmc.node_posterior(tree.parent, tree.time, leaves)
    for v in range(7, 13):
        t = tree.time[v]
        there = slice_locations(tree, leaves, t)
        for child in tree.children[v]:  # at its own time a node's two branches are there
            (k,) = np.flatnonzero(there.nodes == child)
            np.testing.assert_allclose(there.mean[k], mean[v], rtol=1e-9)
            np.testing.assert_allclose(there.variance[k], variance[v], rtol=1e-9)
    end = slice_locations(tree, leaves, 1)
    np.testing.assert_array_equal(end.nodes, np.arange(7))
    np.testing.assert_array_equal(end.mean, leaves)
    np.testing.assert_array_equal(end.variance, 0)
    near = slice_locations(tree, leaves, 1 - 1e-12)
    np.testing.assert_allclose(near.mean, leaves, rtol=1e-6)
    np.testing.assert_allclose(near.variance, 0, atol=1e-11)


def test_clusters_of_the_slice_are_the_leaves_below():
    tree, leaves = example(12, seed=2)
    for t in [0.05, 0.4, 0.9]:
        labels = tree.slice(t)
        nodes = slice_locations(tree, leaves, t).nodes
        assert len(nodes) == labels.max() + 1
        for v in nodes:
            (cluster,) = set(labels[tree.leaves_below(v)])
            assert np.sum(labels == cluster) == tree.leaf_counts[v]


def test_subtree():
    tree, leaves = example(12, seed=4)
    deep = [v for v in range(12, 23) if v != tree.root and tree.parent[v] != tree.root]
    node = max(deep, key=lambda v: tree.leaf_counts[v])
    assert tree.leaf_counts[node] > 2
    start = tree.time[tree.parent[node]]
    assert slice_locations(tree, leaves, start - 1e-6, subtree=node).nodes.size == 0
    assert slice_locations(tree, leaves, start, subtree=node).nodes.tolist() == [node]
    whole = slice_locations(tree, leaves, 0.95)
    part = slice_locations(tree, leaves, 0.95, subtree=node)
    inside = [v for v in whole.nodes if node in tree.ancestors(v)]
    assert part.nodes.tolist() == inside
    np.testing.assert_array_equal(part.mean, whole.mean[np.isin(whole.nodes, inside)])
    assert slice_locations(tree, leaves, 1, subtree=node).nodes.tolist() == sorted(
        tree.leaves_below(node)
    )
    for v in range(tree.num_nodes):
        below = [w for w in range(tree.num_nodes) if v in tree.ancestors(w)]
        assert np.flatnonzero(at_or_below(tree, v)).tolist() == below


def test_message_variances():
    tree, leaves = example(9, seed=1)
    slow = tmc.messages(tree.parent, tree.time, leaves)["variance"]
    np.testing.assert_allclose(
        native.edge_variances(tree.parent, tree.time).upward, slow.astype(float), rtol=1e-12
    )


def test_errors():
    tree, leaves = example(5)
    for t in (-0.1, 1.1, np.nan, "0.5", None):
        with pytest.raises(ValueError, match=r"`time` must be a number in \[0, 1\]"):
            slice_locations(tree, leaves, t)
    with pytest.raises(ValueError, match="`subtree` must be an integer from 0 to 8: .*: 9"):
        slice_locations(tree, leaves, 0.5, subtree=9)
    with pytest.raises(ValueError, match="leaves"):
        slice_locations(tree, leaves[:4], 0.5)
