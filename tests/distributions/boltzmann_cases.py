"""Machines that the tests of Boltzmann machines share."""

import numpy as np
import tensorflow as tf

from tfsp.distributions.boltzmann import BoltzmannMachine

FAILURE = 1e-6  # false alarms: of each test of frequencies below


def arrays(num_left, num_right, scale=1.0, seed=0):
    rng = np.random.default_rng([seed, num_left, num_right])
    weights = rng.normal(size=(num_left, num_right)) * scale
    return weights, rng.normal(size=num_left) * 0.5, rng.normal(size=num_right) * 0.5


def machine(parameters, dtype=tf.float32, **kwargs):
    return BoltzmannMachine(*(tf.constant(p, dtype) for p in parameters), **kwargs)


def bistable(units=8):
    """Two modes, all units off and all on, of the same probability; Gibbs never crosses."""
    weights = np.full((units, units), 1.5)
    return weights, -weights.sum(axis=1) / 2, -weights.sum(axis=0) / 2
