"""The discretised logistic against differences of its cdf in extended precision."""

import numpy as np
import pytest
import tensorflow as tf
from reference import densities
from reference.statistics import frequency_tolerance
from scipy import special, stats

from tfsp.distributions import DiscretizedLogistic

# The whole range that the likelihood allows, and beyond: far outside [0, 1], very tight and flat.
LOCS = [-3.0, 0.0, 1e-3, 0.25, 0.5, 100 / 255, 0.999, 1.0, 4.0]
LOG_SCALES = [-9.0, -7.0, -5.5, -2.0, 0.0, 5.0]
GRID = [(loc, log_scale) for loc in LOCS for log_scale in LOG_SCALES]


def levels(num_levels, dtype="float64"):
    return (np.arange(num_levels) / (num_levels - 1)).astype(dtype)


def table(dtype, num_levels=256):
    """log P `[len(GRID), num_levels]` of all levels for every pair of GRID, as tensors' values."""
    loc, log_scale = (tf.constant(column, dtype)[:, None] for column in zip(*GRID, strict=True))
    distribution = DiscretizedLogistic(loc, log_scale, num_levels)
    return distribution.log_prob(tf.constant(levels(num_levels, dtype))).numpy()


@pytest.mark.parametrize("num_levels", [2, 3, 256])
def test_probabilities_sum_to_one(num_levels):
    total = special.logsumexp(table("float64", num_levels), axis=1)
    np.testing.assert_allclose(total, 0.0, atol=1e-12)
    total = special.logsumexp(table("float32", num_levels).astype(np.float64), axis=1)
    # x = k/255 rounded to float32 shifts the argument of a scale of exp(-9) by up to 5e-4.
    np.testing.assert_allclose(total, 0.0, atol=1e-3)


@pytest.mark.parametrize("num_levels", [2, 3, 256])
def test_log_prob_matches_differences_of_the_cdf(num_levels):
    expected = np.stack(
        [densities.discretized_logistic_log_probs(*pair, num_levels) for pair in GRID]
    ).astype(np.float64)
    np.testing.assert_allclose(table("float64", num_levels), expected, rtol=1e-11, atol=1e-11)


def test_float32_agrees_with_extended_precision():
    grid = [(np.float32(loc), np.float32(log_scale)) for loc, log_scale in GRID]
    expected = np.stack([densities.discretized_logistic_log_probs(*pair) for pair in grid])
    actual = table("float32")
    assert np.all(np.isfinite(actual))
    np.testing.assert_allclose(actual, expected.astype(np.float64), rtol=1e-5, atol=1e-3)


def test_the_reference_agrees_with_scipy_where_scipy_is_exact():
    expected = np.diff(stats.logistic.cdf((np.arange(1, 256) - 0.5) / 255, 0.4, 0.1))
    actual = np.exp(densities.discretized_logistic_log_probs(0.4, np.log(0.1)))
    np.testing.assert_allclose(actual[1:-1].astype(np.float64), expected, rtol=1e-10)


@pytest.mark.parametrize("num_levels", [2, 256])
def test_mean_is_exact(num_levels):
    probs = np.exp([densities.discretized_logistic_log_probs(*p, num_levels) for p in GRID])
    expected = np.sum(probs * levels(num_levels, np.longdouble), axis=1).astype(np.float64)
    for dtype, rtol in [("float64", 1e-11), ("float32", 1e-3)]:
        loc, log_scale = (tf.constant(column, dtype) for column in zip(*GRID, strict=True))
        mean = DiscretizedLogistic(loc, log_scale, num_levels).mean()
        np.testing.assert_allclose(mean, expected, rtol=rtol, atol=0.01 * rtol)


@pytest.mark.parametrize("num_levels", [2, 3, 256])
@pytest.mark.parametrize(
    ("loc", "log_scale"), [(0.5, 3.0), (0.3, 0.0), (0.6, -2.0), (-1.0, -1.0), (0.499, -7.0)]
)
def test_mode_is_a_most_probable_level(num_levels, loc, log_scale):
    log_probs = densities.discretized_logistic_log_probs(loc, log_scale, num_levels)
    distribution = DiscretizedLogistic(tf.constant(loc, tf.float64), log_scale, num_levels)
    level = round(float(distribution.mode()) * (num_levels - 1))
    assert log_probs[level] >= log_probs.max() - 1e-9


@pytest.mark.parametrize(("loc", "log_scale"), [(0.3, -2.0), (0.9, 0.5), (0.1, -6.0), (-2.0, 0.0)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sampling_frequencies(loc, log_scale, dtype):
    num_samples = 100_000
    distribution = DiscretizedLogistic(tf.constant(loc, dtype), log_scale)
    draws = distribution.sample(num_samples, seed=[5, 0]).numpy()
    assert draws.dtype == dtype
    codes = np.rint(draws * 255).astype(int)
    np.testing.assert_allclose(draws, codes / 255, rtol=1e-6)
    observed = np.bincount(codes, minlength=256) / num_samples
    expected = np.exp(densities.discretized_logistic_log_probs(loc, log_scale))
    # A right sampler fails each of these two with probability below 1e-6.
    atol = frequency_tolerance(num_samples, cells=256)
    np.testing.assert_allclose(observed, expected.astype(float), rtol=0, atol=atol)
    np.testing.assert_allclose(
        np.cumsum(observed), np.cumsum(expected).astype(float), rtol=0, atol=atol
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_are_finite_and_right(dtype):
    x = tf.constant(levels(256, dtype)[[0, 1, 127, 254, 255]])
    for loc, log_scale in GRID:
        loc_tensor, scale_tensor = tf.constant(loc, dtype), tf.constant(log_scale, dtype)
        with tf.GradientTape() as tape:
            tape.watch([loc_tensor, scale_tensor])
            log_prob = tf.reduce_sum(DiscretizedLogistic(loc_tensor, scale_tensor).log_prob(x))
        gradients = tape.gradient(log_prob, [loc_tensor, scale_tensor])
        assert np.all(np.isfinite(gradients))
        if dtype == "float64":
            step = 1e-5 * np.exp(min(log_scale, 0.0))
            for gradient, move in zip(gradients, [(step, 0.0), (0.0, 1e-5)], strict=True):
                up, down = (
                    densities.discretized_logistic_log_probs(
                        loc + sign * move[0], log_scale + sign * move[1]
                    )[[0, 1, 127, 254, 255]].sum()
                    for sign in (1, -1)
                )
                slope = float((up - down) / (2 * max(move)))
                np.testing.assert_allclose(gradient, slope, rtol=1e-6, atol=1e-6)


def test_gradients_stay_finite_for_a_very_flat_logistic():
    log_scale = tf.constant([8.0, 12.0, 20.0])
    with tf.GradientTape() as tape:
        tape.watch(log_scale)
        log_prob = DiscretizedLogistic(0.5, log_scale).log_prob(tf.fill([3], 100 / 255))
    # P is nearly half / (L-1) / (2 scale), so the slope is -1.
    np.testing.assert_allclose(tape.gradient(log_prob, log_scale), -1.0, rtol=1e-3)


def test_parameters_broadcast():
    loc = tf.constant([[0.1], [0.6]])
    log_scale = tf.constant([-1.0, -2.0, -3.0])
    distribution = DiscretizedLogistic(loc, log_scale)
    assert distribution.batch_shape == (2, 3)
    assert distribution.mean().shape == (2, 3)
    assert distribution.mode().shape == (2, 3)
    draws = distribution.sample((4, 5), seed=[0, 0])
    assert draws.shape == (4, 5, 2, 3)
    assert distribution.log_prob(draws).shape == (4, 5, 2, 3)
    np.testing.assert_array_equal(draws, distribution.sample((4, 5), seed=[0, 0]))
    assert not np.array_equal(draws, distribution.sample((4, 5), seed=[1, 0]))
    entry = DiscretizedLogistic(loc[1, 0], log_scale[2])
    np.testing.assert_allclose(
        distribution.log_prob(draws)[..., 1, 2], entry.log_prob(draws[..., 1, 2]), rtol=1e-6
    )


@pytest.mark.parametrize("wrong", [1, 256.0, "256", None])
def test_too_few_levels_are_refused(wrong):
    with pytest.raises(
        ValueError, match=f"`num_levels` must be an int.* of at least 2. Received: {wrong!r}"
    ):
        DiscretizedLogistic(0.5, 0.0, num_levels=wrong)
