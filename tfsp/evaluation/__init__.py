"""Measures of trained models: bounds, log-likelihood, and what their codes are good for.

What takes arrays alone lives in `tfsp.measures`, what trains models in `tfsp.studies`; their names
are available here too.
"""

import importlib

from tfsp.evaluation import tasks
from tfsp.evaluation.attach import attach, members
from tfsp.evaluation.bounds import bounds
from tfsp.evaluation.categories import category_probabilities, category_tree_scores
from tfsp.evaluation.chains import chain_classes
from tfsp.evaluation.decomposition import kl_decomposition
from tfsp.evaluation.draws import can_add_noise, draw
from tfsp.evaluation.imputation import impute
from tfsp.evaluation.latent import encode, encode_views, posterior_draws
from tfsp.evaluation.learned_proportions import learned_proportions
from tfsp.evaluation.likelihood import log_likelihood
from tfsp.evaluation.papers import beside_paper, format_beside_paper, paper_numbers
from tfsp.evaluation.report import format_table, read_json, write_json
from tfsp.evaluation.representatives import representatives
from tfsp.evaluation.run import evaluate_run, format_results, format_spread
from tfsp.evaluation.trees import tree_purity
from tfsp.evaluation.view_trees import view_trees
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
from tfsp.measures.hierarchy import hierarchy_scores
from tfsp.measures.labelled_points import labelled_points, nearest_labels
from tfsp.measures.mode_separation import mode_separation
from tfsp.measures.proportions import (
    Labeller,
    logistic_labeller,
    proportions,
)
from tfsp.measures.retrieval import retrieval
from tfsp.measures.sparsity import hoyer_scores, sparsity

__all__ = [
    "MODE_MODELS",
    "SHAPE_MODELS",
    "SHAPE_TARGETS",
    "FeatureMap",
    "Labeller",
    "active_units",
    "attach",
    "attribute_prediction",
    "beside_paper",
    "bounds",
    "can_add_noise",
    "category_probabilities",
    "category_tree_scores",
    "category_usage",
    "chain_classes",
    "classifier_features",
    "classifier_labeller",
    "clustering_accuracy",
    "coverage",
    "draw",
    "encode",
    "encode_views",
    "energy_distance",
    "evaluate_run",
    "few_shot",
    "few_shot_forest",
    "format_beside_paper",
    "format_grid",
    "format_results",
    "format_spread",
    "format_table",
    "frechet",
    "frechet_distance",
    "hierarchy_scores",
    "hoyer_scores",
    "impute",
    "kl_decomposition",
    "labelled_points",
    "learned_proportions",
    "log_likelihood",
    "logistic_labeller",
    "majority_accuracy",
    "majority_classes",
    "members",
    "mode_config",
    "mode_separation",
    "nearest_labels",
    "normalised_mutual_information",
    "paper_numbers",
    "posterior_draws",
    "proportions",
    "read_json",
    "representatives",
    "retrieval",
    "shape_config",
    "sparsity",
    "summarise_grid",
    "tasks",
    "train_grid",
    "train_modes",
    "train_shapes",
    "tree_purity",
    "view_trees",
    "write_json",
]

_STUDIES = (
    "MODE_MODELS",
    "SHAPE_MODELS",
    "SHAPE_TARGETS",
    "format_grid",
    "mode_config",
    "shape_config",
    "summarise_grid",
    "train_grid",
    "train_modes",
    "train_shapes",
)


def __getattr__(name):
    if name in _STUDIES:  # a floor above, so that they are imported on first use
        return getattr(importlib.import_module("tfsp.studies"), name)
    raise AttributeError(f"module 'tfsp.evaluation' has no attribute {name!r}")
