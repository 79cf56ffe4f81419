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
    u = tf.random.stateless_uniform([5, size[0]], seed, -1.0, 1.0)
    angle, scale = 2.0 * math.pi * rotation * u[0], 1.0 + zoom * u[1]
    mirror = tf.where(u[4] < 0.0, -1.0, 1.0) if flip else tf.ones_like(angle)
    cosine, sine = scale * tf.cos(angle), scale * tf.sin(angle)
    across, down = (width - 1.0) / 2.0, (height - 1.0) / 2.0
    # Output (i, j) is read at A (i, j) + b, which moves the centre by the shift alone.
    right = across - (mirror * cosine * across - sine * down) + shift * width * u[2]
    below = down - (mirror * sine * across + cosine * down) + shift * height * u[3]
    zero = tf.zeros_like(angle)
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=x,
        transforms=tf.stack(
            [mirror * cosine, -sine, right, mirror * sine, cosine, below, zero, zero], axis=1
        ),
        output_shape=size[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    return tf.cast(tf.ensure_shape(moved, x.shape), dtype)
