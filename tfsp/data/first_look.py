"""What a user's own data are, before anything is chosen for them: pictures or a table, of what."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfsp import subset
from tfsp.data import sources, table_choice, table_values, user_data
from tfsp.data.errors import DataNotFoundError
from tfsp.data.left_out import LeftOut
from tfsp.data.tables import TableSet

_FILES = 200  # of a folder, that are decoded to see what it holds
_ROWS = 20_000  # rows, or pictures that may be black and white, that are looked at
_LARGE_COUNT = 20  # whole numbers that go so far, with zeros among them, count something
_TOLERANCE = 1e-3  # of the length of a row


@dataclasses.dataclass(frozen=True)
class Look:
    """What data are, as far as a look tells.

    Attributes:
      path: pathlib.Path, absolute.
      kind: "pictures" [H, W, C], "flat" (rows [D] of intensities in [0, 1]), or "table".
      num_rows: examples in all parts together.
      shape: of an example. Of pictures of different sizes the medians of their sides.
      one_size: whether all that were looked at have this shape.
      values: "binary" (two values, 0 and 1, or black and white), "bytes" (256 levels), "unit"
        (other numbers in [0, 1]), "counts", or "real".
      largest: the largest value of a table.
      zeros: share of a table's values that are 0.
      unit_norm: whether all rows have length 1, as embeddings often do.
      num_classes: distinct labels, or None.
      kinds: of a dense table, how many columns are "numeric", "binary" and "categorical".
      missing: share of a table's values that are missing.
      counting: names of a dense table's columns that count the rows, each value one more than the
        last: they say where a row stands in the file.
      options: those of a table that were chosen by the look: `index`, `categorical`, `missing`; see
        `table_choice.read`.
    """

    path: pathlib.Path
    kind: str
    num_rows: int
    shape: tuple[int, ...]
    values: str
    one_size: bool = True
    largest: float = 1.0
    zeros: float = 0.0
    unit_norm: bool = False
    num_classes: int | None = None
    kinds: Mapping[str, int] = dataclasses.field(default_factory=dict)
    missing: float = 0.0
    counting: tuple[str, ...] = ()
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def look(path: str | os.PathLike[str], options: Mapping[str, Any] | None = None) -> Look:
    """Looks at a folder of pictures or a file of arrays or of a table.

    Of a folder all names are read, and up to 200 pictures (of black and white ones up to 20,000);
    of a file everything, of which up to 20,000 rows are looked at, a random subset (`tfsp.subset`).
    How a table is read is chosen where options do not say it.

    Args:
      path: see `user_data.from_path`.
      options: dict of those options that `load` would be given: of a table `label`, `index`,
        `missing`, `categorical`, `layer`, `table`; of a folder `background`, ...

    Raises:
      DataNotFoundError: if there is nothing at the path.
      DataFormatError: if it is empty, of no known kind, or damaged.
      ValueError: for an option that it does not take.
    """
    given = path
    path = user_data.as_path(path).absolute()
    if not path.exists():
        hint = ""
        if str(given) in sources.names():
            hint = f" {str(given)!r} is a data set with a name: name it, load({str(given)!r})."
        raise DataNotFoundError(f"There is no file or folder {path}.{hint}")
    options = {} if options is None else dict(options)
    if path.is_dir() and not any(path.glob("*.amat")):
        return _of_folder(path, options)
    found, chosen = table_choice.read(path, options)
    if isinstance(found, TableSet):
        return _of_table(path, found, chosen)
    return _of_arrays(path, found)


def _of_folder(path, options):
    from tfsp.data import folder, image_files  # bring Pillow, which nothing else needs

    files, classes = folder.find_files(path, LeftOut(path))
    background = image_files.Options(options.get("background", "white")).background

    def read(row):
        try:
            pixels = image_files.read_image(files.path(row), background)[0]
        except image_files.UnreadableImageError:
            return None  # whoever loads the folder says which
        return pixels

    rows = subset.rows(len(files), _FILES)
    found = [image for image in map(read, rows.tolist()) if image is not None]
    if not found:  # loading tells which files, and why
        found = [np.zeros((1, 1, 1), np.uint8)]
    sizes = np.array([image.shape[:2] for image in found])
    channels = 3 if any(image.shape[2] > 2 for image in found) else 1
    values = "bytes" if all(image.dtype == np.uint8 for image in found) else "unit"
    if all(map(_is_black_and_white, found)):
        more = (read(row) for row in subset.rows(len(files), _ROWS).tolist())
        if all(image is None or _is_black_and_white(image) for image in more):
            values = "binary"
    middle = np.median(sizes, axis=0).astype(int)
    return Look(
        path,
        "pictures",
        len(files),
        (*map(int, middle), channels),
        values,
        one_size=bool((sizes == sizes[0]).all()),
        num_classes=len(classes) or None,
    )


def _of_arrays(path, found):
    images = found.images[subset.rows(len(found.images), _ROWS)]
    flat = images.ndim == 2
    if found.native_binarization is not None or _is_black_and_white(images):
        values = "binary"
    else:
        values = "bytes" if images.dtype == np.uint8 else "unit"
    return Look(
        path,
        "flat" if flat else "pictures",
        len(found.images),
        tuple(map(int, images.shape[1:])),
        values,
        unit_norm=flat and values == "unit" and _has_unit_norm(images),
        num_classes=_number(found.labels),
    )


def _of_table(path, found, chosen):
    number, width = found.values.shape
    kinds = table_choice.kinds(found)
    table = found.values[subset.rows(number, _ROWS)]
    sparse = table_values.is_sparse(table)
    stored = table.data if sparse else table[~np.isnan(table)]
    stored = stored[~np.isnan(stored)]
    with_zeros = _columns_with_zeros(table, sparse)
    there = table.shape[0] * width - table_choice.number_missing(table)
    zeros = 1.0 - float(np.count_nonzero(stored)) / max(1, there)
    largest = float(stored.max(initial=0.0))
    values = "real"
    if stored.min(initial=0.0) >= 0 and np.array_equal(stored, np.rint(stored)):
        if largest <= 1:
            values = "binary"
        # Ages, prices and sizes are whole numbers too, but nothing is ever 0 of them; grades and
        # ratings go up to 10 or so. Cells have few counts, and they are counts all the same.
        elif 2 * with_zeros >= width and (largest >= _LARGE_COUNT or path.suffix == ".h5ad"):
            values = "counts"
    if found.categories or (values == "real" and {"binary", "numeric"} <= set(kinds)):
        values = "mixed"
    return Look(
        path,
        "table",
        int(number),
        (int(width),),
        values,
        largest=largest,
        zeros=zeros,
        counting=table_choice.counting(found),
        unit_norm=values == "real" and _has_unit_norm(table),
        num_classes=_number(found.labels),
        kinds=kinds,
        missing=table_choice.number_missing(found.values) / (number * width),
        options=chosen,
    )


def _columns_with_zeros(table, sparse):
    if sparse:
        filled = np.bincount(table.indices[table.data != 0], minlength=table.shape[1])
        return int(np.count_nonzero(filled < table.shape[0]))
    return int(np.count_nonzero((table == 0).any(axis=0)))


def _has_unit_norm(rows):
    """Whether all rows [n, D], an array or a SciPy matrix, have length 1; one column does not."""
    squares = rows.multiply(rows) if table_values.is_sparse(rows) else rows * rows
    lengths = np.sqrt(np.asarray(squares.sum(axis=1), np.float64)).ravel()
    return rows.shape[1] > 1 and bool((abs(lengths - 1.0) < _TOLERANCE).all())


def _is_black_and_white(image):
    """Whether all values are the least and the largest that the dtype has, or bools."""
    if image.dtype == bool:
        return True
    top = np.iinfo(image.dtype).max if image.dtype.kind == "u" else 1
    return bool(((image == 0) | (image == top)).all())


def _number(labels):
    return None if labels is None or labels.ndim != 1 else len(np.unique(labels))
