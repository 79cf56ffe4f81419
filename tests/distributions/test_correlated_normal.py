"""Normals with any covariance, against SciPy and long simulation."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import stats

from tfsp.distributions import correlated_normal, diagonal_normal

tfd = tfp.distributions


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(0)
    loc = rng.normal(size=(4, 3))
    factor = np.tril(rng.normal(size=(4, 3, 3)))
    factor[:, range(3), range(3)] = rng.uniform(0.3, 2.0, size=(4, 3))
    return loc, factor


def test_log_prob(case):
    loc, factor = case
    z = np.random.default_rng(1).normal(size=(4, 3))
    expected = [
        stats.multivariate_normal(m, s @ s.T).logpdf(p)
        for m, s, p in zip(loc, factor, z, strict=True)
    ]
    q = correlated_normal(tf.constant(loc), tf.constant(factor))
    np.testing.assert_allclose(q.log_prob(z), expected, rtol=1e-12)


def test_draws_have_the_mean_and_the_covariance(case):
    """False alarm below 1e-5 in all: 36 entries, each within six standard errors."""
    loc, factor = case
    n = 100_000
    z = correlated_normal(tf.constant(loc), tf.constant(factor)).sample(n, seed=(1, 2)).numpy()
    covariance = factor @ np.swapaxes(factor, 1, 2)
    variance = np.einsum("bii->bi", covariance)
    np.testing.assert_array_less(np.abs(z.mean(0) - loc), 6 * np.sqrt(variance / n))
    found = np.einsum("nbi,nbj->bij", z - loc, z - loc) / n
    error = np.sqrt((variance[:, :, None] * variance[:, None, :] + covariance**2) / n)
    np.testing.assert_array_less(np.abs(found - covariance), 6 * error)


def test_kl_to_a_diagonal_normal_is_that_of_full_matrices(case):
    loc, factor = case
    mean, scale = np.array([0.3, -1.0, 2.0]), np.array([0.5, 1.5, 2.0])
    q = correlated_normal(tf.constant(loc), tf.constant(factor))
    p = diagonal_normal(tf.constant(mean), tf.constant(scale))
    precision = np.diag(scale**-2.0)
    expected = []
    for m, s in zip(loc, factor, strict=True):
        covariance = s @ s.T
        log_dets = 2 * np.log(scale).sum() - np.linalg.slogdet(covariance)[1]
        shift = m - mean
        trace = np.trace(precision @ covariance)
        expected.append(0.5 * (trace + shift @ precision @ shift - 3 + log_dets))
    np.testing.assert_allclose(tfd.kl_divergence(q, p), expected, rtol=1e-12)


def test_no_closed_form_to_other_families(case):
    q = correlated_normal(tf.constant(case[0]), tf.constant(case[1]))
    laplace = tfd.Independent(tfd.Laplace(tf.zeros(3, tf.float64), tf.ones(3, tf.float64)), 1)
    with pytest.raises(NotImplementedError, match="independent normals"):
        tfd.kl_divergence(q, laplace)


def test_equals_the_diagonal_normal_where_the_factor_is_diagonal(case):
    loc, factor = case
    scale = np.einsum("bii->bi", factor)
    full = correlated_normal(tf.constant(loc), tf.linalg.diag(tf.constant(scale)))
    plain = diagonal_normal(tf.constant(loc), tf.constant(scale))
    np.testing.assert_allclose(full.log_prob(loc + 1), plain.log_prob(loc + 1), rtol=1e-12)
    np.testing.assert_allclose(full.sample(5, seed=(3, 4)), plain.sample(5, seed=(3, 4)))
