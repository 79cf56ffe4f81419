"""Keras callbacks for `fit`."""

from tfsp.callbacks.checkpoint import Checkpoint
from tfsp.callbacks.early_stopping import EarlyStopping
from tfsp.callbacks.kl_warm_up import KLWarmUp
from tfsp.callbacks.logs import EpochLine, HistoryFile, TensorBoardLog
from tfsp.callbacks.nonfinite import NonFiniteError, StopOnNonFinite
from tfsp.callbacks.prior_schedule import PriorSchedule

__all__ = [
    "Checkpoint",
    "EarlyStopping",
    "EpochLine",
    "HistoryFile",
    "KLWarmUp",
    "NonFiniteError",
    "PriorSchedule",
    "StopOnNonFinite",
    "TensorBoardLog",
]
