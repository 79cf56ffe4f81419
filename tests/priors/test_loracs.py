"""LORACs: densities, bounds, samples and places on small trees against dense algebra."""

import numpy as np
import pytest
import tensorflow as tf
from reference import loracs as reference
from reference import statistics, tmc
from scipy import special, stats

from priors.loracs_cases import leaves_of, on_trees, posterior, trees
from tfsp import priors

FAILURE = 1e-6
OPTIONS = {
    "default": {},
    "bayes": dict(edge_weights="bayes"),
    "floor": dict(variance_floor=0.05),
    "added": dict(added_variance=0.2),
    "prior": dict(concentration1=1.3, concentration0=2.7),
    "all": dict(
        edge_weights="bayes",
        variance_floor=0.02,
        added_variance=0.1,
        concentration1=1.5,
        concentration0=0.8,
    ),
}


def reference_options(settings):
    names = dict(
        concentration1="a", concentration0="b", variance_floor="floor", added_variance="added"
    )
    out = {names[k]: v for k, v in settings.items() if k in names}
    return {**out, "bayes": settings.get("edge_weights") == "bayes"}


def points(leaves, count=6, seed=3):
    rng = np.random.default_rng(seed)
    return leaves[rng.integers(len(leaves), size=count)] + 0.4 * rng.normal(
        size=(count, leaves.shape[1])
    )


@pytest.mark.parametrize("name", OPTIONS)
def test_log_prob_is_the_sum_over_edges_and_times(name):
    """In continuous time with many nodes, and close to it with the usual number."""
    tree = trees(1)[0]
    leaves = leaves_of(tree, 2)
    z = points(leaves)
    rule = reference.continuous(*tree, **reference_options(OPTIONS[name]))
    np.testing.assert_allclose(special.logsumexp(rule.log_weight), 0, atol=1e-12)
    expected = reference.log_prob(z, leaves, rule)
    settings = dict(OPTIONS[name], dtype="float64")
    fine = on_trees([tree], leaves, num_nodes=(200, 100), **settings)
    np.testing.assert_allclose(fine.log_prob(z), expected, rtol=0, atol=2e-4)
    usual = on_trees([tree], leaves, **settings)
    np.testing.assert_allclose(usual.log_prob(z), expected, rtol=0, atol=0.03)
    np.testing.assert_allclose(usual.log_prob(z, training=True), expected, rtol=0, atol=0.05)
    # Neither option may be lost on the way: every other setting is further off.
    for other, options in OPTIONS.items():
        if other != name:
            elsewhere = reference.continuous(*tree, **reference_options(options))
            assert np.max(np.abs(reference.log_prob(z, leaves, elsewhere) - expected)) > 2e-3


@pytest.mark.parametrize("name", ["default", "all"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_number_of_nodes_is_as_asked_for(name, dtype):
    """To rounding, with nodes of evaluation and of training."""
    tree = trees(1)[0]
    leaves = leaves_of(tree, 3)
    z = points(leaves).astype("float32").astype("float64")
    nodes = dict(num_nodes=(9, 4), training_num_nodes=(5, 3))
    prior = on_trees([tree], leaves, dtype=dtype, **nodes, **OPTIONS[name])
    tolerance = dict(rtol=1e-9) if dtype == "float64" else dict(rtol=1e-5, atol=1e-5)
    for training, key in ((False, "num_nodes"), (True, "training_num_nodes")):
        rule = reference.discrete(*tree, nodes[key], **reference_options(OPTIONS[name]))
        expected = reference.log_prob(z, leaves, rule)
        log_prob = prior.log_prob(z.reshape(2, 3, 3), training=training)
        assert log_prob.dtype == dtype
        np.testing.assert_allclose(log_prob, expected.reshape(2, 3), **tolerance)
        distribution = prior.distribution(training=training)
        np.testing.assert_allclose(distribution.log_prob(z.astype(dtype)), expected, **tolerance)


def test_several_trees_are_mixed_in_log_prob_and_averaged_in_kl():
    some = trees(3)
    leaves = 3 * leaves_of(some[0], 2)
    rng = np.random.default_rng(1)
    loc, scale = points(leaves), rng.uniform(0.2, 0.6, size=(6, 2))
    z = loc + scale * rng.normal(size=(4, 6, 2))
    prior = on_trees(some, leaves, dtype="float64")
    rules = [reference.discrete(*tree, (24, 12)) for tree in some]
    each = np.stack([reference.log_prob(z.reshape(-1, 2), leaves, r) for r in rules])
    each = each.reshape(3, 4, 6)
    mixture = special.logsumexp(each, axis=0) - np.log(3)
    assert np.max(mixture - each.mean(axis=0)) > 0.05
    np.testing.assert_allclose(prior.log_prob(z), mixture, rtol=1e-9)
    np.testing.assert_allclose(prior.distribution().log_prob(z), mixture, rtol=1e-9)
    log_q = stats.norm.logpdf(z, loc, scale).sum(axis=-1)
    kl = prior.kl(posterior(loc, scale), z)
    np.testing.assert_allclose(kl, log_q - each.mean(axis=0), rtol=1e-9)
    coarse = [reference.discrete(*tree, (16, 8)) for tree in some]
    each = np.stack([reference.log_prob(z.reshape(-1, 2), leaves, r) for r in coarse])
    np.testing.assert_allclose(
        prior.kl(posterior(loc, scale), z, training=True),
        log_q - each.mean(axis=0).reshape(4, 6),
        rtol=1e-9,
    )
    for chain, tree in enumerate(some):
        phylogeny = prior.phylogeny(chain)
        np.testing.assert_array_equal(phylogeny.parent, tree[0])
        np.testing.assert_array_equal(phylogeny.time, tree[1])


def test_what_is_annealed_counts_in_training_alone():
    tree = trees(1)[0]
    leaves = leaves_of(tree, 2)
    z = points(leaves)
    prior = on_trees([tree], leaves, edge_weights="bayes", added_variance=0.1, dtype="float64")
    prior.annealed_variance.assign(0.25)
    for training, nodes, added in ((True, (16, 8), 0.35), (False, (24, 12), 0.1)):
        rule = reference.discrete(*tree, nodes, bayes=True, added=added)
        np.testing.assert_allclose(
            prior.log_prob(z, training=training), reference.log_prob(z, leaves, rule), rtol=1e-9
        )


def test_before_the_start_it_is_the_standard_normal():
    prior = priors.LORACs(3, num_inducing=5, num_chains=2, dtype="float64")
    rng = np.random.default_rng(0)
    loc, scale = rng.normal(size=(4, 3)), rng.uniform(0.3, 2.0, size=(4, 3))
    z = rng.normal(size=(7, 4, 3))
    kl = prior.kl(posterior(loc, scale), z)
    assert kl.shape == (7, 4)
    np.testing.assert_allclose(kl, np.tile(reference.normal_kl(loc, scale), (7, 1)), rtol=1e-12)
    expected = stats.norm.logpdf(z).sum(axis=-1)
    np.testing.assert_allclose(prior.log_prob(z), expected, rtol=1e-12)
    np.testing.assert_allclose(prior.distribution().log_prob(z), expected, rtol=1e-12)
    draws = prior.sample(20_000, seed=1).numpy()
    assert draws.shape == (20_000, 3)
    for k in range(3):
        assert stats.kstest(draws[:, k], "norm").pvalue > FAILURE
    assert np.abs(np.corrcoef(draws.T) - np.eye(3)).max() < 5 / np.sqrt(len(draws))
    # Nothing moves, and no health is told, before there is a tree.
    before = prior.parent.numpy(), prior.time.numpy()
    prior.update()
    np.testing.assert_array_equal(prior.parent, before[0])
    np.testing.assert_array_equal(prior.time, before[1])
    assert prior.move_counts.numpy().sum() == 0
    assert prior.health(loc) == {}
    for use in (prior.phylogeny, lambda: prior.sample(2, subtree=7)):
        with pytest.raises(ValueError, match="has not started"):
            use()


def directions(dim, count=4):
    return np.concatenate([np.eye(dim), np.random.default_rng(0).normal(size=(count, dim))])


def ks_pvalue(draws, cdf):
    """The least p-value over directions, times their number (Bonferroni)."""
    some, grid, found = directions(draws.shape[1]), np.linspace(-15, 15, 1501), []
    for u in some:
        values = cdf(grid, u)
        projected = draws @ (u / np.linalg.norm(u))
        found.append(stats.kstest(projected, lambda x, v=values: np.interp(x, grid, v)).pvalue)
    return len(some) * min(found)


def test_samples_follow_the_mixture_of_the_trees():
    """Kolmogorov-Smirnov on projections, whose distribution functions are exact; one in 1e6."""
    # Two trees that differ much: leaves of the first, and the same far from any of its shapes.
    some = trees(2, num_leaves=6, seed=5)
    leaves = 2 * leaves_of(some[0], 3)
    prior = on_trees(some, leaves)
    rules = [reference.discrete(*tree, (24, 12)) for tree in some]
    draws = prior.sample(20_000, seed=2).numpy()

    def mixture(x, u):
        return np.mean([reference.projected_cdf(x, u, leaves, rule) for rule in rules], axis=0)

    assert ks_pvalue(draws, mixture) > FAILURE
    for rule in rules:  # the test would see it if only one tree were drawn from
        alone = ks_pvalue(draws, lambda x, u, r=rule: reference.projected_cdf(x, u, leaves, r))
        assert alone < 1e-9
    np.testing.assert_array_equal(draws[:5], prior.sample(20_000, seed=2)[:5])
    assert np.all(prior.sample(5, seed=3) != draws[:5])


def test_samples_of_a_subtree_stay_in_it():
    """Against the edges below the node alone, renormalised; one in 1e6. A leaf: its own edge."""
    some = trees(2, num_leaves=8, seed=1)
    parent, time = some[0]
    leaves = 2 * leaves_of(some[0], 3)
    prior = on_trees(some, leaves)
    sizes = tmc.subtree_sizes(parent)
    node = next(v for v in range(8, 15) if 2 <= sizes[v] <= 4)
    rule = reference.discrete(parent, time, (24, 12))
    draws = prior.sample(20_000, seed=2, subtree=node).numpy()

    def pvalue(node):
        part = reference.below(rule, parent, node)
        return ks_pvalue(draws, lambda x, u: reference.projected_cdf(x, u, leaves, part))

    assert pvalue(node) > FAILURE
    near = [parent[node], *(v for v in np.flatnonzero(parent == node) if v >= 8)]
    assert all(pvalue(other) < 1e-9 for other in near)  # it would see a node too high or low
    leaf = prior.sample(5000, seed=4, subtree=3).numpy()
    share = np.exp(rule.log_weight) * (rule.edge == 3)
    mean = (share / share.sum()) @ rule.weights @ leaves
    assert np.all(np.abs(leaf.mean(axis=0) - mean) < statistics.mean_tolerance(leaf))
    shape = prior.sample(3, seed=np.array([1, 2]), subtree=int(np.flatnonzero(parent < 0)[0])).shape
    assert shape == (3, 3)


@pytest.mark.parametrize("name", ["default", "all"])
def test_places_on_the_tree_are_the_responsibilities_of_edges(name):
    some = trees(2)
    leaves = leaves_of(some[0], 2)
    prior = on_trees(some, leaves, dtype="float64", **OPTIONS[name])
    z = points(leaves)
    for chain, tree in enumerate(some):
        rule = reference.discrete(*tree, (24, 12), **reference_options(OPTIONS[name]))
        entries = reference.responsibilities(z, leaves, rule)
        expected = np.stack([entries[:, rule.edge == v].sum(axis=1) for v in range(9)], axis=1)
        edges = np.exp(prior.attachment(chain).edge_log_prob(z))
        np.testing.assert_allclose(edges.sum(axis=1), 1.0, rtol=1e-12)
        np.testing.assert_allclose(edges, expected, atol=1e-9)
        assert np.all(edges[:, np.asarray(tree[0]) < 0] == 0)
    node = int(some[1][0][0])
    within = np.exp(prior.attachment(1, subtree=node).edge_log_prob(z))
    np.testing.assert_allclose(within.sum(axis=1), 1.0, rtol=1e-9)
    outside = [node not in tmc.ancestors(some[1][0], v) or v == node for v in range(9)]
    assert np.all(within[:, outside] == 0)
    assert np.all(within[:, 0] > 0)


def test_updates_move_each_chain_by_itself_and_count_moves():
    tree = trees(1)[0]
    leaves = leaves_of(tree, 2)
    prior = on_trees([tree, tree], leaves, moves_per_step=40)
    update = tf.function(prior.update)
    for _ in range(3):
        update()
    parent, time = prior.parent.numpy(), prior.time.numpy()
    assert np.any(time[0] != time[1])
    for chain in range(2):
        assert np.any(time[chain] != tree[1])
        assert prior.phylogeny(chain).num_leaves == 5
        assert np.isfinite(tmc.log_joint(parent[chain], time[chain], leaves))
    accepted, proposed = prior.move_counts.numpy()
    assert proposed.sum() == 2 * 3 * 40
    assert np.all((accepted >= 0) & (accepted <= proposed))
    np.testing.assert_array_equal(prior.inducing, leaves)
    prior.begin_epoch(3)
    assert prior.move_counts.numpy().sum() == 0
    # One kind of move alone.
    slides = on_trees([tree], leaves, moves_per_step=50, move_mixture=(0, 0, 1, 0))
    slides.update()
    np.testing.assert_array_equal(slides.move_counts[1], [0, 0, 50, 0])
    np.testing.assert_array_equal(slides.parent[0], tree[0])
