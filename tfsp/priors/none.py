"""No prior at all: the plain autoencoder."""

import tensorflow as tf

from tfsp.priors.base import Prior, register


@register("none")
class NoPrior(Prior):
    """Turns a VAE into a plain autoencoder: the code is the posterior mean, the KL is 0.

    There is no distribution over z, so `log_prob` and `sample` raise ValueError.
    """

    is_density = False

    def log_prob(self, z, training=False):
        raise ValueError(
            "A plain autoencoder (prior 'none') has no density over its codes, so neither "
            "log p(z) nor log p(x) exists. Train with another prior, for example 'normal'."
        )

    def sample(self, n, seed=None):
        raise ValueError(
            "A plain autoencoder (prior 'none') cannot be sampled: nothing says which codes are "
            "likely. Train with another prior, for example 'normal'."
        )

    def kl(self, q, z, training=False):
        return tf.zeros(q.batch_shape_tensor(), self.variable_dtype)
