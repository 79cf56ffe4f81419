"""Sums over many trees on the same leaves, for NumPy arrays, in C++ through Cython. No TensorFlow.

Trees come as `parents` int `[S, V]` and `times` `[S, V]`; leaves are nodes 0..N-1. The root of a
tree may be at any time here: the times are those of a tree's own leaves, or of new ones on it.
"""

import numpy as np

from tfsp.tmc.native import _tmc
from tfsp.tmc.native.numpy import as_parent, as_real
from tfsp.tmc.phylogeny.checks import as_int32

__all__ = ["lca_moments", "transfer_distances"]


def lca_moments(parents, times, squares=True):
    """Mean of t_lca(i, j) over trees, and of its square: `[N, N]` each, 1 on the diagonal.

    O(S N^2); a tree of 1,000 leaves takes about a millisecond.

    Args:
      parents, times: `[S, V]`, S >= 1.
      squares: whether the second is wanted; None stands for it otherwise.

    Raises:
      ValueError: for invalid trees, times that do not increase along every edge, or S = 0.
    """
    parents, times = _trees(parents, times)
    total, second = _tmc.lca_sums(parents, times, squares)
    return _mean(total, len(parents)), _mean(second, len(parents)) if squares else None


def transfer_distances(parent, parents):
    """How far the clades of a tree are from those of others: int32 `[S, V]`, 0 at leaves.

    The least number of leaves by which the clade below a node differs from a clade of the other
    tree, single leaves among them: 0 if the other has it, at most its size less one. O(S N^2).

    Args:
      parent: `[V]`, the tree.
      parents: `[S, V]`, the others, on the same leaves.

    Raises:
      ValueError: for invalid trees or another number of nodes.

    Source: Lemoine et al. 2018, doi:10.1038/s41586-018-0043-0, for rooted trees.
    """
    parent, parents = as_parent(parent), _parents(parents)
    if parents.shape[1] != len(parent):
        raise ValueError(
            f"`parents` must have shape [S, {len(parent)}], as `parent`. Received: "
            f"{list(parents.shape)}."
        )
    return _tmc.transfer_distances(parent, parents)


def _parents(parents):
    parents = as_int32("parents", parents, ValueError)
    if parents.ndim != 2 or not parents.size:
        raise ValueError(
            f"`parents` must have shape [S, V], S >= 1. Received: {list(parents.shape)}."
        )
    return parents


def _trees(parents, times):
    parents, times = _parents(parents), as_real("times", times, 2)
    if parents.shape != times.shape:
        raise ValueError(
            "`parents` and `times` must have the same shape [S, V]. Received: "
            f"{list(parents.shape)} and {list(times.shape)}."
        )
    below = (parents >= 0) & (parents < parents.shape[1])  # the core says what is wrong with others
    above = np.take_along_axis(times, np.where(below, parents, 0), axis=1)
    wrong = np.argwhere(~(np.isfinite(times) & (~below | (above < times))))
    if len(wrong):
        s, v = wrong[0]
        raise ValueError(
            f"times[{s}, {v}] = {times[s, v]} must be finite and later than its parent's, "
            f"{above[s, v]}."
        )
    return parents, times


def _mean(total, count):
    mean = (total + total.T) / count
    np.fill_diagonal(mean, 1.0)
    return mean
