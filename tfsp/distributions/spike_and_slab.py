"""Spike and slab: exactly zero, or normal."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import parameters
from tfsp.distributions.measures import AtomAtZero
from tfsp.distributions.normal import Normal, stateless_normal
from tfsp.sample_shape import IntegerDraws

tfd = tfp.distributions


class SpikeAndSlab(AtomAtZero, IntegerDraws):
    """gamma N(z; loc, scale^2) + (1 - gamma) delta(z),  gamma = sigmoid(logits).  z: scalar event.

    Densities are with respect to Lebesgue measure plus a unit point mass at 0, so that
    `log_prob(0) = log(1 - gamma)`. Ratios of two such densities are importance weights, and their
    mean is the KL.

    Args:
      logits: log odds of the slab.
      loc, scale: of the slab; broadcast with `logits`. The first of the three that is a tensor
        gives the dtype; float32 if none is.
      validate_args: check that `scale` is positive.

    Source: Mitchell & Beauchamp 1988; Tonolini et al. 2020, "Variational sparse coding".
    """

    def __init__(self, logits, loc, scale, validate_args=False, name="SpikeAndSlab"):
        given = dict(locals())
        with tf.name_scope(name):
            dtype = parameters.common_dtype(logits, loc, scale)
            self._logits = parameters.hold(logits, dtype, "logits")
            self._loc = parameters.hold(loc, dtype, "loc")
            self._scale = parameters.hold(scale, dtype, "scale")
            super().__init__(
                dtype=dtype,
                reparameterization_type=tfd.NOT_REPARAMETERIZED,
                validate_args=validate_args,
                allow_nan_stats=True,
                parameters=given,
                name=name,
            )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {
            "logits": parameters.real(),
            "loc": parameters.real(),
            "scale": parameters.positive(dtype),
        }

    @property
    def logits(self):
        return self._logits

    @property
    def loc(self):
        return self._loc

    @property
    def scale(self):
        return self._scale

    @property
    def slab(self):
        """The normal part, a `tfd.Normal`."""
        return Normal(self._loc, self._scale)

    def slab_probability(self):
        """gamma, the probability of not being zero."""
        return tf.sigmoid(self._logits)

    def relaxed_sample(self, n, sharpness, seed):
        """Draws s(u) (loc + scale eps) with a soft spike s(u) = sigmoid(sharpness (gamma - u)).

        u is uniform and eps normal: as `sharpness` grows the draws become those of `sample`, but
        they have gradients with respect to gamma.

        Returns:
          `[n, *batch_shape]`.

        Source: Tonolini et al. 2020 (their c is `sharpness`).
        """
        uniform, slab = self._noise(n, seed)
        return tf.sigmoid(sharpness * (self.slab_probability() - uniform)) * slab

    def _sample_n(self, n, seed=None):
        uniform, slab = self._noise(n, seed)
        return tf.where(uniform < self.slab_probability(), slab, tf.zeros_like(slab))

    def _noise(self, n, seed):
        seeds = tfp.random.split_seed(tfp.random.sanitize_seed(seed), 2)
        shape = tf.concat([[n], self.batch_shape_tensor()], axis=0)
        uniform = tf.random.stateless_uniform(shape, seeds[0], dtype=self.dtype, alg="philox")
        normal = stateless_normal(shape, seeds[1], self.dtype)
        return uniform, self._loc + self._scale * normal

    def _log_prob(self, z):
        logits = tf.convert_to_tensor(self._logits)
        slab = tf.math.log_sigmoid(logits) + self.slab.log_prob(z)
        return tf.where(tf.equal(z, 0.0), tf.math.log_sigmoid(-logits), slab)

    def _mean(self):
        return self._over_batch(self.slab_probability() * self._loc)

    def _variance(self):
        gamma = self.slab_probability()
        variance = self._scale**2 + (1.0 - gamma) * tf.convert_to_tensor(self._loc) ** 2
        return self._over_batch(gamma * variance)

    def _over_batch(self, value):
        # Not by the batch shape: runtimes of served models cannot compute one.
        return value + tf.zeros_like(self._logits + self._loc + self._scale)

    def _event_shape(self):
        return tf.TensorShape([])

    def _event_shape_tensor(self):
        return tf.constant([], tf.int32)

    def _default_event_space_bijector(self):
        return tfp.bijectors.Identity(validate_args=self.validate_args)

    def _parameter_control_dependencies(self, is_init):
        if not self.validate_args or is_init == parameters.is_variable(self._scale):
            return []
        return [tf.debugging.assert_positive(self._scale, "`scale` must be positive.")]


@tfd.RegisterKL(SpikeAndSlab, SpikeAndSlab)
def _kl(a, b, name=None):
    """gamma_a KL(slab_a || slab_b) + KL(Bernoulli(gamma_a) || Bernoulli(gamma_b)), in nats."""
    gamma = a.slab_probability()
    # From the log odds: finite where gamma itself rounds to 0 or 1.
    log_odds = tf.math.log_sigmoid(a.logits) - tf.math.log_sigmoid(b.logits)
    log_odds_not = tf.math.log_sigmoid(-a.logits) - tf.math.log_sigmoid(-b.logits)
    slabs = tfd.kl_divergence(a.slab, b.slab)
    return gamma * (slabs + log_odds) + tf.sigmoid(-a.logits) * log_odds_not
