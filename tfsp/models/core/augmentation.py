"""Random small changes of images that leave what they show."""

import math

import tensorflow as tf

from tfsp.random import fold_in

_PLACES = 5  # of bumps along a side, by which images are bent


def random_transform(x, seed, shift=0.1, rotation=0.05, zoom=0.1, shear=0.0, warp=0.0, flip=False):
    """Each image moved and bent by amounts of its own, uniform on (-a, a) where not said otherwise.

    One bilinear resampling; beyond the border the nearest pixel goes on.

    Args:
      x: `[B, H, W, C]`.
      seed: int32 `[2]`.
      shift: share of the side, along each of both.
      rotation: share of a turn.
      zoom: share of the size.
      shear: tangent of the slant.
      warp: how far pixels move, each its own way and neighbours alike, as a share of the side: the
        standard deviation at the middle of a smooth random field (Simard et al. 2003).
      flip: whether half of the images are mirrored left to right.

    Returns:
      as x, in its dtype.
    """
    size, dtype = tf.shape(x), x.dtype
    x = tf.cast(x, tf.float32)
    height, width = (tf.cast(size[axis], tf.float32) for axis in (1, 2))
    u = tf.random.stateless_uniform([6, size[0]], seed, -1.0, 1.0, alg="philox")
    angle, scale = 2.0 * math.pi * rotation * u[0], 1.0 + zoom * u[1]
    mirror = tf.where(u[4] < 0.0, -1.0, 1.0) if flip else tf.ones_like(angle)
    cosine, sine = scale * tf.cos(angle), scale * tf.sin(angle)
    across, down = (width - 1.0) / 2.0, (height - 1.0) / 2.0
    # Output (i, j) is read at A (i, j) + b, which moves the centre by the shift alone.
    right = across - (mirror * cosine * across - sine * down) + shift * width * u[2]
    below = down - (mirror * sine * across + cosine * down) + shift * height * u[3]
    rows, columns = tf.meshgrid(tf.range(height), tf.range(width), indexing="ij")

    def on_grid(of_column, of_row, constant):
        """Where pixels are read, along one axis: `[B, H, W]`. The slant comes before the rest."""
        of_row, constant = (
            of_row + shear * u[5] * of_column,
            constant - shear * u[5] * of_column * down,
        )
        parts = (part[:, tf.newaxis, tf.newaxis] for part in (of_column, of_row, constant))
        of_column, of_row, constant = parts
        return of_column * columns + of_row * rows + constant

    row = on_grid(mirror * sine, cosine, below)
    column = on_grid(mirror * cosine, -sine, right)
    if warp:
        field = _smooth_field(size, fold_in(seed, 1))
        row += warp * height * field[0]
        column += warp * width * field[1]
    moved = _bilinear(x, row, column)
    return tf.cast(tf.ensure_shape(moved, x.shape), dtype)


def _smooth_field(size, seed):
    """Smooth noise `[2, B, H, W]`: bumps at 5 by 5 places, of variance 1 at the middle."""

    def bumps(length):
        """How much each place counts at each pixel, `[length, 5]`."""
        where = tf.linspace(0.0, 1.0, length)[:, tf.newaxis] - tf.linspace(0.0, 1.0, _PLACES)
        bumps = tf.exp(-0.5 * (where * (_PLACES - 1)) ** 2)
        middle = tf.range(_PLACES, dtype=tf.float32) - (_PLACES - 1) / 2
        return bumps / tf.sqrt(tf.reduce_sum(tf.exp(-(middle**2))))

    noise = tf.random.stateless_normal([2, size[0], _PLACES, _PLACES], seed, alg="philox")
    return tf.einsum("abrc,ir,jc->abij", noise, bumps(size[1]), bumps(size[2]))


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
