"""The standard normal prior."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp.distributions import diagonal_normal
from tfsp.priors.base import Prior, register

tfd = tfp.distributions


@register("normal")
class NormalPrior(Prior):
    """p(z) = N(z; 0, I).  Kingma & Welling 2014, arXiv:1312.6114."""

    def distribution(self, training=False):
        zeros = tf.zeros([self.latent_dim], self.variable_dtype)
        return diagonal_normal(zeros, tf.ones_like(zeros))

    def kl(self, q, z, training=False):
        try:
            return tfd.kl_divergence(q, self.distribution())
        except NotImplementedError:  # a posterior without a closed form, such as a flow
            return super().kl(q, z, training)
