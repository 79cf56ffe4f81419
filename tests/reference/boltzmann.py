"""Bipartite Boltzmann machines by brute force over all states, in NumPy.

A machine is (weights `[L, R]`, a `[L]`, b `[R]`); states z are lists of L + R zeros and ones.
"""

import itertools
import math

import numpy as np


def energy(z, weights, a, b):
    """E(z) of one state, term by term."""
    left, right = z[: len(a)], z[len(a) :]
    total = 0.0
    for i in range(len(a)):
        total -= a[i] * left[i]
        for j in range(len(b)):
            total -= left[i] * weights[i][j] * right[j]
    for j in range(len(b)):
        total -= b[j] * right[j]
    return total


def states(count):
    """All 2^count states `[2^count, count]`; state i has the binary digits of i, highest first."""
    return np.array(list(itertools.product([0, 1], repeat=count)))


def code(z):
    """Number of each state `[..., n]` -> `[...]`, in the order of `states`."""
    z = np.asarray(z, np.int64)
    return z @ (1 << np.arange(z.shape[-1])[::-1])


def log_weights(weights, a, b, beta=1.0):
    """-beta E(z) of all states, `[2^(L+R)]`."""
    return np.array([-beta * energy(z, weights, a, b) for z in states(len(a) + len(b))])


def log_z(weights, a, b, beta=1.0):
    terms = log_weights(weights, a, b, beta)
    top = terms.max()
    return top + math.log(math.fsum(np.exp(terms - top)))


def probabilities(weights, a, b, beta=1.0):
    """p(z)^beta / Z_beta of all states, `[2^(L+R)]`."""
    return np.exp(log_weights(weights, a, b, beta) - log_z(weights, a, b, beta))


def left_marginal(weights, a, b, beta=1.0):
    """Unnormalised marginal of every left state, right summed out: `[2^L]`."""
    return np.exp(log_weights(weights, a, b, beta)).reshape(2 ** len(a), -1).sum(axis=1)


def conditional(joint, axis):
    """p(other | axis): rows of a joint `[2^L, 2^R]` normalised along the other axis."""
    return joint / joint.sum(axis=1 - axis, keepdims=True)


def sweep_from(z, weights, a, b, beta=1.0):
    """Distribution over all states after one sweep from z: right given left, left given right."""
    joint = probabilities(weights, a, b, beta).reshape(2 ** len(a), -1)
    right = conditional(joint, axis=0)[code(z[: len(a)])]
    return (conditional(joint, axis=1) * right).ravel()


def swap_acceptance(weights, a, b, hot, cold):
    """Mean Metropolis probability that independent left states at two temperatures swap."""
    at_hot, at_cold = (left_marginal(weights, a, b, beta) for beta in (hot, cold))
    p_hot, p_cold = at_hot / at_hot.sum(), at_cold / at_cold.sum()
    total = 0.0
    for x in range(len(p_hot)):
        for y in range(len(p_cold)):
            ratio = at_cold[x] * at_hot[y] / (at_hot[x] * at_cold[y])
            total += p_hot[x] * p_cold[y] * min(1.0, ratio)
    return total
