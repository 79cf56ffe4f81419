"""Depth-first order of a tree, and what follows from it in linear or quadratic time.

A tree comes as `children` int32 `[V, 2]` (-1 at leaves) and `time` `[V]`. Nothing recurses, so
trees may be as deep as they have leaves.
"""

from typing import NamedTuple

import numpy as np


class Layout(NamedTuple):
    """Leaves from left to right, so that those below a node are adjacent.

    Attributes:
      inner: internal nodes by falling time, children before parents: a list.
      count: leaves at or below every node `[V]`.
      start: place of the first of them in `order` `[V]`.
      order: leaves from left to right int32 `[N]`.
    """

    inner: list
    count: np.ndarray
    start: np.ndarray
    order: np.ndarray


def depth_first(children, time):
    """`Layout` of a tree."""
    num_nodes = len(time)
    num_leaves = (num_nodes + 1) // 2
    by_time = np.argsort(-time, kind="stable")  # times grow downwards
    inner = by_time[by_time >= num_leaves].tolist()
    left, right = children.T.tolist()
    count, start = [1] * num_nodes, [0] * num_nodes
    for v in inner:
        count[v] = count[left[v]] + count[right[v]]
    for v in reversed(inner):
        start[left[v]] = start[v]
        start[right[v]] = start[v] + count[left[v]]
    order = np.empty(num_leaves, np.int32)
    order[start[:num_leaves]] = np.arange(num_leaves)
    out = Layout(inner, np.array(count), np.array(start), order)
    for array in out[1:]:
        array.flags.writeable = False
    return out


def postorder(children, layout):
    """All nodes, children before parents, every subtree in one stretch: int32 `[V]`."""
    left, right = children.T.tolist()
    first = [0] * len(left)  # place of the first node of each subtree
    for v in reversed(layout.inner):
        first[left[v]] = first[v]
        first[right[v]] = first[v] + 2 * int(layout.count[left[v]]) - 1
    order = np.empty(len(left), np.int32)
    order[np.array(first) + 2 * layout.count - 2] = np.arange(len(left))
    order.flags.writeable = False
    return order


def canonical_labels(children, layout, root):
    """New numbers of all nodes `[V]`: internal ones in postorder, smaller leaves first."""
    num_nodes = len(children)
    num_leaves = len(layout.order)
    left, right = children.T.tolist()
    smallest = list(range(num_nodes))
    for v in layout.inner:
        smallest[v] = min(smallest[left[v]], smallest[right[v]])
    new = np.arange(num_nodes)
    label, stack = num_nodes - 1, [root] if layout.inner else []
    while stack:  # postorder from its end: parent, later child, earlier child
        v = stack.pop()
        new[v] = label
        label -= 1
        pair = sorted((left[v], right[v]), key=smallest.__getitem__)
        stack.extend(w for w in pair if w >= num_leaves)
    return new


def lca_times(children, time, layout, leaves, dtype):
    """Times of the lowest common ancestors of `leaves` `[M]`: `[M, M]`, 1 on the diagonal.

    The earliest of the splits between two leaves in the order is theirs: a running minimum.
    """
    num_leaves = len(layout.order)
    gaps = np.empty(num_leaves - 1, dtype)
    left = children[layout.inner, 0]
    gaps[layout.start[left] + layout.count[left] - 1] = time[layout.inner]
    place = np.empty(num_leaves, int)
    place[layout.order] = np.arange(num_leaves)
    columns = place[leaves]
    out = np.empty((len(leaves), len(leaves)), dtype)
    row = np.empty(num_leaves, dtype)
    for k, i in enumerate(columns):
        row[i] = 1
        np.minimum.accumulate(gaps[i:], out=row[i + 1 :])
        np.minimum.accumulate(gaps[:i][::-1], out=row[:i][::-1])
        np.take(row, columns, out=out[k])
    return out


def cluster_labels(layout, parent, split):
    """Labels `[N]` of the subtrees that remain when the nodes in `split` `[V]` are removed.

    Labels 0..K-1 follow the smallest leaf of each cluster.
    """
    num_leaves = len(layout.order)
    top = ~split & np.where(parent >= 0, split[parent], True)
    begin = np.sort(layout.start[top])
    cluster = np.empty(num_leaves, int)
    cluster[layout.order] = np.repeat(np.arange(len(begin)), np.diff(np.append(begin, num_leaves)))
    _, first, inverse = np.unique(cluster, return_index=True, return_inverse=True)
    rank = np.empty(len(first), int)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
