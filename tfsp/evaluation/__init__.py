"""Measures of trained models: bounds, log-likelihood, and what their codes are good for."""

from tfsp.evaluation.bounds import bounds
from tfsp.evaluation.few_shot import few_shot
from tfsp.evaluation.latent import active_units, encode
from tfsp.evaluation.likelihood import log_likelihood
from tfsp.evaluation.papers import beside_paper, format_beside_paper, paper_numbers
from tfsp.evaluation.report import format_table, read_json, write_json
from tfsp.evaluation.representatives import labelled_points, nearest_labels, representatives
from tfsp.evaluation.retrieval import retrieval
from tfsp.evaluation.run import evaluate_run, format_results
from tfsp.evaluation.trees import tree_purity

__all__ = [
    "active_units",
    "beside_paper",
    "bounds",
    "encode",
    "evaluate_run",
    "few_shot",
    "format_beside_paper",
    "format_results",
    "format_table",
    "labelled_points",
    "log_likelihood",
    "nearest_labels",
    "paper_numbers",
    "read_json",
    "representatives",
    "retrieval",
    "tree_purity",
    "write_json",
]
