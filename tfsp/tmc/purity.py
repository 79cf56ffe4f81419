"""How well a tree keeps the members of a class together."""

import numpy as np

from tfsp.tmc.phylogeny import checks


def _classes(tree, labels):
    """Known classes, and every leaf's class as an index `[N]`, in drawing order."""
    labels = checks.as_array("labels", labels)
    if labels.shape != (tree.num_leaves,):
        raise ValueError(
            f"`labels` must have shape ({tree.num_leaves},), one per leaf. "
            f"Received: labels.shape={labels.shape}."
        )
    known, index = np.unique(labels, return_inverse=True)
    return known, index[tree.leaf_order]


def dendrogram_purity(tree, labels):
    """Chance that a leaf below the meeting point of two members of a class is of that class.

    Averaged over all pairs of distinct leaves of equal label: with a = lowest common ancestor of
    (i, j), the mean of |leaves below a of the label| / |leaves below a|. In (0, 1], exact, in
    O(N K) for K classes; 1 if every class is a subtree.

    Args:
      tree: a Phylogeny.
      labels: `[N]`, any values that sort.

    Raises:
      ValueError: if no two leaves share a label.

    Source: Heller & Ghahramani 2005, Bayesian hierarchical clustering.
    """
    known, index = _classes(tree, labels)
    inner, count, start, _ = tree.layout
    inner = np.array(inner, int)
    begin, end = start[inner], start[inner] + count[inner]
    middle = begin + count[tree.children[inner, 0]]
    total, pairs = 0.0, 0
    for k in np.flatnonzero(np.bincount(index, minlength=len(known)) > 1):
        before = np.concatenate([[0], np.cumsum(index == k)])
        left, right = before[middle] - before[begin], before[end] - before[middle]
        total += np.sum(left * right * (left + right) / (end - begin))
        pairs += np.sum(left * right)
    if not pairs:
        raise ValueError("`labels` must repeat: no two leaves share a label.")
    return float(total / pairs)


def subtree_purity(tree, labels):
    """Share of the commonest class below every node, and that class.

    Args:
      tree: a Phylogeny.
      labels: `[N]`, any values that sort.

    Returns:
      purity float64 `[V]` (1 at leaves), majority `[V]` of the labels' dtype; ties go to the
      smaller label.
    """
    known, index = _classes(tree, labels)
    _, count, start, _ = tree.layout
    best, majority = np.zeros(tree.num_nodes, int), np.zeros(tree.num_nodes, int)
    for k in range(len(known)):
        before = np.concatenate([[0], np.cumsum(index == k)])
        members = before[start + count] - before[start]
        better = members > best
        best[better], majority[better] = members[better], k
    return best / count, known[majority]
