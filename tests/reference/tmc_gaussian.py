"""Brownian motion on a tree by dense linear algebra, and plain recursions in extended precision.

The root's location is N(0, I) at time 0 and an edge from u to v adds N(0, (t_v - t_u) I), so every
coordinate has the same covariance 1 + t of the lowest common ancestor.
"""

import numpy as np
from reference import tmc_trees


def node_covariance(parent, time):
    """Covariance `[V, V]` of one coordinate of all nodes (for N = 1: [[2]])."""
    return 1.0 + tmc_trees.lca_times(parent, time)


def log_likelihood(parent, time, leaves):
    """log r(leaves given tree) in nats, from the dense N x N covariance."""
    leaves = np.asarray(leaves, np.float64)
    num_leaves, dim = leaves.shape
    cov = node_covariance(parent, time)[:num_leaves, :num_leaves]
    chol = np.linalg.cholesky(cov)
    white = np.linalg.solve(chol, leaves)
    log_det = 2 * np.sum(np.log(np.diag(chol)))
    return -0.5 * (np.sum(white**2) + dim * (log_det + num_leaves * np.log(2 * np.pi)))


def expected_log_likelihood(parent, time, mean, stddev):
    """E log r(z given tree) for independent z[n, k] ~ N(mean[n, k], stddev[n, k]^2)."""
    num_leaves = len(mean)
    precision = np.linalg.inv(node_covariance(parent, time)[:num_leaves, :num_leaves])
    trace = np.sum(np.diag(precision)[:, None] * np.asarray(stddev, np.float64) ** 2)
    return log_likelihood(parent, time, mean) - 0.5 * trace


def node_posterior_covariance(parent, time):
    """Covariance `[V, V]` of one coordinate of the nodes given all leaves; exactly 0 at leaves."""
    num_leaves = (len(parent) + 1) // 2
    cov = node_covariance(parent, time)
    leaf = slice(num_leaves)
    post = cov - cov[:, leaf] @ np.linalg.solve(cov[leaf, leaf], cov[leaf, :])
    post[leaf, :] = 0.0
    post[:, leaf] = 0.0
    return post


def node_posterior(parent, time, leaves):
    """Mean `[V, D]` and variance `[V]` of every node given all leaves, by conditioning."""
    leaves = np.asarray(leaves, np.float64)
    num_leaves = len(leaves)
    cov = node_covariance(parent, time)
    mean = cov[:, :num_leaves] @ np.linalg.solve(cov[:num_leaves, :num_leaves], leaves)
    mean[:num_leaves] = leaves
    return mean, np.diag(node_posterior_covariance(parent, time)).copy()


def sample_leaves(rng, parent, time, dim):
    """Locations `[V, dim]` of all nodes, walked from the root down; the leaves are `[:N]`."""
    below = tmc_trees.children(parent)
    root = int(np.flatnonzero(np.asarray(parent) < 0)[0])
    z = np.empty((len(parent), dim))
    z[root] = rng.normal(size=dim) * np.sqrt(1 + time[root])
    todo = [root]
    while todo:
        u = todo.pop()
        for v in below[u]:
            z[v] = z[u] + rng.normal(size=dim) * np.sqrt(time[v] - time[u])
            todo.append(v)
    return z


def combine(messages, dtype=np.longdouble):
    """Product of Gaussian messages (mean `[D]`, variance): precision-weighted.

    A message of variance 0 is certain and wins.
    """
    for mean, variance in messages:
        if variance == 0:
            return mean, variance
    precision = sum(1 / dtype(v) for _, v in messages)
    return sum(m / dtype(v) for m, v in messages) / precision, 1 / precision


def messages(parent, time, leaves, dtype=np.longdouble):
    """Upward messages in extended precision: a recursion for trees that dense algebra spoils.

    Returns: dict of `mean` `[V, D]`, `variance` `[V]`, `log_z` `[V]` (0 at leaves) and
        `log_likelihood`, the sum with the root's factor.
    """
    time = np.asarray(time, dtype)
    leaves = np.asarray(leaves, dtype)
    num_leaves, dim = leaves.shape
    mean = np.zeros((len(parent), dim), dtype)
    variance = np.zeros(len(parent), dtype)
    log_z = np.zeros(len(parent), dtype)
    two_pi = 8 * np.arctan(dtype(1))

    def log_normal(difference, v):
        return -(np.sum(difference**2) / v + dim * np.log(two_pi * v)) / 2

    mean[:num_leaves] = leaves
    below = tmc_trees.children(parent)
    internal = sorted(range(num_leaves, len(parent)), key=lambda v: -time[v])  # children first
    for v in internal:
        left, right = below[v]
        var_l = variance[left] + time[left] - time[v]
        var_r = variance[right] + time[right] - time[v]
        mean[v], variance[v] = combine([(mean[left], var_l), (mean[right], var_r)], dtype)
        log_z[v] = log_normal(mean[left] - mean[right], var_l + var_r)
    root = int(np.flatnonzero(np.asarray(parent) < 0)[0])
    total = np.sum(log_z) + log_normal(mean[root], 1 + time[root] + variance[root])
    return dict(mean=mean, variance=variance, log_z=log_z, log_likelihood=total)


def cavities(parent, time, leaves, dtype=np.longdouble):
    """Belief at the parent of every node without that node's own subtree.

    Returns: mean `[V, D]` and variance `[V]` (A0); at the root the prior, mean 0 and variance 1.
    """
    up = messages(parent, time, leaves, dtype)
    time = np.asarray(time, dtype)
    mean, variance = np.zeros_like(up["mean"]), np.ones(len(parent), dtype)
    below = tmc_trees.children(parent)
    for u in sorted(range(len(leaves), len(parent)), key=lambda v: time[v]):  # parents first
        above = variance[u] if parent[u] < 0 else variance[u] + time[u] - time[parent[u]]
        for v in below[u]:
            (s,) = (w for w in below[u] if w != v)
            sibling = (up["mean"][s], up["variance"][s] + time[s] - time[u])
            mean[v], variance[v] = combine([sibling, (mean[u], above)], dtype)
    return mean, variance
