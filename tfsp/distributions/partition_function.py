"""Estimates of log Z of a bipartite Boltzmann machine, each with a standard error.

Both go through p(z)^beta from beta = 0, where log Z = (L + R) log 2, to beta = 1, on the marginal
over the left units (see `boltzmann_tempering`). Their errors have different causes, so that two
estimates that agree are worth more than one with a small error.
"""

import logging
import math
import warnings
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfsp import arguments
from tfsp.distributions import boltzmann_sampling as sampling
from tfsp.distributions import boltzmann_tempering as tempering
from tfsp.distributions import partition_checks
from tfsp.random import as_seed, fold_in

_LARGE_ERROR = 0.3  # nats: of weights so uneven that their own spread is not known
_SMALL_OVERLAP = 0.05  # acceptance of swaps


class LogZ(NamedTuple):
    """log_z: nats, float64 scalar tensor. standard_error: nats, of the same kind."""

    log_z: tf.Tensor
    standard_error: tf.Tensor


def log_z_ais(machine, num_chains, num_temperatures, seed=None, inverse_temperatures=None):
    """Annealed importance sampling: chains are cooled from beta = 0 to 1 and weighted.

    The mean of exp(log weight) is an unbiased estimate of Z; log_z is the log of it, and falls
    short by about half the square of the standard error. The error is that of a mean of
    independent weights by the delta method. A warning says where neither can be trusted: the
    weights are too uneven (error above 0.3 nats), or likely states contradict the estimate
    (`partition_checks`; not inside a graph).

    Args:
      machine: `BoltzmannMachine`.
      num_chains: int >= 2.
      num_temperatures: int >= 2. The schedule has so many temperatures from 0 to 1.
      seed: as in `tfsp.random.as_seed`.
      inverse_temperatures: `[K]`, the schedule itself, rising from 0 to 1, in place of
        `num_temperatures`. By default temperatures are equally spaced within each step of
        `ladder`, or in beta inside a graph.

    Returns:
      `LogZ` (log_z, standard_error).

    Raises:
      ValueError: for settings outside their range.

    Source: Neal 2001, "Annealed importance sampling"; Salakhutdinov & Murray 2008.
    """
    num_chains = arguments.integer("num_chains", num_chains, 2)
    seeds = [fold_in(as_seed(seed), k) for k in range(2)]
    if inverse_temperatures is None:
        num_temperatures = arguments.integer("num_temperatures", num_temperatures, 2)
        inverse_temperatures = np.linspace(0.0, 1.0, num_temperatures)
        if tf.executing_eagerly():
            steps = tempering.ladder(machine, seeds[0])
            inverse_temperatures = np.interp(
                inverse_temperatures, np.linspace(0.0, 1.0, len(steps)), steps
            )
    left, log_weights = _annealed(machine, inverse_temperatures, num_chains, seeds[1])
    log_z = tf.reduce_logsumexp(log_weights) - math.log(num_chains)
    ratio = tf.exp(log_weights - log_z)
    variance = tf.math.reduce_variance(ratio) * num_chains / (num_chains - 1)
    error = tf.sqrt(variance / num_chains)
    if not tf.executing_eagerly():
        return LogZ(log_z, error)
    number = len(inverse_temperatures)
    if error > _LARGE_ERROR:
        _distrust(
            f"The weights of annealed importance sampling are very uneven (standard error "
            f"{float(error):.2f} nats)",
            f"Take more temperatures (now {number}) or `log_z_bar`.",
        )
    else:
        found = partition_checks.contradiction(
            machine, float(log_z), float(error), left[tf.newaxis], log_weights
        )
        if found:
            _distrust(
                f"Annealed importance sampling gave a log Z of {float(log_z):.3f}, but {found}",
                f"The chains miss modes: take more temperatures (now {number}) and chains (now "
                f"{num_chains}), or `log_z_bar`.",
            )
    return LogZ(log_z, error)


def annealed_log_weights(machine, inverse_temperatures, num_chains, seed):
    """log weights `[num_chains]` (float64, nats), independent; the mean of their exp is Z.

    Raises:
      ValueError: unless `inverse_temperatures` `[K]` rises from 0 to 1.
    """
    return _annealed(machine, inverse_temperatures, num_chains, seed)[1]


def _distrust(what, remedy):
    warnings.warn(
        f"{what}, so that neither the estimate nor its error can be trusted. {remedy}",
        stacklevel=4,
    )


def _annealed(machine, inverse_temperatures, num_chains, seed):
    """Left states at beta = 1 `[num_chains, L]`, and `annealed_log_weights`."""
    betas = check_temperatures(inverse_temperatures)
    parameters = map(tf.stop_gradient, (machine.weights, machine.bias_left, machine.bias_right))
    betas = tf.cast(betas, machine.dtype)
    return _anneal(*parameters, betas, num_chains, as_seed(seed))


@tf.function(autograph=False)
def _anneal(weights, bias_left, bias_right, betas, num_chains, seed):
    num_left, num_right = weights.shape
    dtype = weights.dtype
    transposed = tf.transpose(weights)
    num_steps = tf.size(betas) - 1
    block = sampling.sweeps_at_once(num_chains, num_left + num_right, 2**20)

    keys = sampling.keys_of(seed, 3)

    def several(index, left, log_weight):
        noise_right = sampling.draw_noise(block, num_chains, num_right, keys[0], index, dtype)
        noise_left = sampling.draw_noise(block, num_chains, num_left, keys[1], index, dtype)

        def step(i, left, log_weight):
            beta, colder = betas[index * block + i], betas[index * block + i + 1]
            inputs = tf.matmul(left, weights) + bias_right
            # Unit by unit: the difference of two large sums would lose digits.
            rise = tempering.softplus(colder * inputs) - tempering.softplus(beta * inputs)
            gain = (colder - beta) * tf.linalg.matvec(left, bias_left) + tf.reduce_sum(rise, -1)
            right = sampling.bernoulli(colder * inputs, noise_right.at(i))
            logits = colder * (tf.matmul(right, transposed) + bias_left)
            left = sampling.bernoulli(logits, noise_left.at(i))
            return i + 1, left, log_weight + tf.cast(gain, tf.float64)

        length = tf.minimum(block, num_steps - index * block)
        _, left, log_weight = sampling.loop(length, step, left, log_weight)
        return index + 1, left, log_weight

    start = sampling.uniform([num_chains, num_left], keys[2], 0, dtype)
    log_z = tf.fill([num_chains], tf.constant((num_left + num_right) * math.log(2.0), tf.float64))
    left = tf.cast(start < 0.5, dtype)
    return sampling.loop(-(-num_steps // block), several, left, log_z)[1:]


def log_z_bar(
    machine,
    num_chains,
    num_rounds,
    seed=None,
    inverse_temperatures=None,
    burn_in=None,
    sweeps_per_round=1,
):
    """Bennett's acceptance ratio between neighbouring temperatures of parallel tempering.

    Each step of log Z is the root of Bennett's equation over all states of its two temperatures,
    by `pymbar`. Draws of one ensemble of chains are correlated in time and between temperatures;
    the ensembles are independent. So the standard error comes from the spread of the ensembles'
    influence on the sum of all steps, which counts those correlations, and not from pymbar's
    formula, which would not. A warning says where neither can be trusted: there are fewer rounds
    than a state needs to walk through the temperatures, neighbouring ones hardly overlap, the two
    halves of the run differ, or likely states contradict the estimate (`partition_checks`).

    Args:
      machine: `BoltzmannMachine`.
      num_chains: int >= 10, C: independent ensembles, each with one chain per temperature.
      num_rounds: int >= 1, kept rounds of tempering.
      seed: as in `tfsp.random.as_seed`.
      inverse_temperatures: `[T]`, rising from 0 to 1; by default `ladder`.
      burn_in: int >= 0, rounds before those; by default `num_rounds`, or T^2 if that is more: about
        so many rounds a state takes to walk through T temperatures.
      sweeps_per_round: int >= 1, Gibbs sweeps in a round.

    Returns:
      `LogZ` (log_z, standard_error).

    Raises:
      ValueError: for settings outside their range or inside a graph.
      ImportError: without pymbar.

    Source: Bennett 1976; Shirts & Chodera 2008; Rolfe 2017, appendix H.1.
    """
    bar = _pymbar_bar()
    num_chains = arguments.integer("num_chains", num_chains, 10)
    num_rounds = arguments.integer("num_rounds", num_rounds)
    if burn_in is not None:
        burn_in = arguments.integer("burn_in", burn_in, 0)
    if not tf.executing_eagerly():
        raise ValueError("`log_z_bar` solves by SciPy and cannot run inside a graph.")
    seeds = [fold_in(as_seed(seed), k) for k in range(4)]
    if inverse_temperatures is None:
        inverse_temperatures = tempering.ladder(machine, seeds[0])
    betas = check_temperatures(inverse_temperatures)
    if burn_in is None:
        burn_in = max(num_rounds, len(betas) ** 2)
    options = dict(sweeps_per_round=sweeps_per_round)
    chains = machine.initial_chains([len(betas), num_chains], seeds[1])
    chains = machine.tempering(chains, betas, burn_in, seeds[2], **options).chains
    tempered = machine.tempering(chains, betas, num_rounds, seeds[3], trace=True, **options)
    ratios = tempered.log_ratios.numpy().astype(np.float64)
    log_z = sum(machine.sides) * math.log(2.0)
    influence = np.zeros([2, num_chains])  # of the halves of the run
    for k in range(len(betas) - 1):
        forward, backward = ratios[:, 0, k], ratios[:, 1, k]  # [rounds, C] each
        # From a first guess on, so that pymbar's relative tolerance means something.
        guess = 0.5 * (forward.mean() - backward.mean())
        work = [-(forward - guess).ravel(), -(backward + guess).ravel()]
        step = guess - float(bar(*work, compute_uncertainty=False)["Delta_f"])
        log_z += step
        influence += _influence(forward, backward, step)
    total = influence.sum(axis=0)
    error = math.sqrt(np.sum(total**2) * num_chains / (num_chains - 1))
    doubt = _doubt_of_tempering(machine, log_z, error, tempered, influence, burn_in)
    if doubt is not None:
        _distrust(*doubt)
    return LogZ(tf.constant(log_z, tf.float64), tf.constant(error, tf.float64))


def _doubt_of_tempering(machine, log_z, error, tempered, influence, burn_in):
    """Why an estimate by tempering cannot be trusted, and the remedy; None if it can."""
    number, num_rounds = len(tempered.acceptance) + 1, len(tempered.coldest)
    if burn_in + num_rounds < number**2:
        return (
            f"There were {burn_in} + {num_rounds} rounds of tempering for {number} temperatures, "
            f"which a state takes about {number**2} to walk through",
            "Take more rounds, or leave `burn_in` out.",
        )
    overlap = float(tf.reduce_min(tempered.acceptance))
    if overlap < _SMALL_OVERLAP:
        return (
            f"Neighbouring temperatures hardly overlap (acceptance of swaps down to {overlap:.3f})",
            f"Take more of them: now {number}.",
        )
    found = partition_checks.contradiction(machine, log_z, error, tempered.coldest)
    if found is None and partition_checks.drifts(*influence):
        found = "its first and second half of rounds differ by more than their errors"
    if found:
        return (
            f"Parallel tempering gave a log Z of {log_z:.3f}, but {found}",
            f"The chains have not reached equilibrium at {number} temperatures: take more rounds "
            f"(now {num_rounds} after a burn-in of {burn_in}).",
        )
    return None


def _influence(forward, backward, step):
    """How far each chain moves the root `step` of Bennett's equation, to first order: `[2, C]`.

    The two rows are of the first and the second half of the rounds, and add up to it.

    The equation is sum sigmoid(forward - step) = sum sigmoid(backward + step): with equally many
    states on both sides, its sums over one chain are that chain's part of the score.
    """
    up, down = _sigmoid(forward - step), _sigmoid(backward + step)
    score = np.stack([np.sum(half, axis=0) for half in np.array_split(up - down, 2)])
    slope = np.sum(up * (1.0 - up)) + np.sum(down * (1.0 - down))
    return score / slope if slope > 0.0 else np.zeros_like(score)


def _sigmoid(x):
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _pymbar_bar():
    # On import pymbar recommends JAX, which these sums do not need, and NumExpr counts threads.
    loggers = [logging.getLogger(name) for name in ("pymbar", "numexpr")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        from pymbar.other_estimators import bar
    except ImportError as error:
        raise ImportError(
            "Bennett's acceptance ratio is computed by pymbar, which is not installed. Run "
            "`pip install 'pymbar>=4.0.1,<5'`, or estimate log Z by `log_z_ais`."
        ) from error
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
    return bar


def check_temperatures(inverse_temperatures):
    """The schedule as float64 `[K]`; ValueError unless it rises strictly from 0 to 1."""
    betas = np.asarray(inverse_temperatures, np.float64)
    rises = betas.ndim == 1 and len(betas) >= 2 and bool(np.all(np.diff(betas) > 0.0))
    if not rises or betas[0] != 0.0 or betas[-1] != 1.0:
        raise ValueError(
            "`inverse_temperatures` must be a vector that rises strictly from 0 to 1, since log Z "
            f"is known at 0 and wanted at 1. Received: {inverse_temperatures!r}."
        )
    return betas
