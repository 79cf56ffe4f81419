"""Of a table: the columns that set a node apart, and the values of its rows."""

import base64

import numpy as np

_MOST_VALUES = 2_000_000  # that are put into the page
_CHUNK = 2**22  # differences held at once


def distinguishing(values, start, count, num_columns=8):
    """The columns in which the rows of a node differ most from all others.

    The difference is (mean of the rows at or below the node - mean of all others) / standard
    deviation of all, entries that are NaN left out.

    Args:
      values: float `[n, C]`, rows in the order of the tree (`Branches.order`).
      start, count: ints `[M]`, see `Branches`.
      num_columns: how many of each node, at most.

    Returns:
      for each node a list of (column, difference, mean within), the largest difference first, all
      of them other than 0; empty for a node that holds all rows, or none that have values.
    """
    values = np.asarray(values, np.float64)
    known = np.isfinite(values)
    # About the mean of all: sums of large numbers would lose their differences.
    total_known = known.sum(axis=0)
    centre = np.where(known, values, 0.0).sum(axis=0) / np.maximum(total_known, 1)
    centred = np.where(known, values - centre, 0.0)
    deviation = np.sqrt((centred**2).sum(axis=0) / np.maximum(total_known, 1))
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(centred, axis=0)])
    counts = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(known, axis=0)])
    found, step = [], max(1, _CHUNK // max(1, values.shape[1]))
    for first in range(0, len(start), step):
        begin = np.asarray(start[first : first + step])
        end = begin + np.asarray(count[first : first + step])
        inside, number = sums[end] - sums[begin], counts[end] - counts[begin]
        others = total_known - number
        usable = (number > 0) & (others > 0) & (deviation > 0)
        mean = inside / np.maximum(number, 1)
        apart = mean - (sums[-1] - inside) / np.maximum(others, 1)
        difference = np.where(usable, apart / np.where(deviation > 0, deviation, 1.0), 0.0)
        top = np.argsort(-abs(difference), axis=1, kind="stable")[:, :num_columns]
        for row, columns in enumerate(top):
            found.append(
                [
                    (int(j), float(difference[row, j]), float(mean[row, j] + centre[j]))
                    for j in columns
                    if abs(difference[row, j]) > 1e-9
                ]
            )
    return found


def packed(values, most=_MOST_VALUES):
    """Values of a table for the page: (columns, float32 little-endian row by row in base64).

    Args:
      values: `[n, C]`.
      most: numbers at most; of more columns those with the most spread beside their mean size.

    Returns:
      (ints, the columns that are kept, increasing; str).
    """
    values = np.asarray(values, np.float32)
    kept = np.arange(values.shape[1])
    number = max(1, most // max(1, len(values)))
    if number < len(kept):
        known = np.ma.masked_invalid(np.asarray(values, np.float64))
        spread = known.var(axis=0) / (abs(known).mean(axis=0) + 1e-12)
        kept = np.sort(np.argsort(-np.asarray(spread.filled(0.0)), kind="stable")[:number])
    content = np.ascontiguousarray(values[:, kept]).astype("<f4").tobytes()
    return kept, base64.b64encode(content).decode()
