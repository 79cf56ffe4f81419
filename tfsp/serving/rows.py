"""Rows that are not finite, made plain in what is served."""

import functools
import math

import tensorflow as tf


def marked(function, specs, missing=()):
    """`function`, with NaN in all results of those rows whose arguments are not all finite.

    Networks do not carry a NaN through by themselves: a fused product with a ReLU makes it 0, and
    the results look sound. The other rows of the batch are what they would be without these.

    Args:
      function: of tensors as `specs` tell, to a dict of tensors.
      specs: `tf.TensorSpec`s. Floating ones whose first size is None hold rows.
      missing: names of arguments of which entries may be missing: NaN is as good as a number there.

    Returns:
      a function like it. Results hold rows where their first size is unknown; integers are -1
      instead of NaN. Without rows among the arguments, the function itself.
    """
    places = [i for i, spec in enumerate(specs) if _holds_rows(spec) and spec.dtype.is_floating]
    if not places:
        return function

    def guarded(*arguments):
        arguments = list(arguments)
        sound = functools.reduce(
            tf.logical_and, [_sound(arguments[i], specs[i].name in missing) for i in places]
        )
        for i in places:
            arguments[i] = _fill(arguments[i], sound, 0)
        results = function(*arguments)
        return {
            name: _fill(value, sound, math.nan if value.dtype.is_floating else -1)
            if _holds_rows(value) and (value.dtype.is_floating or value.dtype.is_integer)
            else value
            for name, value in results.items()
        }

    return guarded


def _holds_rows(tensor):
    shape = tensor.shape
    return shape.rank is None or (shape.rank > 0 and shape[0] is None)


def _sound(x, missing):
    """Which rows of x are finite, or with `missing` NaN in part: `[B, ...]` -> bool `[B]`.

    By a comparison, as LiteRT has no `IsFinite`; and one that is used as it is, since TensorFlow's
    converter makes `not (a <= b)` into `a > b`, which a NaN is not either.
    """
    finite = tf.abs(x) <= x.dtype.max
    if missing:
        finite = tf.logical_or(finite, tf.not_equal(x, x))
    axes = list(range(1, x.shape.rank))
    return tf.reduce_all(finite, axis=axes) if axes else finite


def _fill(x, sound, value):
    """x with `value` in the other rows."""
    sound = tf.reshape(sound, [-1] + [1] * (x.shape.rank - 1))
    return tf.where(sound, x, tf.constant(value, x.dtype))
