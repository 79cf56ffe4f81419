"""Mass where there should be none, and mass that is missing."""

import numpy as np

from tfsp import arguments
from tfsp.measures.checks import check_codes
from tfsp.measures.examples import points
from tfsp.measures.registry import register
from tfsp.random import generator


@register("coverage", example=lambda rng: points(rng, 30, 40))
def coverage(samples, data, quantile=0.99):
    """Shares of samples far from all data, and of data far from all samples.

    Far is farther from the nearest than `quantile` of one half of the data lie from the nearest of
    the other half. The whole is twice as dense as a half: of samples like the data about
    (1 - `quantile`)^2 are far, 1 in 10,000 with 0.99. (Chance puts no point within the distance r
    of a place with probability exp(-density times volume of the ball).) What the energy distance
    hardly sees, such as a thin bridge between clusters or a gap in a ring, shows here.

    That holds for equal numbers of samples and data: few samples, however good, are far from most
    data. So a random subset of the larger set is compared, as large as the smaller set.

    Args:
      samples, data: `[n, d]`, `[m, d]`, n, m >= 4.
      quantile: in (0, 1).

    Returns:
      dict: stray, the share of samples that are far from the data; missed, the share of data that
      are far from the samples; distance, what counts as far, in units of the data; num_points, how
      many of each were compared.

    Raises:
      ValueError: for shapes that do not fit, too few points or another `quantile`.
    """
    from scipy.spatial import cKDTree

    samples, data = check_codes(samples, "samples"), check_codes(data, "data")
    if samples.shape[1] != data.shape[1]:
        raise ValueError(
            "`samples` and `data` must have the same number of dimensions. Received: "
            f"{samples.shape[1]} and {data.shape[1]}."
        )
    for name, rows in (("samples", samples), ("data", data)):
        if len(rows) < 4:
            raise ValueError(f"`{name}` must hold at least four points. Received: {len(rows)}.")
    quantile = arguments.number("quantile", quantile, "(0, 1)")
    count = min(len(samples), len(data))
    samples, data = _some(samples, count), _some(data, count)
    tree = cKDTree(data)
    within = cKDTree(data[::2]).query(data[1::2])[0]
    far = float(np.quantile(within, quantile))
    return {
        "stray": float(np.mean(tree.query(samples)[0] > far)),
        "missed": float(np.mean(cKDTree(samples).query(data)[0] > far)),
        "distance": far,
        "num_points": count,
    }


def _some(points, count):
    """`count` of the rows, in their order: the same ones in every call."""
    if len(points) == count:
        return points
    return points[np.sort(generator(0).choice(len(points), count, replace=False))]
