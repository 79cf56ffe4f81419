"""Implicit differentiation: a value found without gradients, given its known slopes."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfsp import gradients
from tfsp.bijectors.smoothing.base import largest_log


def attach_slopes(value: tf.Tensor, pairs: Sequence[tuple[tf.Tensor, tf.Tensor]]) -> tf.Tensor:
    """`value` with d value / d parameter = slope for every pair (parameter, slope).

    For the inverse CDF of a mixture the slopes are known exactly at the solution, whereas those
    through the formula of the solution are lost where a probability rounds to 1.

    Args:
      value: `[...]`; its own gradient is cut.
      pairs: of (parameter, slope); both broadcast to `value`'s shape.

    Returns:
      `value`. Only first derivatives exist: a second one raises LookupError, as it would be wrong.
    """
    value = tf.stop_gradient(value)
    shape = tf.shape(value)
    for parameter, slope in pairs:
        value = _attach(value, tf.broadcast_to(parameter, shape), tf.broadcast_to(slope, shape))
    return value


def _slope(upstream, value, _, parameter, slope):
    once = tf.raw_ops.PreventGradient(
        input=slope,
        message="Smoothings found by implicit differentiation have first derivatives only.",
    )
    return upstream, upstream * once, None


@gradients.explicit(_slope, differentiable=False)
def _attach(value, parameter, slope):
    return tf.identity(value)


def mixture_slopes(
    logits: tf.Tensor, log_density: tf.Tensor, log_gap: tf.Tensor, sign: Any = 1.0
) -> tuple[tf.Tensor, tf.Tensor]:
    """Slopes of the inverse CDF of (1-q) F_0 + q F_1 in the logits and in rho, at its solution.

        d zeta / d logits = q (1-q) (F_0 - F_1) / f,    d zeta / d rho = 1 / f

    Args:
      logits: of q. Their log weights do not saturate as q and 1-q do.
      log_density: log f(zeta).
      log_gap: log |F_0(zeta) - F_1(zeta)|; -inf where they agree.
      sign: of F_0 - F_1.
    """
    weights = tf.math.log_sigmoid(logits) + tf.math.log_sigmoid(-logits)
    return sign * bounded_exp(weights + log_gap - log_density), bounded_exp(-log_density)


def bounded_exp(value: tf.Tensor) -> tf.Tensor:
    """exp(value), held below the largest number."""
    return tf.exp(tf.minimum(value, largest_log(value.dtype)))
