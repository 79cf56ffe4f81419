"""Batches of any kind of data, for evaluation."""

import numpy as np
import tensorflow as tf

from tfsp import arguments, subset


def iterate(data, batch_size=100):
    """Yields (x, y) NumPy batches; y is None where there are no labels.

    Args:
      data: a batched `tf.data.Dataset` of x or (x, y), an array `[n, ...]`, or a pair (x, y).
      batch_size: for arrays.

    Raises: ValueError for an empty array or an infinite dataset.
    """
    if isinstance(data, tf.data.Dataset):
        if data.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise ValueError(
                "Evaluation needs data that ends, but this dataset repeats without end. Use "
                "`data.test`, or `.take(number_of_batches)`."
            )
        for batch in data.as_numpy_iterator():
            yield batch[:2] if isinstance(batch, tuple) else (batch, None)
        return
    x, y = data if isinstance(data, tuple) else (data, None)
    x = np.asarray(x)
    if not len(x):
        raise ValueError(f"There is nothing to evaluate: the array has shape {x.shape}.")
    for start in range(0, len(x), batch_size):
        part = slice(start, start + batch_size)
        yield x[part], None if y is None else np.asarray(y)[part]


def limited(data, limit=None):
    """`data`, or of more than `limit` examples so many of them: a random subset, see `subset`.

    Args:
      data: as of `iterate`; of a dataset it is read once.
      limit: None for all.

    Returns: what `iterate` takes, an array or a pair if rows were left out.

    Raises: ValueError as `iterate`, and for a `limit` below 1.
    """
    if limit is None:
        return data
    limit = arguments.integer("limit", limit)
    if not isinstance(data, tf.data.Dataset):
        x, y = data if isinstance(data, tuple) else (data, None)
        rows = subset.rows(len(x), limit)
        x = np.asarray(x)[rows]
        return x if y is None else (x, np.asarray(y)[rows])
    pairs = ((x,) if y is None else (x, y) for x, y in iterate(data))
    columns = subset.of_batches(pairs, limit)
    if columns is None:
        raise ValueError("There is nothing to evaluate: the dataset holds no batch.")
    return columns[0] if len(columns) == 1 else tuple(columns)


def padded(data, batch_size=None):
    """Yields (x, number of real examples), every x of the first batch's size.

    The last batch is filled up with copies of its first example, so that a compiled function
    sees a single shape.
    """
    size = None
    for x, _ in iterate(data, batch_size or 100):
        size = size or len(x)
        real = len(x)
        if real < size:
            x = np.concatenate([x, np.repeat(x[:1], size - real, axis=0)])
        yield x, real
