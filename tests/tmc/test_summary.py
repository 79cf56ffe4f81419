"""Summaries of trees: moments and supports against slow references, and the exact posterior."""

import warnings

import numpy as np
import pytest
from reference import tmc as reference
from scipy import stats

from tfsp.tmc import (
    Phylogeny,
    active_columns,
    expected_hierarchy,
    native_sampler,
    summarize,
    summarize_draws,
)
from tfsp.tmc.native import summary as native
from tfsp.tmc.summary.draws import clade_support
from tfsp.tmc.summary.posterior import ward_tree

FAILURE = 1e-6
POINTS = np.array([[0.3, -0.2], [0.9, 0.4], [-0.5, 0.6], [0.1, -1.1]])


def random_trees(num_leaves, count, seed=0):
    rng = np.random.default_rng(seed)
    trees = [reference.sample_prior(rng, num_leaves) for _ in range(count)]
    return np.array([t[0] for t in trees], np.int32), np.array([t[1] for t in trees])


def leaves_below(parent):
    """The set of leaves below each node, by the way from every leaf to the root."""
    below = [set() for _ in parent]
    for leaf in range((len(parent) + 1) // 2):
        v = leaf
        while v >= 0:
            below[v].add(leaf)
            v = parent[v]
    return below


@pytest.mark.parametrize("num_leaves", [1, 2, 3, 17])
def test_moments_of_times_against_a_slow_reference(num_leaves):
    parent, time = random_trees(num_leaves, 7)
    each = np.array(
        [
            reference.lca_times(p, t)[:num_leaves, :num_leaves]
            for p, t in zip(parent, time, strict=True)
        ]
    )
    mean, square = native.lca_moments(parent, time)
    np.testing.assert_allclose(mean, each.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(square, np.mean(each**2, axis=0), rtol=1e-13)
    again, none = native.lca_moments(parent, time, squares=False)
    np.testing.assert_array_equal(again, mean)
    assert none is None


@pytest.mark.parametrize("num_leaves", [2, 5, 12])
def test_transfer_distances_against_sets(num_leaves):
    parent, _ = random_trees(num_leaves, 9, seed=1)
    found = native.transfer_distances(parent[0], parent)
    for s, other in enumerate(parent):
        clades = leaves_below(other)
        for v, own in enumerate(leaves_below(parent[0])):
            assert found[s, v] == min(len(own ^ clade) for clade in clades)
    np.testing.assert_array_equal(found[0], 0)


def test_arrays_are_checked():
    parent, time = random_trees(4, 3)
    with pytest.raises(ValueError, match=r"same shape.*\[3, 7\] and \[3, 6\]"):
        native.lca_moments(parent, time[:, :6])
    with pytest.raises(ValueError, match=r"\[S, V\], S >= 1.*\[0, 7\]"):
        native.lca_moments(parent[:0], time[:0])
    wrong = time.copy()
    wrong[1, parent[1, 0]] = 1.0
    with pytest.raises(ValueError, match=r"times\[1, \d\] = .*later than its parent"):
        native.lca_moments(parent, wrong)
    wrong = time.copy()
    wrong[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"times\[2, 1\] = nan"):
        native.lca_moments(parent, wrong)
    bad = parent.copy()
    bad[1, 0] = 9
    with pytest.raises(ValueError, match=r"parent\[0\] = 9"):
        native.transfer_distances(parent[0], bad)
    with pytest.raises(ValueError, match=r"\[S, 7\].*\[2, 5\]"):
        native.transfer_distances(parent[0], random_trees(3, 2)[0])


def test_a_mixture_of_two_trees():
    """Seven draws of one tree, three of another: every number by hand."""
    one = Phylogeny([4, 4, 5, 5, 6, 6, -1], [1, 1, 1, 1, 0.5, 0.8, 0])  # ((0 1) (2 3))
    two = Phylogeny([4, 6, 4, 5, 5, 6, -1], [1, 1, 1, 1, 0.9, 0.4, 0])  # (((0 2) 3) 1)
    found = summarize_draws([one] * 7 + [two] * 3, warn=False)
    height = 1 - (0.7 * one.lca_times() + 0.3 * two.lca_times())
    np.testing.assert_allclose(found.height, height, atol=1e-14)
    np.testing.assert_allclose(found.spread, np.sqrt(0.21) * abs(one.lca_times() - two.lca_times()))
    assert found.tree.same_topology(one)
    assert np.isnan(found.agreement)
    assert found.num_draws == 10
    pair, other = found.tree.lowest_common_ancestor(0, 1), found.tree.lowest_common_ancestor(2, 3)
    np.testing.assert_allclose(found.tree.time[[pair, other]], [0.35, 0.7 * 0.8 + 0.3 * 0.4])
    np.testing.assert_allclose(found.support[[pair, other, found.tree.root]], [0.7, 0.7, 1])
    # In the second tree {0, 1} is one leaf off ({0}), {2, 3} one ({2, 3, 0}, or a single leaf).
    np.testing.assert_allclose(found.transfer[[pair, other, found.tree.root]], [0.7, 0.7, 1])
    np.testing.assert_array_equal(found.tree.support, found.transfer)
    np.testing.assert_array_equal(found.support[:4], 1.0)


def test_one_stray_leaf_breaks_exact_support_alone():
    """Leaf 8 stands outside of the clade 0..7 in five draws, on one of its edges in five others."""
    parent, time = reference.sample_prior(np.random.default_rng(0), 8)
    root = int(np.flatnonzero(parent < 0)[0])
    outside = Phylogeny(*native_sampler.attach_leaf(parent, time, root, 0.2))
    inside = [
        Phylogeny(*native_sampler.attach_leaf(parent, time, leaf, 0.9 + 0.1 * time[parent[leaf]]))
        for leaf in range(5)
    ]
    support, transfer = clade_support(
        outside, np.array([tree.parent for tree in [outside] * 5 + inside])
    )
    clade = outside.lowest_common_ancestor(*range(8))
    assert outside.leaf_counts[clade] == 8
    assert support[clade] == 0.5
    np.testing.assert_allclose(transfer[clade], 1 - 0.5 / 7)
    assert support[outside.root] == transfer[outside.root] == 1


@pytest.mark.parametrize("num_leaves", [4, 5])
def test_the_exact_posterior(num_leaves):
    """Expected times and supports are those of enumeration and quadrature, by a t test."""
    points = np.append(POINTS, [[-0.2, 0.1]], axis=0)[:num_leaves]
    grid = (81, 14.0) if num_leaves == 4 else (21, 8.0)
    probability, mean_lca, _ = reference.topology_posterior(points, 2.0, 1.5, *grid)
    height = 1 - sum(p * mean_lca[t] for t, p in probability.items())
    pairs = np.triu_indices(num_leaves, 1)
    rows = []
    for seed in range(20):
        run = summarize(points, 400, 200, 2000, 1, "all", 2.0, 1.5, seed=seed)
        errors = [
            run.support[v] - sum(p for t, p in probability.items() if clade in t)
            for clade, v in clades_of(run.tree).items()
        ]
        rows.append([*(run.height - height)[pairs], np.mean(errors)])
    # Means of each height and of the supports: false alarms below 1e-6, with a union bound.
    rows = np.array(rows)
    limit = stats.t.isf(FAILURE / (2 * rows.shape[1]), len(rows) - 1)
    assert np.all(abs(rows.mean(0)) <= limit * rows.std(0, ddof=1) / np.sqrt(len(rows)))
    assert np.all(rows.std(0, ddof=1) < 0.05)


def clusters(noise, seed=0, dims=8, repeats=4):
    """Points of eight clusters on three levels, and the true clades of two leaves and more."""
    rng = np.random.default_rng(seed)
    centres = np.zeros((1, dims))
    for scale in (1.0, 0.6, 0.4):
        centres = np.repeat(centres, 2, axis=0)
        step = rng.normal(size=(len(centres) // 2, dims))
        step *= scale / np.linalg.norm(step, axis=1, keepdims=True)
        centres += np.stack([step, -step], axis=1).reshape(-1, dims)
    points = np.repeat(centres, repeats, axis=0) + noise * rng.normal(size=(8 * repeats, dims))
    levels = [np.arange(8 * repeats) // (repeats * 2**k) for k in range(3)]
    clades = [frozenset(np.flatnonzero(level == c)) for level in levels for c in set(level)]
    return points, clades


def clades_of(tree):
    return {
        frozenset(tree.leaves_below(v).tolist()): v for v in range(tree.num_leaves, tree.num_nodes)
    }


def test_a_known_tree_is_found_with_its_support():
    points, truth = clusters(noise=0.03)
    found = summarize(points, seed=1)
    clades = clades_of(found.tree)
    for clade in truth:
        assert clade in clades
        assert found.support[clades[clade]] > 0.9
    assert found.agreement > 0.97


def test_the_order_of_the_leaves_makes_no_difference():
    parent, time = random_trees(16, 50, seed=3)
    order = np.random.default_rng(0).permutation(16)
    trees = [Phylogeny(p, t) for p, t in zip(parent, time, strict=True)]
    found = summarize_draws(trees)
    other = summarize_draws([tree.reorder(order) for tree in trees])
    np.testing.assert_allclose(other.height, found.height[np.ix_(order, order)], atol=1e-14)
    back = other.tree.reorder(np.argsort(order))
    assert back.same_topology(found.tree)
    ours, theirs = clades_of(found.tree), clades_of(back)
    for clade, v in ours.items():
        np.testing.assert_allclose(found.tree.support[v], back.support[theirs[clade]], atol=1e-12)
        np.testing.assert_allclose(found.tree.time[v], back.time[theirs[clade]], atol=1e-9)


def test_dead_columns_are_left_out():
    points, truth = clusters(noise=0.03)
    rng = np.random.default_rng(0)
    wide = np.concatenate([points, 0.02 * rng.normal(size=(len(points), 30))], axis=1)
    np.testing.assert_array_equal(active_columns(wide), active_columns(points))
    found = summarize(wide, seed=1)
    np.testing.assert_array_equal(found.columns, active_columns(points))
    assert set(truth) <= set(clades_of(found.tree))
    with pytest.warns(UserWarning, match="chains agree"):
        chosen = summarize(wide, num_draws=20, burn_in=10, columns=[0, 3], seed=0)
    np.testing.assert_array_equal(chosen.columns, [0, 3])
    np.testing.assert_array_equal(active_columns(wide, share=0.0), np.arange(38))


@pytest.mark.filterwarnings("ignore:The chains agree")
def test_seeds_and_chains():
    points, _ = clusters(noise=0.3, repeats=1)
    few = dict(num_draws=20, burn_in=100, moves_per_draw=50)
    found = summarize(points, seed=5, **few)
    again = summarize(points, seed=5, **few)
    np.testing.assert_array_equal(again.height, found.height)
    assert again.tree == found.tree
    assert np.any(summarize(points, seed=6, **few).height != found.height)
    assert np.isnan(summarize(points, seed=5, num_chains=1, **few).agreement)
    assert summarize(points, seed=5, num_chains=3, **few).num_draws == 21
    assert repr(found).startswith("TreeSummary(8 leaves, 20 draws, agreement 0.")


def test_chains_that_have_not_met_are_named():
    parent, time = random_trees(12, 2, seed=4)
    with pytest.warns(UserWarning, match="chains agree on the expected tree by"):
        found = summarize_draws((parent[:, None], time[:, None]))
    assert found.agreement < 0.9
    same = (np.repeat(parent[:1, None], 2, axis=0), np.repeat(time[:1, None], 2, axis=0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert summarize_draws(same).agreement == pytest.approx(1.0)


def test_r_hat_by_hand():
    """From the times of each tree, pair by pair; chains of draws that do not depend have met."""
    parent, time = random_trees(7, 3 * 40, seed=8)
    parent, time = parent.reshape(3, 40, 13), time.reshape(3, 40, 13)
    times = np.array(
        [
            [Phylogeny(p, t).lca_times() for p, t in zip(*chain, strict=True)]
            for chain in zip(parent, time, strict=True)
        ]
    )[:, :, *np.triu_indices(7, 1)]
    within = times.var(axis=1, ddof=1).mean(axis=0)
    between = times.mean(axis=1).var(axis=0, ddof=1)
    expected = np.sqrt((39 / 40 * within + between) / within)
    found = summarize_draws((parent, time), warn=False)
    assert found.r_hat == pytest.approx(np.quantile(expected, 0.95), rel=1e-9)
    assert found.r_hat < 1.15
    parent[:, :], time[:, :] = parent[:, :1], time[:, :1]  # each chain at a tree of its own
    assert summarize_draws((parent, time), warn=False).r_hat > 100
    assert np.isnan(summarize_draws((parent[:1], time[:1])).r_hat)
    assert np.isnan(summarize_draws((parent[:, :1], time[:, :1]), warn=False).r_hat)


def start(leaves):
    tree = ward_tree(leaves)
    return tree.parent, tree.time


def test_expected_hierarchy_averages_over_trees():
    points, truth = clusters(noise=0.05)
    leaves, z = points[::2], points[1::2]
    state = native_sampler.sample_posterior(
        *start(leaves),
        leaves,
        num_moves=20_000,
        seed=1,
        trace_every=500,
        trace_trees=True,
    )
    trees = state.trace["parent"], state.trace["time"]
    names = [f"z{i}" for i in range(len(z))]
    found = expected_hierarchy(z, trees, leaves, num_draws=10, names=names)
    assert found.tree.names == tuple(names)
    assert found.num_draws == 10
    clades = clades_of(found.tree)
    for clade in truth:
        assert frozenset(i // 2 for i in clade if i % 2) in clades
    again = expected_hierarchy(z, trees, leaves, num_draws=10, names=names)
    np.testing.assert_array_equal(again.height, found.height)
    whole = summarize_draws(trees, columns=np.array([0, 2, 5, 7]))
    few = expected_hierarchy(z[:, whole.columns], trees, leaves[:, whole.columns], num_draws=10)
    of_summary = expected_hierarchy(z, whole, leaves, num_draws=10)
    np.testing.assert_array_equal(of_summary.height, few.height)
    with pytest.raises(ValueError, match=r"\[S, V\] or \[C, S, V\]"):
        expected_hierarchy(z, (trees[0][0], trees[1][0]), leaves)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(leaves=[1.0, 2.0]), r"shape \[N, D\]"),
        (dict(leaves=[[1.0], [np.inf]]), r"leaves\[1, 0\] = inf"),
        (dict(columns="some"), "`columns` must be 'active', 'all' or.*'some'"),
        (dict(columns=[8]), r"\[0, 8\)"),
        (dict(num_draws=1), "num_draws"),
        (dict(num_chains=0), "num_chains"),
        (dict(moves_per_draw=0), "moves_per_draw"),
        (dict(burn_in=-1), "burn_in"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    points, _ = clusters(noise=0.1, repeats=1)
    with pytest.raises(ValueError, match=message):
        summarize(**{"leaves": points, **arguments})


def test_bad_draws_are_named():
    tree = Phylogeny(*reference.sample_prior(np.random.default_rng(0), 4))
    with pytest.raises(ValueError, match="at least one tree"):
        summarize_draws([])
    with pytest.raises(ValueError, match=r"trees\[1\]=3"):
        summarize_draws([tree, 3])
    with pytest.raises(ValueError, match="same leaves"):
        summarize_draws([tree, tree.restrict([0, 1])])
    with pytest.raises(ValueError, match="a pair"):
        summarize_draws((tree.parent, tree.time))


def test_too_many_leaves_are_refused(monkeypatch):
    from tfsp.tmc.summary import draws

    monkeypatch.setattr(draws, "MOST_LEAVES", 3)
    with pytest.raises(ValueError, match=r"at most 3 leaves. Received: 4"):
        summarize(POINTS)
    with pytest.raises(ValueError, match=r"at most 3 leaves. Received: 4"):
        summarize_draws(random_trees(4, 2))


@pytest.mark.parametrize("num_leaves", [1, 2])
def test_small_trees(num_leaves):
    found = summarize_draws(random_trees(num_leaves, 3))
    assert found.tree.num_leaves == num_leaves
    np.testing.assert_array_equal(found.support, 1.0)
    if num_leaves > 1:
        assert summarize(POINTS[:2], num_draws=4).tree.num_leaves == 2
