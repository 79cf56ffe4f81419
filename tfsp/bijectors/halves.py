"""A line torn apart at one point."""

from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from tfsp import parameters
from tfsp.bijectors import checks
from tfsp.bijectors.push import Push, solve_increasing


class Halves(tfb.Bijector):
    """Two clusters on a line: g(y) = t + c_1 sign(t) |t|^c_2 with t = y + offset.

    Points right of -offset move right, the others left; under the standard normal the right half
    has the probability Phi(offset). The case K = 2 of `Sectors` in one dimension; applies to every
    entry of its input alike. One to one; log g'(y) = log(1 + f'(t)) with f of `Push`.

    Args:
      offset: float, tensor or variable that broadcasts with y.
      strength, exponent, softening: c_1, c_2 and the width of the rounding at the tear: `Push`.

    Raises:
      ValueError: for values out of range.

    Source: Miao et al. 2022 (InteL-VAE), appendix C.2.
    """

    def __init__(
        self,
        offset: Any = 0.0,
        strength: float = 5.0,
        exponent: float = 0.2,
        softening: float = 1e-2,
        name: str = "halves",
    ) -> None:
        given = dict(locals())
        # NumPy holds a Python float in full; a tensor of it would round to float32.
        known = not tf.is_tensor(offset) and not parameters.is_variable(offset)
        self.offset = np.asarray(offset, np.float64) if known else parameters.hold(offset)
        self.push = Push(strength, exponent, softening)
        super().__init__(forward_min_event_ndims=0, parameters=given, name=name)

    @classmethod
    def _parameter_properties(cls, dtype):
        return {"offset": parameters.real()}

    @classmethod
    def _is_increasing(cls):
        return True

    def _shifted(self, y):
        y = checks.floating(y)
        return y + tf.cast(self.offset, y.dtype)

    def component(self, y: Any) -> tf.Tensor:
        """Which half: 0 (right) or 1 (left), int32, shape of y."""
        return tf.cast(self._shifted(y) < 0, tf.int32)

    def _forward(self, y):
        shifted = self._shifted(y)
        return shifted + self.push(shifted)

    def _solve(self, z):
        """The side of z, 1 or -1, and the size of its preimage before the offset."""
        z = checks.floating(z)
        # Not the sign or the absolute value, whose gradients at 0 are 0.
        side = tf.where(z < 0, -tf.ones_like(z), tf.ones_like(z))
        size = side * z
        solution = solve_increasing(
            lambda s: (s + self.push(s), 1.0 + self.push.slope(s)), size, size
        )
        return side, solution

    def _inverse(self, z):
        side, size = self._solve(z)
        return side * size - tf.cast(self.offset, z.dtype)

    def _forward_log_det_jacobian(self, y):
        return tf.math.log1p(self.push.slope(self._shifted(y)))

    def _inverse_log_det_jacobian(self, z):
        # From the solution itself: adding the offset would round its small values away.
        return -tf.math.log1p(self.push.slope(self._solve(z)[1]))
