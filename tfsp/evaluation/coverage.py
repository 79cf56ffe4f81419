"""Mass where there should be none, and mass that is missing."""

import numpy as np

from tfsp.evaluation.checks import check_codes


def coverage(samples, data, quantile=0.99):
    """Shares of samples far from all data, and of data far from all samples.

    Far is farther from the nearest than `quantile` of one half of the data lie from the nearest of
    the other half. Of samples like the data, just as many in number, about 1 - `quantile` or fewer
    are far. What the energy distance hardly sees, such as a thin bridge between clusters or a gap
    in a ring, shows here.

    Args:
      samples, data: `[n, d]`, `[m, d]`, m >= 4.
      quantile: in (0, 1).

    Returns: dict: stray, the share of samples that are far from the data; missed, the share of data
      that are far from the samples; distance, what counts as far, in units of the data.

    Raises: ValueError for shapes that do not fit, too few points or another `quantile`.
    """
    from scipy.spatial import cKDTree

    samples, data = check_codes(samples, "samples"), check_codes(data, "data")
    if samples.shape[1] != data.shape[1]:
        raise ValueError(
            "`samples` and `data` must have the same number of dimensions. Received: "
            f"{samples.shape[1]} and {data.shape[1]}."
        )
    if len(data) < 4:
        raise ValueError(f"`data` must hold four points at least. Received: {len(data)}.")
    if not 0 < quantile < 1:
        raise ValueError(f"`quantile` must lie in (0, 1). Received: {quantile!r}.")
    tree = cKDTree(data)
    within = cKDTree(data[::2]).query(data[1::2])[0]
    far = float(np.quantile(within, quantile))
    return {
        "stray": float(np.mean(tree.query(samples)[0] > far)),
        "missed": float(np.mean(cKDTree(samples).query(data)[0] > far)),
        "distance": far,
    }
