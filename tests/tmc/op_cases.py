"""Trees, leaves and points for the tests of the TensorFlow ops."""

import numpy as np
import tensorflow as tf
from reference import tmc
from scipy import special

from tfsp.tmc import ops

SIZES = [(n, d) for n in (1, 2, 3, 5, 30, 200) for d in (1, 3, 40)]


def random_case(num_leaves, dim, rows=7, seed=0):
    """parent, time, leaves, z: a random tree, a Brownian motion on it, points near its nodes."""
    rng = np.random.default_rng([seed, num_leaves, dim])
    parent, time = tmc.random_tree(rng, num_leaves)
    nodes = tmc.sample_leaves(rng, parent, time, dim)
    near = nodes[rng.integers(len(nodes), size=rows)]
    z = near + rng.normal(size=(rows, dim)) * rng.choice([0.05, 0.5, 3.0], size=(rows, 1))
    return parent, time, nodes[:num_leaves], z


def posterior_case(num_leaves=200, dim=40, rows=60, clusters=8, num_moves=20_000, seed=0):
    """Clustered leaves, exact in float32, and a tree that the sampler has fitted to them.

    z: a third each at leaves but for small noise, within the clusters, drawn from N(0, 2I).
    """
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(clusters, dim)) * 1.2
    leaves = centres[rng.integers(clusters, size=num_leaves)]
    leaves = (leaves + 0.2 * rng.normal(size=leaves.shape)).astype("float32")
    parent, time = tmc.random_tree(rng, num_leaves)
    tree = ops.sample_posterior(
        parent, time, leaves.astype("float64"), num_moves=num_moves, seed=seed
    )
    some = leaves[rng.integers(num_leaves, size=rows)]
    scale = np.repeat([0.02, 0.2], [rows // 3, rows - rows // 3])[:, None]
    z = some + scale * rng.normal(size=some.shape)
    z[-(rows // 3) :] = rng.normal(size=(rows // 3, dim)) * np.sqrt(2)
    return tree.parent.numpy(), tree.time.numpy(), leaves, z.astype("float32")


def mixture_log_terms(z, parent, time, leaves, nodes, log_edge):
    """log of each edge's share of the predictive density `[B, V]`, by dense conditioning.

    The rule's times and weights are taken as given (`nodes`); means and variances of a new leaf
    there come from the dense posterior of the edge's two ends and a Brownian bridge between them.
    """
    z = np.asarray(z, np.float64)
    out = np.full((len(z), len(parent)), -np.inf)
    if len(parent) == 1:
        out[:, 0] = log_normal(z, np.asarray(leaves) / 2, np.array([1.5]))[:, 0]
        return out
    mean, _ = tmc.node_posterior(parent, time, leaves)
    cov = tmc.node_posterior_covariance(parent, time)
    edge, t, log_w = (np.asarray(a) for a in (nodes.edge, nodes.time, nodes.log_weight))
    for v in np.unique(edge):
        u, mine = parent[v], edge == v
        length, gone = time[v] - time[u], t[mine] - time[u]
        x = gone / length
        bridge = cov[u, u] * (1 - x) ** 2 + 2 * cov[u, v] * x * (1 - x) + cov[v, v] * x**2
        variance = bridge + gone * (1 - x) + (1 - t[mine])
        centre = (1 - x)[:, None] * mean[u] + x[:, None] * mean[v]
        terms = log_w[mine] + log_normal(z, centre, variance)
        out[:, v] = log_edge[v] + special.logsumexp(terms, axis=1)
    return out


def log_normal(z, mean, variance):
    distance = np.sum((z[:, None] - mean) ** 2, -1)
    return -0.5 * (distance / variance + z.shape[1] * np.log(2 * np.pi * variance))


def gradients(function, *inputs):
    """The gradients that the tape gives for a scalar function of tensors."""
    inputs = [tf.convert_to_tensor(x) for x in inputs]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = function(*inputs)
    return tape.gradient(value, inputs)


def calls(parent, time, leaves, z):
    """Every op with its values: name -> function of nothing."""
    variance = np.full_like(leaves, 0.1)
    return {
        "topology_log_prob": lambda: ops.topology_log_prob(parent),
        "time_log_prob": lambda: ops.time_log_prob(parent, time),
        "log_likelihood": lambda: ops.log_likelihood(parent, time, leaves),
        "expected_log_likelihood": lambda: ops.expected_log_likelihood(
            parent, time, leaves, variance
        ),
        "log_joint": lambda: ops.log_joint(parent, time, leaves),
        "node_posterior": lambda: ops.node_posterior(parent, time, leaves),
        "edge_variances": lambda: ops.edge_variances(parent, time),
        "edge_log_prob": lambda: ops.edge_log_prob(parent, time),
        "attachment_quadrature": lambda: ops.attachment_quadrature(parent, time),
        "predictive_log_prob": lambda: ops.predictive_log_prob(z, parent, time, leaves),
        "attachment": lambda: ops.attachment(z, parent, time, leaves),
        "sample_posterior": lambda: ops.sample_posterior(
            parent, time, leaves, num_moves=50, seed=0
        ),
    }
