"""Values of the TensorFlow ops: the Cython binding to the last bit, and the slow references."""

import numpy as np
import pytest
import tensorflow as tf
from reference import tmc
from reference.tmc_trees import leaves_below
from scipy import special

from tfsp.tmc import native, native_sampler, ops
from tmc.op_cases import SIZES, log_normal, mixture_log_terms, posterior_case, random_case

OPTIONS = [
    {},
    dict(concentration1=1.3, concentration0=2.7, num_nodes=(9, 5), variance_floor=0.01),
    dict(edge_weights="bayes", added_variance=0.3, num_nodes=(65, 1)),
]


@pytest.fixture(scope="module")
def fitted():
    return posterior_case()


def assert_same(actual, expected):
    """To the last bit, dtype and shape as well."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual, expected, strict=True)


@pytest.mark.parametrize(("num_leaves", "dim"), SIZES)
def test_tree_densities_equal_native_and_reference(num_leaves, dim):
    parent, time, leaves, _ = random_case(num_leaves, dim)
    assert_same(ops.topology_log_prob(parent), native.topology_log_prob(parent))
    np.testing.assert_allclose(
        ops.topology_log_prob(parent), tmc.topology_log_prob(parent), rtol=1e-12, atol=1e-12
    )
    for a, b in [(2.0, 2.0), (1.3, 0.7)]:
        actual = ops.time_log_prob(parent, time, a, b)
        assert_same(actual, native.time_log_prob(parent, time, a, b))
        np.testing.assert_allclose(
            actual, tmc.time_log_prob(parent, time, a, b), rtol=1e-11, atol=1e-11
        )
        joint = ops.log_joint(parent, time, leaves, a, b)
        expected = native.log_joint(parent, time, leaves, a, b)
        np.testing.assert_allclose(joint, expected, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(
            joint, tmc.log_joint(parent, time, leaves, a, b), rtol=1e-10, atol=1e-10
        )
    assert_same(
        ops.log_likelihood(parent, time, leaves), native.log_likelihood(parent, time, leaves)
    )


@pytest.mark.parametrize(("num_leaves", "dim"), SIZES)
def test_expected_log_likelihood(num_leaves, dim):
    parent, time, mean, _ = random_case(num_leaves, dim)
    variance = np.random.default_rng(1).gamma(2.0, 0.1, size=mean.shape)
    actual = ops.expected_log_likelihood(parent, time, mean, variance)
    prior = native.topology_log_prob(parent) + native.time_log_prob(parent, time)
    expected = native.expected_log_joint(parent, time, mean, variance) - prior
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-10)
    expected = tmc.expected_log_likelihood(parent, time, mean, np.sqrt(variance))
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("num_leaves", "dim"), SIZES)
def test_node_posterior(num_leaves, dim):
    parent, time, leaves, _ = random_case(num_leaves, dim)
    mean, variance = ops.node_posterior(parent, time, leaves)
    expected_mean, expected_variance = native.node_posterior(parent, time, leaves)
    assert_same(mean, expected_mean)
    assert_same(variance, expected_variance)
    expected_mean, expected_variance = tmc.node_posterior(parent, time, leaves)
    np.testing.assert_allclose(mean, expected_mean, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(variance, expected_variance, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("num_leaves", [1, 2, 3, 5, 30, 200])
def test_edge_variances(num_leaves):
    parent, time, leaves, _ = random_case(num_leaves, 1)
    cavity, upward = ops.edge_variances(parent, time)
    _, expected = tmc.cavities(parent, time, leaves)
    np.testing.assert_allclose(cavity, expected.astype(float), rtol=1e-12)
    expected = tmc.messages(parent, time, leaves)["variance"].astype(float)
    np.testing.assert_allclose(upward, expected, rtol=1e-12)
    assert cavity.dtype == upward.dtype == tf.float64
    assert_same(upward[:num_leaves], np.zeros(num_leaves))
    assert cavity[int(np.argmin(parent))] == 1.0


@pytest.mark.parametrize("num_leaves", [2, 3, 5, 12])
def test_edge_variances_by_dense_conditioning(num_leaves):
    """A0 and nu_v are conditional variances of u and v; together they give the rule's variance."""
    parent, time, _, _ = random_case(num_leaves, 1)
    cavity, upward = ops.edge_variances(parent, time)
    cov = tmc.node_covariance(parent, time)
    for v in range(len(parent)):
        u = parent[v]
        if u < 0:
            continue
        below = sorted(leaves_below(parent, v))
        others = np.setdiff1d(np.arange(num_leaves), below)
        known = cov[np.ix_(others, others)]
        expected = cov[u, u] - cov[u, others] @ np.linalg.solve(known, cov[others, u])
        np.testing.assert_allclose(cavity[v], expected, rtol=1e-7)
        if v >= num_leaves:  # given its leaves and the prior N(0, 1 + t_v) of v; then the prior out
            known = cov[np.ix_(below, below)]
            both = cov[v, v] - cov[v, below] @ np.linalg.solve(known, cov[below, v])
            np.testing.assert_allclose(1 / upward[v], 1 / both - 1 / cov[v, v], rtol=1e-6)
    nodes = ops.attachment_quadrature(parent, time)
    v = nodes.edge.numpy()
    start, end = time[parent[v]], time[v]
    a, nu = cavity.numpy()[v], upward.numpy()[v]
    total, gone = a + nu + (end - start), nodes.time - start
    np.testing.assert_allclose(nodes.variance, 1 - start + a - (a + gone) ** 2 / total, rtol=1e-6)


@pytest.mark.parametrize("num_leaves", [1, 2, 3, 5, 30, 200])
def test_edge_log_prob(num_leaves):
    parent, time, _, _ = random_case(num_leaves, 1)
    for edge_weights in ("prior", "bayes"):
        actual = ops.edge_log_prob(parent, time, 1.3, 2.7, edge_weights)
        assert_same(actual, native.edge_log_prob(parent, time, edge_weights, 1.3, 2.7))
        np.testing.assert_allclose(special.logsumexp(actual), 0, atol=1e-12)
        if 1 < num_leaves <= 30:
            expected = tmc.edge_log_prob(parent)
            if edge_weights == "bayes":
                expected = tmc.bayes_log_weights(parent, time, 1.3, 2.7)
            np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("num_leaves", [1, 2, 3, 5, 30, 200])
def test_attachment_quadrature(num_leaves, options):
    parent, time, _, _ = random_case(num_leaves, 1)
    nodes = ops.attachment_quadrature(parent, time, **options)
    expected = native.attachment_quadrature(parent, time, **options)
    assert set(nodes._fields) == set(expected)
    for name, array in expected.items():
        assert_same(getattr(nodes, name), array)
    edge, log_weight = nodes.edge.numpy(), nodes.log_weight.numpy()
    total = np.bincount(edge, np.exp(log_weight), minlength=len(parent))
    has_edge = np.asarray(parent) >= 0 if num_leaves > 1 else [True]
    np.testing.assert_allclose(total, np.where(has_edge, 1.0, 0.0), rtol=1e-12)
    if num_leaves > 1:
        start, end = time[parent[edge]], time[edge]
        position = (nodes.time - start) / (end - start)
        np.testing.assert_allclose(nodes.position, position, rtol=1e-9, atol=1e-9)
        assert np.all((nodes.time > start) & (nodes.time < end))


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize(("num_leaves", "dim"), SIZES)
def test_predictive_and_attachment(num_leaves, dim, options):
    parent, time, leaves, z = random_case(num_leaves, dim)
    log_prob = ops.predictive_log_prob(z, parent, time, leaves, **options)
    assert_same(log_prob, native.predictive_log_prob(z, parent, time, leaves, **options))
    assert_same(
        log_prob, ops.predictive_log_prob(z, parent, time, leaves, gradients=False, **options)
    )
    attachment = ops.attachment(z, parent, time, leaves, **options)
    assert_same(attachment, native.attachment(z, parent, time, leaves, **options))
    np.testing.assert_allclose(np.exp(attachment).sum(-1), 1.0, rtol=1e-12)

    nodes = ops.attachment_quadrature(parent, time, **options)
    names = ("concentration1", "concentration0", "edge_weights")
    edge_options = {k: v for k, v in options.items() if k in names}
    log_edge = np.asarray(ops.edge_log_prob(parent, time, **edge_options))
    if options.get("added_variance"):  # variances as the op gives them; the rest by hand
        terms = np.full((len(z), len(parent)), -np.inf)
        mean, _ = tmc.node_posterior(parent, time, leaves)
        for v in np.unique(nodes.edge):
            mine = nodes.edge.numpy() == v
            x = nodes.position.numpy()[mine, np.newaxis]
            above = mean[parent[v]] if num_leaves > 1 else mean[v] / 2
            density = log_normal(z, (1 - x) * above + x * mean[v], nodes.variance.numpy()[mine])
            weighted = nodes.log_weight.numpy()[mine] + density
            terms[:, v] = log_edge[v] + special.logsumexp(weighted, axis=1)
    else:
        terms = mixture_log_terms(z, parent, time, leaves, nodes, log_edge)
    expected = special.logsumexp(terms, axis=1)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        attachment,
        terms - expected[:, None],
        rtol=1e-8,
        atol=1e-8 * (1 + np.abs(terms).max(initial=0, where=np.isfinite(terms))),
    )


@pytest.mark.parametrize("num_leaves", [2, 3, 5])
def test_added_variance_is_added(num_leaves):
    parent, time, _, _ = random_case(num_leaves, 1)
    plain = ops.attachment_quadrature(parent, time)
    added = ops.attachment_quadrature(parent, time, added_variance=0.25)
    np.testing.assert_allclose(added.variance - plain.variance, 0.25, rtol=1e-12)
    assert_same(added.time, plain.time)
    assert_same(added.log_weight, plain.log_weight)


@pytest.mark.parametrize("exact_bayes", [False, True])
@pytest.mark.parametrize("num_leaves", [1, 2, 3, 5])
def test_predictive_equals_the_reference_rule(num_leaves, exact_bayes):
    parent, time, leaves, z = random_case(num_leaves, 3)
    options = dict(num_nodes=(6, 4), edge_weights="bayes" if exact_bayes else "prior")
    actual = ops.predictive_log_prob(z, parent, time, leaves, **options)
    if num_leaves == 1:
        expected = tmc.predictive_log_prob(z, parent, time, leaves)
    else:
        terms = tmc.rule_log_terms(
            z, parent, time, leaves, (6, 4), exact_bayes=exact_bayes, floor=1e-3
        )
        expected = special.logsumexp(terms, axis=1)
    np.testing.assert_allclose(actual, expected, rtol=1e-8, atol=1e-8)


def test_defaults_are_those_of_native_as_float64(fitted):
    """1e-3, or a = 2.1, must not become a float32 on the way."""
    parent, time, leaves, _ = fitted
    numbers = dict(concentration1=2.1, concentration0=1.7, variance_floor=1e-5, added_variance=0.1)
    for options in ({}, numbers):
        assert_same(
            ops.attachment_quadrature(parent, time, **options).variance,
            native.attachment_quadrature(parent, time, **options)["variance"],
        )
    assert_same(
        ops.time_log_prob(parent, time, 2.1, 1.7), native.time_log_prob(parent, time, 2.1, 1.7)
    )
    mixture = (0.3, 0.3, 0.3, 0.1)
    actual = ops.sample_posterior(
        parent, time, leaves.astype("float64"), 2.1, 1.7, num_moves=200, seed=3, mixture=mixture
    )
    expected = native_sampler.sample_posterior(
        parent,
        time,
        leaves,
        2.1,
        1.7,
        num_moves=200,
        seed=3,
        mixture=dict(zip(ops.MOVE_KINDS, mixture, strict=True)),
    )
    assert_same(actual.time, expected.time)


def test_float32_is_within_1e_4_nats_on_posterior_trees(fitted):
    parent, time, leaves, z = fitted
    wide = leaves.astype("float64"), z.astype("float64")
    assert ops.log_likelihood(parent, time, leaves).dtype == tf.float64
    np.testing.assert_allclose(
        ops.log_likelihood(parent, time, leaves),
        ops.log_likelihood(parent, time, wide[0]),
        rtol=0,
        atol=1e-4,
    )
    for options in ({}, dict(edge_weights="bayes", num_nodes=(16, 8))):
        actual = ops.predictive_log_prob(z, parent, time, leaves, **options)
        assert actual.dtype == tf.float32
        expected = ops.predictive_log_prob(wide[1], parent, time, wide[0], **options)
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4)
        assert_same(actual, native.predictive_log_prob(z, parent, time, leaves, **options))
        attachment = ops.attachment(z, parent, time, leaves, **options)
        assert attachment.dtype == tf.float32
        assert_same(attachment, native.attachment(z, parent, time, leaves, **options))
        np.testing.assert_allclose(np.exp(attachment).sum(-1), 1.0, rtol=1e-4)
        exact = np.exp(ops.attachment(wide[1], parent, time, wide[0], **options))
        np.testing.assert_allclose(np.exp(attachment), exact, rtol=0, atol=1e-4)
    mean, _ = ops.node_posterior(parent, time, leaves)
    assert mean.dtype == tf.float32
    exact, _ = ops.node_posterior(parent, time, wide[0])
    np.testing.assert_allclose(mean, exact, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("num_leaves", [1, 2, 3, 5, 30, 200])
@pytest.mark.parametrize("seed", [0, 7, (3, 4), 2**31 - 1])
def test_sample_prior_equals_native(num_leaves, seed):
    actual = ops.sample_prior(num_leaves, 1.5, 2.5, seed=seed)
    again = ops.sample_prior(num_leaves, 1.5, 2.5, seed=seed)
    expected = native_sampler.sample_prior(num_leaves, 1.5, 2.5, seed=seed)
    for a, b, c in zip(actual, again, expected, strict=True):
        assert_same(a, c)
        assert_same(a, b)
    if num_leaves > 2:
        other = ops.sample_prior(num_leaves, 1.5, 2.5, seed=11)
        assert not np.array_equal(actual[1], other[1])


@pytest.mark.parametrize(("a", "b"), [(1e-3, 1e-3), (1e-3, 1e4), (1e4, 1e-3), (1e4, 1e4)])
def test_sample_prior_at_extreme_concentrations(a, b):
    """Sticks underflow to 0, or leave nothing: the tree stays a tree, and equals native's."""
    for seed in range(4):
        parent, time = ops.sample_prior(20, a, b, seed=seed)
        expected = native_sampler.sample_prior(20, a, b, seed=seed)
        assert_same(parent, expected[0])
        assert_same(time, expected[1])
        actual = ops.time_log_prob(parent, time, a, b)
        assert np.isfinite(actual)
        reference = tmc.time_log_prob(parent.numpy(), time.numpy(), a, b)
        np.testing.assert_allclose(actual, reference, rtol=1e-9)


@pytest.mark.parametrize(("num_leaves", "dim"), SIZES)
def test_sample_posterior_equals_native(num_leaves, dim):
    parent, time, leaves, _ = random_case(num_leaves, dim)
    variance = np.random.default_rng(2).gamma(2.0, 0.1, size=num_leaves)
    for leaf_variance in (None, variance):
        options = dict(num_moves=400, leaf_variance=leaf_variance)
        actual = ops.sample_posterior(parent, time, leaves, 1.5, 2.5, seed=(5, 6), **options)
        again = ops.sample_posterior(parent, time, leaves, 1.5, 2.5, seed=(5, 6), **options)
        expected = native_sampler.sample_posterior(
            parent, time, leaves, 1.5, 2.5, seed=(5, 6), **options
        )
        for a, b in zip(actual, again, strict=True):
            assert_same(a, b)
        assert_same(actual.parent, expected.parent)
        assert_same(actual.time, expected.time)
        assert_same(actual.log_joint, expected.log_joint)
        for name in ("accepted", "proposed"):
            counts = [getattr(expected, name)[kind] for kind in ops.MOVE_KINDS]
            assert_same(getattr(actual, name), np.array(counts, np.int64))
        assert np.sum(actual.proposed) == (400 if num_leaves > 2 else 0)
        joint = tmc.log_joint(actual.parent.numpy(), actual.time.numpy(), leaves, 1.5, 2.5)
        if leaf_variance is not None:
            spread = np.sqrt(variance[:, None] / dim) * np.ones(dim)
            tree = actual.parent.numpy(), actual.time.numpy()
            joint += tmc.expected_log_likelihood(*tree, leaves, spread)
            joint -= tmc.log_likelihood(*tree, leaves)
        np.testing.assert_allclose(actual.log_joint, joint, rtol=1e-8, atol=1e-8)
    if num_leaves > 4:
        other = ops.sample_posterior(parent, time, leaves, 1.5, 2.5, seed=9, num_moves=400)
        assert not np.array_equal(actual.time, other.time)


@pytest.mark.parametrize("a", [2.0, 1.3])
@pytest.mark.parametrize("length", [1e-13, 1e-100, 1e-150, 1e-200, 1e-300])
def test_very_short_edges(a, length):
    """An edge of no length to speak of: weights still sum to one, or the tree is refused."""
    parent, time = np.array([3, 4, 3, 4, -1], np.int32), np.array([1, 1, 1, length, 0.0])
    leaves, z = np.array([[0.9], [-0.8], [-0.7]]), np.linspace(-2, 2, 5)[:, None]
    try:
        nodes = ops.attachment_quadrature(parent, time, concentration1=a)
    except tf.errors.InvalidArgumentError:
        assert length < 1e-50
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"time\[3\]"):
            ops.attachment_quadrature(parent, time, concentration1=a)
        return
    total = np.bincount(nodes.edge, np.exp(nodes.log_weight), minlength=5)
    np.testing.assert_allclose(total, [1, 1, 1, 1, 0], rtol=1e-10)
    attachment = ops.attachment(z, parent, time, leaves, concentration1=a)
    np.testing.assert_allclose(np.exp(attachment).sum(-1), 1.0, rtol=1e-10)
    np.testing.assert_allclose(
        ops.predictive_log_prob(z, parent, time, leaves, concentration1=a),
        ops.predictive_log_prob(
            z, parent, np.where(time == length, 1e-13, time), leaves, concentration1=a
        ),
        rtol=1e-7,
    )


def test_any_labels_of_internal_nodes_give_the_same_values():
    """Renaming the internal nodes permutes the outputs and changes nothing else."""
    parent, time, leaves, z = random_case(30, 3)
    rename = np.r_[np.arange(30), 30 + np.random.default_rng(0).permutation(29)]
    other, other_time = np.empty_like(parent), np.empty_like(time)
    other[rename] = np.where(parent >= 0, rename[parent], -1)
    other_time[rename] = time
    np.testing.assert_allclose(
        ops.log_joint(other, other_time, leaves), ops.log_joint(parent, time, leaves), rtol=1e-12
    )
    np.testing.assert_allclose(
        ops.predictive_log_prob(z, other, other_time, leaves),
        ops.predictive_log_prob(z, parent, time, leaves),
        rtol=1e-11,
    )
    np.testing.assert_allclose(
        ops.attachment(z, other, other_time, leaves).numpy()[:, rename],
        ops.attachment(z, parent, time, leaves),
        rtol=1e-9,
    )
