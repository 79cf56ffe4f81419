"""Parallel tempering of bipartite Boltzmann machines: copies at several temperatures swap states.

Everything here works on the left side with the right summed out,

    log p_beta(l) = beta a'l + sum_j softplus(beta (b_j + (l'W)_j)) + const,

and the right is drawn given the left only when it is needed. The marginals at two temperatures
overlap more than the joint distributions, so that swaps are accepted more often and estimates of
log Z vary less.
"""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfsp.distributions import boltzmann_sampling as sampling
from tfsp.random import as_seed, fold_in


class Tempered(NamedTuple):
    """What `BoltzmannMachine.tempering` returns.

    chains: `[T, C, L + R]`, where the chains are afterwards.
    acceptance: `[T - 1]`, mean probability of the swap between temperatures k and k + 1.
    log_ratios: None, or of each round `[rounds, 2, T - 1, C]`, just before its swaps:
      `[:, 0, k]` is log p~_{k+1}(l) - log p~_k(l) at states of temperature k, and `[:, 1, k]`
      log p~_k(l) - log p~_{k+1}(l) at states of temperature k + 1, with p~ unnormalised.
    coldest: None, or the left side of the last temperature's chains at the same times, bool
      `[rounds, C, L]`.
    """

    chains: tf.Tensor
    acceptance: tf.Tensor
    log_ratios: tf.Tensor | None
    coldest: tf.Tensor | None


def softplus(x):
    """log(1 + exp(x)), within 1e-7 in float32 and in a third of the time of `tf.nn.softplus`."""
    return tf.nn.relu(x) + tf.math.log(1.0 + tf.exp(-tf.abs(x)))


def log_marginal(bias, inputs, beta):
    """log p~_beta(l) `[...]` from a'l `[...]`, b + l'W `[..., R]`, and beta `[...]`."""
    beta = tf.convert_to_tensor(beta, inputs.dtype)
    return beta * bias + tf.reduce_sum(softplus(beta[..., tf.newaxis] * inputs), axis=-1)


@tf.function(autograph=False)
def temper(weights, bias_left, bias_right, left, betas, num_rounds, sweeps, seed, trace):
    """Rounds of sweeps at every temperature, each followed by swaps between neighbours.

    Args:
      left: `[T, C, L]`.
      betas: `[T]`, inverse temperatures.
      num_rounds: int32 scalar tensor.
      sweeps: int, within each round.
      seed: int32 `[2]`.
      trace: bool, whether to keep `log_ratios` and `coldest`.

    Returns:
      left `[T, C, L]`, right `[T, C, R]`, acceptance `[T - 1]`, log ratios and coldest states,
      without rounds if there is no trace.
    """
    num_temps, num_chains, num_left = left.shape
    num_right, dtype = weights.shape[1], weights.dtype
    transposed = tf.transpose(weights)
    row_beta = tf.repeat(betas, num_chains)[:, tf.newaxis]
    pair_is_odd = tf.range(num_temps - 1)[:, tf.newaxis] % 2
    none = tf.zeros([1, num_chains], tf.bool)

    def sweep_right(left, noise):
        return sampling.bernoulli(row_beta * (tf.matmul(left, weights) + bias_right), noise)

    keys = sampling.keys_of(seed, 3)

    def draw(units, key, index):
        return sampling.draw_noise(sweeps, num_temps * num_chains, units, key, index, dtype)

    def ratios(left):
        inputs = tf.reshape(tf.matmul(left, weights) + bias_right, [num_temps, num_chains, -1])
        bias = tf.reshape(tf.linalg.matvec(left, bias_left), [num_temps, num_chains])
        own = log_marginal(bias, inputs, betas[:, tf.newaxis])
        hotter = log_marginal(bias[1:], inputs[1:], betas[:-1, tf.newaxis])
        colder = log_marginal(bias[:-1], inputs[:-1], betas[1:, tf.newaxis])
        return tf.stack([colder - own[:-1], hotter - own[1:]])

    def swap(left, accept):
        """Neighbours k and k + 1 exchange states where `accept` `[T - 1, C]`."""
        from_next = tf.concat([accept, none], axis=0)[..., tf.newaxis]
        from_last = tf.concat([none, accept], axis=0)[..., tf.newaxis]
        left = tf.reshape(left, [num_temps, num_chains, num_left])
        left = tf.where(
            from_next, tf.roll(left, -1, 0), tf.where(from_last, tf.roll(left, 1, 0), left)
        )
        return tf.reshape(left, [-1, num_left])

    def one_round(index, left, acceptance, kept, coldest):
        noise_right, noise_left = draw(num_right, keys[0], index), draw(num_left, keys[1], index)
        for i in range(sweeps):
            right = sweep_right(left, noise_right.at(i))
            logits = row_beta * (tf.matmul(right, transposed) + bias_left)
            left = sampling.bernoulli(logits, noise_left.at(i))
        log_ratio = ratios(left)
        probability = tf.exp(tf.minimum(log_ratio[0] + log_ratio[1], 0.0))
        uniform = sampling.uniform([num_temps - 1, num_chains], keys[2], index, dtype)
        accept = tf.logical_and(uniform < probability, tf.equal(pair_is_odd, index % 2))
        acceptance += tf.reduce_mean(probability, axis=1)
        if trace:
            kept = kept.write(index, log_ratio)
            coldest = coldest.write(index, left[-num_chains:] > 0.5)
        return index + 1, swap(left, accept), acceptance, kept, coldest

    size = [2, num_temps - 1, num_chains]
    count = num_rounds if trace else 1
    kept = tf.TensorArray(dtype, count, element_shape=size)
    coldest = tf.TensorArray(tf.bool, count, element_shape=[num_chains, num_left])
    state = [tf.reshape(left, [-1, num_left]), tf.zeros([num_temps - 1], dtype), kept, coldest]
    _, left, acceptance, kept, coldest = tf.while_loop(
        lambda index, *_: index < num_rounds,
        one_round,
        [tf.constant(0), *state],
        parallel_iterations=1,
    )
    right = sweep_right(left, draw(num_right, keys[0], num_rounds).at(0))
    return (
        tf.reshape(left, [num_temps, num_chains, num_left]),
        tf.reshape(right, [num_temps, num_chains, num_right]),
        acceptance / tf.cast(tf.maximum(num_rounds, 1), dtype),
        kept.stack() if trace else tf.zeros([0, *size], dtype),
        coldest.stack() if trace else tf.zeros([0, num_chains, num_left], tf.bool),
    )


def run(machine, chains, inverse_temperatures, num_rounds, seed, sweeps_per_round, trace):
    """`temper` on a machine; see `BoltzmannMachine.tempering`."""
    left = tf.stop_gradient(chains)[..., : machine.sides[0]]
    left, right, acceptance, log_ratios, coldest = temper(
        *map(tf.stop_gradient, (machine.weights, machine.bias_left, machine.bias_right)),
        left,
        inverse_temperatures,
        tf.constant(num_rounds),  # a tensor: no new graph for another number
        sweeps_per_round,
        as_seed(seed),
        trace,
    )
    chains = tf.concat([left, right], axis=-1)
    kept = (log_ratios, coldest) if trace else (None, None)
    return Tempered(chains, acceptance, *kept)


def ladder(machine, seed, spacing=0.95, num_chains=50, num_rounds=100, num_pilot=33):
    """Inverse temperatures from 0 to 1 between which swaps are accepted about equally often.

    A short run at equally spaced temperatures measures s(beta), the standard deviation of
    d log p~_beta(l) / d beta. Neighbours are then placed at equal distances of the thermodynamic
    length int s(beta) d beta, where a distance d is accepted with probability of about
    erfc(d / 2): one half for the default, as in Rolfe 2017, appendix H.1.

    Returns:
      float64 NumPy array `[T]`, T >= 2, rising from 0 to 1.

    Raises:
      ValueError: inside a graph, since the number of temperatures depends on the machine.
    """
    if not tf.executing_eagerly():
        raise ValueError(
            "The number of temperatures depends on the machine's values, so it cannot be chosen "
            "inside a graph. Pass `inverse_temperatures`, or call this eagerly."
        )
    seeds = [fold_in(as_seed(seed), k) for k in range(2)]
    betas = tf.linspace(tf.zeros([], machine.dtype), tf.ones([], machine.dtype), num_pilot)
    chains = machine.initial_chains([num_pilot, num_chains], seeds[0])
    # The second half of the run, in pieces, so that no trace of all states is kept.
    slopes = []
    for piece in range(6):
        rounds = num_rounds // 2 if piece == 0 else max(1, num_rounds // 10)
        chains = machine.tempering(chains, betas, rounds, fold_in(seeds[1], piece)).chains
        if piece:
            left = chains[..., : machine.sides[0]]
            inputs = machine.right_logits(left)
            slope = tf.linalg.matvec(left, machine.bias_left)
            slope += tf.reduce_sum(inputs * tf.sigmoid(betas[:, None, None] * inputs), axis=-1)
            slopes.append(slope.numpy().astype(np.float64))
    deviation = np.concatenate(slopes, axis=1).std(axis=1)
    grid = np.linspace(0.0, 1.0, num_pilot)
    length = np.concatenate(
        [[0.0], np.cumsum(0.5 * np.diff(grid) * (deviation[1:] + deviation[:-1]))]
    )
    steps = max(1, math.ceil(length[-1] / spacing))
    if length[-1] == 0.0:  # the units are independent and unbiased: one step is exact
        return np.array([0.0, 1.0])
    # A little of the plain grid keeps neighbours apart where the length hardly grows.
    mixed = 0.98 * length / length[-1] + 0.02 * grid
    return np.interp(np.linspace(0.0, 1.0, steps + 1), mixed, grid)
