"""Must-links and cannot-links as triplets."""

import collections

import numpy as np

from tfsp import arguments
from tfsp.tmc.constraints.triplets import leaf_name, leaf_numbers
from tfsp.tmc.phylogeny import checks


def link_triplets(must_links, cannot_links, num_leaves, names=None):
    """Triplets that keep leaves together that must be, and apart those that cannot be.

    Must-links make groups, of all leaves that chains of them join. A cannot-link between two
    leaves then keeps the clades of their groups apart: the lowest clade that holds the group of one
    holds no leaf of the other. One triplet a must-linked leaf is enough: for groups g_0, g_1, ...
    and h_0, h_1, ... the triplets ({g_0, g_i}, h_0) and ({h_0, h_i}, g_0), as of two clades that
    share a leaf one holds the other.

    Every two leaves of a tree part somewhere: a must-link without a cannot-link to its group asks
    for nothing, nor does a cannot-link between two leaves without must-links.

    Args:
      must_links, cannot_links: pairs of leaves, `[K, 2]`, by number or name; or None.
      num_leaves: N.
      names: of the leaves, strings `[N]`, or None.

    Returns:
      int32 `[M, 3]`, without repetitions.

    Raises:
      ValueError: for pairs that are not two distinct leaves, and for a cannot-link between leaves
        that must-links join, with these.

    Source: Wagstaff & Cardie 2000, for the links; Miyamoto & Terami 2010 for hierarchies.
    """
    num_leaves = arguments.integer("num_leaves", num_leaves)
    must = _pairs("must_links", must_links, num_leaves, names)
    cannot = _pairs("cannot_links", cannot_links, num_leaves, names)
    links = collections.defaultdict(list)
    for a, b in must:
        links[a].append(b)
        links[b].append(a)
    group = _groups(links, num_leaves)
    members = collections.defaultdict(list)
    for leaf, number in enumerate(group):
        members[number].append(leaf)
    rows = {}
    for i, (a, b) in enumerate(cannot):
        if group[a] == group[b]:
            _refuse(i, _way(links, a, b), names)
        for g, h in (
            (members[group[a]], members[group[b]]),
            (members[group[b]], members[group[a]]),
        ):
            rows.update(dict.fromkeys((g[0], other, h[0]) for other in g[1:]))
    return np.array(list(rows), np.int32).reshape(-1, 3)


def _pairs(name, pairs, num_leaves, names):
    array = (
        np.zeros([0, 2], int)
        if pairs is None
        else checks.as_array(name, leaf_numbers(name, pairs, names))
    )
    if not array.size:
        return []
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iu":
        raise ValueError(
            f"`{name}` must hold pairs of leaves, shape [K, 2]. Received: {arguments.shown(pairs)}."
        )
    for i, (a, b) in enumerate(array.tolist()):
        if not (0 <= a < num_leaves and 0 <= b < num_leaves and a != b):
            raise ValueError(
                f"{name}[{i}] = ({a}, {b}) must be two distinct leaves in [0, {num_leaves})."
            )
    return array.tolist()


def _groups(links, num_leaves):
    """The number of each leaf's group."""
    group = [-1] * num_leaves
    for first in range(num_leaves):
        if group[first] >= 0:
            continue
        group[first], waiting = first, [first]
        while waiting:
            for other in links[waiting.pop()]:
                if group[other] < 0:
                    group[other] = first
                    waiting.append(other)
    return group


def _way(links, start, end):
    """The shortest chain of must-links from one leaf to another, both included."""
    before, waiting = {start: None}, collections.deque([start])
    while end not in before:
        leaf = waiting.popleft()
        for other in links[leaf]:
            if other not in before:
                before[other] = leaf
                waiting.append(other)
    way = [end]
    while way[-1] != start:
        way.append(before[way[-1]])
    return way[::-1]


def _refuse(i, way, names):
    shown = [leaf_name(leaf, names) for leaf in way]
    raise ValueError(
        f"cannot_links[{i}] = ({shown[0]}, {shown[-1]}) contradicts the must-links "
        f"{' - '.join(shown)}. One of these links must go."
    )
