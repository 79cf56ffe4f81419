"""Projection to the unit sphere."""

import math

import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from tfsp import arguments
from tfsp.bijectors import checks
from tfsp.bijectors.norms import safe_norm


class SphereProjection(tfb.Bijector):
    """g(y) = y / (||y|| + epsilon): nearly onto the unit sphere; for two dimensions, the circle.

    One to one from R^D onto the open unit ball, with

        g^-1(z) = z epsilon / (1 - ||z||)
        log |det g'(y)| = log epsilon - (D + 1) log(||y|| + epsilon)            [nats]

    All but a ball of a few epsilon lands next to the sphere: the standard normal of two
    dimensions leaves a mass of about 40 epsilon^2 within the radius 0.9. The slope at the origin
    is 1 / epsilon. Next to the sphere the inverse is ill-conditioned (1 - ||z|| is about
    epsilon / ||y||): for densities of the pushforward use float64. On the sphere and outside it
    there is no preimage: the inverse is NaN, and so are log-determinants outside.

    With one dimension the sphere is the pair {-1, 1}.

    Args:
      epsilon: positive float.

    Raises:
      ValueError: unless `epsilon` is positive.

    Source: Miao et al. 2022 (InteL-VAE), section 6.1.
    """

    def __init__(self, epsilon: float = 1e-3, name: str = "sphere_projection") -> None:
        given = dict(locals())
        self.epsilon = arguments.number("epsilon", epsilon, "(0, inf)")
        super().__init__(forward_min_event_ndims=1, parameters=given, name=name)

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}

    def _forward(self, y):
        y = checks.floating(y)
        return y / (safe_norm(y) + self.epsilon)[..., tf.newaxis]

    def _inverse(self, z):
        z = checks.floating(z)
        gap = 1.0 - safe_norm(z)
        # Without this the formula would send points outside to the other side of the origin.
        gap = tf.where(gap > 0, gap, tf.constant(math.nan, z.dtype))
        return z * (self.epsilon / gap)[..., tf.newaxis]

    def _forward_log_det_jacobian(self, y):
        size = tf.cast(tf.shape(y)[-1], y.dtype)
        return math.log(self.epsilon) - (size + 1.0) * tf.math.log(safe_norm(y) + self.epsilon)

    def _inverse_log_det_jacobian(self, z):
        # With ||y|| + epsilon = epsilon / (1 - ||z||), free of ||y||, which may overflow.
        size = tf.cast(tf.shape(z)[-1], z.dtype)
        return size * math.log(self.epsilon) - (size + 1.0) * tf.math.log1p(-safe_norm(z))
