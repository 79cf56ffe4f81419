"""A tree with leaves at one time: which branches are there, and where they are."""

from typing import NamedTuple

import numpy as np

from tfsp import arguments
from tfsp.tmc import native
from tfsp.tmc.phylogeny import checks


class SliceLocations(NamedTuple):
    """The random walk at one time.

    Attributes:
      nodes: lower nodes of the branches there, int32 `[k]`, ascending.
      mean: their expected locations given the leaves `[k, D]`.
      variance: of every coordinate `[k]`.
    """

    nodes: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


def slice_locations(tree, leaves, time, subtree=None):
    """Locations of all branches (u, v) with t_u <= time < t_v, given the leaves.

        mean = (1 - x) M_u + x M_v,  x = (time - t_u) / (t_v - t_u)
        variance = (1 - x)^2 V_u + x^2 V_v + 2 x (1 - x) (1 - g_v) V_u + x (1 - x) (t_v - t_u)

    with M, V the nodes' posterior means and variances, (1 - g_v) V_u the covariance of u and v,
    g_v = e_v / (e_v + nu_v): a Brownian bridge between two correlated ends. At a node's own time
    its two branches are there, one location for both; `Phylogeny.slice` still counts them as one
    cluster, elsewhere its clusters are the leaves below `nodes`.

    Args:
      tree: a `Phylogeny` with its root at 0.
      leaves: `[N, D]`.
      time: in [0, 1]; at 1 the branches are the leaves themselves, of variance 0.
      subtree: None, or a node: only branches at or below it (the edge above it included). There
        are none at times before its parent's.

    Returns:
      `SliceLocations`, dtype float64.

    Raises:
      ValueError: for a time or node outside its range, leaves of a wrong shape or not finite.

    Source: Vikram et al. 2018, section 6.1, Figure 5 (the means).
    """
    time = arguments.number("time", time, "[0, 1]")
    mean, variance = native.node_posterior(tree.parent, tree.time, leaves)
    if time == 1:
        there = np.arange(tree.num_nodes) < tree.num_leaves
    else:
        above = np.maximum(tree.parent, 0)
        there = (tree.parent >= 0) & (tree.time[above] <= time) & (time < tree.time)
    if subtree is not None:
        there &= at_or_below(tree, subtree)
    nodes = np.flatnonzero(there).astype(np.int32)
    if time == 1 or not len(nodes):
        return SliceLocations(nodes, mean[nodes].astype(np.float64), np.zeros(len(nodes)))
    upper, length = tree.parent[nodes], tree.edge_lengths[nodes]
    x = (time - tree.time[upper]) / length
    nu = native.edge_variances(tree.parent, tree.time).upward[nodes]
    shared = nu / (length + nu) * variance[upper]
    spread = (1 - x) ** 2 * variance[upper] + x**2 * variance[nodes] + 2 * x * (1 - x) * shared
    where = (1 - x)[:, None] * mean[upper] + x[:, None] * mean[nodes]
    return SliceLocations(nodes, where, spread + x * (1 - x) * length)


def at_or_below(tree, node):
    """Whether each node is `node` or one of its descendants: bool `[V]`."""
    node = checks.check_node(node, tree.num_nodes, "subtree")
    start, count = tree.layout.start, tree.layout.count
    return (start >= start[node]) & (start + count <= start[node] + count[node])
