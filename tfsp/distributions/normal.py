"""The normal distribution, with draws that are cheap under XLA."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import parameters
from tfsp.sample_shape import IntegerDraws

tfd = tfp.distributions


def stateless_normal(shape, seed, dtype):
    """Standard normal draws by the Philox generator, whether compiled by XLA or not.

    TensorFlow's default under XLA on a CPU is another generator, which takes 0.3 microseconds a
    number, thirty times as long: a quarter of a small model's training step.
    """
    return tf.random.stateless_normal(shape, seed, dtype=dtype, alg="philox")


class Normal(IntegerDraws, tfd.Normal):
    """`tfd.Normal` whose `sample` draws by `stateless_normal`. Everything else is inherited.

    Variables of Keras, too, are read whenever they are needed.
    """

    def __init__(self, loc, scale, validate_args=False, allow_nan_stats=True, name="Normal"):
        loc, scale = parameters.variable_within(loc), parameters.variable_within(scale)
        super().__init__(loc, scale, validate_args, allow_nan_stats, name)

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return super()._parameter_properties(dtype, num_classes)

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], self.batch_shape_tensor()], axis=0)
        noise = stateless_normal(shape, tfp.random.sanitize_seed(seed), self.dtype)
        return self.loc + self.scale * noise


def diagonal_normal(loc, scale):
    """N(loc, diag(scale^2)) with event shape `[D]`: loc and scale are `[..., D]`."""
    return tfd.Independent(Normal(loc, scale), reinterpreted_batch_ndims=1)


class CorrelatedNormal(IntegerDraws, tfd.MultivariateNormalTriL):
    """`tfd.MultivariateNormalTriL` whose `sample` draws by `stateless_normal`."""

    def _call_sample_n(self, sample_shape, seed, **kwargs):
        sample_shape = tf.reshape(tf.convert_to_tensor(sample_shape, tf.int32), [-1])
        parts = [sample_shape, self.batch_shape_tensor(), self.event_shape_tensor()]
        noise = stateless_normal(tf.concat(parts, 0), tfp.random.sanitize_seed(seed), self.dtype)
        # Nothing after `forward`: its cache then spares `log_prob` the triangular solve.
        return self.bijector.forward(noise, **kwargs)

    def _sample_and_log_prob(self, sample_shape, seed, **kwargs):
        # TFP's own would draw from the base distribution, by another generator.
        draws = self._call_sample_n(sample_shape, seed, **kwargs)
        return draws, self.log_prob(draws, **kwargs)


def correlated_normal(loc, scale_tril):
    """N(loc, L L') with event shape `[D]`: loc is `[..., D]`, L `[..., D, D]` lower triangular."""
    return CorrelatedNormal(
        parameters.variable_within(loc), scale_tril=parameters.variable_within(scale_tril)
    )


@tfd.RegisterKL(tfd.MultivariateNormalTriL, tfd.Independent)
def _kl_to_diagonal(q, p, name=None):
    """KL of a normal with any covariance to one with a diagonal covariance, in nats."""
    if not isinstance(p.distribution, tfd.Normal) or p.event_shape.rank != 1:
        raise NotImplementedError("In closed form only for independent normals.")
    with tf.name_scope(name or "kl_to_diagonal"):
        factor = q.scale.to_dense() / p.distribution.scale[..., tf.newaxis]
        shift = (q.loc - p.distribution.loc) / p.distribution.scale
        log_det = tf.reduce_sum(tf.math.log(tf.linalg.diag_part(factor)), axis=-1)
        squares = tf.reduce_sum(factor**2, axis=[-2, -1]) + tf.reduce_sum(shift**2, axis=-1)
        return 0.5 * (squares - tf.cast(tf.shape(shift)[-1], shift.dtype)) - log_det
