"""Overlapping exponentials: one falls from 0, the other rises to 1."""

import math
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp.bijectors.smoothing import exponential
from tfsp.bijectors.smoothing.base import Smoothing, ends, register
from tfsp.bijectors.smoothing.slopes import attach_slopes, mixture_slopes


@register("overlapping_exponential")
class OverlappingExponential(Smoothing):
    """r(zeta|0) = exp(-beta zeta) / Z,  r(zeta|1) = exp(-beta (1-zeta)) / Z,  on [0, 1].

    Z = (1 - exp(-beta)) / beta. The inverse CDF comes from a quadratic in exp(beta zeta). With
    h = exp(beta zeta) - 1, sigma = sigmoid(logits - beta) and k = rho beta / f(0),

        sigma h^2 + (1-k) h - k = 0

    and log h is computed from log k and log sigma, so that beta and logits may exceed what exp
    holds. The posterior of z is logistic in zeta: posterior_logits = logits + beta (2 zeta - 1).

    Args:
      logits: log odds of z = 1.
      beta: positive. As it grows zeta becomes z; the slope d zeta / d logits is at most
        exp(beta / 2) / (4 beta).

    See `Smoothing` for shapes and errors.

    Source: Vahdat et al. 2018, "DVAE++", arXiv:1802.04920, section 3.
    """

    positive = ("beta",)

    def __init__(
        self,
        logits: Any,
        beta: Any = 8.0,
        validate_args: bool = False,
        name: str = "overlapping_exponential",
    ) -> None:
        given = dict(locals())
        super().__init__(logits, {"beta": beta}, given, validate_args, name)

    @property
    def beta(self) -> Any:
        return self._setting("beta")

    def posterior_logits(self, zeta: Any) -> tf.Tensor:
        return self._logits + self.beta * (2.0 * self._as_floating(zeta) - 1.0)

    def _forward(self, rho):
        # Of zeta and 1-zeta, the mirrored problem's, that one is solved for which is small where
        # rho or 1-rho is: neither tail is rounded away.
        beta = self.beta
        mirrored = rho > 0.5
        logits = tf.where(mirrored, -self._logits, self._logits)
        near = _solve(tf.where(mirrored, 1.0 - rho, rho), logits, beta)
        log_density = tfp.math.log_add_exp(
            tf.math.log_sigmoid(-logits) + exponential.falling_log_prob(near, beta),
            tf.math.log_sigmoid(logits) + exponential.rising_log_prob(near, beta),
        )
        zero, one = exponential.falling_cdf(near, beta), exponential.rising_cdf(near, beta)
        # F_0 - F_1 = F_0 (1 - exp(-beta (1-zeta)))
        gap = -zero * tf.math.expm1(-beta * (1.0 - near))
        tiny, _ = ends(self.dtype)
        slope, noise_slope = mixture_slopes(logits, log_density, tf.math.log(tf.maximum(gap, tiny)))
        # Each component's own quantile has the slope (F_{1-z}(zeta) - zeta) / beta in beta.
        posterior = logits + beta * (2.0 * near - 1.0)
        mean = tf.sigmoid(-posterior) * one + tf.sigmoid(posterior) * zero
        beta_slope = (mean - near) / beta
        return attach_slopes(
            tf.where(mirrored, 1.0 - near, near),
            [
                (self._logits, slope),
                (rho, noise_slope),
                (beta, tf.where(mirrored, -beta_slope, beta_slope)),
            ],
        )

    def _component_log_probs(self, zeta):
        return (
            exponential.falling_log_prob(zeta, self.beta),
            exponential.rising_log_prob(zeta, self.beta),
        )

    def _component_cdfs(self, zeta):
        return exponential.falling_cdf(zeta, self.beta), exponential.rising_cdf(zeta, self.beta)

    def _component_quantiles(self, rho):
        rho = tf.clip_by_value(rho, *ends(self.dtype))
        pair = (
            exponential.falling_quantile(rho, self.beta),
            exponential.rising_quantile(rho, self.beta),
        )
        return tuple(tf.clip_by_value(zeta, 0.0, 1.0) for zeta in pair)

    def _component_means(self):
        mean = exponential.falling_mean(self.beta)
        return mean, 1.0 - mean

    def _component_kls(self, other):
        kl = exponential.kl(self.beta, other.beta)
        return kl, kl

    def _inside(self, zeta):
        return self._clip(zeta)  # no log of zeta: the ends need no care


def _solve(rho, logits, beta):
    """The inverse CDF, accurate relative to itself where it is small."""
    tiny, _ = ends(rho.dtype)
    # log(beta / f(0)), in the form that does not cancel
    log_ratio = tf.math.log(-tf.math.expm1(-beta)) + tf.where(
        logits < beta,
        tf.math.softplus(logits) - tf.math.softplus(logits - beta),
        beta + tf.math.softplus(-logits) - tf.math.softplus(beta - logits),
    )
    log_k = tf.math.log(tf.maximum(rho, tiny)) + log_ratio
    log_sigma = tf.math.log_sigmoid(logits - beta)
    # The quadratic divided by max(1, k): delta = |1-k| / max(1, k), c^2 = 4 k sigma / max^2.
    size = tf.abs(log_k)
    delta = -tf.math.expm1(-size)
    c = tf.exp(math.log(2.0) + 0.5 * (log_sigma - size))
    scale = tf.maximum(tf.maximum(delta, c), tiny)  # squares would underflow
    root = scale * tf.sqrt((delta / scale) ** 2 + (c / scale) ** 2)
    log_sum = tf.math.log(tf.maximum(delta + root, tiny))
    # k < 1: h = 2 k / (1-k + root).  k > 1: h = (k-1 + root) / (2 sigma).
    log_h = tf.where(
        log_k < 0.0,
        math.log(2.0) + log_k - log_sum,
        log_k + log_sum - math.log(2.0) - log_sigma,
    )
    return tf.clip_by_value(tf.math.softplus(log_h) / beta, 0.0, 1.0)
