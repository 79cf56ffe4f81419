"""The normal distribution whose draws are made by one generator everywhere."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from reference import densities
from reference.statistics import mean_tolerance
from scipy import stats

from tfsp.distributions import Normal, diagonal_normal

tfd = tfp.distributions


def parameters(*shape):
    rng = np.random.default_rng(0)
    return tf.constant(rng.normal(size=shape)), tf.constant(rng.uniform(0.2, 2, size=shape))


def test_log_prob_is_scipys():
    loc, scale = parameters(4, 3)
    z = np.random.default_rng(1).normal(size=(5, 4, 3))
    expected = stats.norm.logpdf(z, loc, scale)
    np.testing.assert_allclose(Normal(loc, scale).log_prob(z), expected, rtol=1e-12)
    vector = diagonal_normal(loc, scale)
    assert (vector.batch_shape, vector.event_shape) == ((4,), (3,))
    np.testing.assert_allclose(vector.log_prob(z), expected.sum(-1), rtol=1e-12)


def test_samples_are_normal():
    loc, scale = parameters(2, 3)
    draws = diagonal_normal(loc, scale).sample(30_000, seed=[1, 2]).numpy()
    assert draws.shape == (30_000, 2, 3)
    assert draws.dtype == np.float64
    u = ((draws - loc.numpy()) / scale.numpy()).reshape(-1, 6)
    # A right sampler fails each comparison with a probability of about 1e-6.
    assert np.all(np.abs(u.mean(0)) <= mean_tolerance(u))
    products = u[:, :, None] * u[:, None, :]
    assert np.all(np.abs(products.mean(0) - np.eye(6)) <= mean_tolerance(products))
    probs = np.array([0.01, 0.2, 0.5, 0.8, 0.99])
    below = (u[:, :, None] < stats.norm.ppf(probs)).astype(float)
    assert np.all(np.abs(below.mean(0) - probs) <= mean_tolerance(below))


def test_parameters_broadcast():
    distribution = Normal(tf.zeros([2, 1]), tf.constant([1.0, 2.0, 3.0]))
    draws = distribution.sample((4, 5), seed=[1, 2])
    assert draws.shape == (4, 5, 2, 3)
    assert len(np.unique(draws)) == 120  # one draw for each entry, also where loc is shared
    assert diagonal_normal(tf.zeros([3]), 1.0).sample(seed=[1, 2]).shape == (3,)


def test_compiled_draws_are_the_eager_ones():
    """Also for a batch whose size is not known when the function is traced."""

    def draw(loc, scale):
        return diagonal_normal(loc, scale).sample(7, seed=[3, 4])

    loc, scale = parameters(4, 3)
    unknown = tf.TensorSpec((None, 3), tf.float64)
    expected = draw(loc, scale)
    for jit_compile in (False, True):
        compiled = tf.function(draw, input_signature=[unknown] * 2, jit_compile=jit_compile)
        np.testing.assert_allclose(compiled(loc, scale), expected, rtol=1e-12, atol=1e-14)


def test_samples_carry_gradients():
    loc, scale = parameters(4, 3)
    with tf.GradientTape() as tape:
        tape.watch([loc, scale])
        draws = diagonal_normal(loc, scale).sample(seed=[1, 2])
    gradients = tape.gradient(draws, [loc, scale])
    np.testing.assert_allclose(gradients[0], np.ones((4, 3)))
    np.testing.assert_allclose(gradients[1], (draws - loc) / scale, rtol=1e-9)


def test_the_divergence_is_still_in_closed_form():
    loc, scale = parameters(4, 3)
    standard = diagonal_normal(tf.zeros([3], tf.float64), tf.ones([3], tf.float64))
    actual = tfd.kl_divergence(diagonal_normal(loc, scale), standard)
    np.testing.assert_allclose(actual, densities.gaussian_kl(loc.numpy(), scale.numpy()), rtol=1e-9)
