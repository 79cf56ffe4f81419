"""The energy distance between two samples."""

import math

from tfsp import arguments
from tfsp.measures.checks import check_codes
from tfsp.measures.examples import points
from tfsp.measures.registry import register


@register("energy_distance", example=lambda rng: points(rng, 9, 8))
def energy_distance(first, second, unbiased=True, chunk_size=1000):
    """Energy distance of the distributions behind two samples, in units of the data.

        D = 2 E|X - Y| - E|X - X'| - E|Y - Y'|

    which is 0 if and only if the distributions are equal. (Its root is a metric; this is not the
    root.) It sees mass where there should be none as well as mass that is missing.

    Args:
      first, second: `[n, d]`, `[m, d]`, independent draws.
      unbiased: take E|X - X'| over pairs of different points, sum / (n (n - 1)) (a U-statistic):
        right on average for every n and m, and for equal distributions below 0 half of the time.
        False divides by n^2, the pairs of a point with itself included (a V-statistic): the
        distance of the two empirical distributions, never below 0, too large on average by
        E|X - X'| / n + E|Y - Y'| / m.
      chunk_size: rows whose distances are held at once; memory is chunk_size * max(n, m).

    Returns:
      float.

    Raises:
      ValueError: for samples that are not finite, not `[n, d]`, of different d, or of fewer than
        two points.

    Source: Szekely & Rizzo 2013, "Energy statistics: a class of statistics based on distances".
    """
    first, second = check_codes(first, "first"), check_codes(second, "second")
    chunk_size = arguments.integer("chunk_size", chunk_size)
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"Both samples must have the same number of dimensions. Received: {first.shape[1]} "
            f"and {second.shape[1]}."
        )
    if min(len(first), len(second)) < 2:
        raise ValueError(
            "Each sample needs at least two points. Received: "
            f"{len(first)} and {len(second)} points."
        )
    between = _sum_of_distances(first, second, chunk_size) / (len(first) * len(second))
    within = [_mean_within(sample, unbiased, chunk_size) for sample in (first, second)]
    return float(2 * between - within[0] - within[1])


def _mean_within(sample, unbiased, chunk_size):
    count = len(sample)
    pairs = count * (count - 1) if unbiased else count**2
    return _sum_of_distances(sample, sample, chunk_size) / pairs


def _sum_of_distances(first, second, chunk_size):
    """Sum of |x - y| over all pairs: by differences, which keep small distances exact."""
    from scipy.spatial.distance import cdist

    starts = range(0, len(first), chunk_size)
    return math.fsum(cdist(first[i : i + chunk_size], second).sum() for i in starts)
