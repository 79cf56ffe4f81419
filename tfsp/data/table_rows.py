"""Rows of a table with what belongs to them: labels, names of rows and of columns."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfsp.data import class_labels, table_categories, table_values
from tfsp.data.errors import DataFormatError
from tfsp.data.left_out import listed


@dataclasses.dataclass(frozen=True)
class Options:
    """How a table is read.

    Attributes:
      label: name of the column that is the class, or None.
      index: name of the column that names the rows, or None.
      missing: what becomes of missing values: "error", "drop", "mean" or "model" (they stay NaN).
      categorical: what becomes of columns of text and categories: "error" or "code".
      layer: of an AnnData object, the name of the layer that is read in place of X.
      table: True reads an array [n, D] as a table whatever its values, False as flat images;
        None lets the values decide. True where another option is given.

    Raises:
      ValueError: for another value.
    """

    label: Any = None
    index: Any = None
    missing: str = "error"
    categorical: str = "error"
    layer: str | None = None
    table: bool | None = None

    def __post_init__(self) -> None:
        if self.missing not in table_values.MISSING:
            raise ValueError(
                f"`missing` must be one of {', '.join(table_values.MISSING)}. "
                f"Received: {self.missing!r}."
            )
        if self.categorical not in ("error", "code"):
            raise ValueError(
                f"`categorical` must be 'error' or 'code'. Received: {self.categorical!r}."
            )
        if self.table not in (None, True, False):
            raise ValueError(f"`table` must be True, False or None. Received: {self.table!r}.")
        if self.label is not None and self.label == self.index:
            raise ValueError(
                f"A column is either the class or the name of a row. Received {self.label!r} for "
                "both `label` and `index`."
            )
        given = [
            field.name
            for field in dataclasses.fields(self)
            if field.name != "table" and getattr(self, field.name) != field.default
        ]
        if given and self.table is False:
            raise ValueError(f"Only a table takes {', '.join(given)}. Received table=False.")
        if given:
            object.__setattr__(self, "table", True)


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """One part of a table, or the whole.

    Attributes:
      values: float32 [n, D], a NumPy array or a SciPy CSR matrix; NaN is missing.
      labels: [n] as they came, or None; after `checked` int32 or strings.
      columns: D names, or None.
      index: NumPy [n] of strings, the names of the rows, or None.
      categories: number of a column -> the classes that its codes 0, 1, ... stand for.
    """

    values: Any
    labels: Any = None
    columns: tuple[str, ...] | None = None
    index: np.ndarray | None = None
    categories: Mapping[int, tuple[Any, ...]] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def take(self, rows: np.ndarray) -> "Rows":
        """Those of some numbers, or where a bool [n] is True."""
        return dataclasses.replace(
            self,
            values=self.values[rows],
            labels=None if self.labels is None else self.labels[rows],
            index=None if self.index is None else self.index[rows],
        )


def checked(rows: Rows, missing: str, what: str, y_name: str) -> tuple[Rows, int]:
    """(rows without what `missing` refuses or drops, number of rows dropped).

    Args:
      rows: Rows.
      missing: "error", "drop", "mean" or "model"; with the last two, missing values stay.
      what, y_name: names of the table and of its labels in messages.

    Raises:
      DataFormatError: for infinite values, for missing ones, and for labels that are none.
    """
    table_values.refuse_infinite(rows.values, rows.index, rows.columns, what)
    before, unlabelled = len(rows), _without_label(rows.labels)
    if missing == "drop":
        keep = table_values.complete_rows(rows.values)
        if unlabelled is not None:
            keep &= ~unlabelled
        if not keep.any():
            raise DataFormatError(
                f"{what}: every row has a missing value, so that missing='drop' leaves none. Leave "
                "out the columns with many of them, or pass missing='mean' or missing='model'."
            )
        rows = rows if keep.all() else rows.take(keep)
    elif unlabelled is not None and unlabelled.any():
        raise DataFormatError(
            f"{y_name}: {int(unlabelled.sum()):,} of {before:,} rows have no label. Pass "
            "missing='drop' to leave these rows out, or leave them out first."
        )
    if missing == "error":
        table_values.refuse_missing(rows.values, rows.index, rows.columns, what)
    if rows.labels is not None:
        labels = class_labels.read(_numbers(rows.labels), len(rows), y_name)
        rows = dataclasses.replace(rows, labels=labels)
    return rows, before - len(rows)


def _numbers(labels):
    """Whole numbers that were beside missing ones, and are Python objects for that alone."""
    whole = labels.dtype == object and all(isinstance(each, int | np.integer) for each in labels)
    return np.array(labels.tolist()) if whole else labels


def _without_label(labels):
    """bool [n], or None: where a label is None or NaN."""
    if labels is None or labels.dtype.kind not in "Of":
        return None
    if labels.dtype.kind == "f":
        return np.isnan(labels)
    # `!=` of pandas.NA is no bool; its type is known by its name, without importing pandas.
    return np.array(
        [
            label is None or type(label).__name__ == "NAType" or bool(label != label)
            for label in labels
        ],
        bool,
    )


def joined(parts: dict[str, Rows], source: str) -> Rows:
    """The rows of all parts behind each other; sparse if any is.

    Codes stand for the same classes in all. Rows without names are called by their numbers in their
    part, where another part has names.

    Raises:
      DataFormatError: for parts that differ in their columns, or of which only some have labels.
    """
    given = list(parts.values())
    if len(given) == 1:
        return given[0]
    columns = _same_columns(parts, source)
    given = table_categories.alike(parts, source)
    labelled = [name for name, rows in parts.items() if rows.labels is not None]
    if labelled and len(labelled) < len(given):
        raise DataFormatError(
            f"{source}: some parts have labels ({', '.join(labelled)}) and others have none. "
            "Give labels for all parts or for none."
        )
    labels = class_labels.joined([rows.labels for rows in given], source) if labelled else None
    index = None
    if any(rows.index is not None for rows in given):
        index = np.concatenate(
            [np.arange(len(r)).astype(str) if r.index is None else r.index for r in given]
        )
    values = _stacked([rows.values for rows in given])
    return Rows(values, labels, columns, index, given[0].categories)


def _same_columns(parts, source):
    widths = {name: rows.values.shape[1] for name, rows in parts.items()}
    named = {name: rows.columns for name, rows in parts.items() if rows.columns is not None}
    (first, columns), *others = named.items() or [(None, None)]
    for name, found in others:
        if found == columns:
            continue
        if set(found) == set(columns) and len(found) == len(columns):
            raise DataFormatError(
                f"{source}: the columns of {name} are in another order than those of {first}. Pass "
                f"x_{name}[x_{first}.columns]."
            )
        differing = sorted(set(found) ^ set(columns))
        raise DataFormatError(
            f"{source}: {first} and {name} differ in their columns: only one of them has "
            f"{listed([repr(column) for column in differing], 10) or 'some of them twice'}."
        )
    if len(set(widths.values())) > 1:
        raise DataFormatError(f"{source}: the parts have different numbers of columns: {widths}.")
    return columns


def _stacked(tables: Sequence[Any]) -> Any:
    if not any(table_values.is_sparse(table) for table in tables):
        return np.concatenate(tables)
    import scipy.sparse

    return scipy.sparse.vstack([scipy.sparse.csr_array(table) for table in tables], format="csr")
