"""The spike-and-slab distribution: frequencies, densities and the closed KL."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from reference.statistics import frequency_tolerance, mean_tolerance
from scipy import stats

from tfsp.distributions import SpikeAndSlab

tfd = tfp.distributions

LOGITS, LOC, SCALE = np.array([-2.0, 0.3, 1.5]), np.array([0.5, -1.0, 2.0]), np.array([0.4, 1, 2])
GAMMA = 1 / (1 + np.exp(-LOGITS))


def example():
    return SpikeAndSlab(*(tf.constant(a, tf.float64) for a in (LOGITS, LOC, SCALE)))


def test_log_prob_and_moments():
    q = example()
    assert q.batch_shape == (3,)
    assert q.event_shape == ()
    z = np.array([[0.0, 0.0, 0.0], [0.7, -0.1, 1e-9]])
    expected = np.where(z == 0, np.log(1 - GAMMA), np.log(GAMMA) + stats.norm.logpdf(z, LOC, SCALE))
    np.testing.assert_allclose(q.log_prob(tf.constant(z)), expected, rtol=1e-12)
    draws = q.sample(50_000, seed=1).numpy()
    # A right sampler fails with a probability of about 1e-6, here and below.
    assert np.all(np.abs(draws.mean(0) - q.mean()) < mean_tolerance(draws))
    squares = (draws - q.mean().numpy()) ** 2
    assert np.all(np.abs(squares.mean(0) - q.variance()) < mean_tolerance(squares))


def test_samples_are_zero_or_slab():
    draws = example().sample(20_000, seed=2).numpy()
    atol = frequency_tolerance(len(draws), cells=3)
    np.testing.assert_allclose((draws != 0).mean(0), GAMMA, rtol=0, atol=atol)
    for d in range(3):
        slab = draws[draws[:, d] != 0, d]
        assert stats.kstest(slab, stats.norm(LOC[d], SCALE[d]).cdf).pvalue > 1e-6


def test_kl_against_monte_carlo_and_in_the_tails():
    q = example()
    p = SpikeAndSlab(tf.constant([-1.0, -1.0, -1.0], tf.float64), 0.0, 1.0)
    draws = q.sample(100_000, seed=3)
    ratio = (q.log_prob(draws) - p.log_prob(draws)).numpy()
    kl = tfd.kl_divergence(q, p)
    assert np.all(np.abs(ratio.mean(0) - kl) < mean_tolerance(ratio))
    np.testing.assert_allclose(tfd.kl_divergence(q, q), np.zeros(3), atol=1e-12)
    together = tfd.kl_divergence(tfd.Independent(q, 1), tfd.Independent(p, 1))
    np.testing.assert_allclose(together, np.sum(kl), rtol=1e-12)
    # Certainty: only the slab, or only the spike, in float32.
    for logit, expected in ((200.0, -np.log(0.2)), (-200.0, -np.log(0.8))):
        sure = SpikeAndSlab(tf.constant(logit), 0.0, 1.0)
        prior = SpikeAndSlab(tf.constant(np.log(0.25), tf.float32), 0.0, 1.0)
        np.testing.assert_allclose(tfd.kl_divergence(sure, prior), expected, rtol=1e-5)


def test_relaxed_draws_have_gradients_and_sharpen():
    logits = tf.constant(LOGITS, tf.float32)
    seed = tf.constant([1, 2])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        q = SpikeAndSlab(logits, LOC, SCALE)
        z = q.relaxed_sample(500, 20.0, seed)
        total = tf.reduce_sum(z, axis=0)
    gradient = tape.gradient(total, logits)
    assert np.all(np.sign(gradient) == np.sign(LOC))  # more slab: further from 0
    hard = q.sample(500, seed=seed).numpy()
    sharp = q.relaxed_sample(500, 1e8, seed).numpy()
    np.testing.assert_allclose(sharp, hard, atol=1e-4)
    assert np.max(np.abs(z - hard)) > 0.1
    assert np.all(np.abs(z) <= np.max(np.abs(sharp)) + 5 * np.max(SCALE))


def test_it_runs_in_a_graph_with_an_unknown_batch():
    @tf.function(
        input_signature=[tf.TensorSpec([None, 3], tf.float32), tf.TensorSpec([], tf.int32)]
    )
    def draw(logits, n):
        q = tfd.Independent(SpikeAndSlab(logits, LOC, SCALE), 1)
        z = q.sample(n, seed=[1, 2])
        return z, q.log_prob(z)

    z, log_prob = draw(tf.zeros([2, 3]), 5)
    assert z.shape == (5, 2, 3)
    assert log_prob.shape == (5, 2)
    with pytest.raises(Exception, match="shape|rank"):
        example().log_prob(tf.zeros([2], tf.float64))
