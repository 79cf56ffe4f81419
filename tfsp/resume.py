"""What a start finds in a run directory: the checkpoint to go on from, and the epochs before."""

import contextlib
import json
import os
import shutil
import warnings

from tfsp import atomic, checkpoint_file
from tfsp.callbacks.checkpoint import measured
from tfsp.callbacks.nonfinite import nonfinite_weights
from tfsp.history_file import read_history, write_history


def newest(run):
    """The checkpoint to go on from: the newest one that is whole and holds finite weights.

    `best.keras` serves where no other does. No file is changed.

    Args:
      run: a `RunDirectory`.

    Returns:
      (model, number of epochs, path, dict of damaged path -> what is wrong with it); model and path
      are None, and the number is 0, where there is no checkpoint at all.

    Raises:
      ValueError: if there are checkpoints, but each of them is damaged; it names them.
    """
    paths = {run.checkpoint_path(epochs): epochs for epochs in reversed(run.epochs())}
    if os.path.lexists(run.best):
        paths[run.best] = None
    problems = {}
    for path, epochs in paths.items():
        model, problem = _usable(path, epochs)
        if model is None:
            problems[path] = problem
            continue
        if path == run.best:
            epochs = checkpoint_file.rows(path)[-1]["epoch"] + 1
        return model, epochs, path, problems
    if problems:
        found = "; ".join(f"{path}: {problem}" for path, problem in problems.items())
        raise ValueError(
            f"{run.path} cannot go on: no checkpoint is whole ({found}). Put a copy of one in its "
            "place, or remove them all to start from the beginning."
        )
    return None, 0, None, {}


def mend(run, epochs, checkpoint, problems, since):
    """Sets right what a killed or damaged run has left, before it goes on; it must be locked.

    Damaged checkpoints are renamed, `history.csv` and `best.keras` made again where they are lost,
    each with a warning.

    Args:
      run: a `RunDirectory`.
      epochs, checkpoint, problems: as of `newest`.
      since: the first epoch that may be the best.

    Returns:
      rows of the epochs before, a list of dicts.

    Raises:
      ValueError: as `earlier_rows`.
      WriteError: if the file cannot be written.
    """
    told = [f"{path} is damaged: {why}{set_aside(path)}." for path, why in problems.items()]
    if told or checkpoint == run.best:
        told.append(
            f"{run.path} goes on after epoch {epochs}, from {checkpoint.name}, the newest "
            "checkpoint that is whole."
        )
        warnings.warn(" ".join(told), stacklevel=3)
    rows = earlier_rows(run, epochs, checkpoint)
    check_best(run, rows, since=since)
    return rows


def set_aside(path):
    """Renames a file, if it is there, so that nothing takes it for what it was; says so."""
    if not os.path.lexists(path):
        return ""
    names = (f"damaged{number}-{path.name}" for number in ("", *range(2, 1000)))
    aside = next(
        path.with_name(name) for name in names if not os.path.lexists(path.with_name(name))
    )
    with atomic.explained(path):
        os.replace(path, aside)
    return f" (renamed to {aside.name})"


def earlier_rows(run, epochs, checkpoint):
    """The metrics of the epochs before, as the checkpoint holds them.

    `history.csv` is a copy for people: where it is lost or says something else, it is written
    again, and what stood there is renamed, with a warning. Checkpoints of earlier versions of the
    package hold no metrics; then the file must be whole.

    Args:
      run: a `RunDirectory`.
      epochs: how many there were.
      checkpoint: path, or None for a new run.

    Returns:
      list of dicts.

    Raises:
      ValueError: with path and line, if the file is needed and cut, garbled or incomplete.
    """
    if checkpoint is None:
        return []
    rows = checkpoint_file.rows(checkpoint)
    if rows is None:
        return _rows_of_file(run, epochs)
    try:
        found = [row for row in read_history(run.history) if row["epoch"] < epochs]
        problem = f"{run.history} does not hold the {epochs} epochs of {checkpoint.name}"
    except ValueError as error:
        found, problem = None, str(error).removesuffix(".")
    if found is None or _text(found) != _text(rows):
        warnings.warn(
            f"{problem}{set_aside(run.history)}. It was written again from {checkpoint.name}.",
            stacklevel=4,
        )
        write_history(run.history, rows)
    return rows


def check_best(run, rows, monitor="val_elbo", since=0):
    """Sees to it that `best.keras` is there and whole if there was one.

    A lost or damaged one is made again from the best of the checkpoints that were kept, with a
    warning.

    Args:
      run: a `RunDirectory`.
      rows: metrics of the epochs before.
      monitor, since: as in `Checkpoint`.
    """
    lost = "is lost"
    if os.path.lexists(run.best):
        model, problem = _whole(run.best)
        if model is not None:
            return
        lost = f"is damaged: {problem}{set_aside(run.best)}"
    values = measured(rows, monitor, since)
    kept = {}
    for epoch in run.epochs() if values else ():
        path = run.checkpoint_path(epoch)
        own = checkpoint_file.rows(path) if _whole(path)[0] is not None else None
        value = measured((own or [])[-1:], monitor, since)
        if value:
            kept[path] = value[0]
    instead = "There is no other"
    if kept:
        path = max(kept, key=kept.get)
        with atomic.replacing(run.best) as partial:
            shutil.copyfile(path, partial)
        instead = (
            f"{path.name}, the best that is kept, takes its place: {monitor} {kept[path]:.2f}, "
            f"where the best was {max(values):.2f}"
        )
    if values or lost != "is lost":
        warnings.warn(f"{run.best} {lost}. {instead}.", stacklevel=4)


@contextlib.contextmanager
def state_in_errors(run):
    """Within this context errors of writing and interrupts say how much of the run is kept."""
    try:
        yield
    except atomic.WriteError as error:
        error.state = f"{kept(run)} The same command goes on from there once it can write."
        raise
    except KeyboardInterrupt as error:
        sentence = kept(run)
        error.args = (f"{sentence[0].lower()}{sentence[1:]}",)
        raise


def kept(run):
    """A sentence about the last good checkpoint."""
    with contextlib.suppress(OSError):  # the sentence is part of another error
        if run.epochs() or run.best.exists():
            return f"The last good checkpoint is {run.checkpoint('last')}."
    return "No epoch was completed, so there is no checkpoint."


def _usable(path, epochs):
    """(model, "") or (None, what is wrong with the checkpoint).

    Args:
      path: of the checkpoint.
      epochs: how many its name says; None for `best.keras`, which must say it inside.
    """
    model, problem = _whole(path)
    if model is None:
        return None, problem
    rows = checkpoint_file.rows(path)
    if not rows and epochs is None:
        return None, "it does not say of which epoch it is"
    own = rows[-1]["epoch"] + 1 if rows else epochs
    if epochs not in (None, own):
        return None, f"it is of epoch {own}"
    return model, ""


def _whole(path):
    """(model, "") or (None, what is wrong with the file or the weights in it)."""
    problem = checkpoint_file.damage(path)
    if problem:
        return None, problem
    model = checkpoint_file.load(path)
    bad = nonfinite_weights(model)
    return (None, f"its weights {bad[0]} are NaN or infinite") if bad else (model, "")


def _rows_of_file(run, epochs):
    rows = [row for row in read_history(run.history) if row["epoch"] < epochs]
    if len(rows) == epochs:
        return rows
    lacking = f"{run.history} holds {len(rows)} of the {epochs} epochs before"
    if run.best.exists():
        raise ValueError(
            f"{lacking}, so the value that best.keras has is unknown. Put a copy of the file in "
            "its place, or move best.keras away."
        )
    warnings.warn(f"{lacking}.", stacklevel=4)
    return rows


def _text(rows):
    return json.dumps(rows, sort_keys=True)  # unlike ==, takes NaN for NaN
