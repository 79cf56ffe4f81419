"""The normal distribution, with draws that are cheap under XLA."""

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions


def stateless_normal(shape, seed, dtype):
    """Standard normal draws by the Philox generator, whether compiled by XLA or not.

    TensorFlow's default under XLA on a CPU is another generator, which takes 0.3 microseconds a
    number, thirty times as long: a quarter of a small model's training step.
    """
    return tf.random.stateless_normal(shape, seed, dtype=dtype, alg="philox")


class Normal(tfd.Normal):
    """`tfd.Normal` whose `sample` draws by `stateless_normal`. Everything else is inherited."""

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], self.batch_shape_tensor()], axis=0)
        noise = stateless_normal(shape, tfp.random.sanitize_seed(seed), self.dtype)
        return tf.ensure_shape(self.loc + self.scale * noise, [None, *self.batch_shape])


def diagonal_normal(loc, scale):
    """N(loc, diag(scale^2)) with event shape `[D]`: loc and scale are `[..., D]`."""
    return tfd.Independent(Normal(loc, scale), reinterpreted_batch_ndims=1)
