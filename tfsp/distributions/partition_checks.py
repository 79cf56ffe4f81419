"""Whether samples bear out an estimate of log Z: what is known of likely states, and of drift.

An estimate and its standard error both come from the states that chains have been in. Where chains
stay in some modes both are wrong, and look well. Each check here therefore sets the estimate
against something else, and is wrong of a right estimate about once in 10,000 times.
"""

import numpy as np
from scipy import special, stats

_LEVEL = 1e-4  # false alarms of a check
_SLACK = 0.01  # nats
_TOP = 5  # states whose frequencies are compared
_LIKELY = 0.02  # and the least probability of such a state
_DESCENTS = 20


def likely_states(machine, visited):
    """Left states `[M, L]`, bool, all different, and log p~ of each `[M]`, nats, highest first.

    Local maxima of the probability: from all units off, all on, each unit alone and the states
    `visited` `[N, L]`, each side in turn takes its best values given the other. The visited
    states themselves are among them. log p~ has the right side summed out.
    """
    weights, a, b = (
        np.asarray(p, np.float64) for p in (machine.weights, machine.bias_left, machine.bias_right)
    )
    num_left, num_right = weights.shape
    visited = np.unique(np.asarray(visited, bool), axis=0)
    alone = np.eye(num_right) @ weights.T + a > 0.0
    starts = [np.zeros([1, num_left]), np.ones([1, num_left]), np.eye(num_left), alone, visited]
    left = np.concatenate(starts).astype(np.float64)
    for _ in range(_DESCENTS):
        right = (left @ weights + b > 0.0).astype(np.float64)
        left = (right @ weights.T + a > 0.0).astype(np.float64)
    states = np.unique(np.concatenate([left.astype(bool), visited]), axis=0)
    scores = states @ a + np.logaddexp(0.0, states @ weights + b).sum(axis=1)
    order = np.argsort(-scores)
    return states[order], scores[order]


def contradiction(machine, log_z, error, cold, log_weights=None):
    """What likely states say against an estimate, a clause for a warning; None for nothing.

    Distinct states together cannot weigh more than Z, and a state must be met as often as
    p~ / Z says.

    Args:
      machine: `BoltzmannMachine`.
      log_z, error: the estimate and its standard error, nats.
      cold: 0/1 `[rounds, C, L]`, left states at beta = 1 of C independent chains or ensembles.
      log_weights: `[C]`, of each chain, or None for equal ones.
    """
    cold = np.asarray(cold, bool)
    num_chains = cold.shape[1]
    states, scores = likely_states(machine, cold[-1])
    bound = special.logsumexp(scores)
    if bound > log_z + 5.0 * error + _SLACK:
        return f"{len(states)} states alone make log Z at least {bound:.3f}"
    weights = np.ones(num_chains)
    if log_weights is not None:
        weights = special.softmax(np.asarray(log_weights, np.float64)) * num_chains
    effective = weights.sum() ** 2 / np.sum(weights**2)
    for state, score in zip(states[:_TOP], scores[:_TOP], strict=True):
        expected = np.exp(min(score - log_z, 0.0))
        if expected < _LIKELY:
            break
        often = np.all(cold == state, axis=-1).mean(axis=0)
        found = np.average(often, weights=weights)
        if _is_off(weights * (often - expected), expected, found, error, effective):
            return (
                f"a state that this gives a probability of {expected:.3f} had a share of "
                f"{found:.3f} of the samples"
            )
    return None


def _is_off(deviation, expected, found, error, effective):
    if found in (0.0, 1.0):  # no spread to go by: at worst each chain stays in one state
        nearer = min(1.0, expected * np.exp((8.0 * found - 4.0) * error))
        return (1.0 - abs(nearer - found)) ** effective < _LEVEL / _TOP
    count = len(deviation)
    # Few visits show too little spread: no less than that of chains that stay in one state each.
    least = np.sqrt(expected * (1.0 - expected) / effective)
    spread = np.hypot(max(deviation.std(ddof=1) / np.sqrt(count), least), expected * error)
    return abs(deviation.mean()) > stats.t.isf(_LEVEL / (2 * _TOP), count - 1) * spread


def drifts(early, late):
    """Whether the parts of chains in an estimate differ between the halves of a run, `[C]` each."""
    change = late - early
    spread = change.std(ddof=1) * np.sqrt(len(change))
    return abs(change.sum()) > stats.t.isf(_LEVEL / 2, len(change) - 1) * spread > 0.0
