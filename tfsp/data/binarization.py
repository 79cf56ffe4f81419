"""Intensities to numbers in [0, 1] and to binary images.

Images are held as uint8 (0..255 stands for 0..1) or as float32 in [0, 1].
"""

from typing import Any

import numpy as np
import tensorflow as tf

MODES = ("none", "dynamic", "static", "threshold")

# The fixed draws are a property of the data set, the same for every run and every seed.
_FIXED_KEY = (0x7F5B, 0xDA7A)
_BLOCK = 1000  # source images per key of the fixed draws


def check_mode(mode: str) -> None:
    """Raises ValueError unless `mode` is one of `MODES`."""
    if mode not in MODES:
        raise ValueError(f"Unknown binarization: {mode!r}. Known: {', '.join(MODES)}.")


def to_unit(images: tf.Tensor) -> tf.Tensor:
    """float32 intensities in [0, 1].  images: [...] uint8 or float32 tensor."""
    if images.dtype == tf.uint8:
        return tf.cast(images, tf.float32) / 255.0  # a division: 255 must give exactly 1
    return images


def bernoulli(images: tf.Tensor, seed: Any) -> tf.Tensor:
    """One Bernoulli draw for every pixel, with the intensity as probability.

    uint8 images are compared with 16 random bits, four pixels to a 64-bit word, which is twice
    as fast as drawing floats. With p = pixel / 255 the probability of a one is
    257 pixel / 2^16 = p (1 - 2^-16) for pixel < 255 and exactly 1 for pixel = 255: the error
    lies below 2^-16 (1.5e-5), and 0 and 255 are exact. (Eight bits would be faster still, but
    P = pixel / 256 is off by up to 2^-8.) float32 images are compared with float32 draws,
    multiples of 2^-23.

    Args:
      images: [...] uint8 or float32 in [0, 1].
      seed: [2] integers; the draws are a function of it alone.

    Returns:
      [...] float32, zeros and ones.
    """
    shape = tf.shape(images)
    if images.dtype != tf.uint8:
        draws = tf.random.stateless_uniform(shape, seed, alg="philox")
        return tf.cast(draws < images, tf.float32)
    count = tf.reduce_prod(shape)
    words = tf.random.stateless_uniform(
        [(count + 3) // 4], seed, minval=None, maxval=None, dtype=tf.uint64, alg="philox"
    )
    draws = tf.reshape(tf.reshape(tf.bitcast(words, tf.uint16), [-1])[:count], shape)
    threshold = tf.cast(images, tf.uint16) * 257  # 255 -> 65535, so "<" alone can miss a one
    return tf.cast(tf.minimum(draws, 65534) < threshold, tf.float32)


def fixed_draws(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The fixed Bernoulli draw of some images of a source.

    The draw of an image depends on its place in the source only: not on the seed of the run,
    the split, the batch size or which other images are kept.

    Args:
      images: NumPy [n, ...], the whole source, uint8 or float32.
      rows: [m] integers, the images wanted.

    Returns:
      NumPy uint8 [m, ...], 0 or 255.
    """
    drawn = np.empty((len(rows), *images.shape[1:]), np.uint8)
    block_of_row = rows // _BLOCK
    with tf.device("/CPU:0"):
        for block in np.unique(block_of_row):
            start = int(block) * _BLOCK
            seed = tf.random.experimental.stateless_fold_in(
                tf.constant(_FIXED_KEY, tf.int64), tf.constant(start, tf.int64), alg="philox"
            )
            draw = bernoulli(tf.constant(images[start : start + _BLOCK]), seed)
            inside = np.flatnonzero(block_of_row == block)
            drawn[inside] = draw.numpy()[rows[inside] - start] * 255
    return drawn


def threshold(images: np.ndarray) -> np.ndarray:
    """255 where the intensity exceeds 0.5, else 0.  images: NumPy [...]; returns uint8."""
    half = 127.5 if images.dtype == np.uint8 else 0.5
    return np.where(images > half, np.uint8(255), np.uint8(0))
