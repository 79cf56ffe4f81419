"""Triplets of leaves as arrays, and whether trees satisfy them."""

import collections

import numpy as np

from tfsp import arguments
from tfsp.tmc.native import _tmc
from tfsp.tmc.native.numpy import as_parent
from tfsp.tmc.native.options import as_triplets
from tfsp.tmc.phylogeny import TreeArrays


def satisfies(parent, triplets):
    """Which triplets a tree satisfies: bool `[M]`.

    Args:
      parent: ints `[V]`, or a `Phylogeny`.
      triplets: `[M, 3]`, rows a, b, c: do a and b meet strictly below the node where c joins them?
        Numbers of leaves, or names where the tree has names.

    Raises:
      ValueError: for an invalid tree, and triplets that are not three distinct leaves of it.
    """
    names = None
    if isinstance(parent, TreeArrays):
        parent, names = parent.parent, parent.names
    parent = as_parent(parent)
    return _tmc.satisfied(parent, as_numbers(triplets, (len(parent) + 1) // 2, names))


def as_numbers(triplets, num_leaves, names=None):
    """Triplets as contiguous int32 `[M, 3]`, each of them three distinct leaves.

    Args:
      triplets: numbers `[M, 3]`, or names of leaves; None for none.
      num_leaves: N.
      names: of the leaves, strings `[N]`, or None.

    Raises:
      ValueError: for another shape, names that no leaf has or several have, numbers outside
        [0, N), or a leaf named twice in a row, with the row.
    """
    triplets = as_triplets(leaf_numbers("triplets", triplets, names))
    _tmc.check_triplets(triplets, num_leaves)
    return triplets


def leaf_numbers(argument, rows, names):
    """Rows of leaves with the numbers of those that are called by name; numbers stay.

    Raises:
      ValueError: for names where there are none, for unknown ones and those of several leaves.
    """
    if rows is None or (isinstance(rows, np.ndarray) and rows.dtype.kind in "iu"):
        return rows
    try:
        rows = [list(row) for row in rows]
    except TypeError:
        return rows  # who takes them says what is wrong
    names = () if names is None else list(names)  # which may be an array
    known = {name: n for n, name in enumerate(names)}
    number = collections.Counter(names)
    for i, row in enumerate(rows):
        for j, leaf in enumerate(row):
            if not isinstance(leaf, str):
                continue
            if leaf not in known:
                some = arguments.shorten(", ".join(known)) if known else "no names"
                raise ValueError(
                    f"{argument}[{i}, {j}] = {arguments.shown(leaf)} is no leaf of the tree. The "
                    f"leaves have: {some}."
                )
            if number[leaf] > 1:
                raise ValueError(
                    f"{argument}[{i}, {j}] = {arguments.shown(leaf)} is the name of {number[leaf]} "
                    "leaves. Call them by their numbers, or give them different names."
                )
            row[j] = known[leaf]
    return rows


def leaf_name(leaf, names):
    """What a message calls a leaf: its name, or its number if it has none."""
    names = () if names is None else list(names)
    return str(names[leaf]) if leaf < len(names) else str(leaf)
