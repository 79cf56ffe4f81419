"""Intensities to numbers in [0, 1] and to binary images.

Images are held as uint8 (0..255 stands for 0..1) or as float32 in [0, 1].
"""

import math
from typing import Any

import numpy as np
import tensorflow as tf

MODES = ("none", "dynamic", "static", "threshold")

# The fixed draws are a property of the data set, the same for every run and every seed.
_FIXED_KEY = (0x7F5B, 0xDA7A)
_BLOCK = 1000  # source images per key of the fixed draws
_GAP = 8  # rows left out that are drawn all the same, because one more call costs more
_PHILOX = 1  # its number among TensorFlow's generators


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
        return _ones(tf.random.stateless_uniform(shape, seed, alg="philox"), images)
    count = tf.reduce_prod(shape)
    words = tf.random.stateless_uniform(
        [(count + 3) // 4], seed, minval=None, maxval=None, dtype=tf.uint64, alg="philox"
    )
    return _ones(tf.reshape(tf.reshape(tf.bitcast(words, tf.uint16), [-1])[:count], shape), images)


def _ones(draws, images):
    """float32 ones where uniform draws (uint16 of uint8 images, else float32) are below them."""
    if images.dtype != tf.uint8:
        return tf.cast(draws < images, tf.float32)
    threshold = tf.cast(images, tf.uint16) * 257  # 255 -> 65535, so "<" alone can miss a one
    return tf.cast(tf.minimum(draws, 65534) < threshold, tf.float32)


def fixed_draws(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The fixed Bernoulli draw of some images of a source.

    The draw of an image depends on its place in the source only: not on the seed of the run,
    the split, the batch size or which other images are kept.

    Args:
      images: NumPy [m, ...], the images wanted, uint8 or float32.
      rows: [m] integers, the place of each in its source.

    Returns:
      NumPy uint8 [m, ...], 0 or 255.
    """
    drawn = np.empty(images.shape, np.uint8)
    order = np.argsort(rows, kind="stable")
    apart = (np.diff(rows[order]) > _GAP) | (np.diff(rows[order] // _BLOCK) > 0)
    with tf.device("/CPU:0"):
        for run in np.split(order, np.flatnonzero(apart) + 1):
            if len(run):
                draws = _block_draws(rows[run], images.shape[1:], images.dtype)
                drawn[run] = _ones(tf.constant(draws), tf.constant(images[run])).numpy() * 255
    return drawn


def _block_draws(rows, shape, dtype):
    """The draws [m, ...] of increasing rows of one block, as `bernoulli` would draw the block."""
    start = rows[0] // _BLOCK * _BLOCK
    seed = tf.random.experimental.stateless_fold_in(
        tf.constant(_FIXED_KEY, tf.int64), tf.constant(start, tf.int64), alg="philox"
    )
    key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
    # Of each step of the counter come 128 bits: what is before the first row is stepped over.
    per_step, size = (8 if dtype == np.uint8 else 4), math.prod(shape)
    steps, odd = divmod(int(rows[0] - start) * size, per_step)
    counter = tf.concat([counter[:1] + tf.constant([steps], tf.uint64), counter[1:]], 0)
    last = rows[-1] - rows[0] + 1
    count = odd + int(last) * size
    given = {"key": key, "counter": counter, "alg": _PHILOX}
    if dtype == np.uint8:
        words = tf.raw_ops.StatelessRandomUniformFullIntV2(
            shape=[-(-count // 4)], dtype=tf.uint64, **given
        )
        draws = words.numpy().view(np.uint16)
    else:
        draws = tf.raw_ops.StatelessRandomUniformV2(shape=[count], dtype=tf.float32, **given)
        draws = draws.numpy()
    return draws[odd:count].reshape(last, *shape)[rows - rows[0]]


def threshold(images: np.ndarray) -> np.ndarray:
    """255 where the intensity exceeds 0.5, else 0.  images: NumPy [...]; returns uint8."""
    half = 127.5 if images.dtype == np.uint8 else 0.5
    return np.where(images > half, np.uint8(255), np.uint8(0))
