"""Norms that neither overflow nor have an infinite slope at the origin."""

import numpy as np
import tensorflow as tf


def safe_norm(y: tf.Tensor) -> tf.Tensor:
    """Euclidean norm `[..., D]` -> `[...]`; its gradient at the origin is 0.

    Squares of entries beyond 1e19 overflow in float32, and the square root has an infinite slope
    at 0: the entries are divided by the largest of them first, and the root of 0 is never taken.
    """
    largest = tf.stop_gradient(tf.reduce_max(tf.abs(y), axis=-1, keepdims=True))
    largest = tf.maximum(largest, np.finfo(y.dtype.as_numpy_dtype).tiny)
    square = tf.reduce_sum((y / largest) ** 2, axis=-1)
    nonzero = square > 0
    root = tf.sqrt(tf.where(nonzero, square, tf.ones_like(square)))
    return tf.where(nonzero, root, tf.zeros_like(root)) * largest[..., 0]
