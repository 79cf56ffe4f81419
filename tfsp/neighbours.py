"""Labels of points by a vote of the labelled codes around them."""

from typing import Any

import numpy as np

_BLOCK = 2**21  # distances held at once


def nearest_labels(points: Any, codes: Any, labels: Any, k: int = 5) -> np.ndarray:
    """The commonest label among the k codes nearest to each point.

    A draw between labels goes to the one whose code is nearest; of equally near codes the earlier
    one counts as nearer.

    Args:
      points: `[M, D]`.
      codes, labels: `[n, D]` and `[n]`, labels of any kind.
      k: how many of the nearest codes vote; all of them where there are fewer.

    Returns:
      `[M]`, of the labels' kind.
    """
    from scipy.spatial.distance import cdist

    points, codes = np.asarray(points, np.float64), np.asarray(codes, np.float64)
    classes, index = np.unique(labels, return_inverse=True)
    k = min(k, len(codes))
    rows = max(1, _BLOCK // len(codes))
    voted = []
    for start in range(0, len(points), rows):
        distances = cdist(points[start : start + rows], codes, "sqeuclidean")
        reach = np.partition(distances, k - 1, axis=1)[:, k - 1]
        for own, most in zip(distances, reach, strict=True):
            near = np.flatnonzero(own <= most)  # more than k where some are equally near
            near = near[np.argsort(own[near], kind="stable")[:k]]
            voted.append(_majority(index[near]))
    return classes[np.array(voted, int)]


def _majority(votes):
    """The number most frequent among `votes`, of equally frequent ones the first."""
    numbers, first, counts = np.unique(votes, return_index=True, return_counts=True)
    most = counts == counts.max()
    return numbers[most][first[most].argmin()]
