"""Exchange with scipy's linkage matrices, and Ward's linkage of weighted points."""

import numpy as np

from tfsp import arguments
from tfsp.tmc.phylogeny import checks, spacing
from tfsp.tmc.phylogeny.arrays import TreeArrays

ROUNDING = 1e-9  # of heights, relative to the largest or to 1


def from_linkage(matrix, names=None, power=1.0):
    """A tree from agglomerative clustering: t = 1 - (height / largest height)^power.

    Heights below those of their children (centroid and median linkage) are raised to them.
    Equal heights are taken apart by tiny gaps, and no internal node comes closer to the leaves
    than 1e-6. Heights below 0 by rounding, up to 1e-9 of the largest (or of 1), count as 0.

    Args:
      matrix: `[N - 1, 4]` as `scipy.cluster.hierarchy.linkage` returns it; N = 1: `[0, 4]`.
      names: strings `[N]` or None.
      power: positive. With distances as heights 2 suits Brownian motion, whose squared
        distances grow in proportion to time.

    Raises:
      ValueError: for a matrix that is not a linkage, with the row.

    Source: the start of the chain in Vikram et al. 2018, arXiv:1810.06891, appendix C.
    """
    matrix = checks.as_array("matrix", matrix)
    if matrix.dtype.kind not in "fiu":
        raise ValueError(f"`matrix` must hold real numbers. Received: dtype={matrix.dtype}.")
    matrix = matrix.astype(np.float64)
    if matrix.ndim != 2 or matrix.shape[1] != 4:
        raise ValueError(
            "`matrix` must have shape [N - 1, 4], as scipy's `linkage` returns it. "
            f"Received: shape {matrix.shape}."
        )
    power = arguments.number("power", power, "(0, inf)")
    merges, num_leaves = len(matrix), len(matrix) + 1
    pairs = _check_rows(matrix, num_leaves)
    height = np.maximum(matrix[:, 2], 0)
    parent = np.full(num_leaves + merges, -1, np.int32)
    parent[pairs] = num_leaves + np.arange(merges)[:, None]
    heights = np.zeros(num_leaves + merges)
    for i, (k, m) in enumerate(pairs.tolist()):
        heights[num_leaves + i] = max(height[i], heights[k], heights[m])
    largest = heights.max()
    time = 1 - (heights / largest if largest > 0 else heights) ** power
    return TreeArrays(parent, spacing.separate(parent, time), names)


def _check_rows(matrix, num_leaves):
    """The merged clusters `[N - 1, 2]`, each used once and only after it was formed."""
    pairs = matrix[:, :2]
    limit = num_leaves + np.arange(len(matrix))[:, None]
    wrong = np.argwhere(~((pairs == np.floor(pairs)) & (pairs >= 0) & (pairs < limit)))
    if wrong.size:
        i, j = wrong[0]
        raise ValueError(
            f"matrix[{i}, {j}] = {matrix[i, j]} must be a cluster made before: an integer in "
            f"[0, {num_leaves + i})."
        )
    height = matrix[:, 2]
    # Distances like 1 - cosine end a little below 0 by rounding.
    least = -ROUNDING * max(1.0, height.max(initial=0, where=np.isfinite(height)))
    wrong = np.flatnonzero(~(np.isfinite(height) & (height >= least)))
    if wrong.size:
        i = wrong[0]
        raise ValueError(f"matrix[{i}, 2] = {matrix[i, 2]} must be a finite, non-negative height.")
    pairs = pairs.astype(np.int64)
    used = {}
    for i, pair in enumerate(pairs.tolist()):
        for cluster in pair:
            if cluster in used:
                raise ValueError(
                    f"Cluster {cluster} is merged twice, in rows {used[cluster]} and {i} of "
                    "`matrix`."
                )
            used[cluster] = i
    return pairs


def to_linkage(tree):
    """A scipy linkage matrix float64 `[N - 1, 4]`; heights are 1 - t, rows in growing height.

    For `scipy.cluster.hierarchy.dendrogram`, `fcluster`, `cophenet`. Internal node v becomes
    cluster N + rank of v by height.
    """
    inner = np.array(tree.layout.inner, int)  # falling time: children first
    cluster = np.arange(tree.num_nodes)
    cluster[inner] = tree.num_leaves + np.arange(len(inner))
    pairs = np.sort(cluster[tree.children[inner]].reshape(-1, 2), 1)
    heights, counts = 1 - tree.time[inner], tree.leaf_counts[inner]
    return np.column_stack([pairs, heights, counts]).astype(np.float64)


def weighted_ward(points, weights):
    """Ward's linkage where point n stands for `weights[n]` points: a scipy linkage matrix.

    Merging a and b costs w_a w_b / (w_a + w_b) |c_a - c_b|^2, the growth of the sum of squares;
    heights are the square roots of twice that, as those of scipy, which are the same for weights
    of 1. By chains of nearest neighbours, O(N^2 D).

    Args:
      points: `[N, D]`.
      weights: `[N]`, positive.

    Returns:
      float64 `[N - 1, 4]`; the last column counts points, not weights.

    Raises:
      ValueError: for shapes that do not fit, or numbers that are not finite or not positive.

    Source: Ward 1963; Murtagh 1983, for the chains.
    """
    centre = np.array(checks.as_array("points", points), np.float64)
    weight = np.array(checks.as_array("weights", weights), np.float64)
    if centre.ndim != 2 or not len(centre) or weight.shape != centre.shape[:1]:
        raise ValueError(
            "`points` must have shape [N, D] and `weights` [N]. Received: "
            f"{list(centre.shape)} and {list(weight.shape)}."
        )
    if not (np.isfinite(centre).all() and np.isfinite(weight).all() and np.all(weight > 0)):
        raise ValueError("`points` and `weights` must be finite, and weights positive.")
    alive, merges, chain = np.ones(len(centre), bool), [], []
    while len(merges) < len(centre) - 1:
        if not chain:
            chain = [int(np.argmax(alive))]
        a = chain[-1]
        cost = weight[a] * weight / (weight[a] + weight) * np.sum((centre - centre[a]) ** 2, 1)
        cost[~alive] = np.inf
        cost[a] = np.inf
        b = int(np.argmin(cost))
        if len(chain) > 1 and cost[chain[-2]] <= cost[b]:  # of equals the one before: no circles
            b = chain[-2]
            chain = chain[:-2]
            merges.append((a, b, np.sqrt(2 * cost[b])))
            total = weight[a] + weight[b]
            centre[b] = (weight[a] * centre[a] + weight[b] * centre[b]) / total
            weight[b] = total
            alive[a] = False
        else:
            chain.append(b)
    return by_height(merges, len(centre))


def by_height(merges, num_leaves):
    """Merges (place that ends, place that goes on, height) as a linkage matrix."""
    order = np.argsort([height for *_, height in merges], kind="stable")
    cluster, count = np.arange(num_leaves), np.ones(num_leaves)
    matrix = np.empty((len(merges), 4))
    for row, i in enumerate(order):
        a, b, height = merges[i]
        count[b] += count[a]
        matrix[row] = *sorted((cluster[a], cluster[b])), height, count[b]
        cluster[b] = num_leaves + row
    return matrix
