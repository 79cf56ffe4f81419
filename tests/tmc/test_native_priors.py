"""Priors of topologies, times and attachment places, against enumeration and quadrature."""

import math

import numpy as np
import pytest
from reference import tmc
from scipy import integrate, special

from tfsp.tmc import native
from tmc.native_cases import CAP, caterpillar, random_case, relabel

CONCENTRATIONS = [(2.0, 2.0), (1.0, 1.0), (0.7, 1.6), (5.0, 3.0), (30.0, 8.0)]


@pytest.mark.parametrize("num_leaves", [1, 2, 3, 4, 5, 6])
def test_topology_probabilities_sum_to_one(num_leaves):
    exact = tmc.coalescent_topology_probs(num_leaves)
    parents = tmc.all_topologies(num_leaves)
    assert len(parents) == math.prod(range(2 * num_leaves - 3, 0, -2))
    values = {t: native.topology_log_prob(parent) for t, parent in parents.items()}
    assert math.isclose(math.fsum(map(math.exp, values.values())), 1.0, rel_tol=1e-12)
    for topology, value in values.items():
        assert math.isclose(math.exp(value), exact[topology], rel_tol=1e-12)


@pytest.mark.parametrize("num_leaves", [2, 3, 20, 200, 3000])
@pytest.mark.parametrize(("a", "b"), CONCENTRATIONS)
def test_priors_equal_the_reference(num_leaves, a, b):
    rng = np.random.default_rng(num_leaves)
    parent, time = tmc.random_tree(rng, num_leaves)
    parent, time = relabel(rng, parent, time)
    np.testing.assert_allclose(
        native.topology_log_prob(parent), tmc.topology_log_prob(parent), rtol=1e-12, atol=1e-14
    )
    np.testing.assert_allclose(
        native.time_log_prob(parent, time, a, b),
        tmc.time_log_prob(parent, time, a, b),
        rtol=1e-11,
        atol=1e-9,
    )


@pytest.mark.parametrize(("a", "b"), [(2.0, 2.0), (1.5, 3.0)])
def test_density_of_times_integrates_to_one(a, b):
    """Four leaves in a row: two free times below the root."""
    parent, time = caterpillar(4)

    def density(second, first):
        t = time.copy()
        t[5], t[6] = first, second
        return math.exp(native.time_log_prob(parent, t, a, b))

    total, _ = integrate.dblquad(density, 0, 1, lambda x: x, 1, epsabs=1e-8)
    np.testing.assert_allclose(total, 1.0, atol=1e-6)


@pytest.mark.parametrize("num_leaves", [2, 3, 8, 40])
def test_edge_probabilities(num_leaves):
    parent, time, *_ = random_case(num_leaves, num_leaves, 1)
    prior = native.edge_log_prob(parent, time)
    np.testing.assert_allclose(prior, tmc.edge_log_prob(parent), rtol=1e-10)
    for a, b in CONCENTRATIONS:
        bayes = native.edge_log_prob(parent, time, "bayes", a, b)
        np.testing.assert_allclose(
            bayes, tmc.bayes_log_weights(parent, time, a, b), rtol=1e-8, atol=1e-8
        )
        for value in (prior, bayes):
            assert value[parent < 0] == -np.inf
            np.testing.assert_allclose(np.exp(value).sum(), 1.0, rtol=1e-12)


def test_edge_probability_of_the_single_place():
    assert native.edge_log_prob([-1], [1.0]) == 0
    assert native.edge_log_prob([-1], [1.0], "bayes") == 0


@pytest.mark.parametrize(("a", "b"), CONCENTRATIONS)
def test_attachment_time_densities_integrate_to_one(a, b):
    parent, time, *_ = random_case(3, 6, 1)
    for v in np.flatnonzero(parent >= 0):
        start, end = time[parent[v]], time[v]

        def density(y, v=v, start=start, end=end):
            x = special.expit(y)
            t = start + (end - start) * x
            if not start < t < end:
                return 0.0
            slope = (end - start) * x * (1 - x)
            return slope * np.exp(native.attachment_time_log_prob(parent, time, v, t, a, b))

        total, _ = integrate.quad(density, -36, 36, epsabs=1e-11, limit=400)
        np.testing.assert_allclose(total, 1.0, atol=1e-7)
        middle = start + 0.3 * (end - start)
        np.testing.assert_allclose(
            np.exp(native.attachment_time_log_prob(parent, time, v, middle, a, b)),
            tmc.time_density(parent, time, v, middle, a, b),
            rtol=1e-7,
        )


def test_attachment_time_outside_the_edge_is_impossible():
    parent, time, *_ = random_case(0, 5, 1)
    t = [-0.1, time[parent[0]], 1.0, 2.0]
    assert np.all(native.attachment_time_log_prob(parent, time, 0, t) == -np.inf)


@pytest.mark.parametrize("a", [0.3, 1.0, 2.0, 6.5, 40.0])
def test_edge_evidence_near_the_ends_of_its_range(a):
    """Shares (t_v - t_u) / (1 - t_u) from nearly 0 to the cap; mpmath-free, by scipy's 2F1."""
    for gap in (CAP, 1e-4, 0.01, 0.15, 0.25, 0.5, 0.9, 0.999):
        parent, time = caterpillar(3, gap=gap)
        bayes = native.edge_log_prob(parent, time, "bayes", a, 2.0)
        prior = native.edge_log_prob(parent, time)
        share = 1 - gap
        # Integral of x^(a-1) (1-x)^(a-1) (1 - share x)^-a over (0, 1), by y = logit x.
        y = np.linspace(-400, 400, 400_001)
        log_terms = a * special.log_expit(y) + a * special.log_expit(-y)
        log_terms -= a * np.log(gap * special.expit(y) + special.expit(-y))
        log_z = special.logsumexp(log_terms) + math.log(y[1] - y[0])
        log_z += a * math.log(share) - special.betaln(a, 2.0)
        internal = 4
        expected = prior.copy()
        expected[internal] += log_z
        expected -= special.logsumexp(expected)
        np.testing.assert_allclose(bayes, expected, rtol=1e-9, atol=1e-9)
