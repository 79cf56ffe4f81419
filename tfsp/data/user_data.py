"""A user's own data: arrays, files of arrays, folders of images, tf.data data sets."""

import pathlib

import numpy as np
import tensorflow as tf

from tfsp.data import area, field_files, splits
from tfsp.data.arrays import as_images, as_labels
from tfsp.data.errors import DataFormatError, DataNotFoundError
from tfsp.data.sources import ImageSet

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif")
_PART_KEYS = {"train": ("train",), "validation": ("val", "valid", "validation"), "test": ("test",)}
_IMAGE_KEYS = ("x", "images", "image", "data")
_LABEL_KEYS = ("y", "labels", "label")


def from_arrays(images, labels, source):
    """ImageSet of one array of images, with labels or None; everything is to be held out."""
    images = as_images(images, "The array of images")
    if labels is not None:
        labels = as_labels(labels, len(images), "The array of labels")
    unsplit = splits.consecutive(len(images), None, None)
    return ImageSet(images, labels, {"standard": unsplit}, source)


def from_mapping(arrays, source):
    """ImageSet of named arrays.

    Args:
      arrays: dict with x_train and perhaps y_train, x_val, y_val, x_test, y_test (the layout of
        Keras; "valid" and "validation" are understood too), or with x (or images, image, data)
        and perhaps y (or labels, label). Other keys are ignored.
      source: name used in messages and in the info record.
    Raises: DataFormatError that names the keys found and expected.
    """
    if "x_train" in arrays:
        return _from_parts(arrays, source)
    image_key = next((key for key in _IMAGE_KEYS if key in arrays), None)
    label_key = next((key for key in _LABEL_KEYS if key in arrays), None)
    if image_key is None:
        raise DataFormatError(
            f"{source}: expected x_train (and y_train, x_val, y_val, x_test, y_test where there "
            f"are any), or one of {', '.join(_IMAGE_KEYS)} (and one of "
            f"{', '.join(_LABEL_KEYS)}). Found the keys: {', '.join(arrays) or 'none'}."
        )
    images = as_images(arrays[image_key], f"{image_key} of {source}")
    labels = None
    if label_key is not None:
        labels = as_labels(arrays[label_key], len(images), f"{label_key} of {source}")
    unsplit = splits.consecutive(len(images), None, None)
    return ImageSet(images, labels, {"standard": unsplit}, source)


def _from_parts(arrays, source):
    parts = {}
    for part, suffixes in _PART_KEYS.items():
        suffix = next((s for s in suffixes if f"x_{s}" in arrays), None)
        if suffix is None:
            parts[part] = None
            continue
        images = as_images(arrays[f"x_{suffix}"], f"x_{suffix} of {source}")
        labels = arrays.get(f"y_{suffix}")
        if labels is not None:
            labels = as_labels(labels, len(images), f"y_{suffix} of {source}")
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


def from_path(path, image_size=None):
    """ImageSet of a folder of images, or of an .npz, .npy, .mat or .amat file.

    Args:
      path: pathlib.Path. An .amat file or a folder of them stands for the set of three.
      image_size: (height, width) to which images of a folder are brought, or None.
    Raises: DataNotFoundError, DataFormatError.
    """
    if path.is_dir():
        if any(path.glob("*.amat")):
            return field_files.larochelle_folder(path)
        return from_folder(path, image_size)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return from_mapping(field_files.read_npz(path), str(path))
    if suffix == ".npy":
        return from_arrays(field_files.read_npy(path), None, str(path))
    if suffix == ".amat":
        return field_files.larochelle_folder(path.parent)
    if suffix == ".mat":
        arrays = field_files.read_mat(path)
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


def from_folder(path, image_size):
    """ImageSet of a folder of PNG, JPEG, BMP and GIF files (of a GIF: the first frame).

    Images directly in the folder have no labels. If there are subfolders instead, each is a
    class, numbered from 0 in the order of their names. If the subfolders are train and perhaps
    validation (or val, valid) and test, they are the parts, each with or without class folders.
    Images are grey if all are, else RGB (transparency is dropped).

    Args:
      path: pathlib.Path of the folder.
      image_size: (height, width); without it all images must have one size.
    Raises: DataFormatError naming the file that cannot be read, or two files of two sizes.
    """
    folders = {folder.name: folder for folder in _subfolders(path)}
    part_names = {name: part for part, names in _PART_KEYS.items() for name in names}
    if "train" not in folders or not set(folders) <= set(part_names):
        files, labels, classes = _list_images(path, None)
        images = _decode_all(files, image_size)
        source = f"folder {path}" + (f" ({len(classes)} classes)" if classes else "")
        unsplit = splits.consecutive(len(images), None, None)
        return ImageSet(images, labels, {"standard": unsplit}, source)
    classes = sorted({sub.name for folder in folders.values() for sub in _subfolders(folder)})
    listed = {part_names[name]: _list_images(folder, classes) for name, folder in folders.items()}
    if len(listed) < len(folders):
        raise DataFormatError(f"{path} has two validation folders: {', '.join(folders)}.")
    # All together: the parts must agree on grey or RGB, and on the size.
    images = _decode_all([f for files, _, _ in listed.values() for f in files], image_size)
    parts, start = dict.fromkeys(splits.PARTS), 0
    for part, (files, labels, _) in listed.items():
        parts[part] = (images[start : start + len(files)], labels)
        start += len(files)
    return _join_parts(parts, f"folder {path}")


def _subfolders(path):
    return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))


def _list_images(path, classes):
    """(files, labels int32 [n] or None, class names) of one folder of images or of classes."""
    own = _image_files(path.iterdir())
    found = {folder.name: _image_files(folder.rglob("*")) for folder in _subfolders(path)}
    found = {name: files for name, files in found.items() if files}
    if own and found:
        raise DataFormatError(
            f"{path} has images of its own ({own[0].name}, ...) and folders of images "
            f"({', '.join(found)}). Use either one folder, or one folder for each class."
        )
    if not own and not found:
        raise DataFormatError(
            f"{path} holds no images. Expected files {', '.join(IMAGE_SUFFIXES)} in it or in "
            "its subfolders."
        )
    if own:
        return own, None, []
    classes = sorted(found) if classes is None else classes
    pairs = [(file, classes.index(name)) for name, files in found.items() for file in files]
    return [f for f, _ in pairs], np.array([label for _, label in pairs], np.int32), classes


def _image_files(paths):
    hidden = (p for p in paths if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
    return sorted(p for p in hidden if not p.name.startswith("."))


def _decode_all(files, image_size):
    """uint8 [n, H, W, C] of image files."""
    images = [_decode(file) for file in files]
    channels = 1 if all(image.shape[2] == 1 for image in images) else 3
    if image_size is None:
        for file, image in zip(files, images, strict=True):
            if image.shape[:2] != images[0].shape[:2]:
                raise DataFormatError(
                    f"The images have different sizes: {files[0]} is "
                    f"{images[0].shape[0]}x{images[0].shape[1]}, {file} is {image.shape[0]}x"
                    f"{image.shape[1]} (height x width). Give `image_size` to resize all."
                )
    for i, image in enumerate(images):
        if image.shape[2] != channels:
            image = np.repeat(image, channels, axis=2)
        if image_size is not None:
            image = area.area_average(image[None], image_size)[0]
        images[i] = image
    return np.stack(images)


def _decode(file):
    """uint8 [H, W, 1] or [H, W, 3]."""
    try:
        content = tf.io.read_file(str(file))
        image = tf.io.decode_image(content, expand_animations=False).numpy()
    except tf.errors.OpError as error:
        reason = str(error).splitlines()[0]
        raise DataFormatError(f"{file} is not a readable image: {reason}") from error
    return image[..., : 1 if image.shape[2] < 3 else 3]  # drops transparency


def as_path(source):
    """`source` as a pathlib.Path with ~ expanded."""
    return pathlib.Path(source).expanduser()
