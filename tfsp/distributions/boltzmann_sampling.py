"""Block Gibbs sampling of bipartite Boltzmann machines.

It runs inside every training step, on up to some thousand chains, and random numbers are most of
its cost. A uniform number is therefore put together of a random byte k of its own and a fraction v,
U = (k + v) / 256, and v is shared by up to 16 chains. Each U is exactly uniform and those of one
chain are independent, so that every chain by itself is an exact Gibbs sampler; two chains that
share v are correlated in one flip by f (1 - f) / (65536 p (1 - p)), where f is the fraction of
256 p: less than 1/256 for rare flips and about 1e-5 for p near 1/2. That is one Philox word for
four numbers rather than one.
"""

from typing import NamedTuple

import tensorflow as tf

from tfsp import shapes
from tfsp.random import as_seed

_PHILOX = tf.random.Algorithm.PHILOX.value
_SHARED_BY = 16  # chains that share a fraction
_BYTES = 2**20  # random bytes drawn at once, about: they stay in a core's cache


class Noise(NamedTuple):
    """Uniform numbers of several sweeps: words of four bytes, and fractions.

    words: uint32 `[S, g, G, ceil(n / 4)]`. fraction: `[S, 1, G, n]`.
    """

    words: tf.Tensor
    fraction: tf.Tensor

    def at(self, sweep):
        """Those of one sweep."""
        return Noise(self.words[sweep], self.fraction[sweep])


def keys_of(seed, count):
    """`count` keys of the generator Philox from an int32 seed `[2]`: a list of uint64 `[1]`.

    Made once, outside of loops, where numbers are then drawn at (key, index) pairs: ops that take
    a seed hash it first, and XLA would fuse that into the loop and hash anew for each number.
    """
    keys = tf.random.stateless_uniform([count], seed, None, None, tf.uint64, alg="philox")
    return tf.split(keys, count)


def words_at(shape, key, index):
    """Random uint32 words: others for each key and index (an int32 scalar)."""
    counter = tf.stack([tf.constant(0, tf.uint64), tf.cast(index, tf.uint64)])
    return tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=shape, key=key, counter=counter, alg=_PHILOX, dtype=tf.uint32
    )


def uniform(shape, key, index, dtype):
    """Uniform multiples of 2^-24 on [0, 1).

    From words, since TensorFlow's ops and XLA turn words into floats in different ways.
    """
    words = tf.bitcast(tf.bitwise.right_shift(words_at(shape, key, index), 8), tf.int32)
    return tf.cast(words, dtype) * 2.0**-24


def draw_noise(num_sweeps, num_chains, num_units, key, index, dtype):
    """Noise for `bernoulli` with probabilities `[num_chains, num_units]`, `num_sweeps` times.

    Chains share fractions where their number is known when the graph is built.
    """
    shared = 1
    if isinstance(num_chains, int):
        shared = max(d for d in range(1, _SHARED_BY + 1) if num_chains % d == 0)
    shape = [num_sweeps, shared, num_chains // shared]
    words = words_at([*shape, -(-num_units // 4)], key, 2 * index)
    fraction = uniform([num_sweeps, 1, shape[2], num_units], key, 2 * index + 1, dtype)
    return Noise(words, fraction)


def bernoulli(logits, noise):
    """Zeros and ones with P(1) = sigmoid(logits), `[chains, units]`, from one sweep's noise."""
    # Bytes only here, after a loop has stored the words: XLA would otherwise fuse the generator
    # into the reading of each byte and run it four times.
    words = tf.bitcast(noise.words, tf.uint8)
    shape = tf.concat([tf.shape(noise.words)[:2], [4 * noise.words.shape[2]]], axis=0)
    integers = tf.reshape(words, shape)[..., : logits.shape[1]]
    scaled = tf.reshape(256.0 * tf.sigmoid(logits), tf.shape(integers))
    ones = tf.cast(integers, logits.dtype) + noise.fraction < scaled
    return tf.reshape(tf.cast(ones, logits.dtype), tf.shape(logits))


def sweeps_at_once(num_chains, num_units, num_sweeps):
    """For how many sweeps to draw noise together: few large draws, but not too large."""
    if not isinstance(num_chains, int):
        return 1
    fit = max(1, _BYTES // (num_chains * num_units))
    return min(fit, max(1, num_sweeps)) if isinstance(num_sweeps, int) else min(fit, 16)


def static_size(tensor, axis):
    """Size of an axis: int where it is known, else a scalar tensor."""
    return tensor.shape[axis] if tensor.shape[axis] is not None else tf.shape(tensor)[axis]


@tf.function(autograph=False)
def gibbs(weights, bias_left, bias_right, left, right, num_sweeps, seed, beta):
    """Block Gibbs sweeps: all of the right given the left, then all of the left given the right.

    Args:
      weights: `[L, R]`. bias_left: `[L]`. bias_right: `[R]`.
      left: `[C, L]`, zeros and ones: where the chains are. right: `[C, R]`, only returned again
        where no sweep is made.
      num_sweeps: int, or int32 scalar tensor.
      seed: int32 `[2]`.
      beta: inverse temperature, `[]` or `[C, 1]`.

    Returns:
      left `[C, L]`, right `[C, R]`.
    """
    dtype, num_chains = weights.dtype, static_size(left, 0)
    num_left, num_right = weights.shape
    if beta.shape.rank == 0:  # scale the machine once rather than its logits in each sweep
        weights, bias_left, bias_right = (beta * p for p in (weights, bias_left, bias_right))

        def scale(logits):
            return logits
    else:

        def scale(logits):
            return beta * logits

    transposed = tf.transpose(weights)
    block = sweeps_at_once(num_chains, num_left + num_right, num_sweeps)

    key_right, key_left = keys_of(seed, 2)

    def block_of_sweeps(index, left, right):
        noise_right = draw_noise(block, num_chains, num_right, key_right, index, dtype)
        noise_left = draw_noise(block, num_chains, num_left, key_left, index, dtype)

        def sweep(i, left, right):
            logits = scale(tf.matmul(left, weights) + bias_right)
            right = bernoulli(logits, noise_right.at(i))
            logits = scale(tf.matmul(right, transposed) + bias_left)
            return i + 1, bernoulli(logits, noise_left.at(i)), right

        length = tf.minimum(block, num_sweeps - index * block)
        _, left, right = loop(length, sweep, left, right)
        return index + 1, left, right

    _, left, right = loop(-(-num_sweeps // block), block_of_sweeps, left, right)
    return left, right


def loop(times, body, *state):
    """`body(index, *state)` so many times; returns (times, *state)."""
    shapes = [s.shape for s in state]

    def checked(index, *state):
        index, *state = body(index, *state)
        for tensor, shape in zip(state, shapes, strict=True):
            if isinstance(tensor, tf.Tensor):
                tensor.set_shape(shape)
        return index, *state

    return tf.while_loop(
        lambda index, *_: index < times,
        checked,
        [tf.constant(0), *state],
        parallel_iterations=1,
    )


def run(machine, chains, num_sweeps, seed, inverse_temperature):
    """`gibbs` on chains `[..., L + R]`; see `BoltzmannMachine.gibbs`."""
    flat = tf.reshape(chains, [-1, chains.shape[-1]])
    if chains.shape[:-1].is_fully_defined():
        flat = shapes.known(flat, [chains.shape[:-1].num_elements(), chains.shape[-1]])
    beta = tf.convert_to_tensor(inverse_temperature, machine.dtype)
    if beta.shape.rank != 0:
        beta = tf.reshape(tf.broadcast_to(beta, tf.shape(chains)[:-1]), [-1, 1])
    left, right = gibbs(
        *map(tf.stop_gradient, (machine.weights, machine.bias_left, machine.bias_right)),
        *tf.split(tf.stop_gradient(flat), machine.sides, axis=-1),
        num_sweeps,
        as_seed(seed),
        tf.stop_gradient(beta),
    )
    return shapes.known(tf.reshape(tf.concat([left, right], -1), tf.shape(chains)), chains.shape)
