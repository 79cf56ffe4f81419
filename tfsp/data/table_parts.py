"""The parts of a table, as `load` puts them together."""

from typing import Any

import numpy as np

from tfsp.data import splits
from tfsp.data.memory import ImageStore
from tfsp.data.pipeline import Part
from tfsp.data.rows import RowsPart
from tfsp.data.sparse_rows import SparseStore, SparseTable
from tfsp.data.tables import TableSet


def refuse_image_options(
    name: str, source: str, binarization: str, image_size: tuple[int, int] | None
) -> None:
    """Raises ValueError for options that only images have."""
    for setting, value, needed in (
        ("binarization", binarization, "none"),
        ("image_size", image_size, None),
    ):
        if value != needed:
            raise ValueError(
                f"The data set {name!r} ({source}) is a table, whose numbers are kept as they are: "
                f"it needs {setting}={needed!r}. Received: {value!r}. If its rows are flat images, "
                "uint8 or floats in [0, 1], pass table=False, which allows binarization."
            )


def parts_of(
    found: TableSet, rows: dict[str, np.ndarray]
) -> tuple[dict[str, Part], dict[str, Any]]:
    """(the parts, what `DataInfo` is to say and the names of the rows by part).

    Args:
      found: the table, whose missing values become means over the training rows if wanted.
      rows: dict part -> int [m], row numbers.
    """
    values = found.filled(rows["train"])
    store = (
        ImageStore(values, found.labels)
        if isinstance(values, np.ndarray)
        else SparseStore(SparseTable(values), found.labels)
    )
    parts: dict[str, Part] = {
        part: RowsPart(store, rows[part], dynamic=False) for part in splits.PARTS
    }
    names = found.index
    return parts, {
        "kind": "table",
        "columns": found.columns,
        "class_names": found.class_names,
        "categories": found.classes(),
        "index": None if names is None else {part: names[rows[part]] for part in splits.PARTS},
    }
