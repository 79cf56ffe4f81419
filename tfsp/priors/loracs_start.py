"""Where LORACs starts: inducing points from encodings, a tree from inducing points."""

import numpy as np

from tfsp.random import generator, short_seed
from tfsp.tmc import Phylogeny
from tfsp.tmc.phylogeny.spacing import separate


def inducing_points(codes, num_inducing, method, seed):
    """N places in latent space that stand for the encodings, float64 `[N, D]`.

    Args:
      codes: `[n, D]`, n >= N.
      method: "kmeans" (centres), "examples" (random codes) or "noise" (standard normal).
      seed: int.

    Raises:
      ValueError: for too few codes or codes that are not finite.
    """
    codes = np.asarray(codes, np.float64)
    rng = generator(seed, optional=True)
    if method == "noise":
        return rng.standard_normal((num_inducing, codes.shape[1]))
    if len(codes) < num_inducing:
        raise ValueError(
            f"LORACs starts {num_inducing} inducing points from the encodings of at least as many "
            f"examples. Received: {len(codes)} examples. Lower `num_inducing`, or give more data."
        )
    if not np.all(np.isfinite(codes)):
        raise ValueError("The encodings must be finite for the tree to start. Received NaN or inf.")
    if method == "examples":
        return codes[rng.choice(len(codes), num_inducing, replace=False)]
    from sklearn.cluster import KMeans

    means = KMeans(num_inducing, n_init=1, max_iter=50, random_state=short_seed(seed))
    return means.fit(codes).cluster_centers_


def ward_tree(points):
    """(parent, time) of Ward's agglomerative clustering of `points` `[N, D]`."""
    from scipy.cluster.hierarchy import linkage

    # Ward's heights grow with the size of clusters, so that power 1 already spreads the times as
    # Brownian motion would have it.
    tree = Phylogeny.from_linkage(linkage(points, "ward"), power=1.0)
    return tree.parent, tree.time


def near_zero_tree(num_leaves, rng):
    """(parent, time) of a random topology with all internal times close to 0.

    Every leaf then hangs almost directly from the root, as under a standard normal: the start of
    the paper (loracs.txt, appendix D).
    """
    parent = np.full(2 * num_leaves - 1, -1, np.int32)
    roots = list(range(num_leaves))
    for node in range(num_leaves, 2 * num_leaves - 1):
        for _ in range(2):
            parent[roots.pop(rng.integers(len(roots)))] = node
        roots.append(node)
    depth = np.zeros(2 * num_leaves - 1)
    for node in range(2 * num_leaves - 3, -1, -1):
        depth[node] = depth[parent[node]] + 1
    time = 1e-2 * depth / max(1.0, depth[num_leaves:].max())
    time[:num_leaves] = 1.0
    return parent, separate(parent, time)


def settings_for(num_rows, epochs):
    """Settings of a LORACs prior for so many rows of training data and epochs: a dict."""
    return {
        "name": "loracs",
        "num_inducing": min(100, num_rows // 2),
        "start_epoch": min(10, epochs // 6),
        "edge_weights": "bayes",
    }
