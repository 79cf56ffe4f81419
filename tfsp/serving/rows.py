"""Rows that are not finite, made plain in what is served."""

import math

import tensorflow as tf


def marked(function, specs):
    """`function`, with NaN in all results of those rows whose arguments are not all finite.

    Networks do not carry a NaN through by themselves: a fused product with a ReLU makes it 0, and
    the results look sound. The other rows of the batch are what they would be without these.

    Args:
      function: of tensors as `specs` tell, to a dict of tensors.
      specs: `tf.TensorSpec`s. Floating ones whose first size is None hold rows.

    Returns: a function like it. Results hold rows where their first size is unknown; integers
      are -1 instead of NaN. Without rows among the arguments, the function itself.
    """
    places = [i for i, spec in enumerate(specs) if _holds_rows(spec) and spec.dtype.is_floating]
    if not places:
        return function

    def guarded(*arguments):
        arguments = list(arguments)
        bad = tf.logical_not(tf.stack([_finite(arguments[i]) for i in places]))
        bad = tf.reduce_any(bad, axis=0)
        for i in places:
            arguments[i] = _fill(arguments[i], bad, 0)
        results = function(*arguments)
        return {
            name: _fill(value, bad, math.nan if value.dtype.is_floating else -1)
            if _holds_rows(value) and (value.dtype.is_floating or value.dtype.is_integer)
            else value
            for name, value in results.items()
        }

    return guarded


def _holds_rows(tensor):
    shape = tensor.shape
    return shape.rank is None or (shape.rank > 0 and shape[0] is None)


def _finite(x):
    """Which rows of x are finite: `[B, ...]` -> bool `[B]`. Runtimes differ over `IsFinite`."""
    finite = tf.abs(x) <= x.dtype.max
    axes = list(range(1, x.shape.rank))
    return tf.reduce_all(finite, axis=axes) if axes else finite


def _fill(x, rows, value):
    """x with `value` in these rows."""
    rows = tf.reshape(rows, [-1] + [1] * (x.shape.rank - 1))
    return tf.where(rows, tf.constant(value, x.dtype), x)
