"""Flat clusters from a tree: K subtrees that spread least or part first, who is left, shares."""

import heapq

import numpy as np

from tfsp.tmc.phylogeny import checks


def tight(tree, num_clusters, weights=None):
    """The nodes whose removal leaves the K subtrees of least spread: a mask `[V]`.

    The spread of a cluster is what k-means sums, the mean squared distance of its members from
    their centre times their number, with 1 - t_lca in the place of half a squared distance:

        sum over pairs of w_i w_j (1 - t_lca(i, j)) / sum of w_i

    The best of all ways to cut the tree into K subtrees, by dynamic programming from the leaves, in
    O(N K^2). A cut at one time splits off lone leaves first, as those part early; here a split is
    worth as much as it saves, so that small clusters come last.

    Args:
      tree: `TreeArrays`.
      num_clusters: K, in [1, N].
      weights: `[N]`, positive, what each leaf counts for, such as data; None for 1.

    Raises:
      ValueError: for weights of another shape, not finite or not positive.
    """
    layout, children = tree.layout, tree.children
    weight = np.ones(tree.num_nodes)
    if weights is not None:
        weight[: tree.num_leaves] = _checked(weights, tree.num_leaves)
    pairs = np.zeros(tree.num_nodes)
    best = [np.zeros(1)] * tree.num_nodes  # best[v][k - 1]: least spread of k clusters below v
    left_share = [None] * tree.num_nodes  # of k clusters, how many are below the first child
    for v in layout.inner:
        a, b = children[v]
        weight[v] = weight[a] + weight[b]
        pairs[v] = pairs[a] + pairs[b] + weight[a] * weight[b] * (1.0 - tree.time[v])
        most = min(num_clusters, len(best[a]) + len(best[b]))
        costs, shares = np.full(most, np.inf), np.zeros(most, int)
        costs[0] = pairs[v] / weight[v]
        for i, cost in enumerate(best[a][: most - 1], start=1):
            others = best[b][: most - i]
            sums, where = cost + others, slice(i, i + len(others))
            better = sums < costs[where]
            costs[where] = np.where(better, sums, costs[where])
            shares[where] = np.where(better, i, shares[where])
        best[v], left_share[v] = costs, shares
    split = np.zeros(tree.num_nodes, bool)
    stack = [(tree.root, num_clusters)]
    while stack:
        v, k = stack.pop()
        if k > 1:
            split[v] = True
            first = int(left_share[v][k - 1])
            stack += [(children[v, 0], first), (children[v, 1], k - first)]
    return split


def parted(tree, num_clusters, min_size):
    """The tops of the K clades of at least so many leaves that part first: a list of nodes.

    From the root on the clade is split that falls apart first, into two of at least `min_size`
    leaves; what drops out of it before in smaller groups is no cluster.

    Args:
      tree: `TreeArrays`.
      num_clusters: K, at least 1.
      min_size: leaves of the smallest cluster, at least 1.

    Raises:
      ValueError: if there are not K such clades.
    """
    count, children = tree.leaf_counts, tree.children

    def split(top):
        """(time, node where a clade falls into two large ones, its top), or None."""
        v = top
        while v >= tree.num_leaves:
            large = [int(child) for child in children[v] if count[child] >= min_size]
            if len(large) == 2:
                return float(tree.time[v]), int(v), top
            if not large:
                return None
            v = large[0]
        return None

    tops, waiting = {int(tree.root)}, [found for found in [split(int(tree.root))] if found]
    while len(tops) < num_clusters:
        if not waiting:
            raise ValueError(
                f"There are at most {len(tops)} clusters of {min_size} leaves or more. Received: "
                f"num_clusters={num_clusters}. A smaller `min_size` allows more."
            )
        _, v, top = heapq.heappop(waiting)
        tops.remove(top)
        for child in children[v].tolist():
            tops.add(child)
            found = split(child)
            if found:
                heapq.heappush(waiting, found)
    return sorted(tops)


def joined(tree, tops):
    """Labels `[N]` of clusters, each of the leaves below one of the nodes `tops`.

    Leaves below none of them join the cluster from which they part last; of several the largest.
    Labels are 0..K-1, by the smallest leaf of each.
    """
    labels = np.full(tree.num_nodes, -1)
    labels[tops] = np.arange(len(tops))
    size = np.where(labels >= 0, tree.leaf_counts, 0)
    inner = tree.layout.inner  # children first
    for v in inner:
        if labels[v] < 0:  # above clusters: the largest of them
            largest = max(tree.children[v], key=size.__getitem__)
            labels[v], size[v] = labels[largest], size[largest]
    for v in inner[::-1]:
        for child in tree.children[v]:
            if labels[child] < 0:
                labels[child] = labels[v]
    found = labels[: tree.num_leaves]
    first = [np.flatnonzero(found == k)[0] for k in range(len(tops))]
    return np.argsort(np.argsort(first))[found]


def shares(tree, labels):
    """Shares of the clusters among the leaves below each node: float64 `[V, K]`.

    Args:
      tree: `TreeArrays`.
      labels: ints `[N]`, 0..K-1, of the leaves.
    """
    found = np.zeros((tree.num_nodes, labels.max() + 1))
    found[np.arange(tree.num_leaves), labels] = 1.0
    for v in tree.layout.inner:  # children first
        found[v] = found[tree.children[v]].sum(axis=0)
    return found / found.sum(axis=1, keepdims=True)


def _checked(weights, num_leaves):
    weights = checks.as_array("weights", weights)
    if weights.shape != (num_leaves,) or weights.dtype.kind not in "fiu":
        raise ValueError(
            f"`weights` must hold one number for each leaf, shape ({num_leaves},). Received: "
            f"{weights.dtype}, {weights.shape}."
        )
    weights = weights.astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights > 0)))
    if wrong.size:
        raise ValueError(f"weights[{wrong[0]}] = {weights[wrong[0]]} must be finite and positive.")
    return weights
