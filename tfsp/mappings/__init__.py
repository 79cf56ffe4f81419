"""Mappings z = g(y) with an inductive bias, as Keras layers: what InteL-VAE puts in the middle.

A newcomer adds one by a file here with a class under `@register("name")`: configs can then name
it, `tfsp.models.InteLVAE` takes it, and the contract tests cover it unasked.
"""

from tfsp import discovery
from tfsp.mappings.base import Mapping, build, get, names, register
from tfsp.mappings.chain import ChainMapping
from tfsp.mappings.glued_circles import GluedCirclesMapping
from tfsp.mappings.hierarchy import HierarchyMapping
from tfsp.mappings.identity import IdentityMapping
from tfsp.mappings.sectors import SectorsMapping
from tfsp.mappings.selector import SelectorMapping
from tfsp.mappings.sphere import CircleMapping, SphereMapping
from tfsp.mappings.topology import mapping_for

__all__ = [
    "ChainMapping",
    "CircleMapping",
    "GluedCirclesMapping",
    "HierarchyMapping",
    "IdentityMapping",
    "Mapping",
    "SectorsMapping",
    "SelectorMapping",
    "SphereMapping",
    "build",
    "get",
    "mapping_for",
    "names",
    "register",
]

discovery.import_all(__name__, __path__)
