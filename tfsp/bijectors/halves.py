"""A line torn apart at one point."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfsp.bijectors import checks
from tfsp.bijectors.push import Push, solve_increasing

tfb = tfp.bijectors


class Halves(tfb.Bijector):
    """Two clusters on a line: g(y) = t + c_1 sign(t) |t|^c_2 with t = y + offset.

    Points right of -offset move right, the others left; under the standard normal the right half
    has the probability Phi(offset). The case K = 2 of `Sectors` in one dimension; applies to every
    entry of its input alike. One to one; log g'(y) = log(1 + f'(t)) with f of `Push`.

    Args:
      offset: float or tensor that broadcasts with y.
      strength, exponent, softening: c_1, c_2 and the width of the rounding at the tear: `Push`.

    Raises: ValueError for values out of range.

    Source: Miao et al. 2022 (InteL-VAE), appendix C.2.
    """

    def __init__(self, offset=0.0, strength=5.0, exponent=0.2, softening=1e-2, name="halves"):
        parameters = dict(locals())
        # NumPy holds a Python float in full; a tensor of it would round to float32.
        self.offset = offset if tf.is_tensor(offset) else np.asarray(offset, np.float64)
        self.push = Push(strength, exponent, softening)
        super().__init__(forward_min_event_ndims=0, parameters=parameters, name=name)

    def _shifted(self, y):
        y = checks.floating(y)
        return y + tf.cast(self.offset, y.dtype)

    def component(self, y):
        """Which half: 0 (right) or 1 (left), int32, shape of y."""
        return tf.cast(self._shifted(y) < 0, tf.int32)

    def _forward(self, y):
        shifted = self._shifted(y)
        return shifted + self.push(shifted)

    def _solve(self, z):
        size = tf.abs(checks.floating(z))
        return solve_increasing(lambda s: (s + self.push(s), 1.0 + self.push.slope(s)), size, size)

    def _inverse(self, z):
        return tf.sign(z) * self._solve(z) - tf.cast(self.offset, z.dtype)

    def _forward_log_det_jacobian(self, y):
        return tf.math.log1p(self.push.slope(self._shifted(y)))

    def _inverse_log_det_jacobian(self, z):
        # From the solution itself: adding the offset would round its small values away.
        return -tf.math.log1p(self.push.slope(self._solve(z)))
