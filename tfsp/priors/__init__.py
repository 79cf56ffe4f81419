"""Priors p(z), as Keras layers.

A newcomer adds one by a file here with a class under `@register("name")`: configs can then name
it, every model takes it, and the contract tests cover it unasked.
"""

from tfsp import discovery
from tfsp.priors.base import Prior, build, get, names, register
from tfsp.priors.encoded import Encoded
from tfsp.priors.flow import FlowPrior
from tfsp.priors.latent_graph import LatentGraph
from tfsp.priors.loracs import LORACs
from tfsp.priors.mixture import MixturePrior
from tfsp.priors.none import NoPrior
from tfsp.priors.normal import NormalPrior
from tfsp.priors.sparse import SparsePrior
from tfsp.priors.tmc import TMCPrior
from tfsp.priors.vamp import VampPrior

__all__ = [
    "Encoded",
    "FlowPrior",
    "LORACs",
    "LatentGraph",
    "MixturePrior",
    "NoPrior",
    "NormalPrior",
    "Prior",
    "SparsePrior",
    "TMCPrior",
    "VampPrior",
    "build",
    "get",
    "names",
    "register",
]

discovery.import_all(__name__, __path__)
