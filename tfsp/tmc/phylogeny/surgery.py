"""Taking trees apart and putting them together. Everything returns new arrays."""

from typing import NamedTuple

import numpy as np

from tfsp import arguments
from tfsp.tmc.phylogeny import checks
from tfsp.tmc.phylogeny.arrays import TreeArrays


class Pruned(NamedTuple):
    """What `prune` returns; `attach(rest, edge, time, subtree, leaves)` is the tree again.

    Attributes:
      rest: `TreeArrays` without the subtree; the leaves are the remaining ones in order.
      subtree: the tree taken off, times kept.
      edge: node of `rest` on whose edge the subtree stood (its former sibling).
      time: when it branched off.
      leaves: numbers that the subtree's leaves had.
    """

    rest: TreeArrays
    subtree: TreeArrays
    edge: int
    time: float
    leaves: np.ndarray


def _restrict(tree, leaves):
    """The tree that ascending `leaves` span, and its nodes' numbers in the old tree."""
    inner = tree.layout.inner
    chosen = np.zeros(tree.num_nodes, bool)
    chosen[leaves] = True
    left, right = tree.children.T.tolist()
    below = chosen.tolist()  # has a chosen leaf at or below
    keep = chosen.tolist()
    top = list(range(tree.num_nodes))  # the kept node that stands for a subtree
    pair = {}
    for v in inner:
        k, m = left[v], right[v]
        below[v] = below[k] or below[m]
        keep[v] = below[k] and below[m]
        if keep[v]:
            pair[v] = (top[k], top[m])
        elif below[v]:
            top[v] = top[k] if below[k] else top[m]
    old = np.flatnonzero(keep)
    new = np.full(tree.num_nodes, -1, np.int32)
    new[old] = np.arange(len(old))
    parent = np.full(len(old), -1, np.int32)
    for v, (k, m) in pair.items():
        parent[new[k]] = parent[new[m]] = new[v]
    time = tree.time[old]
    names = tuple(tree.names[n] for n in leaves) if tree.names else None
    return TreeArrays(parent, time, names, time[parent < 0][0]), old


def restrict(tree, leaves):
    """The tree that some leaves span, with the times it had.

    Args:
      leaves: distinct leaf numbers `[M]`, M >= 1; leaf i of the result is `leaves[i]`.

    Raises:
      ValueError: for none, repeated or unknown leaves.
    """
    leaves = checks.as_leaves("leaves", leaves, tree.num_leaves)
    if not leaves.size:
        raise ValueError("`leaves` must contain at least one leaf. Received: none.")
    order = np.argsort(leaves, kind="stable")
    ascending = leaves[order]
    if np.any(np.diff(ascending) == 0):
        twice = ascending[:-1][np.diff(ascending) == 0][0]
        raise ValueError(f"`leaves` must be distinct. Received: {twice} twice.")
    out, _ = _restrict(tree, ascending)
    in_order = np.array_equal(order, np.arange(len(order)))
    return out if in_order else reorder(out, np.argsort(order))


def reorder(tree, leaves):
    """The tree whose leaf i is that tree's leaf `leaves[i]`.

    Raises:
      ValueError: if `leaves` is not a permutation of 0..N-1.
    """
    leaves = checks.as_array("leaves", leaves)
    numbers = leaves.ndim == 1 and leaves.dtype.kind in "iu"
    if not numbers or not np.array_equal(np.sort(leaves), np.arange(tree.num_leaves)):
        raise ValueError(
            f"`leaves` must be a permutation of 0..{tree.num_leaves - 1}. Received: {leaves}."
        )
    parent = tree.parent.copy()
    parent[: tree.num_leaves] = parent[leaves]
    names = tuple(tree.names[n] for n in leaves) if tree.names else None
    support = None
    if tree.support is not None:
        support = tree.support.copy()
        support[: tree.num_leaves] = support[leaves]
    return TreeArrays(parent, tree.time, names, tree.root_time, support)


def prune(tree, node):
    """Takes off the subtree at `node` (a leaf or an internal node) with the edge above it.

    When `node` hangs from the root, its sibling becomes the root of the rest and keeps its time:
    `rest.rescaled()` puts it at 0.

    Returns:
      `Pruned`.

    Raises:
      ValueError: at the root.
    """
    node = checks.check_node(node, tree.num_nodes)
    if node == tree.root:
        raise ValueError(f"The root cannot be pruned: nothing would remain. Received: node={node}.")
    u = tree.parent[node]
    sibling = tree.children[u].sum() - node
    gone = tree.leaves_below(node)
    rest, old = _restrict(tree, np.setdiff1d(np.arange(tree.num_leaves), gone))
    edge = int(np.searchsorted(old, sibling))  # `old` ascends, and the sibling is always kept
    return Pruned(rest, restrict(tree, gone), edge, float(tree.time[u]), gone)


def attach(tree, edge, time, subtree=None, leaves=None, name=None):
    """Adds a leaf or a subtree on the edge above a node.

    Args:
      edge: node of `tree` above which the new branching is. At the root: above the root,
        which must be after `time`.
      time: of the new branching: after the upper end of the edge, before `edge` and before the
        root of `subtree`.
      subtree: a tree with times of its own; None for one leaf.
      leaves: numbers that the new leaves take in the result, ascending; the old leaves fill the
        others in order. By default the new leaves come last.
      name: of a single new leaf, where `tree` has names.

    Returns:
      `TreeArrays`.

    Raises:
      ValueError: for a `time` that is off that edge or not before the root of `subtree`, and for
        leaves or names that do not fit.
    """
    edge = checks.check_node(edge, tree.num_nodes, "edge")
    if subtree is None:
        subtree = TreeArrays([-1], [1.0], None if name is None else [name])
    elif not isinstance(subtree, TreeArrays):
        raise ValueError(f"`subtree` must be a Phylogeny. Received: {type(subtree).__name__}.")
    elif name is not None:
        raise ValueError("`name` is for a single leaf; name the leaves of `subtree` itself.")
    time = _check_time(tree, edge, arguments.number("time", time), subtree)
    num_old, num_new = tree.num_leaves, subtree.num_leaves
    total = num_old + num_new
    leaves = _check_leaves(leaves, num_new, total)
    others = np.setdiff1d(np.arange(total), leaves)
    # Internal nodes: the old ones, the subtree's, the new branching.
    here = np.concatenate([others, total + np.arange(num_old - 1)])
    there = np.concatenate([leaves, total + num_old - 1 + np.arange(num_new - 1)])
    branching = 2 * total - 2
    parent, times = np.full(2 * total - 1, -1, np.int32), np.ones(2 * total - 1)
    for part, place in ((tree, here), (subtree, there)):
        parent[place] = np.where(part.parent >= 0, place[part.parent], -1)
        times[place] = part.time
    parent[branching] = parent[here[edge]]
    parent[[here[edge], there[subtree.root]]] = branching
    times[branching] = time
    root_time = time if edge == tree.root else tree.root_time
    return TreeArrays(parent, times, _names(tree, subtree, others, leaves), root_time)


def _check_time(tree, edge, time, subtree):
    above = tree.parent[edge]
    start = tree.time[above] if above >= 0 else 0.0
    late = time > start or (above < 0 and time == 0.0)
    if not (late and time < tree.time[edge]):
        raise ValueError(
            f"`time` must lie on the edge above node {edge}, between {start} and "
            f"{tree.time[edge]}. Received: time={time}."
        )
    if not time < subtree.root_time:
        raise ValueError(
            f"`time` must be before the root of `subtree`, at {subtree.root_time}. "
            f"Received: time={time}."
        )
    return time


def _check_leaves(leaves, num_new, total):
    if leaves is None:
        return np.arange(total - num_new, total)
    leaves = checks.as_leaves("leaves", leaves, total)
    if len(leaves) != num_new or np.any(np.diff(leaves) <= 0):
        raise ValueError(
            f"`leaves` must hold {num_new} ascending numbers, one per new leaf. "
            f"Received: {arguments.shorten(str(leaves.tolist()))}."
        )
    return leaves


def _names(tree, subtree, others, leaves):
    if tree.names is None and subtree.names is None:
        return None
    if tree.names is None or subtree.names is None:
        which = "new leaves" if subtree.names is None else "tree"
        raise ValueError(
            f"Either all leaves have names or none: the {which} have none. Give `name`, or names "
            "to `subtree`; or drop names by `with_names(None)`."
        )
    names = np.empty(len(others) + len(leaves), object)
    names[others], names[leaves] = tree.names, subtree.names
    return tuple(names)
