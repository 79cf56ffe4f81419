"""Measures of trained models: bounds, log-likelihood, use of the latent space."""

from tfsp.evaluation.bounds import bounds
from tfsp.evaluation.latent import active_units, encode
from tfsp.evaluation.likelihood import log_likelihood
from tfsp.evaluation.report import format_table, read_json, write_json
from tfsp.evaluation.run import evaluate_run, format_results

__all__ = [
    "active_units",
    "bounds",
    "encode",
    "evaluate_run",
    "format_results",
    "format_table",
    "log_likelihood",
    "read_json",
    "write_json",
]
