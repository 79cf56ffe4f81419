"""A picture of any size and shape brought to one size."""

from typing import Any

import tensorflow as tf

from tfsp.data import area

# What is done to pictures of another shape, and how `DataInfo.source` says it.
FITS = {"squash": "squashed", "crop": "cropped", "pad": "padded"}


def check_fit(fit: Any) -> None:
    """Raises ValueError unless `fit` is one of `FITS`."""
    if not isinstance(fit, str) or fit not in FITS:
        raise ValueError(
            f"`fit` must be {', '.join(map(repr, FITS))}: what is done to pictures of another "
            f"shape than `image_size`. Received: {fit!r}."
        )


def bring(image: tf.Tensor, size: tuple[int, int], fit: str, filling: tf.Tensor) -> tf.Tensor:
    """An image at `size`, by area averages, enlarged where it is smaller.

    Args:
      image: [H, W, C], uint8 or float32; C must be static.
      size: (height, width).
      fit: "squash" averages all of the image, whatever its shape; "crop" the largest part in the
        middle that has the shape of `size`, to the nearest pixel; "pad" lays all of it, in its own
        shape, in the middle of the filling. What cannot be halved lies below and to the right.
      filling: [C] float32, the colour of what "pad" leaves empty, in the units of `image`.

    Returns:
      float32 [height, width, C], unrounded, in the units of `image`.
    """
    height, width = size
    channels = image.shape[2]
    if fit == "crop":
        image = _middle(image, size)
    if fit != "pad":
        return tf.ensure_shape(area.mean(image, height, width), [height, width, channels])
    rows, columns = tf.unstack(tf.shape(image)[:2])
    tall = rows * width >= columns * height
    inner_width = tf.where(tall, _ratio(columns * height, rows), width)
    inner_height = tf.where(tall, height, _ratio(rows * width, columns))
    inside = area.mean(image, inner_height, inner_width)
    above, left = (height - inner_height) // 2, (width - inner_width) // 2
    margins = [[above, height - inner_height - above], [left, width - inner_width - left], [0, 0]]
    covered = tf.pad(tf.ones_like(inside, tf.bool), margins)
    padded = tf.where(covered, tf.pad(inside, margins), filling)
    return tf.ensure_shape(padded, [height, width, channels])


def _middle(image, size):
    """The largest part in the middle of an image that has the shape of `size`."""
    height, width = size
    rows, columns = tf.unstack(tf.shape(image)[:2])
    wanted_rows = tf.minimum(rows, _ratio(columns * height, width))
    wanted_columns = tf.minimum(columns, _ratio(rows * width, height))
    top, left = (rows - wanted_rows) // 2, (columns - wanted_columns) // 2
    return image[top : top + wanted_rows, left : left + wanted_columns]


def _ratio(a, b):
    """a / b to the nearest integer, halves up, at least 1."""
    return tf.maximum((2 * a + b) // (2 * b), 1)
