"""A user's own data: arrays, files of arrays, and what lies at a path."""

import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfsp.data import array_files, field_files, part_names, splits
from tfsp.data.arrays import as_images, as_labels
from tfsp.data.errors import DataFormatError, DataNotFoundError
from tfsp.data.left_out import listed
from tfsp.data.sources import ImageSet, with_options

# Where the images of a folder are: see `load`.
CACHES = ("memory", "disk", "none")
_IMAGE_KEYS = ("x", "images", "image", "data")
_LABEL_KEYS = ("y", "labels", "label")


def from_arrays(images: Any, labels: Any, source: str) -> ImageSet:
    """ImageSet of one array of images, with labels or None; everything is to be held out."""
    images = as_images(images, "The array of images")
    if labels is not None:
        labels = as_labels(labels, len(images), "The array of labels")
    unsplit = splits.consecutive(len(images), None, None)
    return ImageSet(images, labels, {"standard": unsplit}, source)


def from_mapping(arrays: Mapping[str, Any], source: str) -> ImageSet:
    """ImageSet of named arrays.

    Args:
      arrays: dict with x_train and perhaps y_train, x_val, y_val, x_test, y_test (the layout of
        Keras; the other words of `part_names`, such as "valid", are understood too), or with x
        (or images, image, data) and perhaps y (or labels, label). Other keys are ignored,
        unless arrays under them look like parts of the data (X_test, images_val).
      source: name used in messages and in the info record.

    Raises:
      DataFormatError: names the keys found and expected, or those of parts that would be
        dropped.
    """
    if any(f"x_{word}" in arrays for word in part_names.WORDS["train"]):
        return _from_parts(arrays, source)
    image_key = next((key for key in _IMAGE_KEYS if key in arrays), None)
    label_key = next((key for key in _LABEL_KEYS if key in arrays), None)
    if image_key is None:
        raise DataFormatError(
            f"{source}: expected x_train (and y_train, x_val, y_val, x_test, y_test where there "
            f"are any), or one of {', '.join(_IMAGE_KEYS)} (and one of "
            f"{', '.join(_LABEL_KEYS)}). Found the keys: {_some_keys(arrays)}."
            + (" Of a table pass its numbers: x.to_numpy()." if hasattr(arrays, "columns") else "")
        )
    _refuse_dropped_parts(arrays, (image_key, label_key), source)
    images = as_images(arrays[image_key], f"{image_key} of {source}")
    labels = None
    if label_key is not None:
        labels = as_labels(arrays[label_key], len(images), f"{label_key} of {source}")
    unsplit = splits.consecutive(len(images), None, None)
    return ImageSet(images, labels, {"standard": unsplit}, source)


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


def _from_parts(arrays, source):
    given = {part: [w for w in ws if f"x_{w}" in arrays] for part, ws in part_names.WORDS.items()}
    used = [f"{axis}_{word}" for words in given.values() for word in words for axis in "xy"]
    _refuse_dropped_parts(arrays, used, source)
    parts = {}
    for part, words in part_names.WORDS.items():
        given = [word for word in words if f"x_{word}" in arrays]
        if len(given) > 1:
            keys = ", ".join(f"x_{word}" for word in given)
            raise DataFormatError(f"{source} has two arrays for one part: {keys}. Leave one out.")
        if not given:
            parts[part] = None
            continue
        images = as_images(arrays[f"x_{given[0]}"], f"x_{given[0]} of {source}")
        labels = arrays.get(f"y_{given[0]}")
        if labels is not None:
            labels = as_labels(labels, len(images), f"y_{given[0]} of {source}")
        parts[part] = (images, labels)
    return _join_parts(parts, source)


def _join_parts(parts, source):
    """ImageSet of dict part -> (images, labels or None), or None for a part to be held out."""
    given = {name: pair for name, pair in parts.items() if pair is not None}
    shapes = {name: images.shape[1:] for name, (images, _) in given.items()}
    if len(set(shapes.values())) > 1:
        raise DataFormatError(f"{source}: the parts have images of different shapes: {shapes}.")
    labelled = [name for name, (_, labels) in given.items() if labels is not None]
    if labelled and len(labelled) < len(given):
        raise DataFormatError(
            f"{source}: some parts have labels ({', '.join(labelled)}) and others have none. "
            "Give labels for all parts or for none."
        )
    if len({images.dtype for images, _ in given.values()}) > 1:
        given = {name: (_as_float(images), y) for name, (images, y) in given.items()}
    sizes = [len(given[name][0]) if name in given else None for name in splits.PARTS]
    pairs = [given[name] for name in splits.PARTS if name in given]
    images = np.concatenate([x for x, _ in pairs])
    labels = np.concatenate([y for _, y in pairs]) if labelled else None
    return ImageSet(images, labels, {"standard": splits.consecutive(*sizes)}, source)


def _as_float(images):
    return images / np.float32(255) if images.dtype == np.uint8 else images


def from_path(
    path: pathlib.Path,
    image_size: tuple[int, int] | None,
    cache: str | None,
    options: Mapping[str, Any],
) -> ImageSet:
    """ImageSet of a folder of images, or of an .npz, .npy, .mat or .amat file.

    Args:
      path: pathlib.Path. An .amat file or a folder of them stands for the set of three.
      image_size: (height, width) to which images of a folder are brought, or None.
      cache: one of `CACHES` or None, of a folder of images.
      options: dict of options of a folder of images; see `folder.from_folder`.

    Raises:
      DataNotFoundError: if the file or folder is absent.
      DataFormatError: if it cannot be read, or holds something else.
      ValueError: for an option that it does not take.
    """
    if path.is_dir() and not any(path.glob("*.amat")):
        from tfsp.data.folder import from_folder  # brings Pillow, which nothing else needs

        return with_options(from_folder, (path, image_size, cache), options, f"The folder {path}")
    if options:
        raise ValueError(
            f"Only named data sets and folders of images have options, not {path}. Received: "
            f"{', '.join(sorted(options))}."
        )
    if path.is_dir():
        return field_files.larochelle_folder(path)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return from_mapping(array_files.NpzFile(path), str(path))
    if suffix == ".npy":
        return from_arrays(array_files.read_npy(path), None, str(path))
    if suffix == ".amat":
        return field_files.larochelle_folder(path.parent)
    if suffix == ".mat":
        arrays = array_files.read_mat(path)
        if "testdata" in arrays:
            return field_files.chardata(path)
        if "train_data" in arrays:
            return field_files.caltech_file(path)
        return from_mapping(arrays, str(path))
    if not path.exists():
        raise DataNotFoundError(f"There is no file or folder {path}.")
    raise DataFormatError(
        f"{path}: expected a folder of images, or a file .npz, .npy, .mat or .amat. "
        f"Received a file {suffix or 'without suffix'}."
    )


def as_path(source: str | os.PathLike[str]) -> pathlib.Path:
    """`source` as a pathlib.Path with ~ expanded."""
    return pathlib.Path(source).expanduser()
