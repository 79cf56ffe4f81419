"""Exact log-likelihood of the linear-Gaussian model, by dense algebra."""

import numpy as np
from scipy import stats


def log_prob(x, weights, bias, scale):
    """log N(x; bias, W W' + scale^2 I) for z ~ N(0, I), x | z ~ N(W z + bias, scale^2 I).

    x [n, P], weights [P, D], bias [P] -> [n], nats.
    """
    covariance = weights @ weights.T + scale**2 * np.eye(len(bias))
    return stats.multivariate_normal(bias, covariance).logpdf(x)


def posterior(x, weights, bias, scale):
    """Mean [n, D] and covariance [D, D] of z given x."""
    precision = np.eye(weights.shape[1]) + weights.T @ weights / scale**2
    covariance = np.linalg.inv(precision)
    return (x - bias) @ weights @ covariance / scale**2, covariance
