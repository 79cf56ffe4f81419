"""Measures of trained models: bounds, log-likelihood, and what their codes are good for."""

from tfsp.evaluation import tasks
from tfsp.evaluation.attributes import attribute_prediction
from tfsp.evaluation.bounds import bounds
from tfsp.evaluation.chains import chain_classes, mode_separation
from tfsp.evaluation.clusters import (
    category_probabilities,
    category_usage,
    clustering_accuracy,
    majority_accuracy,
    majority_classes,
    normalised_mutual_information,
)
from tfsp.evaluation.coverage import coverage
from tfsp.evaluation.decomposition import kl_decomposition
from tfsp.evaluation.draws import can_add_noise, draw
from tfsp.evaluation.energy import energy_distance
from tfsp.evaluation.features import FeatureMap, classifier_features, classifier_labeller
from tfsp.evaluation.few_shot import few_shot
from tfsp.evaluation.forest import few_shot_forest
from tfsp.evaluation.frechet import frechet, frechet_distance
from tfsp.evaluation.grid import format_grid, train_grid
from tfsp.evaluation.grid import summarise as summarise_grid
from tfsp.evaluation.latent import active_units, encode, posterior_draws
from tfsp.evaluation.likelihood import log_likelihood
from tfsp.evaluation.modes import MODELS as MODE_MODELS
from tfsp.evaluation.modes import mode_config, train_modes
from tfsp.evaluation.papers import beside_paper, format_beside_paper, paper_numbers
from tfsp.evaluation.proportions import (
    Labeller,
    learned_proportions,
    logistic_labeller,
    proportions,
)
from tfsp.evaluation.report import format_table, read_json, write_json
from tfsp.evaluation.representatives import labelled_points, nearest_labels, representatives
from tfsp.evaluation.retrieval import retrieval
from tfsp.evaluation.run import evaluate_run, format_results, format_spread
from tfsp.evaluation.shapes import MODELS as SHAPE_MODELS
from tfsp.evaluation.shapes import TARGETS as SHAPE_TARGETS
from tfsp.evaluation.shapes import shape_config, train_shapes
from tfsp.evaluation.sparsity import hoyer_scores, sparsity
from tfsp.evaluation.trees import tree_purity

__all__ = [
    "MODE_MODELS",
    "SHAPE_MODELS",
    "SHAPE_TARGETS",
    "FeatureMap",
    "Labeller",
    "active_units",
    "attribute_prediction",
    "beside_paper",
    "bounds",
    "can_add_noise",
    "category_probabilities",
    "category_usage",
    "chain_classes",
    "classifier_features",
    "classifier_labeller",
    "clustering_accuracy",
    "coverage",
    "draw",
    "encode",
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
    "hoyer_scores",
    "kl_decomposition",
    "labelled_points",
    "learned_proportions",
    "log_likelihood",
    "logistic_labeller",
    "majority_accuracy",
    "majority_classes",
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
    "write_json",
]
