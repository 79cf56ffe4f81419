"""Resizing by area averaging with fractional coverage."""

import functools
from typing import Any

import numpy as np
import tensorflow as tf

_CHUNK = 2**24  # pixels averaged at a time: bounds the float copy
_BAND = 2**20  # values of one image averaged at a time


def coverage(size_in: int, size_out: int) -> np.ndarray:
    """Share of every input cell in every output cell along one axis.

    The axis [0, size_in) is cut into `size_out` equal intervals. Entry (i, j) is the length of
    input cell j inside interval i over the interval's length, so that rows sum to one and
    `coverage @ signal` is the exact mean of the piecewise constant signal.

    Args:
      size_in, size_out: positive numbers of cells; `size_out` may be the larger.

    Returns:
      float64 [size_out, size_in].
    """
    width = size_in / size_out
    # Edges as exact multiples, not by adding widths up: rounding stays at one ulp.
    low = (np.arange(size_out) * size_in / size_out)[:, None]
    high = (np.arange(1, size_out + 1) * size_in / size_out)[:, None]
    cell = np.arange(size_in)[None, :]
    return np.clip(np.minimum(high, cell + 1) - np.maximum(low, cell), 0, None) / width


@functools.lru_cache(maxsize=64)
def _weights(size_in, size_out):
    """`coverage` in float32, kept because images of a folder come one by one."""
    return coverage(size_in, size_out).astype(np.float32)


def area_average(images: np.ndarray, size: tuple[int, int], top: float = 1.0) -> np.ndarray:
    """Resizes images to `size` by exact area averages, A X B^T for each channel.

    Args:
      images: [n, H, W, C], uint8 or float32.
      size: (height, width).
      top: the largest value that float32 images may have; uint8 images go to 255.

    Returns:
      [n, height, width, C] of the same dtype; uint8 is rounded to the nearest integer.
    """
    height, width = size
    if images.shape[1:3] == (height, width):
        return images
    rows, columns = _weights(images.shape[1], height), _weights(images.shape[2], width)
    out = np.empty((len(images), height, width, images.shape[3]), images.dtype)
    step = max(1, _CHUNK // (images.shape[1] * images.shape[2]))
    for start in range(0, len(images), step):
        chunk = slice(start, start + step)
        for channel in range(images.shape[3]):
            x = rows @ images[chunk, ..., channel].astype(np.float32) @ columns.T
            # Float sums may leave [0, top] by an ulp, which a Bernoulli likelihood would refuse.
            x = np.rint(x) if images.dtype == np.uint8 else np.clip(x, 0.0, np.float32(top))
            out[chunk, ..., channel] = x
    return out


def parse_size(image_size: Any) -> tuple[int, int] | None:
    """(height, width) from None, an integer or a pair. Raises ValueError for anything else."""
    if image_size is None:
        return None
    if isinstance(image_size, (int, np.integer)) and not isinstance(image_size, bool):
        image_size = (image_size, image_size)
    try:
        size = tuple(int(side) for side in image_size)
        whole = all(side == given for side, given in zip(size, image_size, strict=True))
    except (TypeError, ValueError):
        size, whole = (), False
    if len(size) != 2 or not whole or min(size) < 1:
        raise ValueError(
            "`image_size` must be a positive integer or a pair (height, width). "
            f"Received: {image_size!r}."
        )
    return size


def mean(image: tf.Tensor, height: Any, width: Any) -> tf.Tensor:
    """`area_average` of one image of any size, as TensorFlow ops and without rounding.

    The image is taken in bands of rows, so that no float copy of a large picture is held. The bands
    follow from the shape alone: the same image gives the same bits wherever it is computed.

    Args:
      image: [H, W, C], uint8 or float32; H and W need not be static, C must be.
      height, width: integers, or int32 scalars.

    Returns:
      float32 [height, width, C], unrounded, in the units of `image`.
    """
    rows, columns = tf.unstack(tf.shape(image)[:2])
    channels = image.shape[2]
    across = tf.cast(_coverage(columns, width), tf.float32)  # [w, W]
    down = _coverage(rows, height)  # [h, H]
    bands = tf.minimum(rows * columns * channels // _BAND + 1, height)

    def band(number, done):
        start, stop = number * height // bands, (number + 1) * height // bands
        first, last = start * rows // height, -(-stop * rows // height)
        weights = tf.cast(down[start:stop, first:last], tf.float32)
        values = tf.cast(image[first:last], tf.float32)
        averaged = weights @ tf.reshape(values, [last - first, columns * channels])
        averaged = tf.reshape(averaged, [stop - start, columns, channels])
        return number + 1, done.write(number, tf.matmul(across, averaged))

    done = tf.TensorArray(
        tf.float32, bands, infer_shape=False, element_shape=[None, None, channels]
    )
    return tf.while_loop(lambda number, _: number < bands, band, (0, done), parallel_iterations=1)[
        1
    ].concat()


def _coverage(size_in, size_out):
    """`coverage` of sizes that are scalar tensors: float64 [size_out, size_in]."""
    size_in, size_out = tf.cast(size_in, tf.float64), tf.cast(size_out, tf.float64)
    number, cell = tf.range(size_out)[:, None], tf.range(size_in)[None, :]
    low, high = number * size_in / size_out, (number + 1) * size_in / size_out
    shared = tf.minimum(high, cell + 1) - tf.maximum(low, cell)
    return tf.maximum(shared, 0) / (size_in / size_out)
