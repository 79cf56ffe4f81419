"""No map: z = y."""

import tensorflow_probability as tfp

from tfsp.mappings.base import Mapping, register

tfb = tfp.bijectors


@register("identity")
class IdentityMapping(Mapping):
    """z = y: InteL-VAE with it is the plain VAE.

    Args:
      latent_dim: D.
    """

    def bijector(self):
        return tfb.Identity()
