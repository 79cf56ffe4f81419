"""Which triplets to ask a user for: those about which draws of the posterior disagree."""

import itertools
from typing import NamedTuple

import numpy as np

from tfsp import arguments
from tfsp.random import generator
from tfsp.tmc.constraints.build import decided
from tfsp.tmc.constraints.triplets import as_numbers
from tfsp.tmc.native import _tmc
from tfsp.tmc.phylogeny import checks

_CANDIDATES = 20_000  # triples that are looked at, of more a random part


class Questions(NamedTuple):
    """What `suggest` returns.

    Attributes:
      triples: int32 `[K, 3]`, three leaves each: which of them is the odd one out? As they stand,
        a row is the likeliest answer ({a, b}, c) by the draws.
      scores: `[K]`, nats, the entropy of the odd one over the draws: what an answer is expected
        to tell; at most log 3.
      active: bool `[K]`, whether a question was chosen for its score; the others are random.
    """

    triples: np.ndarray
    scores: np.ndarray
    active: np.ndarray


def suggest(parents, k, triplets=None, active_share=0.5, seed=0):
    """Questions that are worth asking: which of three leaves is the odd one out?

    In every tree one of three leaves is: the two others meet below the node where it joins them.
    The entropy of that one over draws of the posterior is what the answer is expected to tell about
    the tree. Questions of the largest entropy are taken first, each two of which share one leaf at
    most as long as there are others; random ones stand between them, since what a posterior is sure
    of may be wrong. None is asked twice, nor what `triplets` decide already.

    Args:
      parents: ints `[S, V]`, trees drawn from the posterior given `triplets`.
      k: K, how many questions. There are fewer where no more are open.
      triplets: the answers so far, `[M, 3]`, or None.
      active_share: in [0, 1], the share of questions by entropy.
      seed: an integer.

    Returns:
      `Questions`.

    Raises:
      ValueError: for arguments out of range or shapes that do not fit.

    Source: Vikram & Dasgupta 2016, arXiv:1602.03258, section 4, for the interleaving; the entropy
      of the answer is MacKay 1992's expected information, where answers are certain.
    """
    k = arguments.integer("k", k)
    share = arguments.number("active_share", active_share, "[0, 1]")
    parents = checks.as_int32("parents", parents, ValueError)
    if parents.ndim != 2 or not parents.size:
        raise ValueError(
            f"`parents` must have shape [S, V], S >= 1. Received: {list(parents.shape)}."
        )
    num_leaves = (parents.shape[1] + 1) // 2
    given = as_numbers(triplets, num_leaves)
    if num_leaves < 3:
        return Questions(np.zeros([0, 3], np.int32), np.zeros(0), np.zeros(0, bool))
    rng = generator(seed)
    rows = _candidates(num_leaves, rng)
    counts = _odd_counts(parents, rows)
    scores = _entropy(counts)
    chosen = _most_uncertain(rows, scores, round(k * share))
    number, taken = len(chosen), set(chosen)
    for i in rng.permutation(len(rows)).tolist():
        if len(taken) == k:
            break
        open_ = scores[i] > 0 or not decided(given, num_leaves, rows[i : i + 1])[0]
        if i not in taken and open_:
            taken.add(i)
            chosen.append(i)
    order = _interleaved(len(chosen), number)
    chosen, active = np.array(chosen, int)[order], order < number
    odd = np.argmax(counts[chosen], axis=1)
    triples = np.array(
        [np.append(np.delete(row, c), row[c]) for row, c in zip(rows[chosen], odd, strict=True)]
    )
    return Questions(triples.reshape(-1, 3).astype(np.int32), scores[chosen], active)


def _candidates(num_leaves, rng):
    """Triples of distinct leaves `[n, 3]`: all, or a random part."""
    if num_leaves * (num_leaves - 1) * (num_leaves - 2) // 6 <= _CANDIDATES:
        n = np.arange(num_leaves)
        a, b, c = np.meshgrid(n, n, n, indexing="ij")
        kept = (a < b) & (b < c)
        return np.stack([a[kept], b[kept], c[kept]], axis=1).astype(np.int32)
    rows = np.sort(rng.integers(num_leaves, size=(2 * _CANDIDATES, 3)), axis=1)
    distinct = (rows[:, 0] < rows[:, 1]) & (rows[:, 1] < rows[:, 2])
    rows = np.unique(rows[distinct], axis=0)
    return rng.permutation(rows)[:_CANDIDATES].astype(np.int32)


def _odd_counts(parents, rows):
    """In how many trees each leaf of a triple is the odd one: `[n, 3]`."""
    counts = np.zeros((len(rows), 3), int)
    orders = [np.ascontiguousarray(rows[:, order]) for order in ([1, 2, 0], [0, 2, 1])]
    for parent in parents:
        for odd, order in enumerate(orders):
            counts[:, odd] += _tmc.satisfied(parent, order)
    counts[:, 2] = len(parents) - counts[:, 0] - counts[:, 1]
    return counts


def _entropy(counts):
    share = counts / counts.sum(axis=1, keepdims=True)
    return -np.sum(share * np.log(np.where(share > 0, share, 1.0)), axis=1)


def _most_uncertain(rows, scores, number):
    """Indices of the rows of largest score, at most one leaf in common while others are left."""
    order = [i for i in np.argsort(-scores, kind="stable").tolist() if scores[i] > 0]
    chosen, pairs, left = [], set(), []
    for i in order:
        if len(chosen) == number:
            return chosen
        new = set(itertools.combinations(rows[i].tolist(), 2))
        if pairs.isdisjoint(new):
            pairs |= new
            chosen.append(i)
        else:
            left.append(i)
    return chosen + left[: number - len(chosen)]


def _interleaved(total, number):
    """An order of `total` things in which the first `number` and the others take turns."""
    places = [(np.arange(n) + 0.5) / max(n, 1) for n in (number, total - number)]
    return np.argsort(np.concatenate(places), kind="stable")
