"""Measures: arrays in, numbers out; one file a measure or a family, which registers itself."""

from tfsp import discovery
from tfsp.measures.active_units import active_units
from tfsp.measures.attributes import attribute_prediction
from tfsp.measures.clusters import (
    category_usage,
    clustering_accuracy,
    majority_accuracy,
    majority_classes,
    normalised_mutual_information,
)
from tfsp.measures.coverage import coverage
from tfsp.measures.energy import energy_distance
from tfsp.measures.features import FeatureMap, classifier_features, classifier_labeller
from tfsp.measures.few_shot import few_shot
from tfsp.measures.forest import few_shot_forest
from tfsp.measures.frechet import frechet, frechet_distance
from tfsp.measures.labelled_points import labelled_points, nearest_labels
from tfsp.measures.mode_separation import mode_separation
from tfsp.measures.proportions import Labeller, logistic_labeller, proportions
from tfsp.measures.registry import MEASURES, Measure, get, markdown, names, register
from tfsp.measures.retrieval import retrieval
from tfsp.measures.sparsity import hoyer_scores, sparsity

__all__ = [
    "MEASURES",
    "FeatureMap",
    "Labeller",
    "Measure",
    "active_units",
    "attribute_prediction",
    "category_usage",
    "classifier_features",
    "classifier_labeller",
    "clustering_accuracy",
    "coverage",
    "discover",
    "energy_distance",
    "few_shot",
    "few_shot_forest",
    "frechet",
    "frechet_distance",
    "get",
    "hoyer_scores",
    "labelled_points",
    "logistic_labeller",
    "majority_accuracy",
    "majority_classes",
    "markdown",
    "mode_separation",
    "names",
    "nearest_labels",
    "normalised_mutual_information",
    "proportions",
    "register",
    "retrieval",
    "sparsity",
]


def discover():
    """Imports every module of this package, which registers the measures in it.

    A module may have the name of a measure, which is what the package keeps under that name.
    """
    kept = {name: globals()[name] for name in __all__}
    discovery.import_all(__name__, __path__)
    globals().update(kept)


discover()
