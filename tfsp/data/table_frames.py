"""pandas DataFrames as tables: which columns are numbers, and what the others are."""

import sys
from typing import Any

import numpy as np

from tfsp.data import table_categories, table_values
from tfsp.data.arrays import label_vector
from tfsp.data.errors import DataFormatError
from tfsp.data.left_out import listed
from tfsp.data.table_rows import Options, Rows

_NAMED = 20  # columns in a message
_REFUSED = 3  # of them, those that are described


def is_frame(value: Any) -> bool:
    """Whether something is a DataFrame, found without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def rows(frame: Any, options: Options, what: str) -> Rows:
    """The rows of a DataFrame.

    Numbers of any dtype, nullable and sparse ones too, become float32; bools become 0 and 1;
    missing values become NaN, with categorical="code" text and categories codes. Sparse columns
    stay sparse where all are and their fill value is 0.

    Args:
      frame: pandas.DataFrame.
      options: `label` and `index` name columns that are no values. The frame's own index names the
        rows unless it is 0..n-1.
      what: name of the frame in messages.

    Raises:
      DataFormatError: for a column that is absent, and for columns of text, categories, dates or
        complex numbers, which it names.
    """
    if options.layer is not None:
        raise DataFormatError(f"{what} is a DataFrame, which has no layers. Leave `layer` out.")
    names = [name_of(name) for name in frame.columns]
    label = _place(options.label, "label", frame, names, what)
    index = _place(options.index, "index", frame, names, what)
    places = [place for place in range(len(names)) if place not in (label, index)]
    columns = tuple(names[place] for place in places)
    features = frame.iloc[:, places]
    categories = {}
    if options.categorical == "code":
        features, categories = _coded(features, columns, what)
    _refuse(features, columns, what)
    return Rows(
        _values(features, what),
        None if label is None else label_vector(frame.iloc[:, label], len(frame), what),
        columns,
        row_names(frame.index) if index is None else row_names(frame.iloc[:, index]),
        categories,
    )


def _coded(features, columns, what):
    """(the frame with codes in place of text and categories, number of a column -> classes)."""
    import pandas as pd

    found, categories = {}, {}
    for place, (_, column) in enumerate(features.items()):
        kind = kind_of_column(column)
        if kind == "categories" or (kind == "text" and not len(strays(column))):
            column, categories[place] = table_categories.coded(column, columns[place], what)
        found[place] = column
    return pd.DataFrame(found, index=features.index), categories


def name_of(name: Any) -> str:
    """A name of a row or a column as text; one of several levels is joined by commas."""
    return ", ".join(map(str, name)) if isinstance(name, tuple) else str(name)


def row_names(index: Any) -> np.ndarray | None:
    """NumPy [n] of strings of an Index or a column; None for 0..n-1, which is no name."""
    values = np.asarray(index)
    if values.dtype.kind in "iu" and np.array_equal(values, np.arange(len(values))):
        return None
    return np.array([name_of(name) for name in index], str)


def _place(wanted, option, frame, names, what):
    """Number of the column that an option names, or None."""
    if wanted is None or (option == "index" and wanted in frame.index.names):
        return None
    found = [i for i, name in enumerate(frame.columns) if name == wanted]
    found = found or [i for i, name in enumerate(names) if name == str(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise DataFormatError(f"{what} has {len(found)} columns {wanted!r}. Rename all but one.")
    raise DataFormatError(
        f"{what} has no column {wanted!r}, which `{option}` names. Its columns: "
        f"{listed(list(map(repr, names)), _NAMED) or 'none'}."
    )


def _values(features, what):
    import pandas as pd

    dtypes = features.dtypes.tolist()
    if dtypes and all(isinstance(d, pd.SparseDtype) and d.fill_value == 0 for d in dtypes):
        return table_values.sparse(features.sparse.to_coo(), what)
    if len(set(dtypes)) == 1 and isinstance(dtypes[0], np.dtype) and dtypes[0].kind in "biuf":
        return table_values.dense(features.to_numpy(), what)
    values = np.empty(features.shape, np.float32)
    with np.errstate(over="ignore"):
        for place, (_, column) in enumerate(features.items()):
            values[:, place] = _numbers(column)
    return table_values.dense(values, what)


def _numbers(column):
    """[n] of floats: extension dtypes have a missing value of their own, objects several."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind != "O":
        return column.to_numpy()
    if column.dtype == object:
        column = column.where(column.notna(), np.nan)
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _refuse(features, columns, what):
    """Raises DataFormatError for the columns that are no numbers, with how to mend them."""
    refused = [
        (name, kind, column)
        for name, (_, column) in zip(columns, features.items(), strict=True)
        if (kind := kind_of_column(column)) is not None
    ]
    if not refused:
        return
    told = "; ".join(_described(*each) for each in refused[:_REFUSED])
    more = [repr(name) for name, _, _ in refused[_REFUSED:]]
    others = f"; nor are {listed(more, _NAMED)}" if more else ""
    names = [name for name, _, _ in refused][:_NAMED]
    raise DataFormatError(
        f"{what}: {told}{others}. Columns must be numbers. If one is the class, name it by label=, "
        f"if it names the rows by index=; else drop it (frame.drop(columns={names})). "
        + " ".join(_mended(names, {kind for _, kind, _ in refused}))
    )


def kind_of_column(column: Any) -> str | None:
    """None for numbers, else "text", "categories", "dates" or "complex numbers"."""
    import pandas as pd
    from pandas.api import types

    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "categories"
    if isinstance(dtype, pd.PeriodDtype) or types.is_datetime64_any_dtype(dtype):
        return "dates"
    if types.is_timedelta64_dtype(dtype):
        return "dates"
    if types.is_complex_dtype(dtype):
        return "complex numbers"
    if types.is_bool_dtype(dtype) or types.is_numeric_dtype(dtype):
        return None
    inferred = types.infer_dtype(column, skipna=True)
    if inferred in ("integer", "floating", "mixed-integer-float", "boolean", "decimal", "empty"):
        return None
    return "dates" if inferred.startswith(("date", "time", "period")) else "text"


def _described(name, kind, column):
    shown = [str(value)[:40] for value in column.dropna().unique()[:3]]
    text = f"column {name!r} holds {kind} (dtype {column.dtype}, first values {', '.join(shown)})"
    if kind != "text":
        return text
    odd_ones = strays(column)
    if not len(odd_ones):
        return text
    odd = listed([repr(value) for value in odd_ones.unique()], 3)
    return (
        f"{text}, which are numbers but for {odd}: make those missing by "
        f"pd.to_numeric(frame[{name!r}], errors='coerce')"
    )


def strays(column: Any) -> Any:
    """Of a column of text, what is no number, if that is less than half of it; else nothing."""
    import pandas as pd

    there = column[column.notna()]
    strays = there[pd.to_numeric(there, errors="coerce").isna()]
    return strays if 2 * len(strays) < len(there) else strays[:0]


def _mended(names, kinds):
    if kinds & {"text", "categories"}:
        yield (
            "categorical='code' makes codes of classes, for the likelihood 'columns'; columns of "
            "0 and 1 for each value are made by pd.get_dummies(frame, columns=[...], dtype=float)."
        )
    if "dates" in kinds:
        yield (
            "A date becomes a number by (date - date.min()).dt.days, a duration by "
            "duration.dt.total_seconds()."
        )
    if "complex numbers" in kinds:
        yield "A complex number makes two columns, its .real and .imag."
