"""Places on trees, in arrays: the node of each row, how probable it is, and its cluster."""

from typing import NamedTuple

import numpy as np

from tfsp import arguments
from tfsp.tmc import category_tree, lasting_clusters, neighbour_tree
from tfsp.tmc.native.numpy import Predictive
from tfsp.tmc.phylogeny import cuts
from tfsp.tmc.summary.number import lasting_clades

_CHUNK = 2**21  # numbers in one work array
_NEAREST = 15  # rows that are asked for their cluster
_LEAST = 1e-35  # a probability below is rounding


class Places(NamedTuple):
    """Where rows belong.

    Attributes:
      parent: ints `[V]`, the parent of each node, -1 at the root; of a node that the tree does not
        have, such as a category that nothing is in, its own number.
      node: ints `[n]`.
      probability: float64 `[n]`.
      cluster: ints `[n]`.
      time: float64 `[V]`, of the nodes; NaN of a node that the tree does not have.
      support: float64 `[V]`, how sure the clade below each node is, or None.
      last: ints `[n]`, the lowest node that holds each row: `node`, or in a tree over the rows
        themselves the row's own leaf.
    """

    parent: np.ndarray
    node: np.ndarray
    probability: np.ndarray
    cluster: np.ndarray
    time: np.ndarray
    support: np.ndarray | None
    last: np.ndarray


def tree_of(prior, seed=0):
    """The `Phylogeny` of a tree prior that rows are attached to; see `evaluation.attach`."""
    if len(prior.leaf_locations()) > prior.most_summarised:
        return prior.phylogeny()
    return prior.summary_tree(seed=seed, warn=False).tree


def on_tree(prior, tree, codes, num_clusters=None, leaves=None):
    """`Places` of codes on a tree over the leaves of a tree prior, by its density.

    Args:
      prior: a `TreePrior` that has started.
      tree: `Phylogeny` over its N leaves.
      codes: `[n, D]` in the space of the prior.
      num_clusters: of the leaves; None takes as many as last.
      leaves: ints `[n]` or None: the leaf that a row is, with probability 1; -1 leaves it open.

    Raises:
      ValueError: for a tree over another number of leaves, and more clusters than there are.
    """
    points = np.asarray(prior.leaf_locations(), np.float64)
    if tree.num_leaves != len(points):
        raise ValueError(
            f"`tree` must be over the {len(points)} leaves of the prior. Received: a tree over "
            f"{tree.num_leaves}."
        )
    codes = np.asarray(codes, np.float64)
    density = Predictive(tree.parent, tree.time, points, **prior.options())
    of_leaves = _clusters(tree, num_clusters)[0]
    clusters = cuts.shares(tree, of_leaves)  # [V, K]
    node, probability, cluster = np.empty((3, len(codes)))
    rows = max(1, _CHUNK // tree.num_nodes)
    for start in range(0, len(codes), rows):
        part = slice(start, start + rows)
        edges = np.exp(density.attachment(codes[part]))
        node[part], probability[part] = edges.argmax(axis=1), edges.max(axis=1)
        cluster[part] = (edges @ clusters).argmax(axis=1)
    node = node.astype(int)
    cluster = cluster.astype(int)
    if leaves is not None:
        known = leaves >= 0
        node[known], probability[known] = leaves[known], 1.0
        cluster[known] = of_leaves[leaves[known]]
    return Places(tree.parent, node, probability, cluster, tree.time, tree.support, node)


def in_categories(probabilities, num_clusters=None):
    """`Places` in categories: `probabilities` `[n, K]`. `num_clusters` joins those in use."""
    log_probs = np.log(np.maximum(probabilities, _LEAST))
    log_probs -= np.logaddexp.reduce(log_probs, axis=1, keepdims=True)
    num_categories, node = probabilities.shape[1], probabilities.argmax(axis=1)
    used = np.unique(log_probs.argmax(axis=1))
    tree = category_tree(log_probs)
    number = np.concatenate([used, num_categories + np.arange(tree.num_nodes - len(used))])
    parent = np.arange(num_categories + tree.num_nodes - len(used))
    parent[number] = np.where(tree.parent >= 0, number[tree.parent], -1)
    time = np.full(len(parent), np.nan)
    time[number] = tree.time
    cluster = node
    if num_clusters is not None:
        arguments.integer("num_clusters", num_clusters, 1, len(used))
        cluster = tree.cut(num_clusters)[np.searchsorted(used, node)]
    return Places(parent, node, probabilities.max(axis=1), cluster, time, None, node)


def among_neighbours(codes, num_clusters=None):
    """`Places` in the tree of nearest neighbours of codes `[n, D]`."""
    from scipy.spatial import cKDTree

    codes = np.asarray(codes, np.float64)
    tree = neighbour_tree(codes)
    cluster, clades = _clusters(tree, num_clusters)
    # Rows outside of the clades are at the node where they part from that of their cluster.
    holds = np.zeros(tree.num_nodes, bool)
    for clade in clades:
        holds[[clade, *tree.ancestors(clade)]] = True
    node = np.arange(len(codes))
    while (climbing := ~holds[node]).any():
        node[climbing] = tree.parent[node[climbing]]
    near = min(_NEAREST, len(codes) - 1)
    index = cKDTree(codes).query(codes, near + 1)[1]
    others = index != np.arange(len(codes))[:, np.newaxis]
    others[others.all(axis=1), -1] = False  # of rows that are the same, another came first
    same = (cluster[index] == cluster[:, np.newaxis]) & others
    last = np.arange(len(codes))
    return Places(tree.parent, node, same.sum(axis=1) / near, cluster, tree.time, None, last)


def paths(parent, node):
    """Numbers of the nodes from the root to each node: strings `[n]` such as "38/35/4".

    Args:
      parent: `[V]`, see `Places`.
      node: ints `[n]`.
    """
    known = {}
    for last in np.unique(node).tolist():
        above = [last]
        while (v := int(parent[above[-1]])) not in (-1, above[-1]):
            above.append(v)
        known[last] = "/".join(map(str, above[::-1]))
    return np.array([known[v] for v in node.tolist()], object)


def _clusters(tree, num_clusters):
    """(the cluster of each leaf `[N]`, the clades); by `cut` where not so many clusters last."""
    if num_clusters is not None:
        arguments.integer("num_clusters", num_clusters, 1, tree.num_leaves)
    try:
        clades = lasting_clades(tree, num_clusters=num_clusters)
        return lasting_clusters(tree, num_clusters), clades
    except ValueError:
        labels = tree.cut(num_clusters)
    of_each = (np.flatnonzero(labels == k).tolist() for k in range(num_clusters))
    return labels, [tree.lowest_common_ancestor(*leaves) for leaves in of_each]
