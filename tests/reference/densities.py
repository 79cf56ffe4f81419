"""Slow densities straight from their definitions, in double or extended precision."""

import math

import numpy as np
from scipy import special, stats


def gaussian_mixture_log_prob(z, weights, loc, scale):
    """log sum_k weights_k N(z; loc_k, diag(scale_k^2)), point by point and term by term.

    Args: z `[n, D]`, weights `[K]`, loc and scale `[K, D]`.
    Returns: float64 `[n]`.
    """
    z, loc, scale = (np.asarray(a, np.float64) for a in (z, loc, scale))
    weights = np.asarray(weights, np.float64) / math.fsum(weights)
    out = []
    for point in z:
        terms = [
            math.log(w) + math.fsum(stats.norm.logpdf(point, m, s))
            for w, m, s in zip(weights, loc, scale, strict=True)
        ]
        top = max(terms)
        out.append(top + math.log(math.fsum(math.exp(t - top) for t in terms)))
    return np.array(out)


def discretized_logistic_log_probs(loc, log_scale, num_levels=256):
    """log P of all levels by differences of the logistic's cdf, in extended precision.

    Each difference is taken on the side where the cdf is small, so that it does not cancel.

    Args: loc, log_scale: numbers.
    Returns: longdouble `[num_levels]`.
    """
    top = num_levels - 1
    loc, scale = np.longdouble(loc), np.exp(np.longdouble(log_scale))
    edges = (np.arange(1, num_levels, dtype=np.longdouble) - np.longdouble(0.5)) / top
    t = (edges - loc) / scale
    t = np.concatenate([[-np.inf], t, [np.inf]])
    lower, upper = t[:-1], t[1:]
    flip = lower > 0  # F(b) - F(a) = F(-a) - F(-b)
    lower, upper = np.where(flip, -upper, lower), np.where(flip, -lower, upper)
    # F(b) - F(a) = F(b) (1 - F(a) / F(b)); F(t) = 1 / (1 + exp(-t)), log F by logaddexp.
    log_upper, log_lower = -np.logaddexp(0, -upper), -np.logaddexp(0, -lower)
    return log_upper + np.log(-np.expm1(log_lower - log_upper))


def continuous_bernoulli_log_prob(x, logit):
    """log of exp(logit x) / integral_0^1 exp(logit u) du, the integral by Gauss-Legendre.

    Args: x `[n]` in [0, 1]; logit: number with |logit| <= 50.
    """
    nodes, weights = special.roots_legendre(60)
    u = (nodes + 1) / 2
    largest = max(0.0, logit)
    integral = np.sum(weights / 2 * np.exp(logit * u - largest))
    return logit * np.asarray(x, np.float64) - largest - math.log(integral)


def gaussian_kl(loc, scale):
    """KL(N(loc, diag(scale^2)) || N(0, I)) `[B]`, by quadrature in each dimension."""
    nodes, weights = special.roots_hermitenorm(40)
    weights = weights / math.sqrt(2 * math.pi)
    total = np.zeros(len(loc))
    for b in range(loc.shape[0]):
        for d in range(loc.shape[1]):
            z = loc[b, d] + scale[b, d] * nodes
            ratio = stats.norm.logpdf(z, loc[b, d], scale[b, d]) - stats.norm.logpdf(z)
            total[b] += np.sum(weights * ratio)
    return total


def midpoint_grid(limit, steps):
    """Midpoints of `steps` x `steps` cells of [-limit, limit]^2: points `[steps^2, 2]`, area."""
    width = 2 * limit / steps
    axis = -limit + width * (np.arange(steps) + 0.5)
    return np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2), width**2


def stretched_grid(limit, steps):
    """Midpoints of a grid over [-limit, limit]^2 that is even in arcsinh(z), for heavy tails.

    Returns: points `[steps^2, 2]`, areas `[steps^2]`.
    """
    width = 2 * np.arcsinh(limit) / steps
    t = -np.arcsinh(limit) + width * (np.arange(steps) + 0.5)
    axis, lengths = np.sinh(t), width * np.cosh(t)
    points = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    return points, np.outer(lengths, lengths).ravel()


def counts_log_prob(x, mean, theta=np.inf):
    """log P(x) of a negative binomial variable, theta = inf for a Poisson one, factor by factor.

    P(x) = (theta / (theta + mean))^theta prod_{k=1..x} (theta + k - 1) / (theta + mean) mean / k

    Args: x: a whole number; mean, theta: positive.
    Returns: longdouble.
    """
    mean, theta = np.longdouble(mean), np.longdouble(theta)
    k = np.arange(1, x + 1, dtype=np.longdouble)
    if np.isinf(theta):
        return np.sum(np.log(mean / k)) - mean
    factors = (theta + k - 1) / (theta + mean) * (mean / k)
    return np.sum(np.log(factors)) - theta * np.log1p(mean / theta)
