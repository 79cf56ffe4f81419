"""Estimates of log Z against enumeration: values, and whether their standard errors are honest."""

import functools
import sys
import warnings

import numpy as np
import pytest
import tensorflow as tf
from reference.statistics import mean_tolerance
from scipy import stats

from distributions.boltzmann_cases import arrays, bistable, machine
from tfsp.distributions import partition_function

SEEDS = range(20)
BETAS = np.linspace(0.0, 1.0, 5)


def ais(rbm, seed):
    return rbm.log_z_ais(200, seed=seed, inverse_temperatures=np.linspace(0.0, 1.0, 60))


def bar(rbm, seed):
    return rbm.log_z_bar(40, 60, seed=seed, inverse_temperatures=BETAS, burn_in=30)


@pytest.mark.parametrize("estimate", [ais, bar])
@pytest.mark.parametrize("scale", [0.5, 1.5])
def test_within_three_standard_errors(estimate, scale):
    """20 seeds, all within 3 standard errors (5% of right estimators would have one outside).

    The sum of squares is chi-squared; outside both of its 1e-4 tails the errors are honest to
    some 40% either way.
    """
    rbm = machine(arrays(8, 8, scale=scale, seed=3))
    exact = float(rbm.log_z_exact())
    results = [estimate(rbm, seed) for seed in SEEDS]
    z = np.array([(float(r.log_z) - exact) / float(r.standard_error) for r in results])
    assert np.all(np.abs(z) < 3.0)
    low, high = stats.chi2(len(z)).isf([1 - 1e-4, 1e-4])
    assert low < np.sum(z**2) < high
    assert np.max([float(r.standard_error) for r in results]) < 0.1
    assert results[0].log_z.dtype == tf.float64


def test_errors_are_honest_where_chains_mix_slowly():
    """Two modes: states of one chain are worth few independent ones, which BAR's error counts."""
    rbm = machine(bistable(6))
    exact = float(rbm.log_z_exact())
    results = [bar(rbm, seed) for seed in SEEDS[:12]]
    z = np.array([(float(r.log_z) - exact) / float(r.standard_error) for r in results])
    low, high = stats.chi2(len(z)).isf([1 - 1e-4, 1e-4])
    assert low < np.sum(z**2) < high


def test_annealed_weights_are_unbiased():
    """Few temperatures, so that the weights are uneven: their mean is Z all the same."""
    rbm = machine(arrays(6, 7, scale=1.5), tf.float64)
    log_weights = partition_function.annealed_log_weights(rbm, [0.0, 0.3, 0.6, 1.0], 16_000, 1)
    assert log_weights.shape == (16_000,)
    # Groups of 16 chains that share part of their random numbers, 1,000 chains apart.
    ratio = np.exp(log_weights - rbm.log_z_exact()).reshape(16, 1000).mean(axis=0)
    assert 0.1 < np.std(ratio) * 4 < 10
    assert abs(ratio.mean() - 1.0) < mean_tolerance(ratio)


def test_they_agree_where_there_is_no_enumeration():
    rbm = machine(arrays(24, 24, scale=0.6))
    by_ais, by_bar = rbm.log_z_ais(300, 300, seed=1), rbm.log_z_bar(40, 150, seed=2)
    difference = abs(float(by_ais.log_z - by_bar.log_z))
    error = np.hypot(by_ais.standard_error, by_bar.standard_error)
    assert difference < 5 * error  # false alarm: about 1e-6
    assert error < 0.1


def test_independent_units():
    _, a, b = arrays(4, 5)
    rbm = machine((np.zeros((4, 5)), np.zeros(4), b))
    # The marginal over the left does not depend on temperature: both are exact.
    exact = float(rbm.log_z_exact())
    for result in (ais(rbm, 1), bar(rbm, 1)):
        np.testing.assert_allclose(result.log_z, exact, rtol=1e-5)
        np.testing.assert_allclose(result.standard_error, 0.0, atol=1e-5)
    free = machine((np.zeros((4, 5)), a, b))
    for result in (ais(free, 1), bar(free, 1)):
        assert abs(float(result.log_z) - float(free.log_z_exact())) < 5 * result.standard_error


def test_seeds_and_graphs():
    rbm = machine(arrays(5, 4))
    assert float(ais(rbm, 1).log_z) == float(ais(rbm, 1).log_z) != float(ais(rbm, 2).log_z)
    assert float(bar(rbm, 1).log_z) == float(bar(rbm, 1).log_z) != float(bar(rbm, 2).log_z)
    in_graph = tf.function(lambda: tuple(rbm.log_z_ais(100, 50, seed=1)))
    log_z, error = in_graph()
    assert abs(float(log_z) - float(rbm.log_z_exact())) < 5 * float(error)
    with pytest.raises(ValueError, match="cannot run inside a graph"):
        tf.function(lambda: rbm.log_z_bar(seed=1))()


def narrow(units=12, weight=2.0):
    """A mode of many states, and one of few that weighs as much, into which chains hardly fall."""
    bias = np.full(units, -0.47 * weight * units)
    return np.full((units, units), weight), bias, bias


@pytest.mark.parametrize("parameters", [narrow(), bistable(12)], ids=["narrow", "bistable"])
def test_fewer_rounds_than_temperatures(parameters):
    """Within 5 standard errors, by t of 39 degrees of freedom in all but 1 of 80,000 estimates."""
    rbm = machine(parameters)
    exact = float(rbm.log_z_exact())
    for seed in range(4):
        found = rbm.log_z_bar(40, 4, seed=seed)
        assert abs(float(found.log_z) - exact) < 5 * float(found.standard_error)


def test_too_few_rounds_are_told():
    """A burn-in too short for chains to fall into the narrow mode: 7 standard errors off."""
    rbm = machine(narrow())
    with pytest.warns(
        UserWarning, match=r"5 \+ 5 rounds .* for 6 temperatures.*about 36 .*Take more"
    ):
        rbm.log_z_bar(100, 5, seed=1, burn_in=5, inverse_temperatures=np.linspace(0, 1, 6))


def test_hostile_machines_are_right_or_told_of():
    """Large weights and separate modes: within 6 standard errors of enumeration, or a warning."""
    machines = [
        narrow(),
        narrow(10, 4.0),
        arrays(8, 8, scale=8.0),
        arrays(9, 9, scale=25.0, seed=4),
    ]
    few = dict(seed=1, inverse_temperatures=np.linspace(0.0, 1.0, 4))
    warned = 0
    for rbm in map(machine, machines):
        exact = float(rbm.log_z_exact())
        for estimate in (
            functools.partial(rbm.log_z_ais, 100, **few),
            functools.partial(rbm.log_z_bar, 40, 40, burn_in=0, **few),
        ):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                found = estimate()
            warned += bool(caught)
            off = abs(float(found.log_z) - exact)
            assert caught or off < 6 * float(found.standard_error) + 1e-3
    assert warned >= 6


def test_warnings_where_an_estimate_cannot_be_trusted():
    rbm = machine(bistable(12))
    with pytest.warns(UserWarning, match="very uneven.*more temperatures"):
        rbm.log_z_ais(20, seed=1, inverse_temperatures=[0.0, 1.0])
    with pytest.warns(UserWarning, match="hardly overlap.*now 2"):
        rbm.log_z_bar(10, 20, seed=1, inverse_temperatures=[0.0, 1.0])


@pytest.mark.parametrize("betas", [[0.0, 0.5], [0.1, 1.0], [0.0, 0.6, 0.5, 1.0], [[0.0, 1.0]], 1.0])
def test_wrong_temperatures(betas):
    rbm = machine(arrays(3, 2))
    for call in (rbm.log_z_ais, rbm.log_z_bar):
        with pytest.raises(ValueError, match="rises strictly from 0 to 1"):
            call(inverse_temperatures=betas)


def test_other_errors(monkeypatch):
    rbm = machine(arrays(3, 2))
    with pytest.raises(
        ValueError, match="`num_chains` must be an integer of at least 2. Received: 1"
    ):
        rbm.log_z_ais(1)
    with pytest.raises(ValueError, match="`num_temperatures` must be an integer of at least 2"):
        rbm.log_z_ais(2, 1)
    with pytest.raises(
        ValueError, match="`num_chains` must be an integer of at least 10. Received: 5"
    ):
        rbm.log_z_bar(5)
    with pytest.raises(ValueError, match="`burn_in` must be a non-negative integer. Received: -1"):
        rbm.log_z_bar(10, burn_in=-1)
    monkeypatch.setitem(sys.modules, "pymbar.other_estimators", None)
    with pytest.raises(ImportError, match=r"pip install 'pymbar>=4.0.1,<5'.*log_z_ais"):
        rbm.log_z_bar()
