"""Arrays from users and files, checked and brought to one form."""

import numpy as np

from tfsp.data.errors import DataFormatError


def as_images(array, what):
    """Checks images and gives them their channel axis.

    Args:
      array: uint8 (0..255), bool, or floats in [0, 1], of shape [n, H, W], [n, H, W, C] or
        [n, D] (flat data, kept flat).
      what: name of the array in messages.
    Returns: [n, H, W, C] or [n, D], uint8 or float32.
    Raises: DataFormatError (a ValueError) for another shape or dtype, for no images, for NaN
      or infinity, and for values out of range.
    """
    images = np.asarray(array)
    if images.dtype == bool:
        images = images.astype(np.uint8) * np.uint8(255)
    elif images.dtype == np.uint8:
        if images.size and images.max() == 1:
            raise DataFormatError(
                f"{what} is uint8, which is read as 0..255, but its largest value is 1. For "
                "binary images pass floats (x.astype('float32')) or bools (x.astype(bool))."
            )
    elif np.issubdtype(images.dtype, np.floating):
        _check_floats(images, what)
        images = images.astype(np.float32, copy=False)
    else:
        raise DataFormatError(
            f"{what} must be uint8 (0..255), bool, or floats in [0, 1]. Received dtype "
            f"{images.dtype}. Convert it, for example x.astype('uint8')."
        )
    if images.ndim not in (2, 3, 4) or 0 in images.shape:
        raise DataFormatError(
            f"{what} must have shape [n, H, W], [n, H, W, C] or [n, D] with no empty axis. "
            f"Received shape {images.shape}."
        )
    return images[..., None] if images.ndim == 3 else images


def _check_floats(images, what):
    if not np.isfinite(images).all():
        bad = int(images.size - np.isfinite(images).sum())
        raise DataFormatError(f"{what} holds {bad} values that are NaN or infinite.")
    if images.size and (images.min() < 0 or images.max() > 1):
        low, high = images.min(), images.max()
        raise DataFormatError(
            f"{what} must lie in [0, 1]. Received values from {low:g} to {high:g}. Scale "
            f"them, for example (x - {low:g}) / {high - low:g}, or pass 0..255 as uint8."
        )


def as_labels(array, num_images, what):
    """Checks labels: int32 [n] from integers, or floats that are whole, [n], [n, 1] or [1, n].

    Raises: DataFormatError (a ValueError) for another length, shape or kind of value.
    """
    labels = np.asarray(array)
    if labels.ndim == 2 and 1 in labels.shape:  # MATLAB knows no vectors
        labels = labels.reshape(-1)
    if labels.shape != (num_images,):
        hint = " For one-hot labels pass y.argmax(1)." if labels.ndim == 2 else ""
        raise DataFormatError(
            f"{what} must have shape ({num_images},), one label for each image. "
            f"Received shape {labels.shape}.{hint}"
        )
    is_number = np.issubdtype(labels.dtype, np.number) or labels.dtype == bool
    if not is_number or not np.array_equal(labels, labels.astype(np.int32)):
        raise DataFormatError(
            f"{what} must be whole numbers that fit int32. Received dtype {labels.dtype}, "
            f"first values {labels[:3].tolist()}."
        )
    return labels.astype(np.int32)
