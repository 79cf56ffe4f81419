"""Collapsed predictive density, its gradients and attachments, against slow references."""

import numpy as np
import pytest
from reference import tmc
from scipy import special

from tfsp.tmc import native
from tmc.native_cases import (
    CAP,
    caterpillar,
    central_gradient,
    posterior_like_case,
    random_case,
)

CASES = [(2, 1), (2, 6), (3, 2), (6, 3), (12, 8)]
OPTIONS = [
    dict(),
    dict(concentration1=1.3, concentration0=0.7),
    dict(concentration1=5.0, concentration0=3.0, num_nodes=(7, 3), edge_weights="bayes"),
    dict(num_nodes=(33, 1), variance_floor=0.05),
]


def reference_terms(z, parent, time, leaves, options):
    return tmc.rule_log_terms(
        z,
        parent,
        time,
        leaves,
        num_nodes=options.get("num_nodes", (24, 12)),
        floor=options.get("variance_floor", 1e-3),
        a=options.get("concentration1", 2.0),
        b=options.get("concentration0", 2.0),
        exact_bayes=options.get("edge_weights") == "bayes",
    )


@pytest.mark.parametrize(("num_leaves", "dim"), CASES)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_log_prob_and_attachment_equal_the_reference_rule(num_leaves, dim, options):
    parent, time, leaves, z = random_case(num_leaves, num_leaves, dim)
    terms = reference_terms(z, parent, time, leaves, options)
    exact = special.logsumexp(terms, axis=1)
    np.testing.assert_allclose(
        native.predictive_log_prob(z, parent, time, leaves, **options), exact, rtol=1e-10
    )
    attachment = native.attachment(z, parent, time, leaves, **options)
    np.testing.assert_allclose(attachment, terms - exact[:, None], rtol=1e-9, atol=1e-9)
    assert np.all(attachment[:, parent < 0] == -np.inf)


@pytest.mark.parametrize("exact_bayes", [False, True])
def test_many_nodes_approach_continuous_time(exact_bayes):
    parent, time, leaves, z = random_case(0, 5, 4)
    weights = "bayes" if exact_bayes else "prior"
    exact = tmc.predictive_log_prob(z, parent, time, leaves, exact_bayes=exact_bayes)
    error = [
        np.abs(
            native.predictive_log_prob(
                z, parent, time, leaves, num_nodes=n, variance_floor=1e-7, edge_weights=weights
            )
            - exact
        ).max()
        for n in ((4, 2), (120, 60))
    ]
    assert error[1] < 1e-8
    assert error[0] > 1e-6  # or the comparison shows nothing


def test_one_leaf_is_a_single_gaussian():
    leaf, z = np.array([[0.4, -1.0, 2.0]]), np.random.default_rng(0).normal(size=(5, 3))
    exact = tmc.predictive_log_prob(z, [-1], [1.0], leaf)
    np.testing.assert_allclose(native.predictive_log_prob(z, [-1], [1.0], leaf), exact, rtol=1e-12)
    _, dz, ds = native.predictive_log_prob_and_gradient(z, [-1], [1.0], leaf)
    np.testing.assert_allclose(dz, -(z - leaf / 2) / 1.5, rtol=1e-12)
    np.testing.assert_allclose(ds, np.sum(z - leaf / 2, 0, keepdims=True) / 3, rtol=1e-12)
    assert np.all(native.attachment(z, [-1], [1.0], leaf) == pytest.approx(0, abs=1e-13))


@pytest.mark.parametrize("num_nodes", [(1, 1), (2, 5), (24, 12), (70, 3)])
@pytest.mark.parametrize("edge_weights", ["prior", "bayes"])
def test_density_integrates_to_one_for_any_rule(num_nodes, edge_weights):
    parent, time, leaves, _ = random_case(1, 4, 1)
    z = np.linspace(-14, 14, 280_001)
    log_prob = native.predictive_log_prob(
        z[:, None],
        parent,
        time,
        leaves,
        num_nodes=num_nodes,
        edge_weights=edge_weights,
        concentration1=1.4,
    )
    np.testing.assert_allclose(np.exp(log_prob).sum() * (z[1] - z[0]), 1.0, rtol=1e-9)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_quadrature_is_a_distribution_over_each_edge(options):
    parent, time, *_ = random_case(2, 9, 1)
    rule = native.attachment_quadrature(parent, time, **options)
    count = options.get("num_nodes", (24, 12))
    sizes = np.bincount(rule["edge"], minlength=len(parent))
    assert np.all(sizes[:9] == count[0])
    assert sizes[parent < 0] == 0
    for v in np.flatnonzero(parent >= 0):
        mine = {k: x[rule["edge"] == v] for k, x in rule.items()}
        np.testing.assert_allclose(np.exp(mine["log_weight"]).sum(), 1.0, rtol=1e-12)
        start, end = time[parent[v]], time[v]
        assert np.all(np.diff(mine["time"]) > 0)
        assert start < mine["time"][0]
        assert mine["time"][-1] < end
        np.testing.assert_allclose(
            mine["position"], (mine["time"] - start) / (end - start), rtol=1e-9
        )
        middle = len(mine["time"]) // 2
        _, variance = tmc.new_leaf(parent, time, np.zeros((9, 1)), v, mine["time"][middle])
        np.testing.assert_allclose(mine["variance"][middle], variance, rtol=1e-9)


def test_attachment_nodes_add_up_to_edges():
    parent, time, leaves, z = random_case(5, 7, 3)
    by_edge = native.attachment(z, parent, time, leaves)
    by_node = native.attachment_nodes(z, parent, time, leaves)
    edge = native.attachment_quadrature(parent, time)["edge"]
    assert by_node.shape == (len(z), len(edge))
    total = np.zeros_like(by_edge)
    np.add.at(total, (slice(None), edge), np.exp(by_node))
    np.testing.assert_allclose(total, np.exp(by_edge), rtol=1e-10, atol=1e-300)
    np.testing.assert_allclose(total.sum(1), 1.0, rtol=1e-12)


def test_added_variance_blurs_the_density():
    """Convolution with N(0, s): in one dimension, by a discrete convolution."""
    parent, time, leaves, _ = random_case(1, 4, 1)
    z = np.linspace(-10, 10, 4001)[:, None]
    step, added = z[1, 0] - z[0, 0], 0.3
    sharp = np.exp(native.predictive_log_prob(z, parent, time, leaves, variance_floor=0.1))
    kernel = np.exp(-0.5 * z[:, 0] ** 2 / added) / np.sqrt(2 * np.pi * added) * step
    blurred = np.exp(
        native.predictive_log_prob(
            z, parent, time, leaves, variance_floor=0.1, added_variance=added
        )
    )
    np.testing.assert_allclose(np.convolve(sharp, kernel, "same"), blurred, atol=1e-6)


@pytest.mark.parametrize(("num_leaves", "dim"), [(2, 1), (3, 4), (9, 9)])
@pytest.mark.parametrize("options", OPTIONS[:3], ids=str)
def test_gradients(num_leaves, dim, options):
    parent, time, leaves, z = random_case(num_leaves, num_leaves, dim)
    upstream = np.random.default_rng(0).normal(size=len(z))

    def total(z, leaves):
        return upstream @ native.predictive_log_prob(z, parent, time, leaves, **options)

    value, dz, ds = native.predictive_log_prob_and_gradient(
        z, parent, time, leaves, upstream, **options
    )
    np.testing.assert_allclose(
        value, native.predictive_log_prob(z, parent, time, leaves, **options), rtol=1e-13
    )
    scale = 1 + np.abs(dz).max()
    np.testing.assert_allclose(
        dz, central_gradient(lambda x: total(x, leaves), z, 1e-4), rtol=1e-7, atol=1e-7 * scale
    )
    scale = 1 + np.abs(ds).max()
    np.testing.assert_allclose(
        ds, central_gradient(lambda s: total(z, s), leaves, 1e-4), rtol=1e-7, atol=1e-7 * scale
    )


def test_float32_on_a_posterior_tree():
    parent, time, leaves, z = posterior_like_case(0)
    z32 = z.astype(np.float32)
    table32 = native.Predictive(parent, time, leaves, dtype=np.float32)
    table64 = native.Predictive(parent, time, leaves)
    value, dz, ds = table32.log_prob_and_gradient(z32)
    exact, exact_dz, exact_ds = table64.log_prob_and_gradient(z32.astype(np.float64))
    assert value.dtype == dz.dtype == np.float32
    assert np.ptp(exact) > 20  # points near and far
    np.testing.assert_allclose(value, exact, rtol=0, atol=1e-4)
    np.testing.assert_allclose(dz, exact_dz, rtol=1e-3, atol=1e-3 * np.abs(exact_dz).max())
    np.testing.assert_allclose(ds, exact_ds, rtol=1e-3, atol=1e-3 * np.abs(exact_ds).max())
    np.testing.assert_allclose(
        np.exp(table32.attachment(z32)), np.exp(table64.attachment(z32)), atol=1e-4
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_do_not_depend_on_their_neighbours(dtype):
    """Bit for bit: rows may be shared out among threads in any way."""
    parent, time, leaves, z = random_case(3, 12, 5, num_points=37)
    table = native.Predictive(parent, time, leaves, dtype=dtype)
    whole, gradient, _ = table.log_prob_and_gradient(z)
    assert np.array_equal(whole, table.log_prob(z))
    for begin, end in ((0, 1), (5, 18), (36, 37)):
        part, part_gradient, _ = table.log_prob_and_gradient(z[begin:end])
        assert np.array_equal(part, whole[begin:end])
        assert np.array_equal(part_gradient, gradient[begin:end])


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-11)])
def test_portable_and_vectorised_kernels_agree(dtype, tolerance):
    if not native.has_avx2():
        pytest.skip("this processor has no AVX2")
    for num_leaves, dim, options in [(1, 2, {}), (9, 5, OPTIONS[1]), (60, 40, {})]:
        parent, time, leaves, z = random_case(num_leaves, num_leaves, dim, num_points=11)
        tables = [
            native.Predictive(
                leaves=leaves, tree=native.Tree(parent, time, portable=p), dtype=dtype, **options
            )
            for p in (False, True)
        ]
        for ours, theirs in zip(*(t.log_prob_and_gradient(z) for t in tables), strict=True):
            size = 1 + np.abs(theirs).max()
            np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * size)


def test_extremes_stay_finite():
    """Times at the cap, duplicate leaves, points on leaves and very far away."""
    parent, time = caterpillar(10, gap=CAP)
    leaves = np.random.default_rng(0).normal(size=(10, 4))
    leaves[-1] = leaves[-2]
    z = np.concatenate([leaves, leaves[:2] + 1e3, leaves[:1] + 1e6])
    exact = special.logsumexp(tmc.rule_log_terms(z, parent, time, leaves), axis=1)
    for dtype, tolerance in ((np.float64, 1e-7), (np.float32, 1e-3)):
        table = native.Predictive(parent, time, leaves, dtype=dtype)
        value, dz, ds = table.log_prob_and_gradient(z)
        np.testing.assert_allclose(value, exact, rtol=tolerance, atol=tolerance)
        assert np.isfinite(dz).all()
        assert np.isfinite(ds).all()


def test_points_beyond_the_range_of_float32():
    """Squared distances overflow: log p is -inf, never NaN, and other rows are untouched."""
    parent, time, leaves, z = random_case(0, 6, 3)
    table = native.Predictive(parent, time, leaves, dtype=np.float32)
    far = z.copy()
    far[2] = 1e30
    value, dz, _ = table.log_prob_and_gradient(far)
    assert value[2] == -np.inf
    assert np.array_equal(dz[2], np.zeros(3))
    others = np.arange(len(z)) != 2
    assert np.array_equal(value[others], table.log_prob(z)[others])


def test_no_rows():
    parent, time, leaves, z = random_case(0, 4, 3)
    table = native.Predictive(parent, time, leaves)
    value, dz, ds = table.log_prob_and_gradient(z[:0])
    assert value.shape == (0,)
    assert dz.shape == (0, 3)
    assert np.array_equal(ds, np.zeros((4, 3)))
    assert table.attachment(z[:0]).shape == (0, 7)
