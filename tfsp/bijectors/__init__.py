"""Maps with an inductive bias, as TFP bijectors: usable with any TFP distribution.

`tfd.TransformedDistribution(distribution, map)` is the pushforward. Maps are made from numbers and
tensors; `tfsp.mappings` holds the Keras layers with weights that make them for a model.
"""

from tfsp.bijectors.blocks import blockwise
from tfsp.bijectors.forward_only import ForwardOnly
from tfsp.bijectors.glued_circles import GluedCircles
from tfsp.bijectors.halves import Halves
from tfsp.bijectors.hierarchy import AffineHierarchy, Hierarchy
from tfsp.bijectors.logistic import Logistic
from tfsp.bijectors.push import Push
from tfsp.bijectors.sectors import Sectors
from tfsp.bijectors.selector import DimensionSelector, normalised_entropy, selection_penalty
from tfsp.bijectors.sphere import SphereProjection
from tfsp.bijectors.sylvester import Sylvester, householder, orthogonalise

__all__ = [
    "AffineHierarchy",
    "DimensionSelector",
    "ForwardOnly",
    "GluedCircles",
    "Halves",
    "Hierarchy",
    "Logistic",
    "Push",
    "Sectors",
    "SphereProjection",
    "Sylvester",
    "blockwise",
    "householder",
    "normalised_entropy",
    "orthogonalise",
    "selection_penalty",
]
