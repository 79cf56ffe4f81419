"""Likelihood, posterior and gradients, against dense Gaussians and finite differences."""

import numpy as np
import pytest
from reference import tmc

from tfsp.tmc import Phylogeny, native
from tmc.native_cases import CAP, caterpillar, central_gradient, random_case, relabel

SIZES = [(1, 1), (1, 3), (2, 1), (2, 5), (3, 2), (5, 4), (17, 7), (60, 1), (100, 12), (200, 40)]


@pytest.mark.parametrize(("num_leaves", "dim"), SIZES)
def test_log_joint_is_the_dense_gaussian(num_leaves, dim):
    parent, time, leaves, _ = random_case(num_leaves + dim, num_leaves, dim)
    exact = tmc.log_likelihood(parent, time, leaves)
    np.testing.assert_allclose(native.log_likelihood(parent, time, leaves), exact, rtol=1e-10)
    np.testing.assert_allclose(
        native.log_joint(parent, time, leaves, 1.5, 3.0),
        tmc.log_joint(parent, time, leaves, 1.5, 3.0),
        rtol=1e-10,
    )


@pytest.mark.parametrize(("num_leaves", "dim"), SIZES)
def test_node_posterior_is_the_dense_conditional(num_leaves, dim):
    parent, time, leaves, _ = random_case(num_leaves + dim, num_leaves, dim)
    mean, variance = native.node_posterior(parent, time, leaves)
    exact_mean, exact_variance = tmc.node_posterior(parent, time, leaves)
    np.testing.assert_allclose(mean, exact_mean, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(variance, exact_variance, rtol=1e-10, atol=1e-12)
    assert np.array_equal(mean[:num_leaves], leaves)


@pytest.mark.parametrize(("num_leaves", "dim"), [(1, 2), (2, 1), (3, 2), (12, 5)])
def test_gradient_of_the_log_joint(num_leaves, dim):
    parent, time, leaves, _ = random_case(num_leaves, num_leaves, dim)
    value, gradient = native.log_joint_and_gradient(parent, time, leaves)
    assert value == native.log_joint(parent, time, leaves)
    numeric = central_gradient(lambda s: native.log_joint(parent, time, s), leaves, 1e-3)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(("num_leaves", "dim"), [(1, 3), (2, 1), (3, 2), (9, 6), (100, 5)])
def test_adjoint_is_the_transpose(num_leaves, dim):
    """<G, W s> = <W^T G, s> for random G; W is linear."""
    parent, time, leaves, _ = random_case(num_leaves, num_leaves, dim)
    rng = np.random.default_rng(1)
    for _ in range(3):
        weight = rng.normal(size=(len(parent), dim))
        pulled = native.node_posterior_vjp(parent, time, weight)
        assert pulled.shape == (num_leaves, dim)
        direction = rng.normal(size=leaves.shape)
        np.testing.assert_allclose(
            np.sum(weight * tmc.node_posterior(parent, time, direction)[0]),
            np.sum(pulled * direction),
            rtol=1e-10,
        )


@pytest.mark.parametrize(("num_leaves", "dim"), [(1, 2), (2, 3), (3, 1), (20, 4)])
def test_expected_log_joint(num_leaves, dim):
    parent, time, mean, _ = random_case(num_leaves, num_leaves, dim)
    stddev = np.random.default_rng(0).uniform(0.1, 1.5, size=mean.shape)
    prior = tmc.topology_log_prob(parent) + tmc.time_log_prob(parent, time, 2.0, 2.0)
    np.testing.assert_allclose(
        native.expected_log_joint(parent, time, mean, stddev**2),
        prior + tmc.expected_log_likelihood(parent, time, mean, stddev),
        rtol=1e-10,
    )
    value, by_mean, by_variance = native.expected_log_joint_and_gradient(
        parent, time, mean, stddev**2
    )
    assert value == native.expected_log_joint(parent, time, mean, stddev**2)
    np.testing.assert_allclose(
        by_mean,
        central_gradient(
            lambda m: native.expected_log_joint(parent, time, m, stddev**2), mean, 1e-3
        ),
        rtol=1e-7,
        atol=1e-7,
    )
    np.testing.assert_allclose(
        by_variance,
        central_gradient(lambda v: native.expected_log_joint(parent, time, mean, v), stddev**2),
        rtol=1e-7,
        atol=1e-7,
    )


def test_labels_of_internal_nodes_do_not_matter():
    rng = np.random.default_rng(4)
    parent, time, leaves, z = random_case(4, 30, 3)
    other_parent, other_time = relabel(rng, parent, time)
    np.testing.assert_allclose(
        native.log_joint(other_parent, other_time, leaves),
        native.log_joint(parent, time, leaves),
        rtol=1e-12,
    )
    np.testing.assert_allclose(
        native.predictive_log_prob(z, other_parent, other_time, leaves),
        native.predictive_log_prob(z, parent, time, leaves),
        rtol=1e-12,
    )


def test_times_at_the_cap_and_duplicate_leaves():
    """Extended-precision recursions stand in for dense algebra, which loses its digits here."""
    parent, time = caterpillar(12, gap=CAP)
    leaves = np.random.default_rng(0).normal(size=(12, 3))
    leaves[-1] = leaves[-2]
    leaves[0] = leaves[1]
    exact = tmc.messages(parent, time, leaves)
    np.testing.assert_allclose(
        native.log_likelihood(parent, time, leaves), float(exact["log_likelihood"]), rtol=1e-10
    )
    mean, variance = native.node_posterior(parent, time, leaves)
    assert np.isfinite(mean).all()
    assert (variance >= 0).all()
    _, gradient = native.log_joint_and_gradient(parent, time, leaves)
    numeric = central_gradient(lambda s: native.log_likelihood(parent, time, s), leaves, 1e-6)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize(("num_leaves", "dim"), [(1, 3), (3, 1), (40, 7), (150, 40)])
def test_portable_and_vectorised_kernels_agree(num_leaves, dim):
    if not native.has_avx2():
        pytest.skip("this processor has no AVX2")
    parent, time, leaves, _ = random_case(num_leaves, num_leaves, dim)
    fast, slow = native.Tree(parent, time), native.Tree(parent, time, portable=True)
    weight = np.random.default_rng(0).normal(size=(len(parent), dim))
    pairs = [
        (fast.log_likelihood(leaves), slow.log_likelihood(leaves)),
        (fast.log_joint_and_gradient(leaves)[1], slow.log_joint_and_gradient(leaves)[1]),
        (fast.node_posterior(leaves)[0], slow.node_posterior(leaves)[0]),
        (fast.node_posterior_vjp(weight), slow.node_posterior_vjp(weight)),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("num_leaves", [1, 2, 3, 20])
def test_edge_and_leave_one_out_variances(num_leaves):
    """Each leaf's and each node's, by conditioning a dense Gaussian."""
    parent, time, leaves, _ = random_case(num_leaves, num_leaves, 1)
    edge = native.edge_variances(parent, time)
    slow = tmc.messages(parent, time, leaves)["variance"]
    np.testing.assert_allclose(edge.upward, slow.astype(float), rtol=1e-12, atol=0)
    covariance = np.linalg.inv(1 + Phylogeny(parent, time).lca_times())
    np.testing.assert_allclose(
        native.leave_one_out_variances(parent, time), 1 / np.diag(covariance), rtol=1e-9
    )
    if num_leaves > 1:  # at a leaf: its parent's other messages and the edge
        up = parent[:num_leaves]
        np.testing.assert_allclose(
            edge.cavity[:num_leaves] + 1 - time[up],
            native.leave_one_out_variances(parent, time),
            rtol=1e-12,
        )
