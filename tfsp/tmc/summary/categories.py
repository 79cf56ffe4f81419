"""Trees over the categories of a flat model, and over data below them."""

import numpy as np
from scipy.cluster import hierarchy

from tfsp import arguments
from tfsp.tmc.phylogeny import Phylogeny, checks, spacing

_LEAST = -80.0  # nats; what is less probable is rounding
_TOP = 0.5  # the time at which categories end and their members begin


def category_distances(log_probs):
    """How far categories are from one another, in nats, and how many examples each has.

    D(k, l) = E[log q(k | x) - log q(l | x) given k] / 2 + the same with k and l exchanged, the mean
    over the examples whose most probable category is k: half the evidence by which members of each
    are told from the other.

    Args:
      log_probs: `[n, K]`, log q(c | x), finite or -inf.

    Returns:
      (`[K, K]`, symmetric, 0 on the diagonal, NaN where one has no examples; counts int `[K]`).

    Raises:
      ValueError: for another shape, NaN, or rows that are not normalised.
    """
    log_probs = _checked(log_probs)
    num_categories = log_probs.shape[1]
    members = log_probs.argmax(axis=1)
    counts = np.bincount(members, minlength=num_categories)
    clipped = np.maximum(log_probs, _LEAST)
    evidence = np.full((num_categories, num_categories), np.nan)
    for k in np.flatnonzero(counts):
        own = clipped[members == k]
        evidence[k] = np.mean(own[:, k : k + 1] - own, axis=0)
    return (evidence + evidence.T) / 2, counts


def category_tree(log_probs, names=None):
    """The tree over those categories that have examples, by average linkage of their distances.

    Averages go by the number of examples, so that a category that the model has split in two counts
    as one would.

    Args:
      log_probs: see `category_distances`.
      names: of all K categories, strings; None takes their numbers.

    Returns:
      `Phylogeny`, its root at 0, its leaves named. Times are 1 - distance / largest distance.

    Raises:
      ValueError: see `category_distances`; and for other than K names.
    """
    distances, counts = category_distances(log_probs)
    used = np.flatnonzero(counts)
    names = [str(k) for k in range(len(counts))] if names is None else list(names)
    if len(names) != len(counts):
        raise ValueError(
            f"`names` must hold one for each of {len(counts)} categories. Received: {len(names)}."
        )
    parent, time = _average_linkage(distances[np.ix_(used, used)], counts[used])
    return Phylogeny(parent, time, [names[k] for k in used])


def category_hierarchy(log_probs, codes, names=None):
    """A tree over data: that of their categories above, Ward's linkage of codes within each.

    Args:
      log_probs: `[n, K]`, see `category_distances`.
      codes: `[n, D]`.
      names: of the data, strings `[n]`; None for none.

    Returns:
      `Phylogeny` over the n data. What is above time 1/2 is the tree of the categories, which are
      its clades there: `cut` at 1/2 gives them back.

    Raises:
      ValueError: see `category_distances`, and for codes of another length or not finite.
    """
    log_probs = _checked(log_probs)
    codes = np.asarray(codes, np.float64)
    if codes.ndim != 2 or len(codes) != len(log_probs):
        raise ValueError(
            f"`codes` must have shape [{len(log_probs)}, D]. Received: {list(codes.shape)}."
        )
    if not np.isfinite(codes).all():
        raise ValueError("`codes` must be finite.")
    above = category_tree(log_probs)
    members = log_probs.argmax(axis=1)
    num = len(codes)
    parent, time = np.full(2 * num - 1, -1), np.ones(2 * num - 1)
    following, tops = num, []
    for name in above.names:
        rows = np.flatnonzero(members == int(name))
        tops.append(rows[0])
        if len(rows) == 1:
            continue
        matrix = hierarchy.linkage(codes[rows], "ward")
        below = Phylogeny.from_linkage(matrix, power=2.0)
        place = np.concatenate([rows, following + np.arange(len(rows) - 1)])
        inner = below.parent >= 0
        parent[place[inner]] = place[below.parent[inner]]
        time[place[len(rows) :]] = 1.0 - (1.0 - _TOP) * (1.0 - below.time[len(rows) :])
        tops[-1] = place[below.root]
        following += len(rows) - 1
    place = np.concatenate([tops, following + np.arange(len(tops) - 1)]).astype(int)
    inner = above.parent >= 0
    parent[place[inner]] = place[above.parent[inner]]
    time[place[len(tops) :]] = _TOP * above.time[len(tops) :]
    return Phylogeny(parent, spacing.separate(parent, time), names)


def _average_linkage(distances, counts):
    """Parents and times of average linkage of few points that count for many."""
    num = len(counts)
    parent, height = np.full(2 * num - 1, -1), np.zeros(2 * num - 1)
    distances = np.where(np.eye(num, dtype=bool), np.inf, distances)
    weight, node = counts.astype(float), np.arange(num)
    for v in range(num, 2 * num - 1):
        a, b = divmod(int(np.argmin(distances)), num)
        height[v] = max(distances[a, b], height[node[a]], height[node[b]])
        parent[[node[a], node[b]]] = v
        total = weight[a] + weight[b]
        merged = (weight[a] * distances[a] + weight[b] * distances[b]) / total
        merged[a] = np.inf
        distances[a] = distances[:, a] = merged
        distances[b] = distances[:, b] = np.inf
        weight[a], node[a] = total, v
    largest = height.max()
    time = 1.0 - (height / largest if largest > 0 else height)
    return parent, spacing.separate(parent, time)


def _checked(log_probs):
    log_probs = checks.as_array("log_probs", log_probs)
    if log_probs.ndim != 2 or not log_probs.size or log_probs.dtype.kind != "f":
        raise ValueError(
            "`log_probs` must be log q(c | x), numbers of shape [n, K]. Received: "
            f"{log_probs.dtype}, {list(log_probs.shape)}."
        )
    log_probs = log_probs.astype(np.float64)
    total = np.logaddexp.reduce(log_probs, axis=1)
    wrong = np.flatnonzero(~(abs(total) < 1e-3))
    if wrong.size:
        raise ValueError(
            f"log_probs[{wrong[0]}] must be logarithms of probabilities that sum to 1. Their sum "
            f"is {arguments.shown(float(np.exp(total[wrong[0]])))}."
        )
    return log_probs
