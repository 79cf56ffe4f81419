"""log Z for reports: exact where it can be, two estimates that agree where it cannot."""

import math
import warnings

import numpy as np
import pytest

from tfsp.priors import NormalPrior
from tfsp.priors.boltzmann import BoltzmannPrior
from tfsp.priors.log_partition import has_log_partition, refresh_log_partition


def make(latent_dim=8, seed=0, scale=0.7, **kwargs):
    prior = BoltzmannPrior(latent_dim, num_chains=4, num_sweeps=1, seed=0, **kwargs)
    prior.build()
    rng = np.random.default_rng(seed)
    prior.bias.assign(rng.normal(size=latent_dim))
    if prior.couplings is not None:
        prior.couplings.assign(scale * rng.normal(size=(latent_dim // 2, latent_dim // 2)))
    return prior


def brute_force(prior):
    n, bias = prior.latent_dim, prior.bias.numpy().astype(float)
    z = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    score = z @ bias
    if prior.couplings is not None:
        left, right = np.split(z, 2, axis=1)
        score = score + np.sum(left @ prior.couplings.numpy().astype(float) * right, axis=1)
    return math.log(np.sum(np.exp(score)))


@pytest.mark.parametrize(
    ("couplings", "method"), [(True, "enumeration"), (False, "independent units")]
)
def test_exact(couplings, method):
    prior = make(couplings=couplings)
    found = refresh_log_partition(prior)
    assert found.log_z == pytest.approx(brute_force(prior), abs=1e-4)
    assert (found.standard_error, found.method, found.estimates) == (0.0, method, {})
    assert found.agree
    if couplings:
        assert float(prior.log_z) == found.log_z
        assert int(prior.log_z_age) == 0


@pytest.mark.slow
def test_large_machines_take_two_estimates(monkeypatch):
    """Of a machine of 8 units that says it is too large: within 5 standard errors, 1 in 10^6."""
    prior = make()
    exact = brute_force(prior)
    monkeypatch.setattr(type(prior.machine()), "is_enumerable", False)
    found = refresh_log_partition(prior, 1, num_chains=200, num_temperatures=50, num_rounds=100)
    assert found.method == "BAR"
    assert found.agree
    assert 0 < found.standard_error < 0.05
    for log_z, error in found.estimates.values():
        assert 0 < abs(log_z - exact) < 5 * error
    assert (found.log_z, found.standard_error) == found.estimates["bar"]
    assert float(prior.log_z) == found.log_z
    assert float(prior.log_z_error) == found.standard_error
    other = refresh_log_partition(prior, 2, num_chains=200, num_temperatures=50, num_rounds=100)
    assert other.log_z != found.log_z


class Scripted:
    """A prior whose estimates are given beforehand."""

    class Weight:
        value = None

        def assign(self, value):
            self.value = value

    def __init__(self, ais, bar):
        self.answers = {"ais": list(ais), "bar": list(bar)}
        self.couplings, self.log_z_error, self.asked = object(), self.Weight(), []

    def machine(self):
        return type("Machine", (), {"is_enumerable": False})

    def refresh_log_z(self, method, seed, **settings):
        self.asked.append(settings)
        return self.answers[method].pop(0)


def test_more_effort_until_they_agree():
    prior = Scripted([(10.0, 0.01), (10.4, 0.01)], [(11.0, 0.01), (10.42, 0.01)])
    found = refresh_log_partition(prior, num_chains=50, num_temperatures=7, num_rounds=9)
    assert (found.log_z, found.agree) == (10.42, True)
    assert [s.get("num_temperatures") or s["num_rounds"] for s in prior.asked] == [7, 9, 28, 36]
    assert [s["num_chains"] for s in prior.asked] == [50, 10, 50, 10]
    # They agree, but too loosely.
    prior = Scripted([(10.0, 0.3), (10.0, 0.01)], [(10.1, 0.01), (10.0, 0.01)])
    refresh_log_partition(prior)
    assert len(prior.asked) == 4


def test_disagreement_is_told_and_enters_the_error():
    prior = Scripted([(10.0, 0.01)] * 3, [(11.0, 0.02)] * 3)
    with pytest.warns(UserWarning, match=r"10\.000 \+- 0\.010 by annealed.*11\.000 \+- 0\.020"):
        found = refresh_log_partition(prior)
    assert not found.agree
    assert (found.log_z, found.standard_error) == (11.0, 0.5)
    assert prior.log_z_error.value == 0.5


def test_doubts_of_an_estimate_are_passed_on_if_they_stay():
    class Doubtful(Scripted):
        """Warns at the calls `doubts` of bar."""

        def __init__(self, doubts):
            super().__init__([(10.0, 0.01)] * 3, [(10.0, 0.01)] * 3)
            self.doubts = list(doubts)

        def refresh_log_z(self, method, seed, **settings):
            if method == "bar" and self.doubts.pop(0):
                warnings.warn("modes are missing", stacklevel=1)
            return super().refresh_log_z(method, seed, **settings)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prior = Doubtful([True, False])
        assert refresh_log_partition(prior).agree
        assert len(prior.asked) == 4
    with pytest.warns(UserWarning, match="modes are missing"):
        found = refresh_log_partition(Doubtful([True] * 3))
    assert not found.agree
    assert (found.log_z, found.standard_error) == (10.0, 0.01)


def test_which_priors_have_one():
    assert has_log_partition(make())
    assert not has_log_partition(NormalPrior(2))
