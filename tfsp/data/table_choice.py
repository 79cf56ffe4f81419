"""How a table is read that nobody has told of: names of rows, classes, missing values."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfsp.data import array_files, table_files, table_frames, table_values, user_data
from tfsp.data.tables import TableSet

_LONGEST = 60  # characters of a name


def read(path: pathlib.Path, given: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """(what lies at a path, options that were chosen for it beside those given).

    Of a table with names of columns a column of text that differs in all rows, none of it longer
    than 60 characters, is the `index`, if the table has no other; other columns of text and
    categories are coded (`categorical="code"`). Missing values of a table are left to the model
    (`missing="model"`). What is given is never chosen.

    Args:
      path: pathlib.Path of a file; see `user_data.from_path`.
      given: dict of options.

    Returns:
      (ImageSet or TableSet, dict of options).

    Raises:
      DataFormatError: as `user_data.from_path`, for columns that are no classes among others.
    """
    chosen = {}
    if table_files.is_table_file(path):
        table = table_files.read(path)
        if table_frames.is_frame(table):
            chosen = _of_frame(table, given)
        chosen |= _missing(given)
        found = user_data.from_arrays(table, None, str(path), {**chosen, **given}, str(path))
    else:
        if path.suffix.lower() == ".npy" and _is_table_with_holes(array_files.read_npy(path)):
            chosen = _missing(given)
        found = user_data.from_path(path, None, None, {**chosen, **given})
    if isinstance(found, TableSet):
        if not number_missing(found.values):
            chosen.pop("missing", None)
        if not found.categories:
            chosen.pop("categorical", None)
    return found, chosen


def number_missing(values: Any) -> int:
    """How many values of a table, dense or sparse, are NaN."""
    return len(table_values.entries(values, np.isnan)[0])


def kinds(found: TableSet) -> dict[str, int]:
    """How many columns of a dense table are "numeric", "binary" and "categorical", without zeros.

    Binary are 0 and 1 alone, and codes of two classes. Of a sparse table nothing: {}.
    """
    if table_values.is_sparse(found.values):
        return {}
    numbers = {"numeric": 0, "binary": 0, "categorical": 0}
    for place in range(found.values.shape[1]):
        column = found.values[:, place]
        there = column[~np.isnan(column)]
        binary = bool(len(there)) and bool(np.isin(there, (0, 1)).all())
        if place in found.categories:
            binary = len(found.categories[place]) <= 2
        kind = "categorical" if place in found.categories else "numeric"
        numbers["binary" if binary else kind] += 1
    return {kind: number for kind, number in numbers.items() if number}


def counting(found: TableSet) -> tuple[str, ...]:
    """Names of the columns of a dense table in which each value is one more than the last."""
    if table_values.is_sparse(found.values) or len(found.values) < 3:
        return ()
    numbers = [
        place
        for place in range(found.values.shape[1])
        if place not in found.categories and bool((np.diff(found.values[:, place]) == 1).all())
    ]
    return tuple(found.columns[place] if found.columns else f"{place}" for place in numbers)


def _missing(given):
    return {} if "missing" in given else {"missing": "model"}


def _is_table_with_holes(array):
    return array.ndim == 2 and array.dtype.kind == "f" and bool(np.isnan(array).any())


def _of_frame(frame, given):
    chosen = {}
    if "index" not in given and table_frames.row_names(frame.index) is None:
        names = (
            table_frames.name_of(name)
            for name, column in frame.items()
            if str(name) != str(given.get("label")) and _names_rows(column)
        )
        index = next(names, None)
        if index is not None:
            chosen["index"] = index
    if "categorical" not in given:
        chosen["categorical"] = "code"
    return chosen


def _names_rows(column):
    if table_frames.kind_of_column(column) != "text" or len(table_frames.strays(column)):
        return False
    if not column.is_unique or column.isna().any():
        return False
    return int(column.astype(str).str.len().max()) <= _LONGEST
