"""The recognition network's weights, one edge and one time after another, by dense algebra.

Edges are named by their lower node; y is the logit of the position on an edge.
"""

import math

import numpy as np
from reference import tmc
from scipy import integrate, special, stats


def time_log_density(parent, time, v, t, a=2.0, b=2.0):
    """log p(t given e_v): Beta on a leaf's edge, with scipy's 2F1 in the constant elsewhere."""
    num_leaves = (len(parent) + 1) // 2
    start, end = time[parent[v]], time[v]
    if v < num_leaves:
        return stats.beta.logpdf((t - start) / (1 - start), a, b) - math.log(1 - start)
    kappa = (end - start) / (1 - start)
    log_constant = (
        (2 * a - 1) * math.log(end - start)
        - a * math.log(1 - start)
        + special.betaln(a, a)
        + math.log(special.hyp2f1(a, a, 2 * a, kappa))
    )
    powers = (a - 1) * math.log(t - start) + (a - 1) * math.log(end - t) - a * math.log(1 - t)
    return powers - log_constant


def stick_log_density(parent, time, v, t, loc, scale):
    """log q(t): the stick's logit is N(loc, scale^2), changed to a density of t."""
    start, end = time[parent[v]], time[v]
    x = (t - start) / (end - start)
    jacobian = math.log(x) + math.log1p(-x) + math.log(end - start)
    return stats.norm.logpdf(special.logit(x), loc, scale) - jacobian


def joint_log_density(z, parent, time, leaves, v, t, a=2.0, b=2.0, log_edge=None, added=0.0):
    """log p(e_v) p(t given e_v) N(z; e_v, t), z `[D]`: the new leaf by dense conditioning.

    Args: log_edge: log p(e) `[V]`, computed if None. added: added to the variance.
    """
    log_edge = tmc.edge_log_prob(parent) if log_edge is None else log_edge
    mean, variance = tmc.new_leaf(parent, time, leaves, v, t)
    location = np.sum(stats.norm.logpdf(z, mean, math.sqrt(variance + added)))
    return log_edge[v] + time_log_density(parent, time, v, t, a, b) + location


def log_weights(z, parent, time, leaves, y, loc, scale, a=2.0, b=2.0, exact_bayes=False, added=0.0):
    """log w `[B, V]` at the sticks' logits `y` `[B, V]`; -inf at the root."""
    log_edge = tmc.bayes_log_weights(parent, time, a, b) if exact_bayes else None
    out = np.full(np.shape(y), -np.inf)
    for v in np.flatnonzero(np.asarray(parent) >= 0):
        for n, point in enumerate(z):
            t = time[parent[v]] + special.expit(y[n, v]) * (time[v] - time[parent[v]])
            joint = joint_log_density(point, parent, time, leaves, v, t, a, b, log_edge, added)
            out[n, v] = joint - stick_log_density(parent, time, v, t, loc[n, v], scale[n, v])
    return out


def time_log_posterior(z, parent, time, leaves, v, t, a=2.0, b=2.0):
    """log p(t given e_v, z) for `t` `[Q]`: the perfect recognition, its constant by `quad`."""
    start, end = time[parent[v]], time[v]
    peak = max(
        joint_log_density(z, parent, time, leaves, v, s, a, b)
        for s in start + (end - start) * np.linspace(0.01, 0.99, 50)
    )

    def density(s):
        return math.exp(joint_log_density(z, parent, time, leaves, v, s, a, b) - peak)

    total, _ = integrate.quad(density, start, end, epsabs=0, epsrel=1e-8, limit=200)
    log_total = math.log(total) + peak
    log_joint = [joint_log_density(z, parent, time, leaves, v, s, a, b) for s in t]
    return np.array(log_joint) - log_total


def network(z, means, scalars, kernels, biases):
    """A dense network with ReLU units on the joined inputs, pair by pair: `[B, E, outputs]`.

    Args: z `[B, D]`, means `[E, 2D]`, scalars `[E, F]`; kernels, biases: one for each layer.
    """
    out = []
    for point in z:
        values = np.concatenate([np.tile(point, (len(means), 1)), means, scalars], axis=1)
        for i, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
            values = values @ kernel + bias
            if i < len(kernels) - 1:
                values = np.maximum(values, 0)
        out.append(values)
    return np.array(out)
