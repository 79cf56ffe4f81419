"""The rows that stand for a node."""

import numpy as np


def centres(codes, start, count):
    """Mean codes of the rows at or below each node: float64 `[M, D]`.

    Args:
      codes: `[n, D]`, rows in the order of the tree.
      start, count: ints `[M]`, see `Branches`; no count is 0.
    """
    codes = np.asarray(codes, np.float64)
    sums = np.concatenate([np.zeros((1, codes.shape[1])), np.cumsum(codes, axis=0)])
    start, count = np.asarray(start), np.asarray(count)
    return (sums[start + count] - sums[start]) / count[:, np.newaxis]


def nearest(codes, centre, start, count, number=12):
    """The rows at or below each node whose codes are nearest to its centre, the nearest first.

    Args:
      codes: `[n, D]`, rows in the order of the tree.
      centre: `[M, D]`.
      start, count: ints `[M]`.
      number: at most so many of each node.

    Returns:
      a list of lists of ints, places in `codes`.
    """
    codes, found = np.asarray(codes, np.float64), []
    for middle, begin, size in zip(centre, start, count, strict=True):
        distance = ((codes[begin : begin + size] - middle) ** 2).sum(axis=1)
        if size > number:
            some = np.argpartition(distance, number)[:number]
        else:
            some = np.arange(size)
        some = some[np.argsort(distance[some], kind="stable")]
        found.append((begin + some).tolist())
    return found
