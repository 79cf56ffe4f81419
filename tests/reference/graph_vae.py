"""The Graph VAE by hand, in NumPy: one draw of one example at a time. Never imports tfsp."""

import numpy as np


def elu(a):
    return np.where(a > 0, a, np.expm1(np.minimum(a, 0.0)))


def node_network(weights, inputs):
    """Mean and variance of one node `[D]` from `[F]`: appendix B.1, averages for batch norm.

    weights: dict of arrays: dense, dense_bias, scale, offset, average, variance, epsilon, kernel,
    bias, output_kernel, output_bias; the last two hold means, then log-variances.
    """
    h = inputs @ weights["dense"] + weights["dense_bias"]
    h = (h - weights["average"]) / np.sqrt(weights["variance"] + weights["epsilon"])
    h = elu(weights["scale"] * h + weights["offset"])
    features = h @ weights["kernel"] + weights["bias"]
    size = len(features)
    loc = features @ weights["output_kernel"][:, :size] + weights["output_bias"][:size]
    log_variance = features @ weights["output_kernel"][:, size:] + weights["output_bias"][size:]
    return loc, np.exp(np.clip(log_variance, -10, 10))


def product_of_normals(loc, variance, other_loc, other_variance):
    precision = 1 / variance + 1 / other_variance
    return (loc / variance + other_loc / other_variance) / precision, 1 / precision


def normal_log_prob(z, loc, variance):
    return float(np.sum(-0.5 * ((z - loc) ** 2 / variance + np.log(2 * np.pi * variance))))


def normal_kl(loc, variance, other_loc, other_variance):
    terms = np.log(other_variance / variance) + (variance + (loc - other_loc) ** 2) / other_variance
    return 0.5 * float(np.sum(terms - 1))


def vae(bottom_up, features, noise):
    """A VAE whose posterior is the bottom-up prediction times N(0, I).

    Args:
      bottom_up: weights for each block of latents. features: `[F]`. noise: `[M]`.

    Returns: z `[M]`, KL, log p(z) - log q(z).
    """
    parts, kl, log_ratio = [], 0.0, 0.0
    for weights, eps in zip(bottom_up, np.split(noise, len(bottom_up)), strict=True):
        loc, variance = node_network(weights, features)
        loc, variance = loc / (1 + variance), variance / (1 + variance)
        z = loc + np.sqrt(variance) * eps
        kl += normal_kl(loc, variance, 0.0, np.ones_like(loc))
        log_ratio += normal_log_prob(z, 0.0, np.ones_like(z)) - normal_log_prob(z, loc, variance)
        parts.append(z)
    return np.concatenate(parts), kl, log_ratio


def ladder(bottom_up, top_down, features, noise):
    """A ladder VAE: each block depends on the one above alone, the top one on nothing.

    Args:
      bottom_up: weights for each block, the bottom block first. top_down: those of every block but
      the top one, by the block above.

    Returns: as `vae`.
    """
    steps = np.split(noise, len(bottom_up))
    size = len(steps[0])
    above, parts, kl, log_ratio = None, [], 0.0, 0.0
    for level in range(len(bottom_up) - 1, -1, -1):
        if above is None:
            prior = np.zeros(size), np.ones(size)
        else:
            prior = node_network(top_down[level], above)
        loc, variance = product_of_normals(*prior, *node_network(bottom_up[level], features))
        above = loc + np.sqrt(variance) * steps[level]
        kl += normal_kl(loc, variance, *prior)
        log_ratio += normal_log_prob(above, *prior) - normal_log_prob(above, loc, variance)
        parts.insert(0, above)
    return np.concatenate(parts), kl, log_ratio


def gated(bottom_up, top_down, own_top_down, gates, features, noise):
    """Every node by all nodes above, multiplied by gates `[N, N]` ([i, j]: from i to j).

    Args:
      top_down, own_top_down: weights of the prior's and of the posterior's top-down networks, for
      every node but the last.

    Returns: as `vae`, the KL as one number for each node.
    """
    count = len(bottom_up)
    steps = np.split(noise, count)
    z, kl, log_ratio = [None] * count, np.zeros(count), 0.0
    for n in reversed(range(count)):
        prior = own = np.zeros(len(steps[0])), np.ones(len(steps[0]))
        if n < count - 1:
            parents = np.concatenate([gates[i, n] * z[i] for i in range(n + 1, count)])
            prior = node_network(top_down[n], parents)
            own = node_network(own_top_down[n], parents)
        loc, variance = product_of_normals(*own, *node_network(bottom_up[n], features))
        z[n] = loc + np.sqrt(variance) * steps[n]
        kl[n] = normal_kl(loc, variance, *prior)
        log_ratio += normal_log_prob(z[n], *prior) - normal_log_prob(z[n], loc, variance)
    return np.concatenate(z), kl, log_ratio
