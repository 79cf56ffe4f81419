"""Spike and slab: exactly zero, or normal."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import shapes
from tfsp.distributions.normal import Normal, stateless_normal

tfd = tfp.distributions


class SpikeAndSlab(tfd.Distribution):
    """gamma N(z; loc, scale^2) + (1 - gamma) delta(z),  gamma = sigmoid(logits).  z: scalar event.

    Densities are with respect to Lebesgue measure plus a unit point mass at 0, so that
    `log_prob(0) = log(1 - gamma)`. Ratios of two such densities are importance weights, and their
    mean is the KL.

    Args:
      logits: log odds of the slab.
      loc, scale: of the slab; broadcast with `logits`. The first of the three that is a tensor
        gives the dtype; float32 if none is.

    Source: Mitchell & Beauchamp 1988; Tonolini et al. 2020, "Variational sparse coding".
    """

    def __init__(self, logits, loc, scale, validate_args=False, name="SpikeAndSlab"):
        parameters = dict(locals())
        with tf.name_scope(name):
            dtype = next((a.dtype for a in (logits, loc, scale) if tf.is_tensor(a)), tf.float32)
            self._logits = tf.convert_to_tensor(logits, dtype, name="logits")
            self._loc = tf.convert_to_tensor(loc, dtype, name="loc")
            self._scale = tf.convert_to_tensor(scale, dtype, name="scale")
            super().__init__(
                dtype=dtype,
                reparameterization_type=tfd.NOT_REPARAMETERIZED,
                validate_args=validate_args,
                allow_nan_stats=True,
                parameters=parameters,
                name=name,
            )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {
            "logits": tfp.util.ParameterProperties(),
            "loc": tfp.util.ParameterProperties(),
            "scale": tfp.util.ParameterProperties(),
        }

    @property
    def logits(self):
        return self._logits

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

        Returns: `[n, *batch_shape]`.

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
        static = [n if isinstance(n, int) else None, *self.batch_shape]
        uniform = tf.random.stateless_uniform(shape, seeds[0], dtype=self.dtype, alg="philox")
        normal = stateless_normal(shape, seeds[1], self.dtype)
        slab = shapes.known(self._loc + self._scale * normal, static)
        return shapes.known(uniform, static), slab

    def _log_prob(self, z):
        slab = tf.math.log_sigmoid(self._logits) + self.slab.log_prob(z)
        return tf.where(tf.equal(z, 0.0), tf.math.log_sigmoid(-self._logits), slab)

    def _mean(self):
        return self.slab_probability() * self._loc

    def _variance(self):
        gamma = self.slab_probability()
        return gamma * (self._scale**2 + (1.0 - gamma) * self._loc**2)

    def _event_shape(self):
        return tf.TensorShape([])

    def _event_shape_tensor(self):
        return tf.constant([], tf.int32)

    def _default_event_space_bijector(self):
        return tfp.bijectors.Identity(validate_args=self.validate_args)


@tfd.RegisterKL(SpikeAndSlab, SpikeAndSlab)
def _kl(a, b, name=None):
    """gamma_a KL(slab_a || slab_b) + KL(Bernoulli(gamma_a) || Bernoulli(gamma_b)), in nats."""
    gamma = a.slab_probability()
    # From the log odds: finite where gamma itself rounds to 0 or 1.
    log_odds = tf.math.log_sigmoid(a.logits) - tf.math.log_sigmoid(b.logits)
    log_odds_not = tf.math.log_sigmoid(-a.logits) - tf.math.log_sigmoid(-b.logits)
    slabs = tfd.kl_divergence(a.slab, b.slab)
    return gamma * (slabs + log_odds) + tf.sigmoid(-a.logits) * log_odds_not
