"""Ramps: densities that are linear in zeta."""

import math
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp.bijectors.smoothing.base import Smoothing, ends, register
from tfsp.bijectors.smoothing.slopes import attach_slopes, mixture_slopes


@register("ramps")
class Ramps(Smoothing):
    """r(zeta|0) = 2 (1-zeta),  r(zeta|1) = 2 zeta,  on [0, 1].

        zeta = rho / ((1-q) + root),  root = sqrt((1-rho) (1-q)^2 + rho q^2)

    which is eq. (20) without its cancellations: nothing is subtracted, and q = 1/2 is no special
    case.

    Args:
      logits: log odds of z = 1.

    See `Smoothing` for shapes and errors.

    Source: Rolfe 2017, appendix D.1.
    """

    def __init__(self, logits: Any, validate_args: bool = False, name: str = "ramps") -> None:
        given = dict(locals())
        super().__init__(logits, {}, given, validate_args, name)

    def _forward(self, rho):
        tiny, _ = ends(self.dtype)
        q, rest = tf.sigmoid(self._logits), tf.sigmoid(-self._logits)
        root = tf.sqrt((1.0 - rho) * rest**2 + rho * q**2)
        zeta = rho / tf.maximum(rest + root, tiny)
        complement = (1.0 - rho) / tf.maximum(q + root, tiny)
        log_zeta = tf.math.log(tf.maximum(zeta, tiny))
        log_complement = tf.math.log(tf.maximum(complement, tiny))
        zero, one = self._log_weights()
        log_density = tfp.math.log_add_exp(zero + log_complement, one + log_zeta)
        # The factors 2 of the densities and of F_0 - F_1 = 2 zeta (1-zeta) go into both.
        slope, noise_slope = mixture_slopes(
            self._logits, math.log(2.0) + log_density, math.log(2.0) + log_zeta + log_complement
        )
        zeta = tf.clip_by_value(zeta, 0.0, 1.0)
        return attach_slopes(zeta, [(self._logits, slope), (rho, noise_slope)])

    def _component_log_probs(self, zeta):
        return (
            math.log(2.0) + tf.math.log1p(-zeta),
            math.log(2.0) + tf.math.log(zeta),
        )

    def _component_cdfs(self, zeta):
        return zeta * (2.0 - zeta), zeta**2

    def _component_quantiles(self, rho):
        tiny, _ = ends(self.dtype)
        # 1 - sqrt(1-rho) without cancellation.
        return (
            rho / (1.0 + tf.sqrt(tf.maximum(1.0 - rho, tiny))),
            tf.sqrt(tf.maximum(rho, tiny)),
        )

    def _component_means(self):
        third = tf.constant(1.0 / 3.0, self.dtype)
        return third, 2.0 * third
