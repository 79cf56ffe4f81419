"""Studies: grids of small training runs, compared."""

from tfsp.studies.grid import format_grid, train_grid
from tfsp.studies.grid import summarise as summarise_grid
from tfsp.studies.imputation import format_imputation, imputation_errors
from tfsp.studies.modes import MODELS as MODE_MODELS
from tfsp.studies.modes import mode_config, train_modes
from tfsp.studies.oracle import answer, answers, centre_points, purity_by_answers
from tfsp.studies.shapes import MODELS as SHAPE_MODELS
from tfsp.studies.shapes import TARGETS as SHAPE_TARGETS
from tfsp.studies.shapes import shape_config, train_shapes
from tfsp.studies.support import calibration, simulate_support

__all__ = [
    "MODE_MODELS",
    "SHAPE_MODELS",
    "SHAPE_TARGETS",
    "answer",
    "answers",
    "calibration",
    "centre_points",
    "format_grid",
    "format_imputation",
    "imputation_errors",
    "mode_config",
    "purity_by_answers",
    "shape_config",
    "simulate_support",
    "summarise_grid",
    "train_grid",
    "train_modes",
    "train_shapes",
]
