"""Draws of categories by Gumbel noise: frequencies, limits and gradients."""

import numpy as np
import pytest
import tensorflow as tf
from reference import cp_vae
from reference.statistics import frequency_tolerance
from scipy import special, stats

from tfsp.distributions import gumbel

PI = np.array([0.5, 0.05, 0.3, 0.15])
NUM_SAMPLES = 40_000


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_noise_is_standard_gumbel(dtype):
    draws = gumbel.stateless_gumbel([NUM_SAMPLES], [3, 1], dtype).numpy()
    assert draws.dtype == dtype
    edges = stats.gumbel_r.ppf(np.linspace(0, 1, 21))
    observed = np.histogram(draws, edges)[0] / NUM_SAMPLES
    # Hoeffding over 20 cells: fails for right draws with probability below 1e-6.
    np.testing.assert_allclose(observed, 0.05, atol=frequency_tolerance(NUM_SAMPLES, 20))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_noise_is_finite_at_both_ends_of_the_generator(dtype, monkeypatch):
    """The generator gives minval + k 2^-b (maxval - minval), b the bits of the mantissa."""
    bits = np.finfo(dtype).nmant

    def ends(shape, seed, minval=0, maxval=1, dtype=None, alg=None):
        units = tf.constant([0.0, 2.0**-bits, 1.0 - 2.0**-bits], dtype)
        return tf.constant(minval, dtype) + units * (tf.constant(maxval, dtype) - minval)

    monkeypatch.setattr(tf.random, "stateless_uniform", ends)
    low, next_to_low, high = gumbel.stateless_gumbel([3], [0, 0], dtype).numpy()
    np.testing.assert_allclose(high, bits * np.log(2), rtol=1e-3)
    np.testing.assert_allclose(next_to_low, -np.log(bits * np.log(2)), rtol=1e-5)
    assert -10 < low < next_to_low


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_frequencies_of_draws_are_the_probabilities(dtype):
    """Of the hard ones and of the largest entry of the relaxed ones, at any temperature."""
    log_pi = tf.constant(np.log([PI, PI[::-1]]), dtype)
    hard = gumbel.one_hot_draws(log_pi, NUM_SAMPLES, [1, 2]).numpy()
    assert (hard.shape, hard.dtype) == ((NUM_SAMPLES, 2, 4), dtype)
    np.testing.assert_array_equal(np.sort(hard, axis=-1), np.eye(4)[[3]] + np.zeros_like(hard))
    # Hoeffding over 8 cells: fails for right draws with probability below 1e-6.
    atol = frequency_tolerance(NUM_SAMPLES, 8)
    assert atol < PI.min() / 2
    np.testing.assert_allclose(hard.mean(axis=0), [PI, PI[::-1]], rtol=0, atol=atol)
    for temperature in (0.5, 3.0):
        relaxed = gumbel.gumbel_softmax_draws(log_pi, temperature, NUM_SAMPLES, [5, 2]).numpy()
        np.testing.assert_allclose(relaxed.sum(axis=-1), 1.0, rtol=1e-5)
        assert relaxed.min() >= 0
        largest = np.eye(4)[relaxed.argmax(axis=-1)].mean(axis=0)
        np.testing.assert_allclose(largest, [PI, PI[::-1]], rtol=0, atol=atol)


@pytest.mark.parametrize("temperature", [0.3, 1.0])
def test_relaxed_draws_of_two_categories_follow_their_law(temperature):
    log_pi = np.log([0.8, 0.2])
    draws = gumbel.gumbel_softmax_draws(tf.constant([log_pi]), temperature, NUM_SAMPLES, [4, 4])
    edges = np.linspace(0, 1, 21)
    expected = np.diff(cp_vae.relaxed_pair_cdf(edges, log_pi[0] - log_pi[1], temperature))
    np.testing.assert_allclose(expected.sum(), 1.0)
    observed = np.histogram(draws.numpy()[:, 0, 0], edges)[0] / NUM_SAMPLES
    # Hoeffding over 20 cells: fails for right draws with probability below 1e-6.
    atol = frequency_tolerance(NUM_SAMPLES, 20)
    np.testing.assert_allclose(observed, expected, rtol=0, atol=atol)


def test_relaxed_draws_become_one_hot_as_the_temperature_falls():
    log_pi, seed = tf.constant(np.log([PI])), [7, 7]
    hard = gumbel.one_hot_draws(log_pi, 200, seed).numpy()
    distances = [
        np.abs(gumbel.gumbel_softmax_draws(log_pi, temperature, 200, seed) - hard).max()
        for temperature in (1.0, 0.1, 0.01, 1e-5)
    ]
    assert np.all(np.diff(distances) < 0)
    assert distances[0] > 0.3
    assert distances[-1] < 1e-9
    # And flat as it rises.
    flat = gumbel.gumbel_softmax_draws(log_pi, 1e6, 200, seed)
    np.testing.assert_allclose(flat, 0.25, rtol=1e-4)


def test_draws_need_no_normalised_probabilities_and_are_seeded():
    log_pi = np.log([PI])
    for draw in (
        lambda values, seed: gumbel.one_hot_draws(tf.constant(values), 50, seed),
        lambda values, seed: gumbel.gumbel_softmax_draws(tf.constant(values), 0.7, 50, seed),
    ):
        np.testing.assert_allclose(draw(log_pi, [1, 1]), draw(log_pi + 3.0, [1, 1]), rtol=1e-9)
        np.testing.assert_array_equal(draw(log_pi, [1, 1]), draw(log_pi, [1, 1]))
        assert np.any(draw(log_pi, [1, 1]) != draw(log_pi, [1, 2]))


def test_gradient_against_finite_differences_at_fixed_noise():
    rng = np.random.default_rng(0)
    logits, direction = rng.normal(size=(2, 3, 4))
    readout = rng.normal(size=(5, 3, 4))

    def value(logits, temperature=0.6):
        draws = gumbel.gumbel_softmax_draws(logits, temperature, 5, [2, 2])
        return tf.reduce_sum(readout * draws)

    variable, temperature = tf.constant(logits), tf.constant(0.6, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch([variable, temperature])
        result = value(variable, temperature)
    gradients = tape.gradient(result, [variable, temperature])
    step = 1e-6
    slope = (value(logits + step * direction) - value(logits - step * direction)) / (2 * step)
    np.testing.assert_allclose(np.sum(gradients[0] * direction), slope, rtol=1e-7)
    slope = (value(logits, 0.6 + step) - value(logits, 0.6 - step)) / (2 * step)
    np.testing.assert_allclose(gradients[1], slope, rtol=1e-7)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        hard = gumbel.one_hot_draws(variable, 5, [2, 2])
    assert tape.gradient(hard, variable) is None


def test_saturated_probabilities():
    """A sure category is drawn always, with finite gradients at a low temperature."""
    log_pi = tf.nn.log_softmax(tf.constant([[0.0, 80.0, -300.0], [1e4, 0.0, 0.0]]))
    hard = gumbel.one_hot_draws(log_pi, 500, [0, 1]).numpy()
    np.testing.assert_array_equal(hard.mean(axis=0), np.eye(3)[[1, 0]])
    with tf.GradientTape() as tape:
        tape.watch(log_pi)
        relaxed = gumbel.gumbel_softmax_draws(log_pi, 0.1, 500, [0, 1])
        result = tf.reduce_sum(relaxed**2)
    np.testing.assert_array_equal(relaxed.numpy().mean(axis=0), np.eye(3)[[1, 0]])
    assert np.all(np.isfinite(tape.gradient(result, log_pi)))


def test_batch_and_number_may_be_known_late():
    signature = [tf.TensorSpec((None, 4), tf.float64), tf.TensorSpec([], tf.int32)]

    @tf.function(input_signature=signature)
    def draw(log_pi, num_samples):
        hard = gumbel.one_hot_draws(log_pi, num_samples, [1, 1])
        relaxed = gumbel.gumbel_softmax_draws(log_pi, 0.5, num_samples, [1, 1])
        assert hard.shape.as_list() == relaxed.shape.as_list() == [None, None, 4]
        return hard, relaxed

    log_pi = tf.constant(special.log_softmax(np.random.default_rng(0).normal(size=(3, 4)), axis=-1))
    hard, relaxed = draw(log_pi, 6)
    np.testing.assert_array_equal(hard, gumbel.one_hot_draws(log_pi, 6, [1, 1]))
    expected = gumbel.gumbel_softmax_draws(log_pi, 0.5, 6, [1, 1])
    assert expected.shape == (6, 3, 4)
    np.testing.assert_allclose(relaxed, expected, rtol=1e-12)


def test_unknown_shapes_in_graphs():
    def draws(log_probs, seed):
        return (
            gumbel.one_hot_draws(log_probs, 4, seed),
            gumbel.gumbel_softmax_draws(log_probs, 0.5, 4, seed),
        )

    unknown = [tf.TensorSpec(None, tf.float32), tf.TensorSpec(None, tf.int32)]
    given = tf.constant([[0.2, -1.0, 0.5], [0.0, 0.3, -0.2]]), tf.constant([1, 2])
    graph = tf.function(draws, unknown, autograph=False)
    for ours, theirs in zip(graph(*given), draws(*given), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
