"""Gaussian posteriors from an encoder's numbers."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp.distributions import correlated_normal, diagonal_normal

COVARIANCES = ("diagonal", "full")
# exp(-10/2) = 0.007: tight enough for any code in use, and no exponential overflows in float32.
LOG_VARIANCE_RANGE = (-10.0, 10.0)


def check_covariance(covariance):
    """Raises ValueError unless there are posteriors with this covariance."""
    if covariance not in COVARIANCES:
        choice = " or ".join(repr(name) for name in COVARIANCES)
        raise ValueError(f"`posterior_covariance` must be {choice}. Received: {covariance!r}.")


def num_outputs(latent_dim, covariance):
    """How many numbers the encoder outputs for each example, and what they are."""
    if covariance == "full":
        triangle = latent_dim * (latent_dim + 1) // 2
        return latent_dim + triangle, (
            f"a mean for each of latent_dim={latent_dim} dimensions and {triangle} numbers for the "
            "triangular factor of the covariance"
        )
    return (
        2 * latent_dim,
        f"a mean and a log-variance for each of latent_dim={latent_dim} dimensions",
    )


def normal_from(outputs):
    """N(mean, diag(variance)) from an encoder's `[..., 2D]`: means, then log-variances."""
    loc, log_variance = tf.split(outputs, 2, axis=-1)
    log_variance = tf.clip_by_value(log_variance, *LOG_VARIANCE_RANGE)
    return diagonal_normal(loc, tf.exp(0.5 * log_variance))


def correlated_normal_from(outputs, latent_dim):
    """N(mean, L L') from `[..., D + D (D + 1) / 2]`: means, then the lower triangle of L.

    The triangle is in the order of `tfp.math.fill_triangular`; its diagonal holds the logarithms
    of L's squared.
    """
    loc, triangle = outputs[..., :latent_dim], outputs[..., latent_dim:]
    factor = tfp.math.fill_triangular(triangle)
    log_variance = tf.clip_by_value(tf.linalg.diag_part(factor), *LOG_VARIANCE_RANGE)
    return correlated_normal(loc, tf.linalg.set_diag(factor, tf.exp(0.5 * log_variance)))
