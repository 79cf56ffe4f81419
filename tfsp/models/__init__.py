"""Models: Keras models that share one training step and one evaluation.

A newcomer adds one by a file here with a subclass of `StructuredVAE` under `@register("name")`.
"""

from tfsp import discovery
from tfsp.models.core.contract import StructuredVAE, build, get, names, register
from tfsp.models.core.importance import importance_log_prob
from tfsp.models.cp_vae import CPVAE
from tfsp.models.decomposed_vae import DecomposedVAE
from tfsp.models.discrete.vae import DiscreteVAE
from tfsp.models.gm_vae import GMVAE
from tfsp.models.graph.vae import GraphVAE
from tfsp.models.hierarchical_vae import HierarchicalVAE
from tfsp.models.intel_vae import InteLVAE
from tfsp.models.mmd import mmd_squared
from tfsp.models.sparse_vae import SparseVAE
from tfsp.models.sylvester_vae import SylvesterVAE
from tfsp.models.tmc_vae import TMCVAE
from tfsp.models.vae import VAE

__all__ = [
    "CPVAE",
    "GMVAE",
    "TMCVAE",
    "VAE",
    "DecomposedVAE",
    "DiscreteVAE",
    "GraphVAE",
    "HierarchicalVAE",
    "InteLVAE",
    "SparseVAE",
    "StructuredVAE",
    "SylvesterVAE",
    "build",
    "get",
    "importance_log_prob",
    "mmd_squared",
    "names",
    "register",
]

discovery.import_all(__name__, __path__)
