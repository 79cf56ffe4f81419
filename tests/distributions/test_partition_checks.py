"""What speaks against an estimate of log Z: found where it should be, and hardly ever elsewhere."""

import numpy as np
import pytest
from reference import boltzmann as reference

from distributions.boltzmann_cases import arrays, bistable, machine
from tfsp.distributions import partition_checks

SIDE = 6


def exact(parameters, side=SIDE):
    """log Z, the left states and their probabilities, by enumeration."""
    weights, a, b = parameters
    left = reference.states(side)
    scores = left @ a + np.logaddexp(0.0, left @ weights + b).sum(axis=1)
    log_z = np.logaddexp.reduce(scores)
    return log_z, left, np.exp(scores - log_z)


def draws(parameters, shape, seed):
    """Independent left states `[*shape, L]`."""
    _, left, probs = exact(parameters)
    return left[np.random.default_rng(seed).choice(len(left), size=shape, p=probs)]


def test_likely_states_are_distinct_and_hold_both_modes():
    parameters = bistable(SIDE)
    states, scores = partition_checks.likely_states(machine(parameters), np.zeros([3, SIDE]))
    assert len(np.unique(states, axis=0)) == len(states)
    assert {0, SIDE} <= set(states[:2].sum(axis=1))
    log_z, left, probs = exact(parameters)
    codes = {state.astype(bool).tobytes(): p for state, p in zip(left, probs, strict=True)}
    expected = [codes[state.tobytes()] for state in states]
    np.testing.assert_allclose(np.exp(scores - log_z), expected, rtol=1e-4)
    assert np.all(np.diff(scores) <= 0)
    assert np.logaddexp.reduce(scores) < log_z


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("shape", [(1, 400), (5, 100), (50, 10)])
def test_draws_from_the_machine_raise_no_alarm(scale, shape):
    """Nor an error of log Z of the size of its standard error: 240 runs at a rate of 1e-4 each."""
    for seed in range(20):
        parameters = arrays(SIDE, SIDE, scale=scale, seed=seed)
        error = 0.01
        log_z = exact(parameters)[0] + error * np.random.default_rng(seed).normal()
        cold = draws(parameters, shape, seed)
        found = partition_checks.contradiction(machine(parameters), log_z, error, cold)
        assert found is None


def test_states_that_weigh_more_than_z():
    parameters = arrays(SIDE, SIDE, scale=3.0)
    cold = draws(parameters, (5, 100), 0)
    log_z = exact(parameters)[0]
    found = partition_checks.contradiction(machine(parameters), log_z - 0.5, 0.01, cold)
    assert "states alone make log Z at least" in found


@pytest.mark.parametrize("rounds", [1, 40])
def test_a_mode_that_no_chain_or_every_chain_is_in(rounds):
    """Of two modes, equally likely, the chains know one; log Z of both is right or of one is."""
    parameters = bistable(SIDE)
    rbm, log_z = machine(parameters), exact(parameters)[0]
    cold = draws(parameters, (rounds, 200), 0)
    one = cold[:, cold[0].sum(axis=-1) > SIDE / 2]  # chains that begin in one mode
    one = np.where(one.sum(axis=-1, keepdims=True) > SIDE / 2, one, 1 - one)
    assert "a share of" in partition_checks.contradiction(rbm, log_z, 0.01, one)
    found = partition_checks.contradiction(rbm, log_z - np.log(2.0), 0.01, one)
    assert "at least" in found
    assert "a share of" in partition_checks.contradiction(rbm, log_z + 0.5, 0.01, cold)


def test_weights_of_chains_count():
    """Chains of one mode that weigh four times as much make up for their number."""
    parameters = bistable(SIDE)
    rbm, log_z = machine(parameters), exact(parameters)[0]
    cold = draws(parameters, (1, 1000), 0)
    on = np.flatnonzero(cold[0].sum(axis=-1) > SIDE / 2)
    off = np.setdiff1d(np.arange(1000), on)
    kept = np.concatenate([on[: len(on) // 4], off])
    weights = np.log([4.0] * (len(on) // 4) + [1.0] * len(off))
    assert partition_checks.contradiction(rbm, log_z, 0.05, cold[:, kept], weights) is None
    assert partition_checks.contradiction(rbm, log_z, 0.05, cold[:, kept]) is not None


def test_drift():
    """No alarm in 200 runs without any (at 1e-4 each), one in each of 50 with much."""
    rng = np.random.default_rng(0)
    for count in (10, 100):
        steady = rng.normal(size=(100, 2, count))
        assert not any(partition_checks.drifts(*halves) for halves in steady)
    drifting = rng.normal(size=(50, 2, 40)) + np.array([[0.0], [2.5]])
    assert all(partition_checks.drifts(*halves) for halves in drifting)
    assert not partition_checks.drifts(np.zeros(10), np.zeros(10))
