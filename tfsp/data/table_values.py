"""The numbers of a table, dense or sparse: checks, and what becomes of missing ones.

A table is float32 [n, D], either a NumPy array or a SciPy sparse matrix in CSR form, whose missing
values are NaN. A sparse one is never made dense here.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from tfsp.data import arrays
from tfsp.data.errors import DataFormatError
from tfsp.data.left_out import listed

MISSING = ("error", "drop", "mean", "model")
_NAMED = 5  # rows or columns in a message


def is_sparse(values: Any) -> bool:
    """Whether something is a SciPy sparse matrix or array, found without importing SciPy."""
    return hasattr(values, "tocsr") and hasattr(values, "nnz")


def dense(array: np.ndarray, what: str) -> np.ndarray:
    """float32 [n, D] of real numbers; NaN stays.

    Args:
      array: NumPy [n, D] of integers, bools or floats. Whole numbers above 2^24 are rounded.
      what: name of the array in messages.

    Raises:
      DataFormatError: a ValueError, for another shape or dtype, and for no rows or columns.
    """
    _check_form(array, what)
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as such
        return array.astype(np.float32, order="C", copy=False)


def sparse(matrix: Any, what: str) -> Any:
    """SciPy CSR float32 [n, D], in canonical form.

    Args:
      matrix: any SciPy sparse matrix or array; not changed.
      what: name of the matrix in messages.

    Raises:
      DataFormatError: as `dense`.
    """
    _check_form(matrix, what)
    with np.errstate(over="ignore"):
        values = matrix.tocsr().astype(np.float32, copy=False)
    if not values.has_canonical_format:
        values = values.copy()
        values.sum_duplicates()
    return values


def _check_form(values, what):
    if values.dtype.kind not in "biuf" and not arrays.is_floating(values.dtype):
        raise DataFormatError(
            f"{what} must hold real numbers. Received dtype {values.dtype}. Convert it, for "
            "example x.astype('float32')."
        )
    if len(values.shape) == 2 and not values.shape[0]:
        raise DataFormatError(f"{what} holds no examples. Received shape {values.shape}.")
    if len(values.shape) != 2 or 0 in values.shape:
        raise DataFormatError(
            f"{what} must be a table of shape [n, D], an example to a row. Received shape "
            f"{tuple(values.shape)}."
        )


def entries(values: Any, test: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(rows [m], columns [m]) of the values of a table that pass a test, such as `np.isnan`."""
    if not is_sparse(values):
        rows, columns = np.nonzero(test(values))
        return rows, columns
    at = np.flatnonzero(test(values.data))
    return np.searchsorted(values.indptr, at, side="right") - 1, values.indices[at]


def refuse_infinite(
    values: Any, index: np.ndarray | None, columns: Sequence[str] | None, what: str
) -> None:
    """Raises DataFormatError for infinite values, with the names of their rows and columns."""
    rows, places = entries(values, np.isinf)
    if len(rows):
        raise DataFormatError(
            f"{what} has {len(rows):,} infinite values, or values too large for float32 (3.4e38), "
            f"{_where(values, rows, places, index, columns)}. Put the right numbers, or "
            "NaN for missing ones: x.replace([np.inf, -np.inf], np.nan) of a DataFrame, "
            "np.where(np.isinf(x), np.nan, x) of an array."
        )


def refuse_missing(
    values: Any, index: np.ndarray | None, columns: Sequence[str] | None, what: str
) -> None:
    """Raises DataFormatError for missing values, with the names of their rows and columns."""
    rows, places = entries(values, np.isnan)
    if len(rows):
        raise DataFormatError(
            f"{what} has {len(rows):,} missing value{'s'[: len(rows) > 1]} (NaN), "
            f"{_where(values, rows, places, index, columns)}. Pass missing='drop' to leave these "
            "rows out, missing='mean' to put the mean of the training part's column, "
            "missing='model' to keep them for a model that leaves them out of its likelihood, or "
            "fill them first."
        )


def complete_rows(values: Any) -> np.ndarray:
    """bool [n], the rows of a table without a missing value."""
    keep = np.ones(values.shape[0], bool)
    keep[entries(values, np.isnan)[0]] = False
    return keep


def with_means(
    values: Any,
    training: np.ndarray,
    columns: Sequence[str] | None,
    coded: Collection[int] = (),
) -> Any:
    """A table whose missing values are the means of their columns over the training rows.

    The mean is that of the values which are there, the zeros of a sparse table among them.

    Args:
      values: [n, D], dense or sparse; a copy is changed.
      training: int [m], the training rows.
      columns: names of the columns, or None.
      coded: numbers of the columns of codes, which take the most frequent one.

    Raises:
      DataFormatError: names the columns that have no value in the training part.
    """
    rows, places = entries(values, np.isnan)
    if not len(rows):
        return values
    affected, which = np.unique(places, return_inverse=True)
    means = _means(values, training, affected)
    _refuse_empty(affected[np.isnan(means)], columns, "mean")
    for i, place in enumerate(affected.tolist()):
        if place in coded:
            there = values[training, place]
            found, times = np.unique(there[~np.isnan(there)], return_counts=True)
            means[i] = found[np.argmax(times)]
    values = values.copy()
    if is_sparse(values):
        values.data[np.isnan(values.data)] = means[which]  # both in the order of the entries
    else:
        values[rows, places] = means[which]
    return values


def require_some(values: Any, training: np.ndarray, columns: Sequence[str] | None) -> None:
    """Raises DataFormatError for columns without a value in the training part: missing="model"."""
    affected = np.unique(entries(values, np.isnan)[1])
    means = _means(values, training, affected) if len(affected) else np.zeros(0)
    _refuse_empty(affected[np.isnan(means)], columns, "model")


def _refuse_empty(empty, columns, missing):
    if len(empty):
        raise DataFormatError(
            f"missing={missing!r}: the training part has no value in "
            f"{_columns(empty, columns)}. Leave them out."
        )


def _means(values, training, affected):
    """float64 [a], means of the columns `affected` over the training rows, NaN without a value."""
    if is_sparse(values):
        part = values[training]
        absent = np.isnan(part.data)
        bins = dict(minlength=values.shape[1])
        sums = np.bincount(part.indices, np.where(absent, 0.0, part.data), **bins)[affected]
        counts = len(training) - np.bincount(part.indices[absent], **bins)[affected]
    else:
        part = values[np.ix_(training, affected)]
        sums, counts = np.nansum(part, 0, np.float64), np.isfinite(part).sum(0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _where(values, rows, places, index, columns):
    found = np.unique(rows)
    names = [str(row) if index is None else str(index[row]) for row in found[: _NAMED + 1]]
    shown = listed(names[:_NAMED] + [""] * (len(found) - _NAMED), _NAMED)
    return (
        f"in {len(found):,} of {values.shape[0]:,} rows ({shown}), in "
        f"{_columns(np.unique(places), columns)}"
    )


def _columns(places, columns):
    names = [str(place) if columns is None else repr(columns[place]) for place in places]
    return f"{len(names):,} column{'s'[: len(names) > 1]} ({listed(names, _NAMED)})"
