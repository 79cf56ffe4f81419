"""Data on a tree of inducing points: where each point attaches, and the hierarchy over the data."""

from typing import NamedTuple

import numpy as np

from tfsp import arguments
from tfsp.tmc import native
from tfsp.tmc.phylogeny import Phylogeny, checks, spacing

_MODES = ("sample", "mode")
_CHUNK = 2**21  # numbers in one work array


class Places(NamedTuple):
    """Where points attach to a tree.

    Attributes:
      edge: lower node of each point's edge, int32 `[n]`.
      time: when it branches off, float64 `[n]`, inside that edge.
    """

    edge: np.ndarray
    time: np.ndarray


def place_points(z, parent, time, leaves, seed=None, mode="sample", **options):
    """Edge and time at which points attach to a tree: q*(e, t | z), every point by itself.

    The posterior over edges and quadrature nodes under the density of
    `native.predictive_log_prob`. The edges of a chunk of points are drawn together, then their
    times on them.

    Args:
      z: `[n, D]`, n >= 1.
      parent, time: `[V]`, the tree.
      leaves: `[N, D]`, its leaves' locations, N >= 2.
      seed: None, an int, an int32 pair or a `SeedStream`. Unused by mode="mode".
      mode: "sample" draws (e, t). "mode" takes the most probable edge, and on it the median of
        the time (where a density in time peaks depends on how time is measured).
      **options: of `native.Predictive`: concentration1, concentration0, num_nodes, ...

    Returns:
      `Places`.

    Raises:
      ValueError: for wrong shapes, values that are not finite, or a bad tree, with the index.

    Source: Vikram et al. 2018, sections 2.1 and 6.1; the optimum that eq. (15) approximates.
    """
    z, leaves = _check(z, leaves, mode)
    model = native.Predictive(parent, time, leaves, dtype=z.dtype, **options)
    rule = native.attachment_quadrature(parent, time, **options)
    mean, _ = native.node_posterior(parent, time, leaves)
    uniform = _uniform(len(z), seed, mode)
    nodes = _nodes_of_edges(rule, len(mean))
    edge, when = np.empty(len(z), np.int32), np.empty(len(z))
    rows = max(1, _CHUNK // max(len(mean), nodes.shape[1] * 8, leaves.shape[1] * 4))
    for start in range(0, len(z), rows):
        part = slice(start, start + rows)
        log_edge = model.attachment(z[part])
        if mode == "mode":
            edge[part] = log_edge.argmax(1)
        else:
            edge[part] = _draw(log_edge, uniform[part, 0])
        upper = np.asarray(parent)[edge[part]]
        log_node, node = _node_log_prob(
            z[part], mean[upper], mean[edge[part]], rule, nodes[edge[part]]
        )
        chosen = _draw(log_node, uniform[part, 1])
        when[part] = rule["time"][node[np.arange(len(node)), chosen]]
    return Places(edge, when)


def induced_hierarchy(z, parent, time, leaves, seed=None, mode="sample", names=None, **options):
    """The tree over points that a tree over inducing points implies.

    All points are attached to one and the same tree (`place_points`); then its own leaves, the
    inducing points, are taken off. Of points on one edge the earlier branches off nearer to the
    root; of points at one time, the one that comes first in `z`, a tiny gap before the next.

    Args:
      z, parent, time, leaves, seed, mode, **options: as in `place_points`.
      names: of the points, strings `[n]`; or None.

    Returns:
      a `Phylogeny` whose leaf i is z[i]; times kept, so that its root may be later than 0
      (`root_time`).

    Raises:
      ValueError: as `place_points`; as `Phylogeny` for bad names.

    Source: Vikram et al. 2018, section 6.1 ("induced hierarchical clustering").
    """
    places = place_points(z, parent, time, leaves, seed, mode, **options)
    return attach_all(parent, time, *places, names=names)


def attach_all(parent, time, edge, when, names=None):
    """The tree that n new leaves span when each branches off a tree's edge at a time of its own.

    Args:
      parent, time: `[V]`, a valid tree.
      edge: lower nodes of edges `[n]`.
      when: times inside those edges `[n]`.
      names: of the new leaves, or None.

    Returns:
      a `Phylogeny` of the n new leaves, see `induced_hierarchy`.

    Raises:
      ValueError: for an edge or a time that the tree does not have, with the index.
    """
    tree = Phylogeny(parent, time)
    parent, time = tree.parent, tree.time
    edge, when = checks.as_array("edge", edge), checks.as_array("when", when)
    _check_places(parent, time, edge, when)
    num_new, num_nodes = len(edge), len(parent)
    # New leaves, old leaves, old internal nodes, then one branching for each new leaf, sorted.
    order = np.lexsort((np.arange(num_new), when, edge))
    edge, start = np.asarray(edge)[order], num_new + num_nodes
    branching = start + np.arange(num_new)
    first = np.concatenate([[True], edge[1:] != edge[:-1]])  # of its edge, from above
    last = np.concatenate([edge[1:] != edge[:-1], [True]])
    out = np.empty(num_nodes + 2 * num_new, np.int32)
    out[order] = branching
    out[num_new:start] = np.where(parent >= 0, parent + num_new, -1)
    out[branching] = np.where(first, num_new + parent[edge], branching - 1)
    out[num_new + edge[last]] = branching[last]
    times = np.concatenate(
        [np.ones(num_new), time, _apart(edge, np.asarray(when)[order], time[edge])]
    )
    below = np.flatnonzero(out >= 0)
    if np.any(times[below] <= times[out[below]]):  # an edge too short for its branchings
        times = spacing.separate(out, times)
    return Phylogeny(out, times).restrict(range(num_new)).with_names(names)


def _check_places(parent, time, edge, when):
    if edge.dtype.kind not in "iu" or edge.ndim != 1 or not edge.size or edge.shape != when.shape:
        raise ValueError(
            "`edge` (integers) and `when` must be vectors of the same length n >= 1. Received: "
            f"edge of {edge.dtype}, {edge.shape}; when.shape={when.shape}."
        )
    if when.dtype.kind not in "fiu":
        raise ValueError(f"`when` must hold real numbers. Received: dtype={when.dtype}.")
    inside = (edge >= 0) & (edge < len(parent))
    wrong = np.flatnonzero(~inside | (parent[np.where(inside, edge, 0)] < 0))
    if wrong.size:
        raise ValueError(
            f"edge[{wrong[0]}] = {edge[wrong[0]]} must be a node of the tree, in "
            f"[0, {len(parent)}), other than the root."
        )
    low, high = time[parent[edge]], time[edge]
    wrong = np.flatnonzero(~((when >= low) & (when <= high)))
    if wrong.size:
        k = wrong[0]
        raise ValueError(
            f"when[{k}] = {when[k]} must lie on the edge above node {edge[k]}, from {low[k]} to "
            f"{high[k]}."
        )


def _apart(edge, when, end):
    """Strictly growing times on each edge; ties `when` `[n]` (sorted) are spread upwards.

    A run of m equal times takes gaps of at most `spacing.GAP`, and at most a share 1 / (m + 1) of
    the way to the next time or the edge's end.
    """
    count = len(when)
    fresh = np.concatenate([[True], (edge[1:] != edge[:-1]) | (when[1:] != when[:-1])])
    run = np.cumsum(fresh) - 1
    begin = np.flatnonzero(fresh)
    size = np.diff(np.append(begin, count))
    following = np.append(begin[1:], 0)
    same = np.append(edge[begin[1:]] == edge[begin[:-1]], False)
    limit = np.where(same, when[following], end[begin])
    gap = np.minimum(spacing.GAP, (limit - when[begin]) / (size + 1))
    return when + gap[run] * (np.arange(count) - begin[run])


def _check(z, leaves, mode):
    if mode not in _MODES:
        raise ValueError(
            f"`mode` must be one of {', '.join(_MODES)}. Received: {arguments.shown(mode)}."
        )
    z, leaves = checks.as_array("z", z), checks.as_array("leaves", leaves)
    for name, array in (("z", z), ("leaves", leaves)):
        if array.dtype.kind not in "fiu":
            raise TypeError(f"`{name}` must hold real numbers. Received: dtype={array.dtype}.")
        if array.ndim != 2 or not len(array):
            raise ValueError(
                f"`{name}` must have shape [n, D], n >= 1. Received: {name}.shape={array.shape}."
            )
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            row, column = bad[0]
            raise ValueError(
                f"{name}[{row}, {column}] = {array[row, column]} must be finite. "
                "Did training diverge?"
            )
    if z.shape[1] != leaves.shape[1]:
        raise ValueError(
            "`z` and `leaves` must have the same number of columns, the latent dimensions. "
            f"Received: z.shape={z.shape}, leaves.shape={leaves.shape}."
        )
    if len(leaves) < 2:
        raise ValueError(
            "A tree of one leaf has no edge to attach to. Received: leaves.shape="
            f"{leaves.shape}. Use at least two inducing points."
        )
    return z.astype(np.float64), leaves.astype(np.float64)


def _uniform(count, seed, mode):
    """Numbers in [0, 1) `[n, 2]` that choose edge and time; 1/2 is the median."""
    if mode == "mode":
        return np.full((count, 2), 0.5)
    from tfsp.random import as_seed

    words = np.asarray(as_seed(seed)).astype(np.int64) % 2**32
    return np.random.default_rng(words.tolist()).random((count, 2))


def _nodes_of_edges(rule, num_nodes):
    """For each edge its quadrature nodes by growing time `[V, K]`, -1 where there are fewer."""
    order = np.lexsort((rule["time"], rule["edge"]))
    edge = rule["edge"][order]
    count = np.bincount(edge, minlength=num_nodes)
    rank = np.arange(len(order)) - (np.cumsum(count) - count)[edge]
    nodes = np.full((num_nodes, count.max()), -1)
    nodes[edge, rank] = order
    return nodes


def _node_log_prob(z, upper, lower, rule, nodes):
    """log of w_q N(z; m(t_q), var(t_q) I) on each point's own edge `[n, K]`, and the nodes used."""
    used = np.maximum(nodes, 0)
    x, variance = rule["position"][used], rule["variance"][used]
    to_upper = np.sum((z - upper) ** 2, 1)[:, None]
    to_lower = np.sum((z - lower) ** 2, 1)[:, None]
    length = np.sum((upper - lower) ** 2, 1)[:, None]
    squares = (1 - x) * to_upper + x * to_lower - x * (1 - x) * length
    log_prob = rule["log_weight"][used] - 0.5 * (squares / variance + z.shape[1] * np.log(variance))
    return np.where(nodes >= 0, log_prob, -np.inf), used


def _draw(log_prob, uniform):
    """Column of each row with probability proportional to exp(log_prob): the inverse cdf."""
    total = np.cumsum(np.exp(log_prob - log_prob.max(1, keepdims=True)), 1)
    total /= total[:, -1:]  # exactly one at the end, above any `uniform`
    return np.argmax(total > uniform[:, None], 1)
