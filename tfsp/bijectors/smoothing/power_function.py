"""Power functions: singular at 0 for z = 0 and at 1 for z = 1."""

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp.bijectors.smoothing.base import Smoothing, ends, register
from tfsp.bijectors.smoothing.roots import solve_increasing
from tfsp.bijectors.smoothing.slopes import attach_slopes, bounded_exp, mixture_slopes


@register("power_function")
class PowerFunction(Smoothing):
    """r(zeta|0) = zeta^(1/beta - 1) / beta,  r(zeta|1) = (1-zeta)^(1/beta - 1) / beta,  on (0, 1).

    F_0 = zeta^(1/beta) and F_1 = 1 - (1-zeta)^(1/beta). Their mixture has no closed inverse: it
    is solved for t = logit(zeta) by safeguarded Newton steps, and the gradients are implicit.

    zeta gathers at the ends, so close that the dtype resolves it only at 0: forward returns
    numbers in (0, 1), at most 1 - 6e-8 in float32, where a share of about q (6e-8)^(1/beta) of
    all draws ends up (1.6% for beta = 4, q = 1). Their gradients are right nevertheless, since
    they are taken at t; `inverse` cannot know better than zeta does.

    Args:
      logits: log odds of z = 1.
      beta: positive; above 1, or each component leans to the other's end (at 1 both are
        uniform). As it grows zeta becomes z.

    See `Smoothing` for shapes and errors.

    Source: Vahdat, Andriyash & Macready 2018, "DVAE#", arXiv:1805.07445.
    """

    positive = ("beta",)

    def __init__(
        self,
        logits: Any,
        beta: Any = 4.0,
        validate_args: bool = False,
        name: str = "power_function",
    ) -> None:
        given = dict(locals())
        super().__init__(logits, {"beta": beta}, given, validate_args, name)

    @property
    def beta(self) -> Any:
        return self._setting("beta")

    def posterior_logits(self, zeta: Any) -> tf.Tensor:
        zeta = self._inside(self._as_floating(zeta))
        odds = tf.math.log(zeta) - tf.math.log1p(-zeta)
        return self._logits + (1.0 - 1.0 / self.beta) * odds

    def _forward(self, rho):
        t = self._solve(rho)
        zero, one = self._log_weights()
        log_zeta, log_rest, log_a, log_c = self._logs(t)
        # f zeta (1-zeta) beta, the slope of F in t times beta
        log_slope = tfp.math.log_add_exp(zero + log_a + log_rest, one + log_c + log_zeta)
        log_density = log_slope - tf.math.log(self.beta) - log_zeta - log_rest
        # F_0 - F_1 = a + c - 1, from the end where its terms are small
        gap = tf.where(
            t < 0.0,
            tf.exp(log_a) + tf.math.expm1(log_c),
            tf.exp(log_c) + tf.math.expm1(log_a),
        )
        tiny, _ = ends(self.dtype)
        log_gap = tf.math.log(tf.maximum(tf.abs(gap), tiny))
        slope, noise_slope = mixture_slopes(self._logits, log_density, log_gap, tf.sign(gap))
        # Each component's own quantile has the slope zeta log(zeta) / beta, or its mirror image.
        posterior = bounded_exp(one + log_c + log_zeta - log_slope)
        other = bounded_exp(zero + log_a + log_rest - log_slope)
        falling, rising = tf.exp(log_zeta) * log_zeta, tf.exp(log_rest) * log_rest
        beta_slope = (other * falling - posterior * rising) / self.beta
        pairs = [(self._logits, slope), (rho, noise_slope), (self.beta, beta_slope)]
        return attach_slopes(self._inside(tf.sigmoid(t)), pairs)

    def _logs(self, t):
        """log zeta, log(1-zeta), log F_0 and log(1-F_1) at zeta = sigmoid(t)."""
        log_zeta, log_rest = tf.math.log_sigmoid(t), tf.math.log_sigmoid(-t)
        return log_zeta, log_rest, log_zeta / self.beta, log_rest / self.beta

    def _solve(self, rho):
        """t = logit(zeta) with F(zeta) = rho, without gradients."""
        tiny, below_one = ends(self.dtype)
        rho = tf.clip_by_value(tf.stop_gradient(rho), tiny, below_one)
        beta = tf.stop_gradient(self.beta)
        q, rest = tf.sigmoid(self._logits), tf.sigmoid(-self._logits)
        lower = rho < 0.5
        log_target = tf.math.log(tf.where(lower, rho, 1.0 - rho))

        def value_and_slope(t):
            # log F - log rho in the lower half, log(1-rho) - log(1-F) in the upper: in the tails
            # linear in t, and not lost to rounding.
            log_zeta, log_rest, log_a, log_c = self._logs(t)
            a, c = tf.exp(log_a), tf.exp(log_c)
            mass = tf.where(
                lower,
                rest * a - q * tf.math.expm1(log_c),
                q * c - rest * tf.math.expm1(log_a),
            )
            mass = tf.maximum(mass, tiny)
            slope = (rest * a * tf.exp(log_rest) + q * c * tf.exp(log_zeta)) / beta
            difference = tf.math.log(mass) - log_target
            return tf.where(lower, difference, -difference), slope / mass

        # The quantile of a mixture lies between those of its components.
        log_u, log_v = tf.math.log(rho), tf.math.log1p(-rho)
        ends_t = _logit_of_power(log_u, beta), -_logit_of_power(log_v, beta)
        low, high = tf.minimum(*ends_t), tf.maximum(*ends_t)
        # For large beta only one component matters at each place: z = 0 for rho < 1-q.
        zero, one = self._log_weights()
        left = _logit_of_power(tf.minimum(log_u - zero, -1e-3), beta)
        right = -_logit_of_power(tf.minimum(log_v - one, -1e-3), beta)
        start = tf.clip_by_value(tf.where(rho < rest, left, right), low, high)
        return tf.stop_gradient(solve_increasing(value_and_slope, low, high, start))

    def _component_log_probs(self, zeta):
        power = 1.0 / self.beta - 1.0
        log_beta = tf.math.log(self.beta)
        return power * tf.math.log(zeta) - log_beta, power * tf.math.log1p(-zeta) - log_beta

    def _component_cdfs(self, zeta):
        # Clipped inside the logs alone: 0 and 1 keep their values.
        tiny, below_one = ends(self.dtype)
        log_a = tf.math.log(tf.maximum(zeta, tiny)) / self.beta
        log_c = tf.math.log1p(-tf.minimum(zeta, below_one)) / self.beta
        zero = tf.where(zeta > 0.0, tf.exp(log_a), tf.zeros_like(log_a))
        return zero, tf.where(zeta < 1.0, -tf.math.expm1(log_c), tf.ones_like(log_c))

    def _component_quantiles(self, rho):
        rho = tf.clip_by_value(rho, *ends(self.dtype))
        zero = tf.exp(self.beta * tf.math.log(rho))
        return self._inside(zero), self._inside(-tf.math.expm1(self.beta * tf.math.log1p(-rho)))

    def _component_means(self):
        mean = 1.0 / (1.0 + self.beta)
        return mean, self.beta * mean

    def _component_kls(self, other):
        ratio = self.beta / other.beta
        kl = ratio - 1.0 - tf.math.log(ratio)
        return kl, kl


def _logit_of_power(log_u, beta):
    """logit(u^beta), u in (0, 1)."""
    log_power = beta * log_u
    tiny, _ = ends(log_power.dtype)
    return log_power - tf.math.log(tf.maximum(-tf.math.expm1(log_power), tiny))
