"""Weights of examples: what `sample_weight` and `class_weight` may be."""

import inspect
import numbers

import keras
import numpy as np
import tensorflow as tf

from tfsp.data import arrays
from tfsp.models.inputs import data_checks, dataset_form


def check_samples(weights, num_examples=None):
    """`sample_weight` as an array `[n]` of numbers.

    Args:
      weights: what the user gave: an array, a tensor, a list or a column of a table.
      num_examples: n, or None where it is not to be checked.

    Raises:
      ValueError: for another shape, for what is NaN, infinite, negative or no number, and for
        weights that are all 0.
    """
    masked = np.ma.isMaskedArray(weights)
    values = arrays.plain(weights, "`sample_weight`") if masked else np.asarray(weights)
    values = values.astype(np.float32) if values.dtype == "bfloat16" else values
    wanted = "`sample_weight` must hold one number for each example"
    if num_examples is not None and values.shape != (num_examples,):
        column = values.shape == (num_examples, 1)
        advice = " Take out the column by `sample_weight[:, 0]`." if column else ""
        raise ValueError(
            f"{wanted}, shape ({num_examples},). Received: shape {values.shape}.{advice}"
        )
    if values.ndim != 1 or values.dtype.kind not in "fiub":
        raise ValueError(
            f"{wanted}, shape [n]. Received: shape {values.shape}, dtype {values.dtype}."
        )
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(bad):
        raise ValueError(
            "The weights in `sample_weight` must be finite and not negative. Received: "
            f"sample_weight[{bad[0]}] = {values[bad[0]]}."
        )
    if num_examples and not values.any():
        raise ValueError(
            "The weights in `sample_weight` must not all be 0: no example would count."
        )
    return values


def check_classes(class_weight, x, y):
    """Raises ValueError unless `class_weight` is numbers by class and there are labels.

    Args:
      x, y: what was given to `fit`.
    """
    if not hasattr(class_weight, "items") or not class_weight:
        raise ValueError(
            "`class_weight` must be a dict, class -> weight, such as {0: 1.0, 1: 2.5}. Received: "
            f"{class_weight!r}."
        )
    for label, weight in class_weight.items():
        whole = isinstance(label, numbers.Integral) and not isinstance(label, bool)
        real = isinstance(weight, numbers.Real) and 0 <= weight < float("inf")
        if not whole or not real:
            raise ValueError(
                "`class_weight` must give integer classes finite weights that are not negative. "
                f"Received: {{{label!r}: {weight!r}}}."
            )
    if inspect.isgenerator(x):
        raise ValueError(
            "`class_weight` does not go with generators. Let the generator yield (x, y, "
            "sample_weight), or make a dataset of it by `tf.data.Dataset.from_generator`."
        )
    if isinstance(x, keras.utils.PyDataset):
        return  # Keras looks at its labels, batch by batch
    dataset = isinstance(x, tf.data.Dataset)
    if not (dataset_form.has_labels(x) if dataset else y is not None):
        raise ValueError(
            "`class_weight` needs labels: `fit(x, y, class_weight=...)`, or a dataset of (x, y). "
            "Weights of single examples go without: `fit(x, sample_weight=...)`."
        )
    _check_labels(data_checks.first_batch(x)[1] if dataset else y)


def _check_labels(y):
    """Raises ValueError unless y is whole numbers `[n]` or `[n, 1]`, or one-hot `[n, K]`."""
    labels = arrays.plain(y, "`y`")
    wanted = "`class_weight` needs labels y that are integers, [n], or one-hot, [n, K]"
    if labels.dtype.kind not in "biuf":
        raise ValueError(
            f"{wanted}. Received: dtype {labels.dtype}. Number the classes: "
            "np.unique(y, return_inverse=True)[1]."
        )
    if labels.ndim not in (1, 2) or 0 in labels.shape[1:]:
        raise ValueError(f"{wanted}. Received: shape {labels.shape}.")
    if (labels != np.rint(labels)).any():
        raise ValueError(f"{wanted}. Received: values that are not whole numbers.")
    if labels.ndim == 2 and labels.shape[1] > 1:
        bad = np.flatnonzero((np.count_nonzero(labels, axis=1) != 1) | (labels.sum(axis=1) != 1))
        if len(bad):
            raise ValueError(
                f"{wanted}. Received: y[{bad[0]}] = {labels[bad[0]]}. With several labels for an "
                "example give its weight yourself, by `sample_weight`."
            )


def weigh_classes(dataset, class_weight):
    """A dataset of (x, y, sample_weight) from one of (x, y), y integers `[B]` or one-hot `[B, K]`.

    Classes without a weight count once. (Keras looks weights up in a table that ends at the last
    class with a weight, and fails for classes beyond.)

    Raises:
      ValueError: if the dataset has weights already.
    """
    if len(dataset.element_spec) > 2:
        raise ValueError(
            "`class_weight` cannot be given along with the weights of examples in the dataset."
        )

    def weigh(x, y):
        label = y
        if y.shape.rank == 2:
            label = y[:, 0] if y.shape[1] == 1 else tf.argmax(y, axis=1)
        label = tf.cast(label, tf.int64)
        weights = tf.ones(tf.shape(label))
        for key, weight in class_weight.items():
            weights = tf.where(label == key, tf.cast(weight, weights.dtype), weights)
        return x, y, weights

    return dataset.map(weigh, num_parallel_calls=tf.data.AUTOTUNE)
