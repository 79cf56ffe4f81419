"""Attaching points to a tree, and the hierarchy over them: against one-by-one surgery."""

import numpy as np
import pytest
from reference import statistics, tmc
from scipy import special

from tfsp.tmc import Phylogeny, induced_hierarchy, native, place_points
from tfsp.tmc.density.induced import attach_all


def example(num_leaves, dim=3, num_points=8, seed=0):
    """Parent, time and leaves of a tree, and points near it."""
    rng = np.random.default_rng(seed)
    parent, time = tmc.random_tree(rng, num_leaves)
    leaves = tmc.sample_leaves(rng, parent, time, dim)[:num_leaves]
    near = leaves[rng.integers(num_leaves, size=num_points)]
    return parent, time, leaves, near + 0.3 * rng.normal(size=(num_points, dim))


def one_by_one(parent, time, edge, when):
    """The slow way: every point attached by surgery, then every old leaf pruned.

    Of equal times on an edge, a later point goes right below the earlier ones.
    """
    old = Phylogeny(parent, time)
    below = [old.leaves_below(v) for v in range(old.num_nodes)]
    tree = old
    for k, (e, t) in enumerate(zip(edge, when, strict=True)):
        ties = sum(edge[i] == e and when[i] == t for i in range(k))
        t = t + ties * 1e-9
        node = tree.lowest_common_ancestor(*below[e].tolist())
        while tree.time[tree.parent[node]] >= t:
            node = tree.parent[node]
        tree = tree.attach(int(node), float(t))
    for _ in range(old.num_leaves):
        tree = tree.prune(0).rest
    return tree


@pytest.mark.parametrize("mode", ["sample", "mode"])
@pytest.mark.parametrize("num_leaves", [2, 3, 7, 12])
@pytest.mark.parametrize("num_points", [1, 2, 9])
def test_equals_attaching_and_pruning_one_by_one(num_leaves, num_points, mode):
    without_ties = 0
    for seed in range(6):
        *tree, z = example(num_leaves, num_points=num_points, seed=seed)
        places = place_points(z, *tree, seed=seed, mode=mode)
        induced = induced_hierarchy(z, *tree, seed=seed, mode=mode)
        slow = one_by_one(*tree[:2], *places)
        if len(set(zip(*map(list, places), strict=True))) == num_points:
            without_ties += 1
            assert induced == slow  # topology, times to the last bit, numbers of the leaves
            assert induced.root_time == slow.root_time
        else:
            assert induced.same_topology(slow)
            np.testing.assert_allclose(induced.lca_times(), slow.lca_times(), rtol=0, atol=1e-5)
    assert without_ties >= (2 if num_points < 9 else 0)


def test_all_points_on_one_edge_are_ordered_by_time():
    parent, time, _, _ = example(6)
    edge = 2
    low, high = time[parent[edge]], time[edge]
    when = low + (high - low) * np.array([0.7, 0.2, 0.9, 0.4])
    tree = attach_all(parent, time, np.full(4, edge), when)
    # Below 1 (the earliest) hang 3, then 0 and 2. Taking off the old leaves drops the last split,
    # which parted point 2 from the old leaf.
    assert tree.lca_times()[1, 3] == when[1]
    assert tree.lca_times()[1, 2] == when[1]
    assert tree.lca_times()[3, 0] == tree.lca_times()[3, 2] == when[3]
    assert tree.lca_times()[0, 2] == when[0]
    assert tree == one_by_one(parent, time, np.full(4, edge), when)


@pytest.mark.parametrize("edge", [0, 7])
def test_ties_are_broken_by_the_order_of_the_points(edge):
    parent, time, _, _ = example(6, seed=3)
    assert parent[edge] >= 0
    middle = (time[parent[edge]] + time[edge]) / 2
    later = (middle + time[edge]) / 2
    when = np.array([later, middle, middle, later, middle])
    tree = attach_all(parent, time, np.full(5, edge), when)
    slow = one_by_one(parent, time, np.full(5, edge), when)
    assert tree.same_topology(slow)
    np.testing.assert_allclose(tree.lca_times(), slow.lca_times(), rtol=0, atol=5e-6)
    assert np.all(np.diff(np.unique(tree.time)) > 0)
    assert len(np.unique(tree.time)) == 5  # four splits and the leaves
    assert tree == attach_all(parent, time, np.full(5, edge), when)


def test_duplicates_stand_beside_each_other():
    parent, time, leaves, z = example(8, num_points=3)
    many = np.repeat(z, 40, axis=0)
    tree = induced_hierarchy(many, parent, time, leaves, mode="mode")
    assert tree.num_leaves == 120
    lca = tree.lca_times()
    places = place_points(z, parent, time, leaves, mode="mode")
    for k in range(3):
        same = slice(40 * k, 40 * k + 40)
        inside = lca[same, same][np.triu_indices(40, 1)]
        np.testing.assert_allclose(inside, places.time[k], rtol=0, atol=1e-4)
    # Drawn, they are spread over edges and times.
    drawn = place_points(many, parent, time, leaves, seed=0)
    assert len(np.unique(drawn.time[:40])) > 10


def test_ties_on_an_edge_that_is_too_short_for_them():
    parent = [3, 3, 4, 4, -1]
    time = np.array([1, 1, 1, 0.5, 0.5 - 2**-52])
    time = np.array([1, 1, 1, 2**-51, 0.0])
    tree = attach_all(parent, time, np.full(50, 3), np.full(50, 2**-52))
    assert tree.num_leaves == 50
    assert tree.time[tree.num_leaves :].max() < 1e-3


def test_names_and_many_points():
    parent, time, leaves, z = example(20, num_points=3000)
    names = [f"x{i}" for i in range(3000)]
    tree = induced_hierarchy(z, parent, time, leaves, seed=0, names=names)
    assert tree.names == tuple(names)
    places = place_points(z, parent, time, leaves, seed=0)
    # The meeting point of two points on different edges is that of the edges.
    old = Phylogeny(parent, time)
    some = np.random.default_rng(0).integers(3000, size=(200, 2))
    compared = 0
    for i, j in some:
        a, b = places.edge[[i, j]]
        if b in old.ancestors(a) or a in old.ancestors(b):
            continue
        compared += 1
        node = tree.lowest_common_ancestor(int(i), int(j))
        assert tree.time[node] == time[old.lowest_common_ancestor(int(a), int(b))]
    assert compared > 50


@pytest.mark.parametrize("options", [{}, {"num_nodes": (5, 3), "edge_weights": "bayes"}])
def test_draws_follow_the_joint_of_edge_and_time(options):
    """Frequencies of all (edge, node) cells; a right sampler fails with probability 1e-6."""
    parent, time, leaves, z = example(5, num_points=1)
    rule = native.attachment_quadrature(parent, time, **options)
    exact = np.exp(native.attachment_nodes(z, parent, time, leaves, **options))[0]
    num_draws = 40_000
    places = place_points(np.repeat(z, num_draws, 0), parent, time, leaves, seed=1, **options)
    cells = {pair: k for k, pair in enumerate(zip(rule["edge"], rule["time"], strict=True))}
    drawn = [cells[pair] for pair in zip(*places, strict=True)]
    observed = np.bincount(drawn, minlength=len(cells)) / num_draws
    atol = statistics.frequency_tolerance(num_draws, len(cells))
    assert exact.max() > 3 * atol
    np.testing.assert_allclose(observed, exact, rtol=0, atol=atol)


def test_edges_follow_the_slow_reference():
    """Edge frequencies against quadrature that shares no code; false alarm below 1e-6."""
    parent, time, leaves, z = example(4, num_points=1, seed=5)
    terms = tmc.rule_log_terms(z, parent, time, leaves)[0]
    exact = np.exp(terms - special.logsumexp(terms))
    num_draws = 20_000
    edge = place_points(np.repeat(z, num_draws, 0), parent, time, leaves, seed=2).edge
    observed = np.bincount(edge, minlength=len(exact)) / num_draws
    atol = statistics.frequency_tolerance(num_draws, len(exact))
    np.testing.assert_allclose(observed, exact, rtol=0, atol=atol)


def test_mode_is_the_best_edge_and_the_median_on_it():
    parent, time, leaves, z = example(9, num_points=20)
    rule = native.attachment_quadrature(parent, time)
    joint = np.exp(native.attachment_nodes(z, parent, time, leaves))
    places = place_points(z, parent, time, leaves, mode="mode")
    for row, edge, when in zip(joint, *places, strict=True):
        mass = np.bincount(rule["edge"], row, minlength=len(parent))
        assert mass.argmax() == edge
        on_edge = rule["edge"] == edge
        before = row[on_edge & (rule["time"] < when)].sum() / mass[edge]
        assert before <= 0.5 < before + row[on_edge & (rule["time"] == when)][0] / mass[edge]


def test_seeds_and_chunks(monkeypatch):
    *tree, z = example(10, num_points=500)
    first = place_points(z, *tree, seed=3)
    np.testing.assert_array_equal(first, place_points(z, *tree, seed=3))
    assert np.any(first.edge != place_points(z, *tree, seed=4).edge)
    monkeypatch.setattr("tfsp.tmc.density.induced._CHUNK", 1000)
    np.testing.assert_array_equal(first, place_points(z, *tree, seed=3))
    np.testing.assert_array_equal(
        first, place_points(z.astype(np.float64), tree[0].tolist(), tree[1], tree[2], seed=3)
    )


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"mode": "best"}, ValueError, "`mode` must be one of sample, mode.*'best'"),
        ({"z": np.zeros((0, 3))}, ValueError, r"`z` must have shape \[n, D\].*\(0, 3\)"),
        ({"z": np.zeros(3)}, ValueError, r"`z` must have shape"),
        ({"z": np.zeros((4, 2))}, ValueError, r"z.shape=\(4, 2\), leaves.shape=\(5, 3\)"),
        ({"z": np.array([[0, 0, np.nan]])}, ValueError, r"z\[0, 2\] = nan"),
        ({"z": np.array([["a", "b", "c"]])}, TypeError, "real numbers"),
        ({"parent": [-1], "time": [1.0], "leaves": np.zeros((1, 3))}, ValueError, "no edge"),
        ({"names": ["a", "a"], "z": np.zeros((2, 3))}, ValueError, "distinct"),
        ({"num_nodes": 3}, ValueError, "num_nodes"),
        ({"parent": [5, 5, 5, 6, 6, 7, 7, -1, 8]}, ValueError, "parent"),
    ],
)
def test_errors(change, error, match):
    parent, time, leaves, z = example(5)
    with pytest.raises(error, match=match):
        induced_hierarchy(**{**dict(z=z, parent=parent, time=time, leaves=leaves), **change})


@pytest.mark.parametrize(
    ("edge", "when", "match"),
    [
        ([9], [0.5], r"edge\[0\] = 9 .*\[0, 5\)"),
        ([0, 4], [0.6, 0.5], r"edge\[1\] = 4 .*root"),
        ([0, 3], [0.6, 0.7], r"when\[1\] = 0.7 .*edge above node 3, from 0.0 to 0.5"),
        ([0, 1], [0.6], "`edge`.*`when`.*same length"),
        ([0.5], [0.6], "integers"),
        ([], [], "integers"),
    ],
)
def test_places_that_are_not_on_the_tree(edge, when, match):
    with pytest.raises(ValueError, match=match):
        attach_all([3, 3, 4, 4, -1], [1.0, 1.0, 1.0, 0.5, 0.0], edge, when)
