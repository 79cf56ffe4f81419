"""Roots of increasing functions, for all entries of a tensor at once."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

_MOST = 100  # steps; a bracket is halved at least every second one


def solve_increasing(
    value_and_slope: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]],
    low: tf.Tensor,
    high: tf.Tensor,
    start: tf.Tensor,
) -> tf.Tensor:
    """The t in [low, high] where an increasing function is zero, without gradients.

    Newton steps that fall back to halving the bracket where they leave it, or do not shrink by
    half. It stops once every entry's step or value is down to rounding.

    Args:
      value_and_slope: t -> (g(t), g'(t)), g increasing, of order 1: its rounding is the dtype's.
      low, high: `[...]`, a bracket. Where rounding puts the root outside, its end is returned.
      start: `[...]` within it.

    Returns:
      `[...]`.
    """
    eps = float(np.finfo(start.dtype.as_numpy_dtype).eps)
    shape = tf.shape(value_and_slope(start)[0])
    low, high, start = (tf.broadcast_to(value, shape) for value in (low, high, start))

    def unfinished(step, moving, *_):
        return (step < _MOST) & tf.reduce_any(moving)

    def improve(step, moving, low, high, t, last):
        value, slope = value_and_slope(t)
        low, high = tf.where(value < 0.0, t, low), tf.where(value < 0.0, high, t)
        newton = t - value / tf.maximum(slope, eps * eps)
        good = (newton > low) & (newton < high) & (2.0 * tf.abs(newton - t) < last)
        found = tf.abs(value) <= 4.0 * eps
        better = tf.where(good, newton, 0.5 * low + 0.5 * high)
        moved = tf.abs(better - t)
        still = moving & ~found & (moved > 2.0 * eps * (1.0 + tf.abs(t)))
        # An entry that is done stays where it is: no noise from further steps.
        t = tf.where(moving & ~found, better, t)
        return step + 1, still, low, high, t, moved

    state = (0, tf.ones(shape, tf.bool), low, high, start, high - low)
    shapes = tf.nest.map_structure(lambda x: tf.convert_to_tensor(x).shape, state)
    return tf.while_loop(unfinished, improve, state, shape_invariants=shapes)[4]
