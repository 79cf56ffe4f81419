"""Exact sums over the states of a bipartite Boltzmann machine with one small side.

The states of the smaller side are enumerated in blocks, the larger side is summed out in closed
form, and everything is float64. Letters here: the enumerated side has n units with biases a, the
other m units with biases b, and `weights` is `[n, m]`.
"""

import numpy as np
import tensorflow as tf

from tfsp import gradients
from tfsp.distributions.boltzmann_sampling import loop

MAX_UNITS = 20  # 2^20 states, about a second for 64 units on the other side
_LOW = 12  # units enumerated within a block: 4,096 states at a time


def _bits(numbers, count):
    """Binary digits of int32 `numbers` `[...]`, lowest first: float64 `[..., count]`."""
    shifted = tf.bitwise.right_shift(numbers[..., tf.newaxis], tf.range(count))
    return tf.cast(tf.bitwise.bitwise_and(shifted, 1), tf.float64)


def _blocks(weights, a, b):
    """Number of blocks, and a function from a block's number to its states and their sums.

    The function returns states `[s, n]`, inputs of the other side `[s, m]`, and the log of each
    state's unnormalised probability with the other side summed out `[s]`.
    """
    n = weights.shape[0]
    low = min(n, _LOW)
    low_states = _bits(tf.range(2**low), low)
    low_inputs = tf.matmul(low_states, weights[:low]) + b
    low_bias = tf.linalg.matvec(low_states, a[:low])

    def block(index):
        high = _bits(index[tf.newaxis], n - low)
        inputs = low_inputs + tf.matmul(high, weights[low:])
        bias = low_bias + tf.reduce_sum(high * a[low:])
        states = tf.concat([low_states, tf.repeat(high, 2**low, axis=0)], axis=-1)
        return states, inputs, bias + tf.reduce_sum(tf.nn.softplus(inputs), axis=-1)

    return 2 ** (n - low), block


def state_log_probs(weights, a, b):
    """log of each state's unnormalised probability, the other side summed out: `[2^n]`.

    State i holds the binary digits of i, lowest first.
    """
    count, block = _blocks(weights, a, b)
    size = 2 ** min(weights.shape[0], _LOW)

    def body(index, out):
        return index + 1, out.write(index, block(index)[2])

    out = tf.TensorArray(tf.float64, count, element_shape=[size])
    return tf.reshape(loop_over(count, body, out).stack(), [-1])


def loop_over(count, body, array):
    """A loop whose state is one TensorArray."""
    return tf.while_loop(
        lambda i, _: i < count, body, [tf.constant(0), array], parallel_iterations=1
    )[1]


@tf.function(autograph=False)
def moments(weights, a, b, log_z):
    """Means of the enumerated side `[n]`, of the other `[m]`, and of products `[n, m]`."""
    count, block = _blocks(weights, a, b)

    def body(index, mean, other, product):
        states, inputs, log_prob = block(index)
        prob = tf.exp(log_prob - log_z)
        active = prob[:, tf.newaxis] * tf.sigmoid(inputs)
        mean += tf.linalg.matvec(states, prob, transpose_a=True)
        other += tf.reduce_sum(active, axis=0)
        return index + 1, mean, other, product + tf.matmul(states, active, transpose_a=True)

    zeros = [tf.zeros_like(t) for t in (a, b, weights)]
    return tuple(loop(count, body, *zeros)[1:])


@tf.function(autograph=False)
def _log_z(weights, a, b):
    count, block = _blocks(weights, a, b)

    def body(index, total):
        return index + 1, tf.reduce_logsumexp([total, tf.reduce_logsumexp(block(index)[2])])

    return loop(count, body, tf.constant(-np.inf, tf.float64))[1]


def _log_z_gradient(upstream, value, weights, a, b):
    # Not by the tape: it would keep the inputs of all 2^n states in memory.
    mean, other, product = moments(weights, a, b, value)
    return upstream * product, upstream * mean, upstream * other


@gradients.explicit(_log_z_gradient)
def log_z(weights, a, b):
    """log Z `[]`, nats; float64. Its gradient is the moments, by a second enumeration."""
    return _log_z(weights, a, b)


def decode(index, n):
    """States `[..., n]` (float64) from their numbers `[...]`."""
    return _bits(tf.cast(index, tf.int32), n)
