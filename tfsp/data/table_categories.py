"""Columns of text and categories as codes 0, 1, ... of their classes."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfsp.data.errors import DataFormatError
from tfsp.data.left_out import listed

# A column of text of more classes than this, and than half of its rows, is hardly one of classes.
_FEW = 20


def coded(column: Any, name: str, what: str) -> tuple[np.ndarray, tuple[Any, ...]]:
    """(codes float64 [n], NaN where they are missing; the classes 0, 1, ...).

    Text is numbered in sorted order, a pandas categorical in the order of its categories.

    Args:
      column: pandas.Series of text or of categories.
      name, what: of the column and of its table, in messages.

    Raises:
      DataFormatError: for a column of nearly as many classes as rows, such as names.
    """
    import pandas as pd

    if not isinstance(column.dtype, pd.CategoricalDtype):
        there = column[column.notna()].astype(str)
        classes = sorted(there.unique())
        if len(classes) > max(_FEW, len(there) / 2):
            raise DataFormatError(
                f"{what}: column {name!r} holds {len(classes):,} different texts in {len(there):,} "
                f"rows ({listed([repr(each) for each in classes], 3)}), which are hardly classes. "
                "If it names the rows, pass it as index=; else drop it, or make it a pandas "
                f"categorical, frame[{name!r}].astype('category')."
            )
        column = column.where(column.isna(), column.astype(str))
        column = column.astype(pd.CategoricalDtype(classes))
    codes = column.cat.codes.to_numpy().astype(np.float64)
    codes[codes < 0] = np.nan
    return codes, tuple(_plain(each) for each in column.cat.categories)


def _plain(value):
    """A class as JSON has it: text, a number or a bool."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, str | int | float | bool) else str(value)


def alike(parts: Mapping[str, Any], source: str) -> list[Any]:
    """The parts of a table, changed so that the same code means the same class in all.

    Args:
      parts: dict part -> `table_rows.Rows` with equal columns.
      source: name in messages.

    Raises:
      DataFormatError: for a column that is one of classes in some parts and of numbers in others.
    """
    rows = list(parts.values())
    places = sorted({place for each in rows for place in each.categories})
    for place in places:
        without = [part for part, each in parts.items() if place not in each.categories]
        if without:
            named = place if rows[0].columns is None else repr(rows[0].columns[place])
            raise DataFormatError(
                f"{source}: column {named} holds numbers in {', '.join(without)}, and classes in "
                "the other parts. Make it the same in all."
            )
        rows = _with_one_order(rows, place)
    return rows


def _with_one_order(rows: Sequence[Any], place: int) -> list[Any]:
    orders = [each.categories[place] for each in rows]
    if len(set(orders)) == 1:
        return list(rows)
    classes = tuple(sorted({c for order in orders for c in order}, key=lambda c: (str(type(c)), c)))
    changed = []
    for each, order in zip(rows, orders, strict=True):
        values = each.values.copy()
        new = np.array([classes.index(c) for c in order], np.float32)
        there = ~np.isnan(values[:, place])
        values[there, place] = new[values[there, place].astype(int)]
        categories = {**each.categories, place: classes}
        changed.append(dataclasses.replace(each, values=values, categories=categories))
    return changed
