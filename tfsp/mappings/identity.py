"""No map: z = y."""

from tensorflow_probability import bijectors as tfb

from tfsp.mappings.base import Mapping, register


@register("identity")
class IdentityMapping(Mapping):
    """z = y: InteL-VAE with it is the plain VAE.

    Args:
      latent_dim: D.
    """

    def bijector(self) -> tfb.Bijector:
        return tfb.Identity()
