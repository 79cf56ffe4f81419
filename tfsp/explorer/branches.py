"""A tree with the rows that hang on it, in the form that a page can draw without a search."""

from typing import NamedTuple

import numpy as np


class Branches(NamedTuple):
    """The nodes of a tree that hold rows, parents first, and the rows in the order of the tree.

    Attributes:
      number: ints `[M]`, the numbers of the nodes in the tree.
      parent: ints `[M]`, places in these arrays, -1 at the root; smaller than the node's own.
      start, count: ints `[M]`: rows at or below node m are `order[start[m]:start[m] + count[m]]`.
        Those at the node itself come first, then those of its children, the larger ones first.
      order: ints `[n]`, the rows.
    """

    number: np.ndarray
    parent: np.ndarray
    start: np.ndarray
    count: np.ndarray
    order: np.ndarray


def branches(parent, last):
    """The `Branches` of a tree.

    Args:
      parent: ints `[V]`, -1 at the root; of a node that the tree does not have its own number.
      last: ints `[n]`, the lowest node that holds each row.
    """
    parent, last = np.asarray(parent), np.asarray(last)
    num_nodes = len(parent)
    own = np.bincount(last, minlength=num_nodes)
    count, children = own.copy(), [[] for _ in range(num_nodes)]
    exists = parent != np.arange(num_nodes)
    for v in _children_first(parent, exists):
        above = parent[v]
        if above >= 0:
            count[above] += count[v]
            if count[v]:
                children[above].append(v)
    by_node = np.argsort(last, kind="stable")
    first = np.cumsum(own) - own
    number, up, start, order, filled = [], [], [], [], 0
    root = int(np.flatnonzero(parent == -1)[0])
    stack = [(root, -1)]
    while stack:
        v, above = stack.pop()
        place = len(number)
        number.append(v)
        up.append(above)
        start.append(filled)
        order.append(by_node[first[v] : first[v] + own[v]])
        filled += own[v]
        # The last of the stack comes next: the larger first, of equal ones the smaller number.
        below = sorted(children[v], key=lambda child: (count[child], -child))
        stack += [(child, place) for child in below]
    number = np.array(number)
    return Branches(
        number, np.array(up), np.array(start), count[number], np.concatenate(order).astype(int)
    )


def _children_first(parent, exists):
    """The nodes of a tree, each after all that is below it."""
    waiting = np.bincount(parent[exists & (parent >= 0)], minlength=len(parent))
    ready = np.flatnonzero(exists & (waiting == 0)).tolist()
    while ready:
        v = ready.pop()
        yield v
        above = parent[v]
        if above >= 0:
            waiting[above] -= 1
            if not waiting[above]:
                ready.append(int(above))
