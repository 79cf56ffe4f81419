"""The examples that a prior starts from, of whatever kind of data `fit` is given."""

import numpy as np
import tensorflow as tf

from tfsp import subset

ADAPT_LIMIT = 20_000  # examples that a likelihood starts from
_WINDOW = 200_000  # examples of a dataset without end that stand for all


def take_examples(data, limit=None, steps=None):
    """`limit` examples of an array, a pair (x, y) or a batched dataset, NumPy.

    Of more than `limit` a random subset that is the same in every call (see `tfsp.subset`): data
    may come sorted by class. A dataset is read once, to its end. One that repeats without end, or
    whose end is unknown where `steps` are given, is read for `steps` batches or 200,000 examples,
    whichever is more.

    Labels are left out.

    Args:
      data: see above.
      limit: None for all.
      steps: batches that make an epoch, where an epoch is not one pass over the dataset.

    Raises:
      ValueError: for anything else, for a dataset without examples, and for all of a dataset
        without end.
    """
    if not isinstance(data, tf.data.Dataset):
        x = np.asarray(data[0] if isinstance(data, tuple) else data)
        if x.ndim < 2 or x.dtype.kind not in "fiub":
            raise ValueError(
                "Examples must be an array [n, ...], a pair (x, y) or a batched dataset. "
                f"Received: {type(data).__name__} of shape {x.shape}."
            )
        return x if limit is None or limit >= len(x) else x[subset.rows(len(x), limit)]
    endless = data.cardinality() == tf.data.INFINITE_CARDINALITY
    if endless and limit is None:
        raise ValueError(
            "All examples are asked for, of a dataset that repeats without end. Give one that "
            "ends, such as `dataset.take(number_of_batches)`, or an array."
        )
    unknown = data.cardinality() == tf.data.UNKNOWN_CARDINALITY
    batches = _batches(data)
    if endless or (unknown and steps is not None):
        batches = _window(batches, steps or 0)
    found = subset.of_batches(((x,) for x in batches), limit)
    if found is None:
        raise ValueError("The dataset holds no examples. Received: no batch.")
    return found[0]


def count_examples(data, most):
    """How many examples there are, of the same kinds of data, counted no further than `most`."""
    if not isinstance(data, tf.data.Dataset):
        return min(len(take_examples(data)), most)
    count = 0
    for x in _batches(data):
        count += len(x)
        if count >= most:
            return most
    return count


def _batches(dataset):
    for batch in dataset:
        yield np.asarray(batch[0] if isinstance(batch, tuple) else batch)


def _window(batches, steps):
    count = 0
    for step, x in enumerate(batches):
        if step >= steps and count >= _WINDOW:
            return
        count += len(x)
        yield x
