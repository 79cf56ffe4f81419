"""Where the tree over all training points starts: Ward's clustering, whole or in two stages."""

import numpy as np

from tfsp.random import short_seed
from tfsp.tmc import Phylogeny

# Ward's linkage keeps all N (N - 1) / 2 distances: 100 MB for so many points.
WARD_LIMIT = 5000
_PER_CENTRE = 50


def ward_tree(points, seed=0, limit=WARD_LIMIT):
    """(parent int32 `[V]`, time float64 `[V]`) of a tree over `points` `[N, D]`.

    Ward's linkage for N <= `limit`. Beyond, k-means centres, Ward's linkage of the centres, and
    below each centre that of its own points: memory O(N) instead of O(N^2).
    """
    from scipy.cluster.hierarchy import linkage

    points = np.asarray(points, np.float64)
    if len(points) == 1:
        return np.array([-1], np.int32), np.ones(1)
    if len(points) <= limit:
        matrix = linkage(points, "ward")
    else:
        matrix = _two_stages(points, seed)
    tree = Phylogeny.from_linkage(matrix, power=1.0)  # power 1 suits heights of Ward, see LORACs
    return tree.parent, tree.time


def caterpillar(num_leaves):
    """(parent, time) of a tree that needs no data: a placeholder until the real one starts."""
    internal = max(num_leaves - 1, 0)
    parent = np.full(num_leaves + internal, -1, np.int32)
    time = np.ones(num_leaves + internal)
    if internal:
        inner = num_leaves + np.arange(internal)
        parent[inner[1:]] = inner[:-1]
        parent[:internal] = inner
        parent[internal] = inner[-1]
        time[inner] = np.arange(internal) / internal
    return parent, time


def _two_stages(points, seed):
    """A linkage matrix `[N - 1, 4]`: each centre's points first, then the centres."""
    from scipy.cluster.hierarchy import linkage
    from sklearn.cluster import KMeans

    num_centres = -(-len(points) // _PER_CENTRE)
    means = KMeans(
        num_centres, init="random", n_init=1, max_iter=10, random_state=short_seed(seed)
    ).fit(points)
    rows, tops, centres = [], [], []
    for k in range(num_centres):
        members = np.flatnonzero(means.labels_ == k)
        if not len(members):
            continue
        centres.append(means.cluster_centers_[k])
        inside = linkage(points[members], "ward") if len(members) > 1 else []
        tops.append(_append(rows, inside, members.tolist(), len(points)))
    # Ward's height between two clusters of n points each is sqrt(n) times that of two points.
    stretch = np.sqrt(len(points) / len(centres))
    between = linkage(np.array(centres), "ward")
    between[:, 2] *= stretch
    _append(rows, between, tops, len(points))
    return np.array(rows)


def _append(rows, matrix, clusters, num_points):
    """Adds the merges of a linkage matrix over `clusters` to `rows`; returns the last cluster."""
    clusters = list(clusters)
    for left, right, height, size in matrix:
        rows.append([clusters[int(left)], clusters[int(right)], height, size])
        clusters.append(num_points + len(rows) - 1)
    return clusters[-1]
