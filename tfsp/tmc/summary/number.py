"""How many clusters there are, and how sure that is."""

import numpy as np

from tfsp import arguments
from tfsp.tmc.phylogeny import Phylogeny, cuts
from tfsp.tmc.summary.draws import TreeSummary

_SHARE = 20  # of the leaves, one in so many make a cluster


def number_of_clusters(trees, min_size=None, num_draws=100):
    """Probability of each number of clusters, over draws of the tree.

    Clusters of a draw are the clades that last: from the time at which a clade parts from another
    of at least `min_size` leaves to the time at which it falls into two such clades itself, its
    leaves stay together, but for groups of fewer that drop out. Of all choices of clades none of
    which lies within another the one is taken whose leaves stay together longest in sum ("excess of
    mass", the rule of HDBSCAN); the clock is -log(1 - t), so that a cluster lasts as long as its
    spread is small beside its distance from others. All leaves as one cluster
    are chosen only if nothing splits. How draws differ is the uncertainty.

    Args:
      trees: a `TreeSummary`, or a list of `Phylogeny` over the same leaves.
      min_size: leaves of the smallest cluster, at least 2; None takes a twentieth of all leaves,
        at least 2.
      num_draws: how many of the draws are looked at, evenly spaced.

    Returns:
      float64 `[N // 2 + 1]`: the share of draws for each number K. Its largest entry is the answer.

    Raises:
      ValueError: for no trees, or numbers out of range.

    Source: Campello, Moulavi & Sander 2013, doi:10.1007/978-3-642-37456-2_14, section 3, of trees
      of density.
    """
    num_draws = arguments.integer("num_draws", num_draws)
    if isinstance(trees, TreeSummary):
        parent, time = trees.draws
        trees = [Phylogeny(parent[s], time[s]) for s in _spaced(len(parent), num_draws)]
    else:
        trees = list(trees)
        if not trees or not all(isinstance(tree, Phylogeny) for tree in trees):
            raise ValueError(
                "`trees` must be a TreeSummary or a list of at least one Phylogeny. Received: "
                f"{arguments.shown(trees)}."
            )
        trees = [trees[s] for s in _spaced(len(trees), num_draws)]
    num_leaves = trees[0].num_leaves
    if min_size is None:
        min_size = max(2, num_leaves // _SHARE)
    min_size = arguments.integer("min_size", min_size, 2)
    shares = np.zeros(num_leaves // 2 + 2)
    for tree in trees:
        shares[len(lasting_clades(tree, min_size))] += 1 / len(trees)
    return shares[: max(2, num_leaves // 2 + 1)]


def lasting_clades(tree, min_size=None, num_clusters=None):
    """The nodes of those clades that last, see `number_of_clusters`: a list, the root's if alone.

    Args:
      tree: `Phylogeny`.
      min_size, num_clusters: see `lasting_clusters`.

    Raises:
      ValueError: see `lasting_clusters`.
    """
    if min_size is not None:
        min_size = arguments.integer("min_size", min_size, 2)
    if num_clusters is not None:
        return _of_number(tree, arguments.integer("num_clusters", num_clusters, 1), min_size)
    clusters = _condensed(tree, min_size or max(2, tree.num_leaves // _SHARE))
    value = np.zeros(len(clusters))
    for c in range(len(clusters) - 1, -1, -1):  # children come after their parents
        _, _, lasting, children = clusters[c]
        below = sum(value[child] for child in children)
        value[c] = max(lasting, below) if c else below
    if not clusters[0][3]:
        return [int(tree.root)]
    chosen, stack = [], list(clusters[0][3])
    while stack:
        node, _, lasting, children = clusters[stack.pop()]
        if lasting >= sum(value[child] for child in children):
            chosen.append(int(node))
        else:
            stack += children
    return sorted(chosen)


def lasting_clusters(tree, num_clusters=None, min_size=None):
    """Flat clusters that last, see `number_of_clusters`, each leaf in the nearest: ints `[N]`.

    `Phylogeny.cut` takes subtrees that together hold all leaves, so that stray leaves and small
    groups far from everything use clusters up. Here the clusters are found without them, and they
    join the cluster from which they part last; of several the largest.

    Args:
      tree: `Phylogeny`.
      num_clusters: K: those K clades, none within another, that last longest in sum. None takes as
        many as last.
      min_size: leaves of the smallest cluster, at least 2; None takes a twentieth of all leaves, of
        more than ten clusters N / (2 K), and where there are not so many of that size half, and so
        on, at least 2; where there are not so many even then, `cut` finds them.

    Returns:
      int64 `[N]`, 0..K-1, by the smallest leaf of each.

    Raises:
      ValueError: for a `min_size` out of range, more clusters than there are of that size, or
        more than leaves.
    """
    try:
        clades = lasting_clades(tree, min_size, num_clusters)
    except ValueError:
        if min_size is not None:
            raise
        return tree.cut(num_clusters)
    return cuts.joined(tree, clades)


def _of_number(tree, num_clusters, min_size):
    size = min_size or max(2, tree.num_leaves // max(_SHARE, 2 * num_clusters))
    while True:
        try:
            return _longest(_condensed(tree, size), num_clusters)
        except ValueError:
            if min_size is not None or size == 2:
                raise
            size = max(2, size // 2)


def _longest(clusters, num_clusters):
    """Top nodes of the K clusters, none within another, that last longest in sum."""
    best = [None] * len(clusters)  # best[c][k]: (sum, which) of k clusters within c
    for c in range(len(clusters) - 1, -1, -1):
        _, _, lasting, children = clusters[c]
        table = [(0.0, ())]
        for child in children:
            table = _together(table, best[child], num_clusters)
        alone = num_clusters == 1 if c == 0 else len(table) > 1 and lasting >= table[1][0]
        if len(table) == 1 or alone:
            table[1:2] = [(lasting, (c,))]
        best[c] = table
    if len(best[0]) <= num_clusters:
        raise ValueError(
            f"There are at most {len(best[0]) - 1} clusters of so many leaves (`min_size`). "
            f"Received: num_clusters={num_clusters}. A smaller `min_size` allows more."
        )
    return sorted(int(clusters[c][0]) for c in best[0][num_clusters][1])


def _together(table, other, most):
    """The best of k clusters in two parts, from those of each: k = 0, 1, ..., at most `most`."""
    sums = [(-1.0, ())] * min(len(table) + len(other) - 1, most + 1)
    for i, (here, those) in enumerate(table):
        for j, (there, more) in enumerate(other):
            if i + j < len(sums) and here + there > sums[i + j][0]:
                sums[i + j] = (here + there, those + more)
    return sums


def _condensed(tree, min_size):
    """Clusters (top node, birth, sum over leaves of how long they stay, clusters below)."""
    count = tree.leaf_counts
    with np.errstate(divide="ignore"):
        clock = -np.log1p(-tree.time)  # infinite at leaves, which part from nothing
    clusters, stack = [], [(tree.root, float(clock[tree.root]), None)]
    while stack:
        top, birth, above = stack.pop()
        lasting, v, split = 0.0, top, ()
        while v >= tree.num_leaves:
            a, b = tree.children[v]
            large = [child for child in (a, b) if count[child] >= min_size]
            if len(large) == 1:
                lasting += (count[v] - count[large[0]]) * (clock[v] - birth)
                v = large[0]
                continue
            lasting += count[v] * (clock[v] - birth)
            split = tuple(large)
            break
        if above is not None:
            clusters[above][3].append(len(clusters))
        clusters.append((top, birth, float(lasting), []))
        stack += [(child, float(clock[v]), len(clusters) - 1) for child in split]
    return clusters


def _spaced(count, num_draws):
    return np.linspace(0, count - 1, min(num_draws, count)).astype(int)
