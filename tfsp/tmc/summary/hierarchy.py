"""The expected tree over data that attach to a tree which itself is uncertain."""

import numpy as np

from tfsp import arguments
from tfsp.tmc.density.induced import induced_hierarchy
from tfsp.tmc.summary.draws import TreeSummary, summarize_draws


def expected_hierarchy(z, trees, leaves, num_draws=40, columns=None, seed=0, names=None, **options):
    """The expected tree over points, each draw of a tree having them attached by a draw.

    Steadier than `induced_hierarchy` on one tree: the points attach to `num_draws` of the trees
    (`mode="sample"`), and what these have in common is summarised.

    Args:
      z: `[n, D]`, n >= 2.
      trees: draws over the same leaves: a `TreeSummary`, or (parent, time), arrays `[S, V]` or
        `[C, S, V]`.
      leaves: `[N, D]`, the leaves' locations.
      num_draws: how many of the trees are taken, evenly spaced; all if there are fewer.
      columns: the latent dimensions that count; None takes those of a `TreeSummary`, or all.
      seed: an integer.
      names: of the points, or None.
      **options: of `place_points`: concentration1, concentration0, num_nodes, edge_weights, ...

    Returns:
      `TreeSummary` over the n points.

    Raises:
      ValueError: for shapes that do not fit or values that are not finite.
    """
    if isinstance(trees, TreeSummary):
        columns = trees.columns if columns is None else columns
        trees = trees.draws
    parent, time = (np.asarray(part) for part in trees)
    if parent.ndim not in (2, 3) or parent.shape != time.shape or not parent.size:
        raise ValueError(
            "`trees` must be a pair (parent, time) of arrays [S, V] or [C, S, V]. Received: shapes "
            f"{parent.shape} and {time.shape}."
        )
    parent, time = (part.reshape(-1, part.shape[-1]) for part in (parent, time))
    num_draws = min(arguments.integer("num_draws", num_draws), len(parent))
    z, leaves = np.asarray(z, np.float64), np.asarray(leaves, np.float64)
    if columns is not None:
        z, leaves = z[:, columns], leaves[:, columns]
    drawn = [
        induced_hierarchy(z, parent[s], time[s], leaves, seed=(seed, i), **options)
        for i, s in enumerate(np.linspace(0, len(parent) - 1, num_draws).astype(int))
    ]
    return summarize_draws(drawn, names, columns)
