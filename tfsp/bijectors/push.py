"""How far a point is pushed away from a boundary at distance s, and the way back."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfsp import arguments

_HALVINGS = 48  # of an interval of logarithms: to 1e-11


class Push:
    """f(s) = strength s (s^2 + softening^2)^((exponent - 1)/2), odd and increasing.

    For |s| far above `softening` this is strength sign(s) |s|^exponent, the push
    c_1 dis^c_2 of InteL-VAE (eq. 6), whose slope at 0 would be infinite; here it is
    strength softening^(exponent - 1). With exponent 0.2 a point at twice the softening is pushed
    9% less.

    Args:
      strength: c_1, positive.
      exponent: c_2, in (0, 1]: small ones tear more sharply.
      softening: positive float, on the scale of s. Training suffers from steep slopes: two
        Gaussians in the plane are learned to an energy distance of 0.004 with 1e-2 where 1e-4
        comes to 0.016 in the same 20,000 steps (one run each).

    Raises:
      ValueError: for values out of range.
    """

    def __init__(
        self, strength: float = 5.0, exponent: float = 0.2, softening: float = 1e-2
    ) -> None:
        self.strength = arguments.number("strength", strength, "(0, inf)")
        self.exponent = arguments.number("exponent", exponent, "(0, 1]")
        self.softening = arguments.number("softening", softening, "(0, inf)")

    def _powers(self, s):
        """h^(exponent - 1) and (softening / h)^2 with h = hypot(s, softening), not overflowing."""
        # A unit, not a function of s: a maximum has no right gradient where both sides are equal.
        large = tf.stop_gradient(tf.maximum(tf.abs(s), self.softening))
        soft = (self.softening / large) ** 2
        square = (s / large) ** 2 + soft
        power = large ** (self.exponent - 1.0) * square ** (0.5 * (self.exponent - 1.0))
        return power, soft / square

    def __call__(self, s: tf.Tensor) -> tf.Tensor:
        """f(s), `[...]` -> `[...]`."""
        return self.strength * s * self._powers(s)[0]

    def slope(self, s: tf.Tensor) -> tf.Tensor:
        """f'(s) > 0."""
        power, soft = self._powers(s)
        return self.strength * (self.exponent + (1.0 - self.exponent) * soft) * power


def solve_increasing(
    value_and_slope: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]],
    target: tf.Tensor,
    upper: tf.Tensor,
) -> tf.Tensor:
    """The s in [0, upper] where an increasing function takes the value `target`.

    Bisection of log s, then one Newton step, which also carries the gradient to whatever the
    function and the target depend on (the implicit function theorem).

    Args:
      value_and_slope: s -> (h(s), h'(s)), h increasing, h(0) <= target <= h(upper).
      target, upper: `[...]`.

    Returns:
      `[...]`.
    """
    tiny = float(np.finfo(target.dtype.as_numpy_dtype).tiny)
    goal = tf.stop_gradient(target)
    high = tf.math.log(tf.maximum(tf.stop_gradient(upper), tiny))
    low = tf.fill(tf.shape(high), tf.constant(np.log(tiny), high.dtype))

    def halve(low, high):
        middle = 0.5 * (low + high)
        below = tf.stop_gradient(value_and_slope(tf.exp(middle))[0]) < goal
        return tf.where(below, middle, low), tf.where(below, high, middle)

    low, high = tf.while_loop(lambda *_: True, halve, (low, high), maximum_iterations=_HALVINGS)
    s = tf.stop_gradient(tf.exp(0.5 * (low + high)))
    value, slope = value_and_slope(s)
    return tf.maximum(s - (value - target) / slope, 0.0)
