"""Spike and slab: zero, or uniform."""

from typing import Any

import tensorflow as tf

from tfsp.bijectors.smoothing.base import register
from tfsp.bijectors.smoothing.spike import SpikeSmoothing


@register("spike_and_slab")
class SpikeAndSlab(SpikeSmoothing):
    """r(zeta|0) = delta(zeta),  r(zeta|1) = 1 on [0, 1].

        zeta = (rho - 1) / q + 1  for  rho > 1-q,  else 0

    Args:
      logits: log odds of z = 1.

    See `Smoothing` for shapes and errors, `SpikeSmoothing` for the atom at 0.

    Source: Rolfe 2017, appendix D.2. (`tfsp.distributions.SpikeAndSlab` is another thing: a
      distribution with a normal slab.)
    """

    def __init__(
        self, logits: Any, validate_args: bool = False, name: str = "spike_and_slab"
    ) -> None:
        given = dict(locals())
        super().__init__(logits, {}, given, validate_args, name)

    def _slab_log_prob(self, zeta):
        return tf.zeros_like(zeta)

    def _slab_cdf(self, zeta):
        return zeta

    def _slab_quantile(self, u):
        return u

    def _slab_mean(self):
        return tf.constant(0.5, self.dtype)

    def _slab_kl(self, other):
        return tf.zeros([], self.dtype)
