"""Sparse prior: each dimension is on or off."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import arguments
from tfsp.distributions import Normal
from tfsp.priors.base import Prior, register

tfd = tfp.distributions


@register("sparse")
class SparsePrior(Prior):
    """p(z) = prod_d (1 - gamma) N(z_d; 0, 1) + gamma N(z_d; 0, off_scale^2), fixed.

    gamma is the proportion of dimensions that are off, that is near 0.

    Args:
      latent_dim: D.
      off_probability: gamma, in [0, 1). 0 gives the standard normal.
      off_scale: standard deviation of a dimension that is off, in (0, 1]. The default is that of
        the variance 0.05.

    Raises:
      ValueError: for settings outside their ranges.

    Source: Mathieu et al. 2019, arXiv:1812.02833 (gamma = 0.8). Their experiments add
      the penalty of `tfsp.models.DecomposedVAE`.
    """

    def __init__(self, latent_dim, off_probability=0.8, off_scale=0.05**0.5, **kwargs):
        super().__init__(latent_dim, **kwargs)
        self.off_probability = arguments.number("off_probability", off_probability, "[0, 1)")
        self.off_scale = arguments.number("off_scale", off_scale, "(0, 1]")

    def distribution(self, training=False):
        gamma = self.off_probability
        shape = [self.latent_dim, 2]  # on, off
        probs = tf.broadcast_to(tf.constant([1.0 - gamma, gamma], self.variable_dtype), shape)
        scales = tf.broadcast_to(tf.constant([1.0, self.off_scale], self.variable_dtype), shape)
        return tfd.Independent(
            tfd.MixtureSameFamily(
                tfd.Categorical(probs=probs), Normal(tf.zeros_like(scales), scales)
            ),
            reinterpreted_batch_ndims=1,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "off_probability": self.off_probability,
            "off_scale": self.off_scale,
        }
