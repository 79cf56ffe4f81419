"""Trees over the categories of a flat model, and over data below them."""

import numpy as np

from tfsp import arguments
from tfsp.tmc.phylogeny import Phylogeny, checks, spacing
from tfsp.tmc.summary.posterior import ward_tree

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
    used = np.unique(log_probs.argmax(axis=1))
    above = category_tree(log_probs)
    members = np.searchsorted(used, log_probs.argmax(axis=1))
    return hang(above, members, codes, names)


def hang(above, members, codes, names=None):
    """A tree over data: `above` over groups of them, Ward's linkage of codes within each group.

    Args:
      above: `Phylogeny` over K groups. Its times are halved: groups end at time 1/2.
      members: ints `[n]`, which group each of the data is of; none is empty.
      codes: `[n, D]`.
      names: of the data, strings `[n]`, or None.

    Returns:
      `Phylogeny` over the n data, in which each group is a clade.

    Raises:
      ValueError: for an empty group, or a member of none.
    """
    members = np.asarray(members)
    counts = np.bincount(members, minlength=above.num_leaves) if members.size else np.zeros(1, int)
    if len(counts) != above.num_leaves or not counts.all():
        raise ValueError(
            f"`members` must be groups in [0, {above.num_leaves}), none of them empty. Received "
            f"groups of {counts.tolist()}."
        )
    num = len(members)
    parent, time = np.full(2 * num - 1, -1), np.ones(2 * num - 1)
    following, tops = num, []

    def place(nodes, tree, start, share):
        """Puts a tree in: its leaves at `nodes`, its inner nodes next, times from `start` on."""
        nonlocal following
        inner = tree.num_leaves - 1
        nodes = np.concatenate([nodes, following + np.arange(inner)]).astype(int)
        following += inner
        below = tree.parent >= 0
        parent[nodes[below]] = nodes[tree.parent[below]]
        time[nodes[tree.num_leaves :]] = start + share * tree.time[tree.num_leaves :]
        return nodes[tree.root]

    for k in range(above.num_leaves):
        rows = np.flatnonzero(members == k)
        tops.append(place(rows, ward_tree(codes[rows]), _TOP, 1.0 - _TOP))
    place(np.array(tops), above, 0.0, _TOP)
    root = int(np.flatnonzero(parent < 0)[0])
    if num > 1:
        time[root] = 0.0
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
    total = np.exp(log_probs).sum(axis=1)
    wrong = np.flatnonzero(~(abs(total - 1.0) < 1e-3))
    if wrong.size:
        raise ValueError(
            f"log_probs[{wrong[0]}] must be logarithms of probabilities that sum to 1. Their sum "
            f"is {arguments.shown(float(total[wrong[0]]))}."
        )
    return log_probs
