"""A user's own data: arrays, tables, files of them, and what lies at a path."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfsp.data import (
    array_files,
    class_labels,
    field_files,
    part_names,
    splits,
    table_files,
    tables,
)
from tfsp.data.arrays import as_images, plain
from tfsp.data.errors import DataFormatError, DataNotFoundError
from tfsp.data.given import Given
from tfsp.data.left_out import listed
from tfsp.data.sources import ImageSet, with_options
from tfsp.data.tables import TableSet

# Where the images of a folder are: see `load`.
CACHES = ("memory", "disk", "none")
_IMAGE_KEYS = ("x", "images", "image", "data")
_LABEL_KEYS = ("y", "labels", "label")


def from_arrays(
    images: Any,
    labels: Any,
    source: str,
    options: Mapping[str, Any],
    name: str | None = None,
) -> ImageSet | TableSet:
    """ImageSet or TableSet of one array, with labels or None; everything is to be held out.

    Args:
      images: an array of images, or a table: see `tables`.
      labels: numbers or text [n], or None.
      source: where they came from, for the info record.
      options: dict of options of a table.
      name: what the array is called in messages, or None.
    """
    what = tables.kind_of(images)
    y_name = "The labels" if what else "The array of labels"
    given = Given(images, labels, name or f"The {what or 'array'}", y_name)
    return _from_given({"train": given, "validation": None, "test": None}, source, options)


def from_mapping(
    arrays: Mapping[str, Any], source: str, options: Mapping[str, Any]
) -> ImageSet | TableSet:
    """ImageSet or TableSet of named arrays.

    Args:
      arrays: dict with x_train and perhaps y_train, x_val, y_val, x_test, y_test (the layout of
        Keras; the other words of `part_names`, such as "valid", are understood too), or with x
        (or images, image, data) and perhaps y (or labels, label). Other keys are ignored,
        unless arrays under them look like parts of the data (X_test, images_val).
      source: name used in messages and in the info record.
      options: dict of options of a table.

    Raises:
      DataFormatError: names the keys found and expected, or those of parts that would be
        dropped.
    """
    if any(f"x_{word}" in arrays for word in part_names.WORDS["train"]):
        return _from_given(_parts_of(arrays, source), source, options)
    image_key = next((key for key in _IMAGE_KEYS if key in arrays), None)
    label_key = next((key for key in _LABEL_KEYS if key in arrays), None)
    if image_key is None:
        raise DataFormatError(
            f"{source}: expected x_train (and y_train, x_val, y_val, x_test, y_test where there "
            f"are any), or one of {', '.join(_IMAGE_KEYS)} (and one of "
            f"{', '.join(_LABEL_KEYS)}). Found the keys: {_some_keys(arrays)}."
        )
    _refuse_dropped_parts(arrays, (image_key, label_key), source)
    names = (f"{image_key} of {source}", f"{label_key} of {source}")
    labels = None if label_key is None else arrays[label_key]
    given = Given(arrays[image_key], labels, *names)
    return _from_given({"train": given, "validation": None, "test": None}, source, options)


def _from_given(given, source, options):
    """ImageSet, or TableSet where one of the arrays is a table."""
    given = {part: each and _plain(each) for part, each in given.items()}
    wanted = tables.options_of(options)
    if tables.are_tables(given, wanted):
        return tables.from_given(given, source, wanted)
    return _images(given, source)


def _plain(each):
    """The same with an array in place of a list or the like; tables stay what they are."""
    if tables.kind_of(each.x) is not None:
        return each
    return dataclasses.replace(each, x=plain(each.x, each.x_name))


def _some_keys(arrays):
    names = [str(key)[:40] for key in arrays]
    return listed(names, 20) or "none"


def _refuse_dropped_parts(arrays, used, source):
    """Refuses arrays named like parts under keys that are not understood."""
    dropped = [
        str(key)
        for key in arrays
        if key not in used and part_names.key_of_part(key) and _is_array(arrays, key)
    ]
    if dropped:
        raise DataFormatError(
            f"{source}: {listed(dropped, 20)} would not be used, beside "
            f"{', '.join(key for key in used if key is not None and key in arrays)}. Expected "
            "given parts as x_train, x_val, x_test, with labels y_train, y_val, y_test: rename "
            "them so, or leave them out."
        )


def _is_array(arrays, key):
    try:
        return np.ndim(arrays[key]) > 0
    except (DataFormatError, ValueError):  # of Python objects, or ragged: no data
        return False


def _parts_of(arrays: Mapping[str, Any], source: str) -> dict[str, Given | None]:
    """dict part -> Given, or None for a part to be held out."""
    given = {part: [w for w in ws if f"x_{w}" in arrays] for part, ws in part_names.WORDS.items()}
    used = [f"{axis}_{word}" for words in given.values() for word in words for axis in "xy"]
    _refuse_dropped_parts(arrays, used, source)
    parts: dict[str, Given | None] = {}
    for part, words in given.items():
        if len(words) > 1:
            keys = ", ".join(f"x_{word}" for word in words)
            raise DataFormatError(f"{source} has two arrays for one part: {keys}. Leave one out.")
        if not words:
            parts[part] = None
            continue
        x, y = f"x_{words[0]}", f"y_{words[0]}"
        parts[part] = Given(arrays[x], arrays.get(y), f"{x} of {source}", f"{y} of {source}")
    return parts


def _images(given, source):
    """ImageSet of dict part -> Given, or None for a part to be held out."""
    pairs = {}
    for part, each in given.items():
        if each is not None:
            images, labels = as_images(each.x, each.x_name), each.y
            if labels is not None:
                labels = class_labels.read(labels, len(images), each.y_name)
            pairs[part] = (images, labels)
    shapes = {name: images.shape[1:] for name, (images, _) in pairs.items()}
    if len(set(shapes.values())) > 1:
        raise DataFormatError(f"{source}: the parts have images of different shapes: {shapes}.")
    labelled = [name for name, (_, labels) in pairs.items() if labels is not None]
    if labelled and len(labelled) < len(pairs):
        raise DataFormatError(
            f"{source}: some parts have labels ({', '.join(labelled)}) and others have none. "
            "Give labels for all parts or for none."
        )
    if len({images.dtype for images, _ in pairs.values()}) > 1:
        pairs = {name: (_as_float(images), y) for name, (images, y) in pairs.items()}
    sizes = [len(pairs[name][0]) if name in pairs else None for name in splits.PARTS]
    ordered = [pairs[name] for name in splits.PARTS if name in pairs]
    images = ordered[0][0] if len(ordered) == 1 else np.concatenate([x for x, _ in ordered])
    labels, class_names = None, None
    if labelled:
        labels, class_names = class_labels.coded(
            class_labels.joined([y for _, y in ordered], source)
        )
    split = {"standard": splits.consecutive(*sizes)}
    return ImageSet(images, labels, split, source, class_names=class_names)


def _as_float(images):
    return images / np.float32(255) if images.dtype == np.uint8 else images


def from_path(
    path: pathlib.Path,
    image_size: tuple[int, int] | None,
    cache: str | None,
    options: Mapping[str, Any],
) -> ImageSet | TableSet:
    """ImageSet or TableSet of what lies at a path.

    Args:
      path: pathlib.Path of a folder of images, of a file of arrays (.npz, .npy, .mat, .amat) or of
        a table (.csv, .tsv, .parquet, .h5ad, or .npz of a SciPy sparse matrix). An .amat file or
        a folder of them stands for the set of three.
      image_size: (height, width) to which images of a folder are brought, or None.
      cache: one of `CACHES` or None, of a folder of images.
      options: dict of options of a folder of images (see `folder.from_folder`) or of a table (see
        `table_rows.Options`).

    Raises:
      DataNotFoundError: if the file or folder is absent.
      DataFormatError: if it cannot be read, or holds something else.
      ImportError: if a library that reads it is missing.
      ValueError: for an option that it does not take.
    """
    if path.is_dir() and not any(path.glob("*.amat")):
        from tfsp.data.folder import from_folder  # brings Pillow, which nothing else needs

        return with_options(from_folder, (path, image_size, cache), options, f"The folder {path}")
    suffix = path.suffix.lower()
    if table_files.is_table_file(path):
        return from_arrays(table_files.read(path), None, str(path), options, str(path))
    if suffix == ".npz":
        arrays = array_files.NpzFile(path)
        if {"format", "shape", "data"} <= set(arrays):
            return from_arrays(table_files.read_sparse(path), None, str(path), options, str(path))
        return from_mapping(arrays, str(path), options)
    if suffix == ".npy":
        return from_arrays(array_files.read_npy(path), None, str(path), options, str(path))
    variables = None if path.is_dir() or suffix != ".mat" else array_files.read_mat(path)
    if variables is not None and "testdata" not in variables and "train_data" not in variables:
        return from_mapping(variables, str(path), options)
    if options and path.exists():
        raise ValueError(
            "Only named data sets, folders of images and tables have options, not "
            f"{path}. Received: {', '.join(sorted(options))}."
        )
    if path.is_dir():
        return field_files.larochelle_folder(path)
    if suffix == ".amat":
        return field_files.larochelle_folder(path.parent)
    if variables is not None:
        return (
            field_files.chardata(path)
            if "testdata" in variables
            else field_files.caltech_file(path)
        )
    if not path.exists():
        raise DataNotFoundError(f"There is no file or folder {path}.")
    raise DataFormatError(
        f"{path}: expected a folder of images, a file of arrays (.npz, .npy, .mat or .amat) or of "
        f"a table ({', '.join(table_files.SUFFIXES)}). Received a file "
        f"{suffix or 'without suffix'}."
    )


def as_path(source: str | os.PathLike[str]) -> pathlib.Path:
    """`source` as a pathlib.Path with ~ expanded."""
    return pathlib.Path(source).expanduser()
