"""A circle pinched together into a row of loops."""

import math

import numpy as np
import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from tfsp import arguments
from tfsp.bijectors import checks
from tfsp.bijectors.sphere import SphereProjection


class GluedCircles(tfb.Bijector):
    """A plane onto a row of h loops that touch: the circle with h - 1 pairs of points glued.

        x = y / (||y|| + epsilon)                            (nearly on the circle)
        g(y) = (x_1, x_2 w(x_1)),   w = sqrt(4/3 - (1 - d)^2) - 1/sqrt(3),   d = min_j |x_1 - c_j|

    with the pinches c_j = -1 + 2j/h, j = 1..h-1: the upper and the lower point of the circle over
    each pinch come together at (c_j, 0), and every loop has the width 2/h. With h = 2 this is
    eq. (5) of the paper, whose square root ends before "- 1/sqrt(3)"; with h = 1 the circle.

    Off the lines x_1 = c_j, a set of probability 0, the map is one to one, with

        log |det g'(y)| = log |det x'(y)| + log w(x_1)                          [nats]

    so that pushforwards have densities; these are infinite at the pinches, where `inverse` gives
    the middle of the line that was pinched. Near the loops the inverse is ill-conditioned, as that
    of `SphereProjection`: for densities use float64.

    Args:
      num_holes: h, at least 1.
      epsilon: positive float, see `SphereProjection`.

    Shapes: `[..., 2]` -> `[..., 2]`.

    Raises:
      ValueError: for `num_holes` < 1 or an `epsilon` that is not positive.

    Source: Miao et al. 2022 (InteL-VAE), section 6.1, eq. (5), and Figure C.1; equal widths for
    h > 2 are our choice, the paper only says to go on gluing.
    """

    def __init__(
        self, num_holes: int = 2, epsilon: float = 1e-3, name: str = "glued_circles"
    ) -> None:
        given = dict(locals())
        self.num_holes = arguments.integer("num_holes", num_holes, meaning="a circle has one hole")
        self._circle = SphereProjection(epsilon)
        self.epsilon = self._circle.epsilon
        super().__init__(forward_min_event_ndims=1, parameters=given, name=name)

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}

    @property
    def pinches(self) -> np.ndarray:
        """c_1..c_{h-1}: where the loops touch, on the first axis. NumPy `[h - 1]`."""
        return -1.0 + 2.0 * np.arange(1, self.num_holes) / self.num_holes

    def _width(self, x1):
        if self.num_holes == 1:
            return tf.ones_like(x1)
        pinches = tf.constant(self.pinches, x1.dtype)
        distance = tf.reduce_min(tf.abs(x1[..., tf.newaxis] - pinches), axis=-1)
        # sqrt(1/3 + a) - sqrt(1/3) without cancellation for small a = 1 - (1 - d)^2.
        excess = distance * (2.0 - distance)
        return excess / (tf.sqrt(1.0 / 3.0 + excess) + math.sqrt(1.0 / 3.0))

    def _forward(self, y):
        x1, x2 = tf.unstack(self._circle.forward(checks.floating(y, 2)), 2, axis=-1)
        return tf.stack([x1, x2 * self._width(x1)], axis=-1)

    def _on_disc(self, z):
        x1, height = tf.unstack(checks.floating(z, 2), 2, axis=-1)
        width = self._width(x1)
        pinched = width <= 0
        x2 = height / tf.where(pinched, tf.ones_like(width), width)
        return tf.stack([x1, tf.where(pinched, tf.zeros_like(x2), x2)], axis=-1)

    def _inverse(self, z):
        return self._circle.inverse(self._on_disc(z))

    def _forward_log_det_jacobian(self, y):
        x1 = self._circle.forward(checks.floating(y, 2))[..., 0]
        width = tf.math.log(self._width(x1))
        return self._circle.forward_log_det_jacobian(y, event_ndims=1) + width

    def _inverse_log_det_jacobian(self, z):
        x = self._on_disc(z)
        width = tf.math.log(self._width(x[..., 0]))
        return self._circle.inverse_log_det_jacobian(x, event_ndims=1) - width
