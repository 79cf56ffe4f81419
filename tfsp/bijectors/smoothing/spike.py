"""Smoothings whose zero is a point mass: z can be read off zeta."""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from tfsp.bijectors.smoothing.base import Smoothing, ends, largest_log

CERTAIN = 1e6  # stands for infinite log odds


class SpikeSmoothing(Smoothing):
    """r(zeta|0) = delta(zeta), and r(zeta|1) a slab on [0, 1] with zeta > 0.

    forward(rho) is 0 for rho <= 1-q and the slab's quantile of

        u = (rho - (1-q)) / q = rho - (1-rho) exp(-logits)

    above. It is continuous in rho and in the logits, so that its gradients are unbiased although
    z jumps.

    Densities are with respect to Lebesgue measure plus a unit point mass at 0: at the atom,
    zeta = 0, `log_prob` is log(1-q), `component_log_prob(0, z=0)` is 0 and that for z=1 is -inf;
    elsewhere that for z=0 is -inf. Ratios of such densities are importance weights. `inverse` at
    the atom is the CDF there, 1-q: the upper end of all rho that lead to it.

    A subclass defines `_slab_log_prob(zeta)`, `_slab_cdf(zeta)`, `_slab_quantile(u)`,
    `_slab_mean()` and `_slab_kl(other)`.

    Source: Rolfe 2017, sections 2.1 and D.2.
    """

    is_spike = True

    def discrete(self, rho: Any) -> tf.Tensor:
        """z = 1[rho > 1-q], of which forward(rho) is the smoothed value: 0. or 1., no gradient."""
        return tf.cast(self._slab_position(self._as_floating(rho)) > 0.0, self.dtype)

    def zero_weight(self, rho: Any) -> tf.Tensor:
        """(1-z) / (1-q) with z = discrete(rho): the factor of eqs. (12) and (31), no gradient.

        Its mean over rho is 1: it turns a mean over all draws into one over those with z = 0.
        q is held below 1 by the resolution of the dtype.
        """
        info = np.finfo(self.dtype.as_numpy_dtype)
        inverse = 1.0 + tf.exp(tf.minimum(self._logits, -math.log(info.eps)))
        return tf.stop_gradient((1.0 - self.discrete(rho)) * inverse)

    def log_prob(self, zeta: Any) -> tf.Tensor:
        zeta = self._as_floating(zeta)
        zero, one = self._log_weights()
        slab = self._outside_to(one + self._slab_log_prob(self._off_atom(zeta)), zeta)
        return tf.where(tf.equal(zeta, 0.0), zero, slab)

    def component_log_prob(self, zeta: Any, z: Any) -> tf.Tensor:
        zeta = self._as_floating(zeta)
        never = tf.constant(-math.inf, self.dtype)
        atom = tf.equal(zeta, 0.0)
        slab = self._outside_to(self._slab_log_prob(self._off_atom(zeta)), zeta)
        zero = tf.where(atom, tf.zeros_like(slab), never)
        return self._pick((zero, tf.where(atom, never, slab)), z)

    def component_cdf(self, zeta: Any, z: Any) -> tf.Tensor:
        zeta = self._as_floating(zeta)
        zero = tf.cast(zeta >= 0.0, self.dtype)
        return self._pick((zero, self._slab_cdf(self._clip(zeta))), z)

    def posterior_logits(self, zeta: Any) -> tf.Tensor:
        zeta = self._as_floating(zeta)
        certain = tf.constant(CERTAIN, self.dtype)
        shape = tf.broadcast_dynamic_shape(tf.shape(zeta), tf.shape(self._logits))
        return tf.broadcast_to(tf.where(tf.equal(zeta, 0.0), -certain, certain), shape)

    def _forward(self, rho):
        u = self._slab_position(rho)
        on = u > 0.0
        # The smallest positive number, lest a zeta of z = 1 be taken for the atom.
        low, _ = ends(self.dtype)
        slab = keep(self._slab_quantile(tf.where(on, tf.maximum(u, low), 0.5)), low, 1.0)
        return tf.where(on, slab, self._spike(rho))

    def _inverse(self, zeta):
        zero = tf.where(zeta < 0.0, tf.zeros_like(zeta), tf.sigmoid(-self._logits))
        return zero + tf.sigmoid(self._logits) * self._slab_cdf(self._clip(zeta))

    def _slab_position(self, rho):
        # (1-rho) exp(-logits) overflows only where u is negative without doubt.
        logits = tf.maximum(self._logits, -largest_log(self.dtype))
        return rho - (1.0 - rho) * tf.exp(-logits)

    def _spike(self, rho):
        """0, or NaN where rho or the logits are: no comparison with a NaN may hide it."""
        both = tf.stop_gradient(rho + self._logits)
        return tf.where(tf.math.is_nan(both), both, tf.zeros_like(both))

    def _off_atom(self, zeta):
        return tf.where(tf.equal(zeta, 0.0), tf.constant(0.5, self.dtype), self._clip(zeta))

    def _component_quantiles(self, rho):
        low, high = ends(self.dtype)
        slab = self._slab_quantile(tf.clip_by_value(rho, low, high))
        return tf.zeros_like(slab), keep(slab, low, 1.0)

    def _component_means(self):
        mean = self._slab_mean()
        return tf.zeros_like(mean), mean

    def _component_kls(self, other):
        kl = self._slab_kl(other)
        return tf.zeros_like(kl), kl


def keep(value: tf.Tensor, low: Any, high: Any) -> tf.Tensor:
    """`value` held in [low, high] against rounding, its gradient untouched."""
    return value + tf.stop_gradient(tf.clip_by_value(value, low, high) - value)
