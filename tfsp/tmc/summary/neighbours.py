"""Trees over points by the graph of their nearest neighbours."""

import numpy as np

from tfsp import arguments
from tfsp.tmc.native.graph import link_graph
from tfsp.tmc.phylogeny import Phylogeny
from tfsp.tmc.phylogeny.checks import as_points
from tfsp.tmc.phylogeny.linkage import by_height, weighted_ward
from tfsp.tmc.summary.draws import check_size, summarize_draws

_NEIGHBOURS, _SHARE = 50, 20  # at most one in so many of all points,
_FEW, _FEW_SHARE = 15, 4  # or at least so many, of few points one in so many
_TINY = 1e-100
_LEAST = 1e-3  # of the mean distance, for the scale in which the weights of links fall


def neighbour_graph(points, num_neighbours=None):
    """How much two points are neighbours, from 0 to 1, in the measure of the places where they are.

    To its k nearest neighbours at distances d_1 <= ... <= d_k a point has links of weight
    exp(-(d_j - r) / s): r is the least of its distances that is not 0, s such that the weights add
    up to log2 k. With weights a and b of its two ends a link counts for a + b - a b. (Links that
    count alike lose .02 of purity on codes of images, and need fewer neighbours.)

    Args:
      points: `[n, D]`, n >= 2.
      num_neighbours: k, by Euclidean distance. None takes 50, of fewer than 1,000 points n / 20 but
        15 at least, of fewer than 60 n / 4.

    Returns:
      `scipy.sparse.csr_array` `[n, n]`, symmetric, float64.

    Raises:
      ValueError: for fewer points, values that are not finite, or a number outside [1, n - 1].

    Source: McInnes, Healy & Melville 2018, arXiv:1802.03426 (UMAP), section 3.1.
    """
    from scipy import sparse
    from sklearn.neighbors import NearestNeighbors

    points = as_points("points", points)
    if len(points) < 2:
        raise ValueError(f"At least 2 `points` are needed. Received: {len(points)}.")
    if num_neighbours is None:
        few = max(1, min(_FEW, len(points) // _FEW_SHARE))
        num_neighbours = min(_NEIGHBOURS, max(few, len(points) // _SHARE))
    k = arguments.integer("num_neighbours", num_neighbours, 1, len(points) - 1)
    distances, index = NearestNeighbors(n_neighbors=k, n_jobs=-1).fit(points).kneighbors()
    rows = np.repeat(np.arange(len(points)), k)
    weights = _weights(distances).ravel(), (rows, index.ravel())
    directed = sparse.csr_array(weights, shape=(len(points), len(points)))
    reverse = sparse.csr_array(directed.T)
    return sparse.csr_array(directed + reverse - directed.multiply(reverse))


def _weights(distances):
    """Weights of the links from each point to its neighbours: `[n, k]`."""
    apart = np.where(distances > 0, distances, np.inf).min(axis=1, keepdims=True)
    beyond = np.maximum(distances - np.where(np.isfinite(apart), apart, 0.0), 0.0)
    wanted = np.log2(distances.shape[1])
    most = beyond.max(axis=1, keepdims=True)
    # The sum grows with the scale, from the number of nearest ones up to k at the very most.
    low, high = np.full_like(most, np.finfo(float).tiny), 1e3 * np.maximum(most, _TINY)
    for _ in range(100):
        scale = np.sqrt(low) * np.sqrt(high)
        with np.errstate(over="ignore"):  # a scale that is far too small
            enough = np.sum(np.exp(-beyond / scale), axis=1, keepdims=True) > wanted
        high, low = np.where(enough, scale, high), np.where(enough, low, scale)
    least = _LEAST * np.maximum(distances.mean(axis=1, keepdims=True), _TINY)
    return np.exp(-beyond / np.maximum(scale, least))


def neighbour_tree(points, num_neighbours=None, others=None, names=None):
    """The tree over points by the links of their graph of nearest neighbours ("Paris").

    Where classes lie in curved or stretched regions of latent space, data are often among the
    nearest neighbours of their own class when the distances to its centre say little: on codes of
    images the tree is much purer than Ward's linkage, and `cut(K)` gives clusters of even sizes.

    Parts merge by `link_graph`; what is not linked at all by Ward's linkage of the parts' centres.
    Times are 1 - h / largest h, where h = d / (1 + d) of the distance d at which two parts merge:
    h is 1/2 where they have as many links as by chance.

    Args:
      points: `[n, D]`, such as codes of data.
      num_neighbours: of each point, see `neighbour_graph`.
      others: `[m, D]`, more points of the kind, such as codes of the training data; they show where
        data are dense, and are no leaves.
      names: of the points, strings `[n]`, or None.

    Returns:
      `Phylogeny` over the n points, its root at 0. Deterministic; of equally linked parts those
      that come first merge first. Of 70,000 points in 10 dimensions it takes about a minute.

    Raises:
      ValueError: see `neighbour_graph`; for `others` of other dimensions.

    Source: Bonald, Charpentier, Galland & Hollocou 2018, arXiv:1806.01664, on the graph of
      `neighbour_graph`.
    """
    points, everything = _with_others(points, others)
    return _tree_of(neighbour_graph(everything, num_neighbours), everything, len(points), names)


def neighbour_summary(
    points, num_draws=20, share=0.5, num_neighbours=None, others=None, seed=0, names=None
):
    """What trees by nearest neighbours have in common, each made of a random part of the links.

    A single `neighbour_tree` leans on single links: where two clusters touch, a few of them decide
    what merges first. Each draw here leaves every link of the graph out with probability 1 - share;
    the expected tree over the draws is purer than the tree of all links, and a clade's support says
    in how many of the draws it is found. That is stability, no posterior probability.

    Args:
      points, num_neighbours, others, names: see `neighbour_tree`. At most 10,000 points.
      num_draws: S, at least 2. Neighbours are searched for once; each draw takes as long as the
        rest of `neighbour_tree`.
      share: of the links that a draw sees, in (0, 1].
      seed: an integer or a pair of integers, non-negative; None for a fresh one.

    Returns:
      `TreeSummary`, of one chain of S draws.

    Raises:
      ValueError: see `neighbour_tree`; for more points, or a number of draws or a share out of
        range.
    """
    from scipy import sparse

    points, everything = _with_others(points, others)
    check_size(len(points))
    num_draws = arguments.integer("num_draws", num_draws, 2)
    share = arguments.number("share", share, "(0, 1]")
    rng = np.random.default_rng(None if seed is None else np.ravel(seed).tolist())
    links = sparse.triu(neighbour_graph(everything, num_neighbours), 1).tocoo()
    trees = []
    for _ in range(num_draws):
        kept = rng.random(links.nnz) < share
        where = links.row[kept], links.col[kept]
        half = sparse.csr_array((links.data[kept], where), shape=links.shape)
        trees.append(_tree_of(sparse.csr_array(half + half.T), everything, len(points), names))
    return summarize_draws(trees)


def _with_others(points, others):
    """(points, points and others together), checked."""
    points = as_points("points", points)
    if others is None:
        return points, points
    others = as_points("others", others)
    if others.shape[1] != points.shape[1]:
        raise ValueError(
            f"`others` must have shape [m, {points.shape[1]}], as `points`. Received: "
            f"{list(others.shape)}."
        )
    return points, np.concatenate([points, others])


def _tree_of(graph, everything, num_points, names):
    """The tree by the links of a graph over all points, of the first of them."""
    pairs, distance = link_graph(graph)
    # Links so faint that a distance overflows are as good as none: their height is 1.
    height = 1.0 / (1.0 + 1.0 / distance)
    merges = [(*pair, h) for pair, h in zip(pairs.tolist(), height, strict=True)]
    merges += _between_components(everything, pairs)
    tree = Phylogeny.from_linkage(by_height(merges, len(everything)))
    if num_points < len(everything):
        tree = tree.restrict(np.arange(num_points))
    time = tree.time.copy()
    if num_points > 1:
        time[tree.root] = 0.0
    return Phylogeny(tree.parent, time, names)


def _between_components(points, pairs):
    """Merges of what no link joins, at heights from 1 to 2."""
    top = np.arange(len(points))
    for gone, kept in pairs[::-1]:  # who is merged into a part later comes before it here
        top[gone] = top[kept]
    tops, component, counts = np.unique(top, return_inverse=True, return_counts=True)
    centres = np.zeros((len(tops), points.shape[1]))
    np.add.at(centres, component, points)
    matrix = weighted_ward(centres / counts[:, np.newaxis], counts)
    heights = matrix[:, 2] / max(matrix[:, 2].max(initial=0.0), np.finfo(float).tiny)
    kept, merges = list(tops), []
    for (a, b), height in zip(matrix[:, :2].astype(int), heights, strict=True):
        merges.append((kept[a], kept[b], 1.0 + height))
        kept.append(kept[b])
    return merges
