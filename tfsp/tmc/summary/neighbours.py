"""Trees over points by the graph of their nearest neighbours."""

import numpy as np

from tfsp import arguments
from tfsp.tmc.native.graph import link_graph
from tfsp.tmc.phylogeny import Phylogeny
from tfsp.tmc.phylogeny.checks import as_points
from tfsp.tmc.phylogeny.linkage import by_height, weighted_ward

_NEIGHBOURS, _SHARE = 15, 10  # at most one in so many of all points


def neighbour_graph(points, num_neighbours=None):
    """How often two points are among each other's nearest: 1, or 2 where both are.

    Args:
      points: `[n, D]`, n >= 2.
      num_neighbours: of each point, by Euclidean distance. None takes 15, of fewer than 150
        points n / 10.

    Returns:
      `scipy.sparse.csr_array` `[n, n]`, symmetric, float64.

    Raises:
      ValueError: for fewer points, values that are not finite, or a number outside [1, n - 1].
    """
    from scipy import sparse
    from sklearn.neighbors import NearestNeighbors

    points = as_points("points", points)
    if len(points) < 2:
        raise ValueError(f"At least 2 `points` are needed. Received: {len(points)}.")
    if num_neighbours is None:
        num_neighbours = min(_NEIGHBOURS, max(1, len(points) // _SHARE))
    num_neighbours = arguments.integer("num_neighbours", num_neighbours, 1, len(points) - 1)
    found = NearestNeighbors(n_neighbors=num_neighbours, n_jobs=-1).fit(points)
    directed = sparse.csr_array(found.kneighbors_graph())
    return sparse.csr_array(directed + directed.T)


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
      that come first merge first. With 70,000 points in 10 dimensions a matter of half a minute,
      nearly all of it for the neighbours.

    Raises:
      ValueError: see `neighbour_graph`; for `others` of other dimensions.

    Source: Bonald, Charpentier, Galland & Hollocou 2018, arXiv:1806.01664.
    """
    points = as_points("points", points)
    everything = points
    if others is not None:
        others = as_points("others", others)
        if others.shape[1] != points.shape[1]:
            raise ValueError(
                f"`others` must have shape [m, {points.shape[1]}], as `points`. Received: "
                f"{list(others.shape)}."
            )
        everything = np.concatenate([points, others])
    pairs, distance = link_graph(neighbour_graph(everything, num_neighbours))
    merges = [(*pair, d / (1 + d)) for pair, d in zip(pairs.tolist(), distance, strict=True)]
    merges += _between_components(everything, pairs)
    tree = Phylogeny.from_linkage(by_height(merges, len(everything)))
    if others is not None:
        tree = tree.restrict(np.arange(len(points)))
    time = tree.time.copy()
    if len(points) > 1:
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
