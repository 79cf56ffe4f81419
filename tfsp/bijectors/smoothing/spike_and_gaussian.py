"""Spike and Gaussian: zero, or normal with a mean and a scale that may depend on the input."""

import math
from typing import Any

import tensorflow as tf

from tfsp.bijectors.smoothing.base import ends, largest_log, register
from tfsp.bijectors.smoothing.spike import SpikeSmoothing, keep


@register("spike_and_gaussian")
class SpikeAndGaussian(SpikeSmoothing):
    """r(zeta|0) = delta(zeta),  r(zeta|1) = N(zeta; loc, scale^2),  zeta on the real line.

    With s = Phi(-loc/scale), the slab's mass below 0, forward is the inverse CDF in three pieces:

        loc + scale Phi^-1(rho / q)             for  rho < q s
        0                                       between
        loc + scale Phi^-1((rho - (1-q)) / q)   for  rho > q s + 1-q

    so that z = discrete(rho) = 0 for q s <= rho <= q s + 1-q, in the middle rather than at the
    beginning. The paper goes on to move the spike to rho <= 1-q, which keeps the distribution of
    zeta but not the gradient: zeta then jumps from 0 to -inf at rho = 1-q, a place that moves
    with q, and E[h'(zeta) d zeta / d q] becomes E[h(zeta) | z=1] - h(-inf) instead of
    E[h(zeta) | z=1] - h(0). In three pieces zeta is continuous and the gradient unbiased, and
    eq. (12) holds, too, as zeta = 0 where z changes.

    Args:
      logits: log odds of z = 1.
      loc, scale: of the slab, functions of the input if wished; scale is positive.

    See `Smoothing` for shapes and errors, `SpikeSmoothing` for the atom at 0; the CDF at it is
    q s + 1-q.

    Source: Rolfe 2017, appendix E.1.
    """

    support = (-math.inf, math.inf)
    positive = ("scale",)

    def __init__(
        self,
        logits: Any,
        loc: Any = 0.0,
        scale: Any = 1.0,
        validate_args: bool = False,
        name: str = "spike_and_gaussian",
    ) -> None:
        given = dict(locals())
        settings = {"loc": loc, "scale": scale}
        super().__init__(logits, settings, given, validate_args, name)

    @property
    def loc(self) -> Any:
        return self._setting("loc")

    @property
    def scale(self) -> Any:
        return self._setting("scale")

    def discrete(self, rho: Any) -> tf.Tensor:
        below, above, _, _ = self._pieces(self._as_floating(rho))
        return tf.cast(below | above, self.dtype)

    def _forward(self, rho):
        below, above, u, rest = self._pieces(rho)
        tiny, _ = ends(self.dtype)
        slab = self.loc + self.scale * _normal_quantile(u, rest)
        # On its side of 0, lest rounding make it the atom.
        low = tf.where(above, tf.constant(tiny, self.dtype), -math.inf)
        high = tf.where(below, tf.constant(-tiny, self.dtype), math.inf)
        return tf.where(below | above, keep(slab, low, high), self._spike(rho))

    def _pieces(self, rho):
        """Whether rho is below or above the spike's, and the slab's u and 1-u (1/2 between)."""
        logits = tf.maximum(self._logits, -largest_log(self.dtype))
        odds = tf.exp(-logits)
        middle = _normal_cdf(-self.loc / self.scale)
        lower, upper = rho * (1.0 + odds), (1.0 - rho) * (1.0 + odds)  # u below, 1-u above
        some = self._logits > -largest_log(self.dtype)  # else q is 0
        below = some & (lower < middle)
        above = some & ~below & (upper < _normal_cdf(self.loc / self.scale))
        u = tf.where(below, lower, tf.where(above, rho - (1.0 - rho) * odds, 0.5))
        rest = tf.where(above, upper, tf.where(below, 1.0 - lower, 0.5))
        return below, above, u, rest

    def _off_atom(self, zeta):
        return zeta  # the slab's density has no end at 0

    def _slab_log_prob(self, zeta):
        standard = (zeta - self.loc) / self.scale
        return -0.5 * standard**2 - tf.math.log(self.scale) - 0.5 * math.log(2.0 * math.pi)

    def _slab_cdf(self, zeta):
        return _normal_cdf((zeta - self.loc) / self.scale)

    def _component_quantiles(self, rho):
        slab = self.loc + self.scale * _normal_quantile(rho, 1.0 - rho)
        return tf.zeros_like(slab), slab

    def _slab_mean(self):
        return self.loc

    def _slab_kl(self, other):
        """Between the two normal distributions, in nats (appendix E.1)."""
        ratio = self.scale / other.scale
        distance = (self.loc - other.loc) / other.scale
        return 0.5 * (ratio**2 + distance**2 - 1.0) - tf.math.log(ratio)


def _normal_cdf(standard):
    return 0.5 * tf.math.erfc(-math.sqrt(0.5) * standard)


def _normal_quantile(u, rest):
    """Phi^-1(u), from the smaller of u and rest = 1-u, off 0."""
    tiny, _ = ends(u.dtype)
    left = u < rest
    tail = tf.math.ndtri(tf.maximum(tf.where(left, u, rest), tiny))
    return tf.where(left, tail, -tail)
