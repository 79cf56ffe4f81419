"""Discrete VAEs small enough for quadrature over zeta and enumeration of z, in NumPy."""

import itertools

import numpy as np
from scipy import special, stats


def states(n):
    """All binary vectors, `[2^n, n]`."""
    return np.array(list(itertools.product([0.0, 1.0], repeat=n)))


def log_prob_units(weights, bias):
    """log p(z) of a bipartite Boltzmann machine, `[2^n]`, in the order of `states`."""
    z = states(len(bias))
    left, right = z[:, : len(weights)], z[:, len(weights) :]
    score = z @ bias + np.einsum("sl,lr,sr->s", left, weights, right)
    return score - special.logsumexp(score)


def component_log_prob(name, beta, zeta, z):
    """log r(zeta | z) inside the support, elementwise; for spikes that of z = 1."""
    if name == "spike_and_exponential":
        return np.log(beta) + beta * zeta - np.log(np.expm1(beta))
    if name == "overlapping_exponential":
        rate = beta * np.where(z > 0.5, 1.0 - zeta, zeta)
        return np.log(beta) - rate - np.log(-np.expm1(-beta))
    if name == "power_function":
        return np.log(np.where(z > 0.5, 1.0 - zeta, zeta)) * (1.0 / beta - 1.0) - np.log(beta)
    raise ValueError(name)


def unit_nodes(name, beta, count):
    """(zeta, z, weight) with sum(weight f(zeta, z) g_z) = sum_z g_z E[f(zeta, z) | z]."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    nodes, weights = 0.5 + 0.5 * nodes, 0.5 * weights
    if name == "power_function":
        # u = F(zeta | z) is uniform; its quantile is smooth.
        zero, one = nodes**beta, 1.0 - (1.0 - nodes) ** beta
        return (
            np.concatenate([zero, one]),
            np.repeat([0.0, 1.0], count),
            np.concatenate([weights, weights]),
        )
    slab = weights * np.exp(component_log_prob(name, beta, nodes, 1.0))
    if name.startswith("spike"):
        return np.append(nodes, 0.0), np.append(np.ones(count), 0.0), np.append(slab, 1.0)
    hollow = weights * np.exp(component_log_prob(name, beta, nodes, 0.0))
    return (
        np.concatenate([nodes, nodes]),
        np.repeat([0.0, 1.0], count),
        np.concatenate([hollow, slab]),
    )


def grid(n, name, beta, count):
    """Nodes of n units: zeta `[m, n]`, z `[m, n]`, weights `[m]`."""
    zeta, z, weight = unit_nodes(name, beta, count)
    index = np.array(list(itertools.product(range(len(zeta)), repeat=n)))
    return zeta[index], z[index], weight[index].prod(1)


def log_bernoulli(z, logits):
    """sum_i log q(z_i), last axis."""
    return -np.logaddexp(0.0, np.where(z > 0.5, -logits, logits)).sum(-1)


def perceptron(context, zeta, layers, activation=np.tanh):
    """Outputs of a network of context `[F]` and latents `[m, K]` (or None).

    layers: (kernel of the context, bias, kernel of the latents or None, then kernel, bias, ...).
    """
    from_context, bias, from_latents, *rest = layers
    h = context @ from_context + bias
    if from_latents is not None:
        h = h + zeta @ from_latents
    for kernel, offset in zip(rest[::2], rest[1::2], strict=True):
        h = activation(h) @ kernel + offset
    return h


def two_group_kl(first_logits, second_logits, weights, bias, name, beta, count):
    """KL(q || p), nats, for a posterior of two groups, by quadrature and enumeration.

    first_logits: `[n_1]`. second_logits: zeta_1 `[m, n_1]` -> `[m, n_2]`.
    """
    zeta, z_first, weight = grid(len(first_logits), name, beta, count)
    log_first = log_bernoulli(z_first, first_logits)
    logits = second_logits(zeta)  # [m, n_2]
    z_second = states(logits.shape[1])  # [s, n_2]
    log_second = log_bernoulli(z_second, logits[:, np.newaxis])  # [m, s]
    log_p = log_prob_units(weights, bias)
    powers = 2.0 ** np.arange(len(bias))[::-1]
    size = len(first_logits)
    index = (z_first @ powers[:size])[:, np.newaxis] + z_second @ powers[size:]
    ratio = log_first[:, np.newaxis] + log_second - log_p[index.astype(int)]
    each = np.sum(np.exp(log_second) * ratio, axis=1)
    return np.sum(weight * np.exp(log_first) * each)


def log_prob_zeta(zeta, weights, bias, name, beta):
    """log p(zeta) = log sum_z p(z) r(zeta | z), overlapping smoothings, `[m, n]` -> `[m]`."""
    log_p = log_prob_units(weights, bias)
    terms = [
        log_p[i] + component_log_prob(name, beta, zeta, z).sum(-1)
        for i, z in enumerate(states(len(bias)))
    ]
    return special.logsumexp(terms, axis=0)


def gaussian_precision(weights, diagonal):
    left, right = weights.shape
    return np.block([[diagonal * np.eye(left), weights], [weights.T, diagonal * np.eye(right)]])


def gaussian_log_prob_zeta(zeta, weights, bias, diagonal):
    """log p(zeta) of the Gaussian smoothing N(z, P^-1), as a mixture of 2^n normals."""
    covariance = np.linalg.inv(gaussian_precision(weights, diagonal))
    log_p = log_prob_units(weights, bias)
    terms = [
        log_p[i] + stats.multivariate_normal(z, covariance).logpdf(zeta)
        for i, z in enumerate(states(len(bias)))
    ]
    return special.logsumexp(terms, axis=0)


def log_evidence(log_likelihood, weights, bias, name, beta, count):
    """log p(x) from zeta `[m, n]` -> log p(x | zeta) `[m]`."""
    zeta, z, weight = grid(len(bias), name, beta, count)
    powers = 2.0 ** np.arange(len(bias))[::-1]
    log_p = log_prob_units(weights, bias)[(z @ powers).astype(int)]
    return special.logsumexp(log_likelihood(zeta) + log_p, b=weight)


def gaussian_log_evidence(log_likelihood, weights, bias, diagonal, count):
    """The same for the Gaussian smoothing, by Gauss-Hermite nodes around each z."""
    nodes, node_weights = special.roots_hermitenorm(count)
    node_weights = node_weights / node_weights.sum()
    n = len(bias)
    index = np.array(list(itertools.product(range(count), repeat=n)))
    root = np.linalg.inv(np.linalg.cholesky(gaussian_precision(weights, diagonal))).T
    noise, weight = nodes[index] @ root.T, node_weights[index].prod(1)
    log_p = log_prob_units(weights, bias)
    terms = [
        special.logsumexp(log_likelihood(z + noise) + log_p[i], b=weight)
        for i, z in enumerate(states(n))
    ]
    return special.logsumexp(terms)


def relaxed_kl(first, second, weights, bias, name, beta, count):
    """KL(q(zeta) || p(zeta)) of two units in two groups, nats, by quadrature.

    first: what the posterior gives for unit 1, `[k]`. second: zeta_1 `[m, 1]` -> `[m, k]`. These
    are logits, or mean and log-variance of zeta for "gaussian_integral".
    """
    if name == "gaussian_integral":
        nodes, weight = special.roots_hermitenorm(count)
        weight = weight / weight.sum()
        one = first[0] + np.exp(0.5 * first[1]) * nodes
        loc, log_variance = second(one[:, np.newaxis]).T[..., np.newaxis]
        two = loc + np.exp(0.5 * log_variance) * nodes
        log_q = stats.norm.logpdf(one, first[0], np.exp(0.5 * first[1]))[:, np.newaxis]
        log_q = log_q + stats.norm.logpdf(two, loc, np.exp(0.5 * log_variance))
        zeta = np.stack([one[:, np.newaxis] + 0 * two, two], axis=-1)
        diagonal = abs(weights[0, 0]) + beta
        log_p = gaussian_log_prob_zeta(zeta, weights, bias, diagonal)
        return np.sum(np.outer(weight, weight) * (log_q - log_p))
    nodes, z, weight = unit_nodes(name, beta, count)
    logits = second(nodes[:, np.newaxis])
    log_q = [_log_marginal(nodes, logit, name, beta) for logit in (first, logits)]
    zeta = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1)
    log_p = log_prob_zeta(zeta.reshape(-1, 2), weights, bias, name, beta).reshape(log_q[1].shape)
    mass = weight * np.exp(log_bernoulli(z[:, np.newaxis], first))
    other = weight * np.exp(log_bernoulli(z[:, np.newaxis], logits[:, np.newaxis]))
    return np.sum(mass[:, np.newaxis] * other * (log_q[0][:, np.newaxis] + log_q[1] - log_p))


def _log_marginal(zeta, logits, name, beta):
    """log q(zeta) for logits `[]` or `[m, 1]`: `[n]` or `[m, n]`."""
    zero = component_log_prob(name, beta, zeta, np.zeros_like(zeta))
    one = component_log_prob(name, beta, zeta, np.ones_like(zeta))
    return np.logaddexp(zero - np.logaddexp(0, logits), one - np.logaddexp(0, -logits))


def l1_batch_norm(x, scale, offset, epsilon):
    """`[n, K]`, statistics of x itself."""
    y = x - x.mean(0)
    return y / (np.abs(y).mean(0) + epsilon) * scale + offset
