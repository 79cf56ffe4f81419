"""Draws of categories, hard and relaxed, by Gumbel noise."""

import numpy as np
import tensorflow as tf
from tensorflow_probability.python.internal import prefer_static  # it has no public name

from tfsp import shapes


def stateless_gumbel(shape, seed, dtype):
    """Standard Gumbel draws, -log(-log u), finite at both ends, by the Philox generator."""
    # TensorFlow's uniform draws include 0; the smallest normal number gives -log(-log u) = -4.5.
    tiny = np.finfo(tf.as_dtype(dtype).as_numpy_dtype).tiny
    u = tf.random.stateless_uniform(shape, seed, minval=tiny, dtype=dtype, alg="philox")
    return -tf.math.log(-tf.math.log(u))


def one_hot_draws(log_probs, num_samples, seed):
    """One-hot draws of categories: log-probabilities `[B, K]` -> `[S, B, K]`.

    They need not be normalised. No gradient flows through the draws.
    """
    noisy = log_probs + _noise(log_probs, num_samples, seed)
    num_categories = prefer_static.dimension_size(log_probs, -1)
    return tf.one_hot(tf.argmax(noisy, axis=-1), num_categories, dtype=log_probs.dtype)


def gumbel_softmax_draws(log_probs, temperature, num_samples, seed):
    """Relaxed one-hot draws, softmax((log_probs + g) / temperature): `[B, K]` -> `[S, B, K]`.

    Differentiable in `log_probs`; at the same seed they tend to `one_hot_draws` as the temperature
    goes to 0.

    Source: Jang et al. 2017, arXiv:1611.01144; Maddison et al. 2017, arXiv:1611.00712.
    """
    return tf.nn.softmax((log_probs + _noise(log_probs, num_samples, seed)) / temperature)


def _noise(log_probs, num_samples, seed):
    shape = tf.concat([[num_samples], tf.shape(log_probs)], axis=0)
    noise = stateless_gumbel(shape, seed, log_probs.dtype)
    static = num_samples if isinstance(num_samples, int) else None
    return shapes.known(noise, tf.TensorShape([static]).concatenate(log_probs.shape))
