"""Random small changes of images that leave what they show."""

import math

import tensorflow as tf


def random_affine(x, seed, shift=0.1, rotation=0.05, zoom=0.1, flip=False):
    """Each image shifted, turned and scaled by amounts of its own, uniform on (-a, a).

    One bilinear resampling; beyond the border the nearest pixel goes on.

    Args:
      x: `[B, H, W, C]`.
      seed: int32 `[2]`.
      shift: share of the side, along each of both.
      rotation: share of a turn.
      zoom: share of the size.
      flip: whether half of the images are mirrored left to right.

    Returns:
      as x, in its dtype.
    """
    size, dtype = tf.shape(x), x.dtype
    x = tf.cast(x, tf.float32)
    height, width = (tf.cast(size[axis], tf.float32) for axis in (1, 2))
    u = tf.random.stateless_uniform([5, size[0]], seed, -1.0, 1.0, alg="philox")
    angle, scale = 2.0 * math.pi * rotation * u[0], 1.0 + zoom * u[1]
    mirror = tf.where(u[4] < 0.0, -1.0, 1.0) if flip else tf.ones_like(angle)
    cosine, sine = scale * tf.cos(angle), scale * tf.sin(angle)
    across, down = (width - 1.0) / 2.0, (height - 1.0) / 2.0
    # Output (i, j) is read at A (i, j) + b, which moves the centre by the shift alone.
    right = across - (mirror * cosine * across - sine * down) + shift * width * u[2]
    below = down - (mirror * sine * across + cosine * down) + shift * height * u[3]
    rows, columns = tf.meshgrid(tf.range(height), tf.range(width), indexing="ij")

    def on_grid(of_column, of_row, constant):
        """Where each pixel is read, along one axis: `[B, H, W]`."""
        parts = (part[:, tf.newaxis, tf.newaxis] for part in (of_column, of_row, constant))
        of_column, of_row, constant = parts
        return of_column * columns + of_row * rows + constant

    moved = _bilinear(
        x,
        on_grid(mirror * sine, cosine, below),
        on_grid(mirror * cosine, -sine, right),
    )
    return tf.cast(tf.ensure_shape(moved, x.shape), dtype)


def _bilinear(x, row, column):
    """Images `[B, H, W, C]` read at places `[B, H, W]`; beyond the border the nearest pixel's.

    By gathers, which XLA compiles, as it does not TensorFlow's transform of images.
    """
    size = tf.shape(x)
    flat = tf.reshape(x, [size[0], size[1] * size[2], size[3]])
    row, column = (
        tf.clip_by_value(place, 0.0, tf.cast(size[axis] - 1, tf.float32))
        for place, axis in ((row, 1), (column, 2))
    )
    above, before = tf.floor(row), tf.floor(column)
    value = 0.0
    for down in (0, 1):
        for right in (0, 1):
            share = (row - above if down else 1.0 + above - row) * (
                column - before if right else 1.0 + before - column
            )
            i = tf.minimum(tf.cast(above, tf.int32) + down, size[1] - 1)
            j = tf.minimum(tf.cast(before, tf.int32) + right, size[2] - 1)
            index = tf.reshape(i * size[2] + j, [size[0], size[1] * size[2]])
            pixels = tf.reshape(tf.gather(flat, index, batch_dims=1), size)
            value += share[..., tf.newaxis] * pixels
    return value
