"""Bernoulli draws: exact probabilities, fixed draws, thresholds."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tfsp.data import binarization


def _every_draw(monkeypatch):
    """Replaces the random words by ones that hold each 16-bit number exactly once."""
    words = np.arange(2**16, dtype=np.uint16).view(np.uint64)

    def fake(shape, seed, minval, maxval, dtype, alg):
        del seed, minval, maxval, alg
        assert dtype == tf.uint64
        assert int(shape[0]) == len(words)
        return tf.constant(words)

    monkeypatch.setattr(tf.random, "stateless_uniform", fake)


def test_probability_of_each_grey_level_is_exact_to_2_to_the_minus_16(monkeypatch):
    _every_draw(monkeypatch)
    for level in range(256):
        ones = binarization.bernoulli(tf.fill([2**16], tf.constant(level, tf.uint8)), [0, 0])
        probability = float(np.asarray(ones, np.float64).mean())
        if level in (0, 255):
            assert probability == level / 255
        assert abs(probability - level / 255) < 2**-16


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_dynamic_mean_is_the_intensity(dtype):
    levels = [1, 64, 128, 192, 254]
    num_draws = 2_500_000
    # Hoeffding and a union bound: a right sampler fails with probability below 1e-6. atol is
    # 0.0018; the shortcut P = pixel / 256 would be off by 0.0039 at 254.
    atol = math.sqrt(math.log(2 * len(levels) / 1e-6) / (2 * num_draws))
    assert atol < 254 / 255 - 254 / 256
    for i, level in enumerate(levels):
        value = level if dtype == "uint8" else level / 255
        images = tf.fill([num_draws], tf.constant(value, dtype))
        draws = binarization.bernoulli(images, [5, i]).numpy()
        assert draws.dtype == np.float32
        assert set(np.unique(draws)) == {0.0, 1.0}
        np.testing.assert_allclose(draws.mean(dtype=np.float64), level / 255, rtol=0, atol=atol)


def test_neighbouring_pixels_are_independent():
    num_words = 500_000
    images = tf.fill([num_words, 5], tf.constant(128, tf.uint8))
    draws = binarization.bernoulli(images, [1, 2]).numpy().astype(np.float64)
    pairs = [(a, b) for a in range(5) for b in range(a)]
    # Hoeffding and a union bound, false alarm below 1e-6.
    atol = math.sqrt(math.log(2 * len(pairs) / 1e-6) / (2 * num_words))
    for a, b in pairs:
        both = (draws[:, a] * draws[:, b]).mean()
        np.testing.assert_allclose(both, (128 / 255) ** 2, rtol=0, atol=atol)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("shape", [(1,), (3, 5), (2, 7, 7, 1), (0, 4)])
def test_black_and_white_stay_for_any_shape(dtype, shape):
    white = tf.fill(shape, tf.constant(255 if dtype == "uint8" else 1, dtype))
    np.testing.assert_array_equal(binarization.bernoulli(white, [1, 1]), np.ones(shape))
    black = tf.zeros(shape, dtype)
    np.testing.assert_array_equal(binarization.bernoulli(black, [1, 1]), np.zeros(shape))


def test_draws_are_a_function_of_the_seed():
    images = tf.fill([1000], tf.constant(128, tf.uint8))
    first = binarization.bernoulli(images, [1, 2]).numpy()
    np.testing.assert_array_equal(first, binarization.bernoulli(images, [1, 2]))
    assert (first != binarization.bernoulli(images, [1, 3]).numpy()).mean() > 0.3


def test_fixed_draws_depend_on_the_place_in_the_source_only():
    images = np.full((2500, 6, 6, 1), 128, np.uint8)
    every = binarization.fixed_draws(images, np.arange(2500))
    rows = np.array([2499, 3, 1700, 999, 1000])
    np.testing.assert_array_equal(binarization.fixed_draws(images[rows], rows), every[rows])
    assert set(np.unique(every)) == {0, 255}
    # Two blocks must not share their draws.
    assert (every[:1000] != every[1000:2000]).mean() > 0.4


def test_threshold_is_strict_at_one_half():
    grey = np.array([0, 127, 128, 255], np.uint8)
    np.testing.assert_array_equal(binarization.threshold(grey), [0, 0, 255, 255])
    real = np.array([0, 0.5, 0.500001, 1], np.float32)
    np.testing.assert_array_equal(binarization.threshold(real), [0, 0, 255, 255])


def test_to_unit_is_exact_at_the_ends():
    unit = binarization.to_unit(tf.constant([0, 51, 255], tf.uint8))
    np.testing.assert_array_equal(unit, np.array([0, 0.2, 1], np.float32))
