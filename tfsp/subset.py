"""Which rows stand for all where only some are taken: one rule for the whole package.

Data often come sorted by class, so that the first rows are no sample of them. Row i has the i-th
number of one fixed stream of uniform random numbers, and the `limit` rows of the smallest numbers
are taken, in their own order. It follows that

  - every choice of `limit` rows is as probable as any other, whatever the order of the data;
  - the choice is a function of the number of rows and of `limit` alone: the same in every call, in
    a resumed run, of an array and of a stream in batches of any size;
  - the rows taken under a smaller limit are among those taken under a larger one;
  - all rows are taken, in order, where there are no more than `limit`.
"""

import heapq
from collections.abc import Iterable
from typing import Any

import numpy as np

_SEED = 20181128


def rows(size: int, limit: int | None = None) -> np.ndarray:
    """The rows taken of `size`: integers `[min(size, limit)]`, increasing; None takes all."""
    if limit is None or limit >= size:
        return np.arange(size)
    numbers = _numbers().random(size)
    return np.sort(np.argpartition(numbers, limit)[:limit])


def of_batches(
    batches: Iterable[tuple[Any, ...]], limit: int | None = None
) -> list[np.ndarray] | None:
    """The same rows of data that are read once, no more than `limit` of them held at a time.

    Args:
      batches: iterable of tuples of arrays `[b, ...]`, such as (x, y), as many in each tuple.
      limit: how many rows are taken, or None for all.

    Returns:
      list of arrays `[n, ...]`, one for each entry of a tuple; None if there is no batch.
    """
    if limit is None:
        parts = list(batches)
        return [np.concatenate(part) for part in zip(*parts, strict=True)] if parts else None
    numbers, start, empty = _numbers(), 0, None
    # A heap, the largest number on top: (-number, row, its entries).
    kept: list[tuple[float, int, list[np.ndarray]]] = []
    for columns in batches:
        arrays = [np.asarray(column) for column in columns]
        empty = empty or [array[:0] for array in arrays]
        drawn = numbers.random(len(arrays[0]))
        # Of long data hardly a row gets in: the others cost no step of this loop.
        top = -kept[0][0] if len(kept) == limit and kept else np.inf
        for i in np.flatnonzero(drawn < top) if limit else ():
            row = (-drawn[i], start + int(i), [np.array(array[i]) for array in arrays])
            if len(kept) < limit:
                heapq.heappush(kept, row)
            elif row > kept[0]:
                heapq.heapreplace(kept, row)
        start += len(drawn)
    if not kept:
        return empty
    kept.sort(key=lambda row: row[1])
    return [np.stack(column) for column in zip(*(row[2] for row in kept), strict=True)]


def _numbers():
    return np.random.default_rng(_SEED)
