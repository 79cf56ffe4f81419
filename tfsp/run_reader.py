"""Reads the models and metrics of a run, which another process may be training."""

import os
import warnings

from tfsp import checkpoint_file
from tfsp.history_file import read_history


def load(run, checkpoint):
    """The model of a checkpoint of a run.

    Args:
      run: a `RunDirectory`.
      checkpoint: as in `RunDirectory.checkpoint`; where the last one is damaged the one before is
        loaded, with a warning.

    Raises:
      FileNotFoundError: if there is none.
      DamagedError: if it is damaged, and no earlier one is loaded in its place.
    """
    which = checkpoint
    while True:
        path = run.checkpoint(which)
        try:
            return checkpoint_file.load(path)
        except FileNotFoundError:
            if os.path.lexists(path):
                raise
            # Training has removed it in favour of a newer one.
        except checkpoint_file.DamagedError as error:
            older = [epoch for epoch in run.epochs() if run.checkpoint_path(epoch) < path]
            if checkpoint not in ("best", "last") or path == run.best or not older:
                raise
            warnings.warn(f"{error} {run.checkpoint_path(older[-1])} is loaded.", stacklevel=3)
            which = older[-1]


def rows_of(run):
    """Metrics of the epochs of a run, to be read: those in `history.csv`.

    Where the file is lost or garbled, those of the newest whole checkpoint, with a warning.

    Raises:
      ValueError: with path and line, if a garbled file is all there is.
    """
    try:
        rows, problem = read_history(run.history), ""
        if rows or not run.epochs():
            return rows
    except ValueError as error:
        rows, problem = None, str(error).removesuffix(".")
    for epochs in reversed(run.epochs()):
        path = run.checkpoint_path(epochs)
        if not checkpoint_file.damage(path) and checkpoint_file.rows(path):
            problem = problem or f"{run.history} is lost"
            warnings.warn(f"{problem}. {path.name} is read instead.", stacklevel=3)
            return checkpoint_file.rows(path)
    if rows is None:
        raise ValueError(f"{problem}.")
    return rows
