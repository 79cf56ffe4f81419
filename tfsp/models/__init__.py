"""Models: Keras models that share one training step and one evaluation.

A newcomer adds one by a file here with a subclass of `StructuredVAE` under `@register("name")`.
"""

from tfsp.models.base import StructuredVAE, build, get, names, register
from tfsp.models.importance import importance_log_prob
from tfsp.models.tmc_vae import TMCVAE
from tfsp.models.vae import VAE

__all__ = [
    "TMCVAE",
    "VAE",
    "StructuredVAE",
    "build",
    "get",
    "importance_log_prob",
    "names",
    "register",
]
