"""The collapsed predictive as a distribution: values, samples, subtrees, both paths."""

import numpy as np
import pytest
import tensorflow as tf
from reference import statistics, tmc
from scipy import special

from tfsp.tmc import Attachment, ops
from tfsp.tmc.density.paths import is_below, sum_over_ancestors
from tfsp.tmc.density.table import build_table, table_attachment, table_log_prob


def example(num_leaves, dim, seed=0):
    rng = np.random.default_rng(seed)
    parent, time = tmc.random_tree(rng, num_leaves)
    leaves = tmc.sample_leaves(rng, parent, time, dim)[:num_leaves]
    return parent, time, leaves, rng.normal(size=(7, dim))


@pytest.mark.parametrize(("num_leaves", "dim"), [(1, 2), (2, 1), (3, 3), (12, 4)])
@pytest.mark.parametrize("native", [True, False])
def test_density_and_edges_match_the_slow_sum(num_leaves, dim, native):
    parent, time, leaves, z = example(num_leaves, dim)
    distribution = Attachment(parent, time, leaves, native=native)
    if num_leaves == 1:
        # The only place: N(leaf / 2, 3/2 I).
        squares = np.sum((z - leaves / 2) ** 2, axis=1)
        expected = -0.5 * squares / 1.5 - 0.5 * dim * np.log(2 * np.pi * 1.5)
        np.testing.assert_allclose(distribution.log_prob(z), expected, rtol=1e-12)
        return
    terms = tmc.rule_log_terms(z, parent, time, leaves)
    total = special.logsumexp(terms, axis=1)
    np.testing.assert_allclose(distribution.log_prob(z), total, rtol=1e-9)
    np.testing.assert_allclose(
        np.exp(distribution.edge_log_prob(z)), np.exp(terms - total[:, None]), atol=1e-9
    )


@pytest.mark.parametrize("options", [{}, {"edge_weights": "bayes"}, {"added_variance": 0.3}])
def test_both_paths_agree_with_gradients(options):
    parent, time, leaves, z = example(30, 5)
    z, leaves = tf.constant(z.reshape(7, 1, 5)), tf.constant(leaves)
    values, slopes = [], []
    for native in (True, False):
        with tf.GradientTape() as tape:
            tape.watch([z, leaves])
            value = Attachment(parent, time, leaves, native=native, **options).log_prob(z)
        values.append(value)
        slopes.append(tape.gradient(value, [z, leaves]))
    assert values[0].shape == (7, 1)
    np.testing.assert_allclose(*values, rtol=1e-12)
    for a, b in zip(*slopes, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)


def test_paths_agree_in_float32_on_a_posterior_tree():
    rng = np.random.default_rng(1)
    parent, time = tmc.random_tree(rng, 60)
    centres = rng.normal(size=(6, 8))
    leaves = centres[rng.integers(6, size=60)] + 0.05 * rng.normal(size=(60, 8))
    state = ops.sample_posterior(parent, time, leaves, num_moves=100_000, seed=0)
    z = leaves[:20] + 0.05 * rng.normal(size=(20, 8))
    exact = Attachment(state.parent, state.time, leaves).log_prob(z)
    for native in (True, False):
        single = Attachment(state.parent, state.time, leaves.astype("float32"), native=native)
        # The leaves themselves are rounded: compare at the rounded ones.
        exact = Attachment(
            state.parent, state.time, leaves.astype("float32").astype("float64")
        ).log_prob(z.astype("float32").astype("float64"))
        np.testing.assert_allclose(single.log_prob(z.astype("float32")), exact, atol=1e-3)


def test_samples_follow_the_density():
    """Means of smooth functions under the samples against the table's own sums; one in 1e6."""
    parent, time, leaves, _ = example(6, 2, seed=4)
    distribution = Attachment(parent, time, leaves)
    z = distribution.sample(40_000, seed=(1, 0)).numpy()
    tolerance = statistics.mean_tolerance(z)
    assert np.all(np.abs(z.mean(axis=0) - distribution.mean()) < tolerance)
    # E_p[q(edge given z)] = p(edge): the density, the edges and the samples at once.
    responsibility = np.exp(distribution.edge_log_prob(z))
    expected = np.exp(tmc.edge_log_prob(parent))
    error = np.abs(responsibility.mean(axis=0) - expected)
    assert np.all(error <= statistics.mean_tolerance(responsibility) + 1e-12)
    # And probabilities of quadrants against quadrature of the density on a grid.
    grid = np.linspace(-9, 9, 721)
    x, y = np.meshgrid(grid, grid, indexing="ij")
    density = np.exp(distribution.log_prob(np.stack([x, y], axis=-1).reshape(-1, 2)))
    density = density.reshape(721, 721) * (grid[1] - grid[0]) ** 2
    np.testing.assert_allclose(density.sum(), 1.0, atol=2e-3)
    inside = density[(x > 0.0125) & (y > 0.0125)].sum()
    share = np.mean((z > 0.0).all(axis=1))
    assert abs(share - inside) < statistics.frequency_tolerance(len(z), 1) + 0.01


def test_a_subtree_keeps_what_is_below_it():
    parent, time, leaves, z = example(12, 3, seed=2)
    node = int(parent[parent[0]])
    inside = np.array([v in below_of(parent, node) for v in range(len(parent))])
    distribution = Attachment(parent, time, leaves, subtree=node)
    terms = np.where(inside, tmc.rule_log_terms(z, parent, time, leaves), -np.inf)
    weights = np.where(inside, tmc.edge_log_prob(parent), -np.inf)
    expected = special.logsumexp(terms, axis=1) - special.logsumexp(weights)
    np.testing.assert_allclose(distribution.log_prob(z), expected, rtol=1e-9)
    edges = np.exp(distribution.edge_log_prob(z))
    assert np.all(edges[:, ~inside] == 0)
    np.testing.assert_allclose(edges.sum(axis=1), 1.0, rtol=1e-9)
    # Samples are attributed to the subtree by construction: their mean is that of its entries.
    draws = distribution.sample(20_000, seed=(0, 0)).numpy()
    error = np.abs(draws.mean(axis=0) - distribution.mean())
    assert np.all(error < statistics.mean_tolerance(draws))
    leaf = Attachment(parent, time, leaves, subtree=3)
    assert np.all(np.argmax(leaf.edge_log_prob(z), axis=1) == 3)
    root = Attachment(parent, time, leaves, subtree=int(np.argmin(parent)))
    np.testing.assert_allclose(
        root.log_prob(z), Attachment(parent, time, leaves).log_prob(z), rtol=1e-10
    )


def below_of(parent, node):
    found, v = set(), None
    for v in range(len(parent)):
        u = parent[v]
        while u >= 0 and u != node:
            u = parent[u]
        if u == node:
            found.add(v)
    return found


@pytest.mark.parametrize("num_leaves", [1, 2, 5, 40])
def test_sums_along_the_way_to_the_root(num_leaves):
    rng = np.random.default_rng(5)
    parent, _ = tmc.random_tree(rng, num_leaves, "caterpillar")
    values = rng.normal(size=(len(parent), 2))
    slow = []
    for v in range(len(parent)):
        total, u = np.zeros(2), v
        while u >= 0:
            total, u = total + values[u], parent[u]
        slow.append(total)
    np.testing.assert_allclose(sum_over_ancestors(parent, values), slow, rtol=1e-12)
    for node in range(len(parent)):
        expected = [v in below_of(parent, node) for v in range(len(parent))]
        np.testing.assert_array_equal(is_below(parent, node), expected)


def test_a_table_serves_without_the_native_ops():
    """The graph of a frozen table holds standard TensorFlow ops alone."""
    parent, time, leaves, z = example(9, 3)
    table = build_table(parent, time, leaves)

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float64)])
    def serve(z):
        return table_log_prob(z, table), table_attachment(z, table)

    names = {op.type for op in serve.get_concrete_function().graph.get_operations()}
    assert not {name for name in names if "Tmc" in name}
    log_prob, edges = serve(z)
    np.testing.assert_allclose(
        log_prob, ops.predictive_log_prob(z, parent, time, leaves), rtol=1e-10
    )
    np.testing.assert_allclose(
        np.exp(edges), np.exp(ops.attachment(z, parent, time, leaves)), atol=1e-10
    )
    empty = serve(z[:0])
    assert empty[0].shape == (0,)


def test_seeds_and_errors():
    parent, time, leaves, z = example(5, 3)
    distribution = Attachment(parent, time, leaves)
    one, same, other = (distribution.sample(4, seed=(s, 0)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.any(one != other)
    with pytest.raises(TypeError, match="Unknown option 'floor'"):
        Attachment(parent, time, leaves, floor=1e-3).log_prob(z)
    with pytest.raises(tf.errors.InvalidArgumentError, match="time"):
        Attachment(parent, 1 - time, leaves).log_prob(z)
