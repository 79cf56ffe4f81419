"""Of a table: the columns that set a node apart, and the values of its rows."""

import base64

import numpy as np

_MOST_VALUES = 2_000_000  # that are put into the page
_CHUNK = 2**22  # numbers held at once, in each of some arrays


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
    begin = np.asarray(start)
    end = begin + np.asarray(count)
    best = np.zeros((3, len(begin), 0))  # column, difference, mean within
    for columns in _chunks(values.shape[1], max(len(values), len(begin))):
        difference, mean = _differences(np.asarray(values[:, columns], np.float64), begin, end)
        number = np.broadcast_to(np.arange(columns.start, columns.stop), difference.shape)
        best = np.concatenate([best, np.stack([number, difference, mean])], axis=2)
        top = np.argsort(-abs(best[1]), axis=1, kind="stable")[:, :num_columns]
        best = np.take_along_axis(best, top[np.newaxis], axis=2)
    return [
        [(int(j), float(d), float(m)) for j, d, m in node if abs(d) > 1e-9]
        for node in np.moveaxis(best, 0, 2)
    ]


def _differences(values, begin, end):
    """Differences and means within of some columns: float64 `[M, C]` each."""
    known = np.isfinite(values)
    # About the mean of all: sums of large numbers would lose their differences.
    total = known.sum(axis=0)
    centre = np.where(known, values, 0.0).sum(axis=0) / np.maximum(total, 1)
    centred = np.where(known, values - centre, 0.0)
    deviation = np.sqrt((centred**2).sum(axis=0) / np.maximum(total, 1))
    zero = np.zeros((1, values.shape[1]))
    sums = np.concatenate([zero, np.cumsum(centred, axis=0)])
    counts = np.concatenate([zero, np.cumsum(known, axis=0)])
    inside, number = sums[end] - sums[begin], counts[end] - counts[begin]
    others = total - number
    usable = (number > 0) & (others > 0) & (deviation > 0)
    mean = inside / np.maximum(number, 1)
    apart = mean - (sums[-1] - inside) / np.maximum(others, 1)
    return np.where(usable, apart / np.where(deviation > 0, deviation, 1.0), 0.0), mean + centre


def packed(values, most=_MOST_VALUES):
    """Values of a table for the page: (columns, float32 little-endian row by row in base64).

    Args:
      values: `[n, C]`.
      most: numbers at most; of more columns those with the most spread beside their mean size.

    Returns:
      (ints, the columns that are kept, increasing; str).
    """
    kept = np.arange(values.shape[1])
    number = max(1, most // max(1, len(values)))
    if number < len(kept):
        spread = np.concatenate(
            [_spread(values[:, columns]) for columns in _chunks(len(kept), len(values))]
        )
        kept = np.sort(np.argsort(-spread, kind="stable")[:number])
    content = np.ascontiguousarray(values[:, kept]).astype("<f4").tobytes()
    return kept, base64.b64encode(content).decode()


def _spread(values):
    """Variance beside the mean size, of each column: 0 of columns without values."""
    known = np.ma.masked_invalid(np.asarray(values, np.float64))
    return np.ma.filled(known.var(axis=0) / (abs(known).mean(axis=0) + 1e-12), 0.0)


def _chunks(num_columns, num_rows):
    """Slices of columns of which no more than `_CHUNK` numbers are held at once."""
    step = max(1, _CHUNK // max(1, num_rows))
    for start in range(0, num_columns, step):
        yield slice(start, min(num_columns, start + step))
