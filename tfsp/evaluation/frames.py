"""Rows of data with what their owner knows them by, for tables that lead back to them."""

from typing import NamedTuple

import numpy as np

from tfsp.data import Data
from tfsp.evaluation.batches import limited


class Given(NamedTuple):
    """Some rows of data.

    Attributes:
      examples: what `evaluation.batches.iterate` takes, x or a pair (x, y).
      names: `[n]`, indices, files or numbers; None for data without names, whose rows count from 0.
      class_names: names of the labels 0, 1, ..., or None.
    """

    examples: object
    names: np.ndarray | None = None
    class_names: tuple | None = None


def given(data, part=None, limit=None, model=None):
    """The `Given` of a data set, or of examples alone.

    Args:
      data: a `tfsp.data.Data`, or what `evaluation.batches.iterate` takes.
      part: "train", "validation" or "test", of a `Data`; None takes "test".
      limit: the most rows, a random subset of more (`tfsp.subset`); None for all.
      model: whose likelihood says what values are allowed, see `evaluation.batches.iterate`.

    Raises:
      ValueError: for an unknown part, and for a part of anything but a `Data`.
    """
    if isinstance(data, Data):
        part = "test" if part is None else part
        names = data.names(part, limit)
        x, y = data.arrays(part, limit)
        return Given(x if y is None else (x, y), names, data.info.class_names)
    if part is not None:
        raise ValueError(
            f"`part` is one of a `tfsp.data.Data`. Received: part={part!r} and data of type "
            f"{type(data).__name__}."
        )
    return Given(limited(data, limit, model))


def named(labels, class_names):
    """Labels `[n]` by their names where these are known; None of None and of attributes."""
    if labels is None or np.ndim(labels) != 1:
        return None
    if class_names is None:
        return labels
    return np.array(class_names, str)[labels]


def pandas():
    """The module.

    Raises:
      ImportError: where it is not installed, with the command that does it.
    """
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "A DataFrame needs pandas, which is not installed: pip install 'tfsp[tables]'"
        ) from error
    return pandas
