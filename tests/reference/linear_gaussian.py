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


def observed_log_prob(x, weights, bias, scale):
    """As `log_prob` of those entries of each row that are not NaN: their marginal, [n]."""
    covariance = weights @ weights.T + scale**2 * np.eye(len(bias))
    found = []
    for row in x:
        there = ~np.isnan(row)
        if there.any():
            part = stats.multivariate_normal(bias[there], covariance[np.ix_(there, there)])
            found.append(part.logpdf(row[there]))
        else:
            found.append(0.0)
    return np.array(found)


def completed(x, weights, bias, scale):
    """x [n, P] with the conditional mean, given the rest of its row, in place of each NaN."""
    covariance = weights @ weights.T + scale**2 * np.eye(len(bias))
    found = x.copy()
    for row in found:
        a = np.isnan(row)
        solved = np.linalg.solve(covariance[np.ix_(~a, ~a)], row[~a] - bias[~a])
        row[a] = bias[a] + covariance[np.ix_(a, ~a)] @ solved
    return found
