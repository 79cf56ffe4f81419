"""Spike and exponential: zero, or an exponential that rises towards 1."""

from typing import Any

from tfsp.bijectors.smoothing import exponential
from tfsp.bijectors.smoothing.base import register
from tfsp.bijectors.smoothing.spike import SpikeSmoothing


@register("spike_and_exponential")
class SpikeAndExponential(SpikeSmoothing):
    """r(zeta|0) = delta(zeta),  r(zeta|1) = beta exp(beta zeta) / (exp(beta) - 1) on [0, 1].

        zeta = log(u (exp(beta) - 1) + 1) / beta  for  u = (rho - (1-q)) / q > 0,  else 0

    As beta grows zeta becomes z, and the gradients more variable: it is best bounded.

    Args:
      logits: log odds of z = 1.
      beta: positive.

    See `Smoothing` for shapes and errors, `SpikeSmoothing` for the atom at 0.

    Source: Rolfe 2017, eq. (9).
    """

    positive = ("beta",)

    def __init__(
        self,
        logits: Any,
        beta: Any = 3.0,
        validate_args: bool = False,
        name: str = "spike_and_exponential",
    ) -> None:
        given = dict(locals())
        super().__init__(logits, {"beta": beta}, given, validate_args, name)

    @property
    def beta(self) -> Any:
        return self._setting("beta")

    def _slab_log_prob(self, zeta):
        return exponential.rising_log_prob(zeta, self.beta)

    def _slab_cdf(self, zeta):
        return exponential.rising_cdf(zeta, self.beta)

    def _slab_quantile(self, u):
        return exponential.rising_quantile(u, self.beta)

    def _slab_mean(self):
        return 1.0 - exponential.falling_mean(self.beta)

    def _slab_kl(self, other):
        return exponential.kl(self.beta, other.beta)
