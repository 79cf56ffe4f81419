"""Checks of the arguments of pictures; each returns a NumPy array or explains the error."""

import math

import numpy as np


def as_array(value, name):
    """`value` as a finite float array.

    Args:
      value: anything NumPy can convert: arrays, lists, TensorFlow tensors.
      name: what the caller calls it, for messages.

    Returns:
      a float32 array for input of at most 32 bits, else float64.

    Raises:
      TypeError: if it does not hold real numbers.
      ValueError: if it is ragged, empty, or holds NaN or infinite values.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"`{name}` must be a rectangular array. Received a {type(value).__name__} whose "
            "entries differ in shape."
        ) from error
    # Kind "V" is how bfloat16 tensors arrive.
    if array.dtype.kind not in "biufV" or array.dtype.names:
        raise TypeError(
            f"`{name}` must hold real numbers. Received: {type(value).__name__} of dtype "
            f"{array.dtype}."
        )
    array = array.astype(np.float64 if array.dtype.itemsize > 4 else np.float32)
    if array.size == 0:
        raise ValueError(f"`{name}` is empty. Received: {name}.shape={array.shape}.")
    bad = ~np.isfinite(array)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"`{name}` must be finite. Received {int(bad.sum())} NaN or infinite values of "
            f"{array.size}, the first at index {first}. Did training diverge?"
        )
    return array


def as_images(images, name="images", clip=False):
    """Images as a float array [n, H, W, C] with values in [0, 1].

    Args:
      images: [n, H, W, C], C = 1 (grey) or 3 (red, green, blue), values in [0, 1].
      name: what the caller calls it, for messages.
      clip: cut floating-point values to [0, 1] instead of refusing them. For the means of a
        decoder, whose Gaussian likelihood may overshoot; data always lie in [0, 1].

    Returns:
      [n, H, W, C].

    Raises:
      ValueError: if the shape or a value is wrong, with how to correct it.
    """
    array = as_array(images, name)
    integers = np.asarray(images).dtype.kind in "iu"
    shape = array.shape
    if array.ndim in (1, 2):
        size = shape[-1]
        side = math.isqrt(size)
        target = f"(-1, {side}, {side}, 1)" if side * side == size else "(-1, H, W, C)"
        raise ValueError(
            f"`{name}` must have shape [n, H, W, C]. Received: {name}.shape={shape}. Flat data "
            f"of shape ({size},) cannot be drawn as images: reshape to [n, H, W, C], for "
            f"instance {name}.reshape{target}."
        )
    if array.ndim == 3:
        raise ValueError(
            f"`{name}` must have shape [n, H, W, C]. Received: {name}.shape={shape}. Grey images "
            f"[n, H, W] need a last axis, {name}[..., None]; one image [H, W, C] a first axis, "
            f"{name}[None]."
        )
    if array.ndim != 4 or shape[-1] not in (1, 3):
        raise ValueError(
            f"`{name}` must have shape [n, H, W, C] with C = 1 (grey) or 3 (colour), the colour "
            f"axis last. Received: {name}.shape={shape}."
        )
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 1:
        if not clip or integers:
            raise ValueError(
                f"`{name}` must lie in [0, 1]. Received values from {low:g} to {high:g}. Scale "
                f"them first: bytes are divided by 255, [-1, 1] becomes ({name} + 1) / 2."
            )
        array = np.clip(array, 0.0, 1.0)
    return array


def as_matrix(value, name, letters="[n, D]", columns=None):
    """`value` as a finite float array of rank 2, with `columns` columns where that is given.

    Raises:
      ValueError: for another shape, with the one expected (`letters`) and the one received.
    """
    array = as_array(value, name)
    if array.ndim != 2 or (columns is not None and array.shape[1] != columns):
        raise ValueError(
            f"`{name}` must have shape {letters}. Received: {name}.shape={array.shape}."
        )
    return array


def as_labels(labels, count, name="labels", of="codes"):
    """One label per row, a NumPy array [count] of integers, strings or floats.

    Raises:
      ValueError: if there is not one label per row, or a label is NaN or infinite.
    """
    array = np.asarray(labels)
    if array.shape != (count,):
        hint = " Are they one-hot? Use labels.argmax(-1)." if array.ndim == 2 else ""
        raise ValueError(
            f"`{name}` must have shape ({count},), one label per row of `{of}`. Received: "
            f"{name}.shape={array.shape}, {of} with {count} rows.{hint}"
        )
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise ValueError(f"`{name}` must be finite. Received NaN or infinite labels.")
        if not np.any(array % 1):  # classes stored as 0.0, 1.0, ...: named 0, 1, ...
            return array.astype(np.int64)
    return array
