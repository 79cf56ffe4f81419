"""What the variants of the discrete VAE make of its units: draws, KL, importance weights.

Three variants differ in how the bound sees the units, and so in the smoothings that suit them:

| variant | smoothings | kl_discrete | gradient |
| --- | --- | --- | --- |
| dvae | spikes | KL(q(z) || p(z)) | eqs. (11) and (12) |
| dvae++ | overlapping | the same | z summed out given zeta: a function of zeta |
| dvae# | overlapping, gaussian_integral | KL(q(zeta) || p(zeta)), z summed out | of zeta |
"""

import math

import tensorflow as tf

from tfsp.bijectors import smoothing as smoothings
from tfsp.models.discrete import kl as unit_kl
from tfsp.priors.smoothing import GAUSSIAN_INTEGRAL
from tfsp.random import as_seed

VARIANTS = {
    "dvae": "spike_and_exponential",
    "dvae++": "overlapping_exponential",
    "dvae#": "power_function",
}
_LOG_VARIANCE_RANGE = (-10.0, 10.0)


class Units:
    """q(z, zeta | x) and p(z, zeta) of the units, for one variant; all densities in nats.

    Args:
      prior: `BoltzmannPrior`.
      variant: "dvae", "dvae++" or "dvae#".
      groups: integers `[n]`, the group of each unit in the hierarchy.
      sum_out_later: see `DiscreteVAE`.
    """

    def __init__(self, prior, variant, groups, sum_out_later=True):
        self.prior, self.smoothing = prior, prior.smoothing
        self.variant, self.groups = variant, groups
        self.sum_out_later = sum_out_later
        self.roles = None
        if prior.couplings is not None:
            self.roles = unit_kl.PairRoles(groups, prior.num_left)

    def quantile(self, rho, *parameters):
        """zeta at the noise rho, the inverse CDF of q(zeta_j | zeta_<j, x), `[..., n_j]`."""
        if self.smoothing.is_gaussian:
            loc, scale = _normal(*parameters)
            return loc + scale * tf.math.ndtri(rho)
        return self._bijector(parameters).forward(rho)

    def mean(self, *parameters):
        """The mean of that distribution."""
        if self.smoothing.is_gaussian:
            return parameters[0]
        return self._bijector(parameters).mean()

    def kl(self, parameters, zeta, rho):
        """One draw's KL of the units, `[..., n]` -> `[...]`, with the gradient of its variant."""
        if self.variant == "dvae#":
            return -self.relaxed_log_ratio(parameters, zeta)
        logits, bijector = parameters[0], self._bijector(parameters)
        weights, bias = self.prior.weights_and_bias()
        if self.variant == "dvae++":
            earlier = tf.sigmoid(bijector.posterior_logits(zeta))
            terms = unit_kl.kl_without_log_z(weights, bias, logits, earlier, self.roles)
        else:
            z = bijector.discrete(rho)
            earlier = unit_kl.spike_indicator(logits, z)
            terms = unit_kl.kl_without_log_z(weights, bias, logits, earlier, self.roles)
            if not self.sum_out_later:
                later = unit_kl.drawn_later(logits, z, self.groups)
                drawn = unit_kl.kl_without_log_z(weights, bias, logits, earlier, self.roles, later)
                terms = unit_kl.with_gradient_of(terms, drawn)
        kl = terms + self.prior.log_partition()
        if self.smoothing.depends_on_input:  # eq. (22): q(zeta | z = 1, x) is not p(zeta | z = 1)
            slab = bijector.component_kl(self._bijector((logits,)), tf.ones_like(logits))
            kl += tf.reduce_sum(tf.sigmoid(logits) * slab, axis=-1)
        return kl

    def relaxed_log_ratio(self, parameters, zeta):
        """log p(zeta) - log q(zeta | x), z summed out; p by its mean-field bound if need be."""
        if self.smoothing.is_gaussian:
            return self.prior.log_prob(zeta) - self._log_q(parameters, zeta)
        return self.prior.log_prob_bound(zeta) - self._log_q(parameters, zeta)

    def log_ratio(self, parameters, zeta, rho, seed):
        """log of what the units bring to an importance weight, `[..., n]` -> `[...]`.

        log p(z, zeta) - log q(z, zeta | x) for one z given zeta; for "dvae#" log p(zeta) -
        log q(zeta | x), with an unbiased estimate of p(zeta) where it has no closed form.
        """
        if self.variant == "dvae#":
            if self.smoothing.is_gaussian:
                return self.relaxed_log_ratio(parameters, zeta)
            log_p = self.prior.log_prob_estimate(zeta, seed)
            return log_p - self._log_q(parameters, zeta)
        logits, bijector = parameters[0], self._bijector(parameters)
        if self.smoothing.is_spike:
            z = bijector.discrete(rho)
        else:
            u = tf.random.stateless_uniform(tf.shape(zeta), as_seed(seed), dtype=zeta.dtype)
            z = tf.cast(u < tf.sigmoid(bijector.posterior_logits(zeta)), zeta.dtype)
        log_q = tf.reduce_sum(z * logits - tf.nn.softplus(logits), axis=-1)
        log_ratio = self.prior.log_prob_units(z) - log_q
        if self.smoothing.depends_on_input:
            own = self._bijector((logits,)).component_log_prob(zeta, z)
            log_ratio += tf.reduce_sum(own - bijector.component_log_prob(zeta, z), axis=-1)
        return log_ratio

    def _bijector(self, parameters):
        if len(parameters) == 1:
            return self.smoothing.bijector(parameters[0])
        logits, loc, log_variance = parameters
        return self.smoothing.bijector(logits, *_normal(loc, log_variance))

    def _log_q(self, parameters, zeta):
        """log q(zeta | x), all groups."""
        if self.smoothing.is_gaussian:
            loc, scale = _normal(*parameters)
            each = -0.5 * ((zeta - loc) / scale) ** 2 - tf.math.log(scale)
            return tf.reduce_sum(each - 0.5 * math.log(2.0 * math.pi), axis=-1)
        return tf.reduce_sum(self._bijector(parameters).log_prob(zeta), axis=-1)


def _normal(loc, log_variance):
    return loc, tf.exp(0.5 * tf.clip_by_value(log_variance, *_LOG_VARIANCE_RANGE))


def check(variant, smoothing, objective):
    """The smoothing as a dict with its name.

    Raises:
      ValueError: for a variant, a smoothing and an objective that do not go together.
    """
    if variant not in VARIANTS:
        raise ValueError(
            f"`variant` must be one of {', '.join(map(repr, VARIANTS))}. Received: {variant!r}."
        )
    spec = VARIANTS[variant] if smoothing is None else smoothing
    spec = {"name": spec} if isinstance(spec, str) else dict(spec)
    known = [*smoothings.names(), GAUSSIAN_INTEGRAL]
    name = spec.get("name")
    if name not in known:
        raise ValueError(
            f"`smoothing` must be a name or a dict with a key 'name', one of {', '.join(known)}. "
            f"Received: {smoothing!r}."
        )
    spikes = [s for s in smoothings.names() if smoothings.get(s).is_spike]
    overlapping = [s for s in smoothings.names() if s not in spikes]
    suitable = {"dvae": spikes, "dvae++": overlapping}.get(
        variant, [*overlapping, GAUSSIAN_INTEGRAL]
    )
    if name not in suitable:
        raise ValueError(
            f"The variant {variant!r} takes one of the smoothings {', '.join(suitable)}. "
            f"Received: {name!r}."
        )
    if objective.uses_weights and variant != "dvae#":
        raise ValueError(
            f"The objective {objective.name!r} differentiates importance weights with respect to "
            "the posterior, which needs a continuous density: variant 'dvae#', where z is summed "
            "out. "
            f"Received: variant={variant!r}."
        )
    return spec
