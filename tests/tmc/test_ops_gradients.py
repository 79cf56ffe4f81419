"""Registered gradients of the TensorFlow ops against finite differences in float64."""

import numpy as np
import pytest
import tensorflow as tf

from tfsp.tmc import native, ops
from tmc.op_cases import gradients, posterior_case, random_case

SMALL = [(1, 1), (1, 3), (2, 1), (2, 3), (3, 3), (5, 3), (12, 2)]
LARGE = [(30, 3), (200, 40)]
OPTIONS = [
    {},
    dict(edge_weights="bayes"),
    dict(added_variance=0.3),
    dict(num_nodes=(70, 3), variance_floor=1e-6, concentration1=1.3, concentration0=2.7),
]


def difference(function, x, direction, step):
    """d function(x + s direction) / ds at 0, by the five-point rule: its error is O(step^4)."""
    at = {k: float(function(x + k * step * direction)) for k in (-2, -1, 1, 2)}
    return (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * step)


def assert_gradient(function, x, gradient, num_directions=None, step=1e-3, seed=0):
    """`gradient` of a scalar `function` at `x`: every entry, or along random directions.

    To 1e-7 of the largest derivative (at least of 1).
    """
    x, gradient = np.asarray(x, np.float64), np.asarray(gradient)
    assert gradient.shape == x.shape
    assert gradient.dtype == np.float64
    if num_directions is None:
        directions = np.eye(x.size).reshape(-1, *x.shape)
    else:
        directions = np.random.default_rng(seed).normal(size=(num_directions, *x.shape))
    expected = np.array([difference(function, x, d, step) for d in directions])
    actual = np.array([np.sum(gradient * d) for d in directions])
    scale = max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-7 * scale)
    assert np.any(gradient)


def directions_for(size):
    return 6 if size in LARGE else None


def both_ways(function, *inputs):
    """The gradients in eager mode; in `tf.function` they are the same to the last bit."""
    eager = gradients(function, *inputs)
    traced = tf.function(lambda *args: gradients(function, *args))(
        *[tf.convert_to_tensor(x) for x in inputs]
    )
    for a, b in zip(eager, traced, strict=True):
        np.testing.assert_array_equal(a, b)
    return eager


@pytest.mark.parametrize("size", SMALL + LARGE)
@pytest.mark.parametrize("name", ["log_likelihood", "log_joint"])
def test_log_likelihood_to_leaves(name, size):
    parent, time, leaves, _ = random_case(*size)

    def value(s):
        return getattr(ops, name)(parent, time, s)

    (gradient,) = both_ways(value, leaves)
    assert_gradient(value, leaves, gradient, directions_for(size))
    _, expected = native.log_joint_and_gradient(parent, time, leaves)
    np.testing.assert_array_equal(gradient, expected)


@pytest.mark.parametrize("size", SMALL + LARGE)
def test_expected_log_likelihood_to_mean_and_variance(size):
    parent, time, mean, _ = random_case(*size)
    # Away from 0: the differences step to both sides, and a negative variance is refused.
    variance = 0.1 + np.random.default_rng(1).gamma(2.0, 0.2, size=mean.shape)

    def value(m, v):
        return ops.expected_log_likelihood(parent, time, m, v)

    by_mean, by_variance = both_ways(value, mean, variance)
    count = directions_for(size)
    assert_gradient(lambda m: value(m, variance), mean, by_mean, count)
    assert_gradient(lambda v: value(mean, v), variance, by_variance, count)


@pytest.mark.parametrize("size", SMALL + LARGE)
def test_node_posterior_mean_to_leaves(size):
    parent, time, leaves, _ = random_case(*size)
    weight = np.random.default_rng(1).normal(size=(len(parent), leaves.shape[1]))

    def value(s):
        return tf.reduce_sum(weight * ops.node_posterior(parent, time, s)[0])

    (gradient,) = both_ways(value, leaves)
    assert_gradient(value, leaves, gradient, directions_for(size))
    np.testing.assert_array_equal(gradient, native.node_posterior_vjp(parent, time, weight))


def test_node_posterior_variance_does_not_depend_on_leaves():
    parent, time, leaves, _ = random_case(5, 3)
    (gradient,) = gradients(
        lambda s: tf.reduce_sum(s) + tf.reduce_sum(ops.node_posterior(parent, time, s)[1]), leaves
    )
    np.testing.assert_array_equal(gradient, np.ones_like(leaves))


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("size", SMALL + LARGE)
def test_predictive_to_z_and_leaves(size, options):
    parent, time, leaves, z = random_case(*size, rows=5)
    upstream = np.random.default_rng(1).normal(size=len(z))

    def value(x, s):
        return tf.reduce_sum(upstream * ops.predictive_log_prob(x, parent, time, s, **options))

    by_z, by_leaves = both_ways(value, z, leaves)
    count = directions_for(size)
    step = 1e-4  # densities of width sqrt(1e-3) and less
    assert_gradient(lambda x: value(x, leaves), z, by_z, count, step)
    assert_gradient(lambda s: value(z, s), leaves, by_leaves, count, step)


@pytest.mark.parametrize("options", OPTIONS)
def test_predictive_gradients_equal_native(options):
    parent, time, leaves, z = random_case(30, 5, rows=13)
    upstream = np.random.default_rng(1).normal(size=len(z))

    def value(x, s):
        return tf.reduce_sum(upstream * ops.predictive_log_prob(x, parent, time, s, **options))

    by_z, by_leaves = gradients(value, z, leaves)
    _, expected_z, expected_leaves = native.predictive_log_prob_and_gradient(
        z, parent, time, leaves, upstream, **options
    )
    np.testing.assert_allclose(by_z, expected_z, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(by_leaves, expected_leaves, rtol=1e-12, atol=1e-12)


def test_gradients_of_leading_dimensions():
    parent, time, leaves, z = random_case(5, 3, rows=6)

    def value(x, s):
        return tf.reduce_sum(tf.sin(ops.predictive_log_prob(x, parent, time, s)))

    flat_z, flat_leaves = gradients(value, z, leaves)
    by_z, by_leaves = gradients(value, z.reshape(2, 3, 1, 3), leaves)
    np.testing.assert_array_equal(by_z, np.reshape(flat_z, (2, 3, 1, 3)))
    np.testing.assert_array_equal(by_leaves, flat_leaves)


def test_empty_batch_has_zero_gradients():
    parent, time, leaves, _ = random_case(5, 3)
    by_z, by_leaves = gradients(
        lambda x, s: tf.reduce_sum(ops.predictive_log_prob(x, parent, time, s)),
        np.zeros((0, 3)),
        leaves,
    )
    assert by_z.shape == (0, 3)
    np.testing.assert_array_equal(by_leaves, np.zeros_like(leaves))


def test_float32_gradients():
    """Their type is float32, and they agree with float64 to about its precision."""
    parent, time, leaves, z = posterior_case(num_leaves=60, dim=10, rows=30, num_moves=4000)
    wide_leaves, wide_z = leaves.astype("float64"), z.astype("float64")
    weight = np.random.default_rng(1).normal(size=(len(parent), 10)).astype("float32")
    cases = [
        (lambda s: ops.log_likelihood(parent, time, s), (leaves,), (wide_leaves,)),
        (
            lambda s: tf.reduce_sum(
                tf.cast(weight, s.dtype) * ops.node_posterior(parent, time, s)[0]
            ),
            (leaves,),
            (wide_leaves,),
        ),
        (
            lambda m, v: ops.expected_log_likelihood(parent, time, m, v),
            (leaves, np.abs(leaves)),
            (wide_leaves, np.abs(wide_leaves)),
        ),
        (
            lambda x, s: tf.reduce_sum(ops.predictive_log_prob(x, parent, time, s)),
            (z, leaves),
            (wide_z, wide_leaves),
        ),
    ]
    for function, narrow, wide in cases:
        actual, expected = both_ways(function, *narrow), both_ways(function, *wide)
        for a, b in zip(actual, expected, strict=True):
            assert a.dtype == tf.float32
            assert b.dtype == tf.float64
            np.testing.assert_allclose(a, b, rtol=0, atol=2e-5 * np.abs(b).max())


def test_mixed_types_follow_z():
    """float64 leaves with float32 z: the result is float32, each gradient has its input's type."""
    parent, time, leaves, z = random_case(5, 3)
    z = z.astype("float32")
    log_prob = ops.predictive_log_prob(z, parent, time, leaves)
    assert log_prob.dtype == tf.float32
    by_z, by_leaves = gradients(
        lambda x, s: tf.reduce_sum(ops.predictive_log_prob(x, parent, time, s)), z, leaves
    )
    assert by_z.dtype == tf.float32
    assert by_leaves.dtype == tf.float64


def test_without_gradients_asking_for_one_raises_lookup_error():
    parent, time, leaves, z = random_case(5, 3)

    def value(x, s):
        return tf.reduce_sum(ops.predictive_log_prob(x, parent, time, s, gradients=False))

    with pytest.raises(LookupError, match="gradients=True"):
        gradients(value, z, leaves)
    with pytest.raises(LookupError, match="gradients=True"):
        tf.function(lambda: gradients(value, z, leaves), autograph=False)()


@pytest.mark.parametrize("name", ["predictive_log_prob", "log_likelihood"])
def test_second_derivatives_raise(name):
    """They are not registered: an error, never a wrong number."""
    parent, time, leaves, z = random_case(5, 3)

    def value(s):
        if name == "log_likelihood":
            return ops.log_likelihood(parent, time, s)
        return tf.reduce_sum(ops.predictive_log_prob(s, parent, time, leaves))

    def slope(s):
        return tf.reduce_sum(gradients(value, s)[0])

    with pytest.raises(LookupError):
        gradients(slope, leaves if name == "log_likelihood" else z)


def test_gradients_that_are_not_finite_pass_through():
    """An overflown loss must reach the optimiser (and its loss scaling) as inf or NaN."""
    parent, time, leaves, z = random_case(5, 3)
    for bad in (np.nan, np.inf):
        by_leaves = gradients(
            lambda s, bad=bad: tf.reduce_sum(bad * ops.node_posterior(parent, time, s)[0]), leaves
        )[0]
        assert not np.any(np.isfinite(by_leaves))
        by_z, by_leaves = gradients(
            lambda x, s, bad=bad: tf.reduce_sum(bad * ops.predictive_log_prob(x, parent, time, s)),
            z,
            leaves,
        )
        assert not np.any(np.isfinite(by_z))
        assert not np.all(np.isfinite(by_leaves))


def test_sampled_trees_and_attachments_carry_no_gradient():
    parent, time, leaves, z = random_case(5, 3)
    for function in (
        lambda s: ops.sample_posterior(parent, time, s, num_moves=10, seed=0).time,
        lambda s: ops.attachment(z, parent, time, s),
    ):
        assert gradients(function, leaves) == [None]
