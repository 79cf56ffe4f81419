"""Batches of any kind of data, for evaluation."""

import numpy as np
import tensorflow as tf

from tfsp import arguments, subset
from tfsp.data import arrays
from tfsp.models.inputs import data_checks


def iterate(data, batch_size=100, model=None):
    """Yields (x, y) NumPy batches; y is None where there are no labels.

    Args:
      data: a batched `tf.data.Dataset` of x, (x,), (x, y) or (x, y, weights), an array `[n, ...]`,
        or a pair (x, y).
      batch_size: for arrays.
      model: whose likelihood determines whether examples must lie in [0, 1] or be counts; None
        skips that check.

    Raises:
      ValueError: for no examples, examples that are masked, not finite (which an encoder may turn
        into codes that look valid) or out of range, an infinite dataset, and other types.
    """
    if not isinstance(data, tf.data.Dataset):
        x, y = _pair(data)
        if not len(x):
            raise ValueError(f"There is nothing to evaluate: the array has shape {x.shape}.")
        for start in range(0, len(x), batch_size):
            part = slice(start, start + batch_size)
            yield _checked(x[part], range(start, len(x)), model), None if y is None else y[part]
        return
    if data.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "Evaluation needs data that ends, but this dataset repeats without end. Use "
            "`data.test`, or `.take(number_of_batches)`."
        )
    spec = data.element_spec
    if not isinstance(spec[0] if isinstance(spec, tuple) and spec else spec, tf.TensorSpec):
        raise ValueError(
            "Evaluation needs a dataset of batches x, or (x, y). Make one with `.map`: "
            f"`dataset.map(lambda d: (d['image'], d['label']))`. Received elements: {spec}."
        )
    count = 0
    for batch in data.as_numpy_iterator():
        x, y = (*batch, None)[:2] if isinstance(batch, tuple) else (batch, None)
        yield _checked(x, range(count, count + len(x)), model), y
        count += len(x)
    if not count:
        raise ValueError("There is nothing to evaluate: the dataset holds no examples.")


def limited(data, limit=None, model=None):
    """`data`, or a random subset of `limit` examples if there are more (see `tfsp.subset`).

    Args:
      data: as in `iterate`; a dataset is read once.
      limit: None for all.
      model: as in `iterate`.

    Returns:
      what `iterate` takes, an array or a pair if rows were left out.

    Raises:
      ValueError: as `iterate`, and for a `limit` below 1.
    """
    if limit is None:
        return data
    limit = arguments.integer("limit", limit)
    if not isinstance(data, tf.data.Dataset):
        x, y = _pair(data)
        rows = subset.rows(len(x), limit)
        x = _checked(x[rows], rows, model)
        return x if y is None else (x, y[rows])
    pairs = ((x,) if y is None else (x, y) for x, y in iterate(data, model=model))
    columns = subset.of_batches(pairs, limit)
    return columns[0] if len(columns) == 1 else tuple(columns)


def _checked(x, rows, model=None):
    """x; raises ValueError for the first of its `rows` not finite, and as `fit` for its range."""
    likelihood = getattr(model, "likelihood", None)
    values = data_checks.numbers(x, likelihood)
    if values is None or not values.size:
        return x
    values = data_checks.without_missing(values, likelihood)
    if not np.isfinite(values).all():
        bad = int(np.argmin(np.isfinite(values.reshape(len(x), -1)).all(axis=1)))
        raise ValueError(
            f"Data must be finite. Example {rows[bad]} is not. {data_checks.mend(values)}"
        )
    if likelihood is not None:
        data_checks.require_range(values, likelihood)
    return x


def _pair(data):
    """(x, y) of an array or a pair of arrays, y None where there are no labels."""
    x, y = data if isinstance(data, tuple) and len(data) == 2 else (data, None)
    if isinstance(x, tuple | dict) or not hasattr(x, "__len__"):
        raise ValueError(
            "Evaluation needs an array of examples [n, ...], a pair (x, y), or a batched "
            f"`tf.data.Dataset`. Received: {type(data).__name__}"
            + (f" of {len(data)} entries." if isinstance(data, tuple | dict) else ".")
        )
    x = arrays.plain(x, "x")
    y = None if y is None else arrays.plain(y, "y")
    if y is not None and y.shape[:1] != x.shape[:1]:
        raise ValueError(
            f"A pair (x, y) needs a label for each example. Received: {len(x)} examples, labels "
            f"of shape {y.shape}."
        )
    return x, y


def padded(data, batch_size=None, model=None):
    """Yields (x, number of real examples), every x of the first batch's size.

    The last batch is filled up with copies of its first example, so that a compiled function
    sees a single shape.

    Args:
      data, batch_size, model: as in `iterate`.

    Raises:
      ValueError: as in `iterate`.
    """
    size = None
    for x, _ in iterate(data, batch_size or 100, model):
        size = size or len(x)
        real = len(x)
        if real < size:
            x = np.concatenate([x, np.repeat(x[:1], size - real, axis=0)])
        yield x, real
