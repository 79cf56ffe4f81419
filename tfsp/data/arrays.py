"""Arrays from users and files, checked and brought to one form."""

import collections.abc
from typing import Any

import numpy as np

from tfsp.data import advice
from tfsp.data.errors import DataFormatError

# By how much intensities may leave [0, 1]: rounding of whoever scaled them, such as 1 + 2e-16 in
# double precision and some 1e-5 in single precision. It is a fortieth of an eight-bit grey level.
ROUNDING = 1e-4
_INT32 = np.iinfo(np.int32)


def as_images(array: Any, what: str) -> np.ndarray:
    """Checks images and gives them their channel axis.

    Args:
      array: uint8 (0..255), bool, or floats in [0, 1], of shape [n, H, W], [n, H, W, C] or
        [n, D] (flat data, kept flat). Floats outside by no more than `ROUNDING` are clipped.
      what: name of the array in messages.

    Returns:
      [n, H, W, C] or [n, D], uint8 or float32.

    Raises:
      DataFormatError: a ValueError, for another shape or dtype, for no images, for masked values,
        NaN or infinity, and for values out of range.
    """
    images = plain(array, what)
    if images.ndim and not len(images):
        raise DataFormatError(f"{what} holds no examples. Received shape {images.shape}.")
    if images.dtype == bool:
        images = images.astype(np.uint8) * np.uint8(255)
    elif images.dtype == np.uint8:
        if images.size and images.max() == 1:
            raise DataFormatError(
                f"{what} is uint8, which is read as 0..255, but its largest value is 1. For "
                "binary images pass floats (x.astype('float32')) or bools (x.astype(bool))."
                + (" For a table of counts pass table=True." if images.ndim == 2 else "")
            )
    elif is_floating(images.dtype):
        images = _unit_floats(images, what)
    else:
        raise DataFormatError(
            f"{what} must be uint8 (0..255), bool, or floats in [0, 1]. Received dtype "
            f"{images.dtype}. {advice.for_dtype(images)}"
        )
    if images.ndim not in (2, 3, 4) or 0 in images.shape:
        raise DataFormatError(
            f"{what} must have shape [n, H, W], [n, H, W, C] or [n, D] with no empty axis. "
            f"Received shape {images.shape}."
        )
    return images[..., None] if images.ndim == 3 else images


def rounding(dtype: Any) -> float:
    """By how much intensities of a NumPy floating-point dtype may leave [0, 1]."""
    return max(ROUNDING, 2 * float(np.finfo(dtype).eps)) if dtype != "bfloat16" else ROUNDING


def is_floating(dtype: Any) -> bool:
    """Whether a NumPy dtype is a real floating-point one, bfloat16 among them."""
    return np.issubdtype(dtype, np.floating) or dtype == "bfloat16"


def _unit_floats(images, what):
    beyond = rounding(images.dtype)
    if images.dtype == "bfloat16":  # NumPy's own functions do not know it
        images = images.astype(np.float32)
    if not np.isfinite(images).all():
        bad = int(images.size - np.isfinite(images).sum())
        raise DataFormatError(f"{what} holds {bad:,} values that are NaN or infinite.")
    if not images.size:
        return images.astype(np.float32, copy=False)
    low, high = images.min(), images.max()
    if low < -beyond or high > 1 + beyond:
        raise DataFormatError(
            f"{what} must lie in [0, 1]. Received values from {low:g} to {high:g}. "
            f"{advice.for_range(images, low, high)}"
        )
    images = images.astype(np.float32, copy=False)
    return np.clip(images, 0, 1) if low < 0 or high > 1 else images


def as_labels(array: Any, num_images: int, what: str) -> np.ndarray:
    """Checks labels: int32 [n] from integers, or floats that are whole, [n], [n, 1] or [1, n].

    Raises:
      DataFormatError: a ValueError, for another length, shape or kind of value, and for masked or
        absent (NaN) labels.
    """
    return whole_labels(label_vector(array, num_images, what), what)


def label_vector(array: Any, num_images: int, what: str) -> np.ndarray:
    """Labels of any dtype as [n]. Raises DataFormatError for another length or shape."""
    labels = plain(array, what)
    if labels.ndim == 2 and 1 in labels.shape:  # MATLAB knows no vectors
        labels = labels.reshape(-1)
    if labels.shape != (num_images,):
        hint = " For one-hot labels pass y.argmax(1)." if labels.ndim == 2 else ""
        raise DataFormatError(
            f"{what} must have shape ({num_images},), one label for each image. "
            f"Received shape {labels.shape}.{hint}"
        )
    return labels


def whole_labels(labels: np.ndarray, what: str) -> np.ndarray:
    """int32 of the shape of `labels`, a NumPy array. Raises DataFormatError as `as_labels`."""
    kind = labels.dtype.kind
    if kind not in "biuf":
        raise DataFormatError(
            f"{what} must be whole numbers. Received dtype {labels.dtype}, first values "
            f"{advice.first(labels)}. {advice.for_labels(labels)}"
        )
    if kind == "f" and not np.isfinite(labels).all():
        bad = labels.size - int(np.isfinite(labels).sum())
        raise DataFormatError(
            f"{what} must be whole numbers, but {bad:,} of {labels.size:,} are NaN or infinite. "
            "Leave those examples out: keep = np.isfinite(y); x, y = x[keep], y[keep]."
        )
    if kind == "f" and (labels != np.rint(labels)).any():
        raise DataFormatError(
            f"{what} must be whole numbers. Received dtype {labels.dtype}, first values "
            f"{advice.first(labels)}. A quantity is no class: cut it into bins, for example by "
            "np.digitize(y, bins)."
        )
    if labels.size and (labels.min() < _INT32.min or labels.max() > _INT32.max):
        raise DataFormatError(
            f"{what} must be whole numbers that fit int32. Received {labels.min()} to "
            f"{labels.max()}. Number them anew: np.unique(y, return_inverse=True)[1]."
        )
    return labels.astype(np.int32)


def plain(array: Any, what: str) -> np.ndarray:
    """`array` as a NumPy array of its own values, nothing hidden or dropped.

    Raises:
      DataFormatError: a ValueError, for what is no array (such as a generator), for entries of
        different shapes, and for masked values.
    """
    entries = array if isinstance(array, (list, tuple)) else (array,)
    is_sequence = isinstance(array, collections.abc.Sequence) and not isinstance(
        array, (str, bytes)
    )
    if not (is_sequence or hasattr(array, "__array__") or hasattr(array, "__array_interface__")):
        raise DataFormatError(f"{what}: {advice.for_no_array(array)}")
    if masked := sum(int(np.ma.count_masked(entry)) for entry in entries if np.ma.isMA(entry)):
        raise DataFormatError(
            f"{what} has {masked:,} masked values. What is behind a mask would be taken for data: "
            "fill it, for example x.filled(0), or leave those examples out."
        )
    try:
        return np.asarray(array)
    except ValueError as error:  # entries of different shapes
        raise DataFormatError(f"{what}: {advice.for_ragged(entries)}") from error
