"""Tables: real numbers [n, D] without bounds, with names of columns, rows and classes.

A table is what comes as a pandas DataFrame, a SciPy sparse matrix or an AnnData object, and an
array [n, D] that is none of flat images: integers other than uint8, floats of which some lie
outside [0, 1] or are NaN, and whatever is loaded with `table=True`. Its numbers are kept as they
are, in float32; nothing is scaled.
"""

import dataclasses
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfsp.data import (
    annotated,
    arrays,
    class_labels,
    splits,
    table_frames,
    table_rows,
)
from tfsp.data import table_values as values_of
from tfsp.data.errors import DataFormatError
from tfsp.data.given import Given
from tfsp.data.sources import with_options
from tfsp.data.splits import Split
from tfsp.data.table_rows import Options, Rows


@dataclasses.dataclass(frozen=True, eq=False)
class TableSet:
    """A table held in memory.

    Attributes:
      values: float32 [n, D], a NumPy array or a SciPy CSR matrix; NaN where one is missing.
      labels: NumPy int32 [n], or None.
      splits: dict name -> splits.Split.
      source: where the table came from, in words.
      columns: names of the D columns, or None.
      class_names: names of the labels 0, 1, ..., or None where labels were numbers.
      index: NumPy [n] of strings, the names of the rows, or None.
      categories: number of a column -> the classes that its codes 0, 1, ... stand for.
      missing: as in `Options`: whether `filled` fills.
    """

    values: Any
    labels: np.ndarray | None
    splits: dict[str, Split]
    source: str
    columns: tuple[str, ...] | None = None
    class_names: tuple[str, ...] | None = None
    index: np.ndarray | None = None
    categories: Mapping[int, tuple[Any, ...]] = dataclasses.field(default_factory=dict)
    missing: str = "error"

    def filled(self, training: np.ndarray) -> Any:
        """`values` as they are loaded, with means over the training rows if they are wanted.

        Raises:
          DataFormatError: for columns without a value in the training rows.
        """
        if self.missing != "model":
            return values_of.with_means(self.values, training, self.columns, self.categories)
        values_of.require_some(self.values, training, self.columns)
        return self.values

    def classes(self) -> dict[str, tuple[Any, ...]] | None:
        """Names of the coded columns -> their classes, or None if there are none."""
        names = self.columns or ()
        return {names[place]: each for place, each in self.categories.items()} or None


def options_of(options: Mapping[str, Any]) -> Options:
    """The options of a table. Raises ValueError for one that it does not take."""
    return with_options(Options, (), options, "An array or a table")


def kind_of(source: Any) -> str | None:
    """What a table is called that is one by its type, whatever its values; else None."""
    if table_frames.is_frame(source):
        return "pandas DataFrame"
    if values_of.is_sparse(source):
        return "sparse matrix"
    return "AnnData object" if annotated.is_annotated(source) else None


def are_tables(given: Mapping[str, Given | None], options: Options) -> bool:
    """Whether what a user gave for the parts of a data set is to be read as tables."""
    if options.table is not None:
        return options.table
    return any(_is_table(each.x) for each in given.values() if each is not None)


def _is_table(x):
    if kind_of(x) is not None:
        return True
    if getattr(x, "ndim", None) != 2:
        return False
    x = np.asarray(x)
    if x.dtype.kind in "iu":
        return x.dtype != np.uint8
    if not arrays.is_floating(x.dtype) or not x.size:
        return False
    beyond = arrays.rounding(x.dtype)
    x = x.astype(np.float32) if x.dtype == "bfloat16" else x
    return not (x.min() >= -beyond and x.max() <= 1 + beyond)  # NaN is outside as well


def from_given(given: Mapping[str, Given | None], source: str, options: Options) -> TableSet:
    """TableSet of what a user gave for the parts.

    Args:
      given: dict part -> Given, or None for a part that is to be held out.
      source: name used in messages and in the info record.
      options: Options.

    Raises:
      DataFormatError: for what is no table, missing and infinite values, labels that are none, and
        parts that do not fit together.
    """
    _refuse_bytes_beside_tables(given, options)
    parts, dropped = {}, 0
    for part, each in given.items():
        if each is None:
            continue
        y_name = f"label {options.label!r} of {each.x_name}" if each.y is None else each.y_name
        rows = _rows(each, options)
        if options.missing == "drop" and rows.index is None:  # numbers alone would move up
            rows = dataclasses.replace(rows, index=np.arange(len(rows)).astype(str))
        parts[part], number = table_rows.checked(rows, options.missing, each.x_name, y_name)
        dropped += number
    sizes = [len(parts[part]) if part in parts else None for part in splits.PARTS]
    whole = table_rows.joined({part: parts[part] for part in splits.PARTS if part in parts}, source)
    labels, class_names = None, None
    if whole.labels is not None:
        labels, class_names = class_labels.coded(whole.labels)
    return TableSet(
        whole.values,
        labels,
        {"standard": splits.consecutive(*sizes)},
        source + _remark(whole, dropped, options.missing),
        whole.columns,
        class_names,
        whole.index,
        whole.categories,
        options.missing,
    )


def _rows(each, options):
    if table_frames.is_frame(each.x):
        rows = table_frames.rows(each.x, options, each.x_name)
    elif annotated.is_annotated(each.x):
        rows = annotated.rows(each.x, options, each.x_name)
    else:
        rows = Rows(_plain_values(each, options))
    if each.y is None:
        return rows
    if options.label is not None:
        raise DataFormatError(
            f"Labels were given twice: as {each.y_name}, and by label={options.label!r}. Leave one "
            "out."
        )
    _refuse_another_order(each)
    y = arrays.label_vector(each.y, len(rows), each.y_name)
    return dataclasses.replace(rows, labels=y)


def _plain_values(each, options):
    for name in ("label", "index", "layer"):
        if getattr(options, name) is not None:
            raise DataFormatError(
                f"{each.x_name} has no names, so that {name}={getattr(options, name)!r} means "
                "nothing. Pass labels as a pair (x, labels), or a pandas DataFrame."
            )
    if values_of.is_sparse(each.x):
        return values_of.sparse(each.x, each.x_name)
    return values_of.dense(arrays.plain(each.x, each.x_name), each.x_name)


def _refuse_another_order(each):
    """Refuses labels whose index differs from that of their rows: which belongs to which?"""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(each.y, pandas.Series | pandas.DataFrame):
        return
    if table_frames.is_frame(each.x) and not each.x.index.equals(each.y.index):
        raise DataFormatError(
            f"{each.x_name} and {each.y_name} have different indices. Pass y.loc[x.index] if names "
            "tell which label belongs to which row, y.to_numpy() if places do."
        )


def _refuse_bytes_beside_tables(given, options):
    """Refuses uint8 beside another kind of table: 0..255 of images, or numbers as they are?"""
    names = [each.x_name for each in given.values() if each is not None and _is_bytes(each.x)]
    if options.table is None and names:
        raise DataFormatError(
            f"{names[0]} is uint8, which is read as intensities 0..255, beside a part that is a "
            "table. Pass table=True if all are tables; bring all to [0, 1] if they are images."
        )


def _is_bytes(x):
    return kind_of(x) is None and getattr(x, "dtype", None) == np.uint8


def _remark(whole, dropped, option):
    """What was done about missing values, for the info record."""
    if dropped:
        return f"; {dropped:,} rows with missing values left out"
    missing = len(values_of.entries(whole.values, np.isnan)[0])
    if not missing:
        return ""
    if option == "model":
        return f"; {missing:,} missing values are left to the model"
    return f"; {missing:,} missing values are column means of the training part"
