"""The slow references agree with each other: enumeration, formulas, dense algebra, simulation."""

import math

import numpy as np
import pytest
from reference import tmc
from scipy import integrate, special, stats


@pytest.mark.parametrize("num_leaves", [1, 2, 3, 4, 5, 6])
def test_topology_formula_matches_every_merge_order(num_leaves):
    exact = tmc.coalescent_topology_probs(num_leaves)
    assert sum(exact.values()) == 1  # fractions
    parents = tmc.all_topologies(num_leaves)
    assert set(parents) == set(exact)
    assert len(parents) == tmc.count_topologies(num_leaves)
    for topology, parent in parents.items():
        assert tmc.clades(parent) == topology
        assert math.isclose(math.exp(tmc.topology_log_prob(parent)), exact[topology], rel_tol=1e-12)


@pytest.mark.parametrize("num_leaves", [2, 3, 5, 9])
def test_edge_weights_are_the_closed_form(num_leaves):
    """w(v) = 2 / (N + 1) P(v) / (c(v) + 1); their sum W misses only the place above the root."""
    rng = np.random.default_rng(num_leaves)
    parent, _ = tmc.random_tree(rng, num_leaves)
    c = tmc.subtree_sizes(parent)
    weights = np.zeros(len(parent))
    for v in range(len(parent)):
        path = tmc.ancestors(parent, v)
        if len(path) > 1:
            factor = math.prod(c[u] / (c[u] + 1) for u in path[1:])
            weights[v] = 2 / (num_leaves + 1) * factor / (c[v] + 1)
    total = 1 - 2 / (num_leaves * (num_leaves + 1))
    np.testing.assert_allclose(weights.sum(), total, rtol=1e-12)
    np.testing.assert_allclose(
        np.exp(tmc.edge_log_prob(parent)), weights / total, rtol=1e-12, atol=0
    )


def test_attached_trees_and_the_place_above_the_root_are_all_topologies():
    """Attaching leaf 4 to every tree of four leaves reaches all trees of five, but those with
    leaf 4 beside the root's other child."""
    reached = {
        tmc.clades(tmc.attach(parent, np.zeros(len(parent)), v, 0.0)[0])
        for parent in tmc.all_topologies(4).values()
        for v in range(len(parent))
        if parent[v] >= 0
    }
    missing = set(tmc.all_topologies(5)) - reached
    assert len(reached) == 15 * 6
    assert all(frozenset(range(4)) in topology for topology in missing)


@pytest.mark.parametrize(("a", "b"), [(2.0, 2.0), (1.0, 1.0), (1.5, 3.0), (3.0, 0.8)])
def test_time_densities_integrate_to_one(a, b):
    parent = np.array([4, 4, 5, 6, 5, 6, -1], np.int32)  # a caterpillar: times 0 < t5 < t4 < 1

    def density(t4, t5):
        return math.exp(tmc.time_log_prob(parent, [1, 1, 1, 1, t4, t5, 0], a, b))

    total, _ = integrate.dblquad(density, 0, 1, lambda t5: t5, 1, epsabs=1e-6, epsrel=1e-6)
    np.testing.assert_allclose(total, 1, rtol=1e-4)
    time = np.array([1, 1, 1, 1, 0.6, 0.2, 0.0])
    for v in (0, 4, 5):
        start, end = time[parent[v]], time[v]
        total, _ = integrate.quad(
            lambda t, v=v: tmc.time_density(parent, time, v, t, a, b), start, end
        )
        np.testing.assert_allclose(total, 1, rtol=1e-6)


@pytest.mark.parametrize(("a", "b"), [(2.0, 2.0), (1.5, 3.0)])
def test_time_density_is_the_closed_form(a, b):
    """Section 2 of the mathematics: a beta above a leaf; 2F1 above an internal node."""
    time = np.array([1, 1, 1, 1, 0.6, 0.2, 0.0])
    parent = np.array([4, 4, 5, 6, 5, 6, -1], np.int32)
    t = 0.45
    for v in (4, 5):
        s, e = time[parent[v]], time[v]
        t = s + 0.4 * (e - s)
        kappa = (e - s) / (1 - s)
        log_z = (2 * a - 1) * math.log(e - s) - a * math.log(1 - s) + special.betaln(a, a)
        log_z += math.log(special.hyp2f1(a, a, 2 * a, kappa))
        expected = (a - 1) * math.log((t - s) * (e - t)) - a * math.log(1 - t) - log_z
        np.testing.assert_allclose(
            math.log(tmc.time_density(parent, time, v, t, a, b)), expected, rtol=1e-9
        )
    s = time[parent[2]]
    expected = stats.beta(a, b).pdf((0.45 - s) / (1 - s)) / (1 - s)
    np.testing.assert_allclose(tmc.time_density(parent, time, 2, 0.45, a, b), expected, rtol=1e-9)


@pytest.mark.parametrize("num_leaves", [1, 2, 3, 8, 20])
@pytest.mark.parametrize("shape", ["coalescent", "caterpillar"])
def test_recursions_match_dense_algebra(num_leaves, shape):
    rng = np.random.default_rng(num_leaves)
    parent, time = tmc.random_tree(rng, num_leaves, shape)
    leaves = rng.normal(size=(num_leaves, 3))
    up = tmc.messages(parent, time, leaves)
    np.testing.assert_allclose(
        float(up["log_likelihood"]), tmc.log_likelihood(parent, time, leaves), rtol=1e-11
    )
    mean, variance = tmc.node_posterior(parent, time, leaves)
    cavity_mean, cavity_variance = tmc.cavities(parent, time, leaves)
    for v in range(num_leaves, len(parent)):  # node = up message x everything above it
        gap = time[v] - time[parent[v]] if parent[v] >= 0 else 0.0
        precision = 1 / up["variance"][v] + 1 / (cavity_variance[v] + gap)
        m = up["mean"][v] / up["variance"][v] + cavity_mean[v] / (cavity_variance[v] + gap)
        np.testing.assert_allclose(variance[v], float(1 / precision), rtol=1e-9)
        np.testing.assert_allclose(mean[v], (m / precision).astype(float), rtol=1e-8, atol=1e-9)


def test_variance_along_an_edge_is_the_closed_form():
    """var(t) = 1 - t_u + A0 - C lambda(t)^2, and the bridge equals conditioning the larger tree."""
    rng = np.random.default_rng(3)
    parent, time = tmc.random_tree(rng, 7)
    leaves = rng.normal(size=(7, 2))
    up = tmc.messages(parent, time, leaves)["variance"]
    _, a0 = tmc.cavities(parent, time, leaves)
    for v in np.flatnonzero(parent >= 0):
        start, length = time[parent[v]], time[v] - time[parent[v]]
        for x in (0.03, 0.5, 0.97):
            t = start + x * length
            mean, variance = tmc.new_leaf(parent, time, leaves, v, t)
            c = a0[v] + up[v] + length
            lam = (a0[v] + t - start) / c
            np.testing.assert_allclose(variance, float(1 - start + a0[v] - c * lam**2), rtol=1e-9)
            y = np.array([special.logit(x)])
            path_mean, path_variance = tmc.edge_path(parent, time, leaves, v, y)
            np.testing.assert_allclose(path_variance[0], variance, rtol=1e-9)
            np.testing.assert_allclose(path_mean[0], mean, rtol=1e-9, atol=1e-12)


def test_simulated_locations_have_the_dense_covariance():
    """20,000 draws; each covariance is off by over 6 standard errors with chance below 1e-8."""
    rng = np.random.default_rng(0)
    parent, time = tmc.random_tree(rng, 4)
    draws = tmc.sample_leaves(rng, parent, time, 20_000)  # columns are draws
    cov = tmc.node_covariance(parent, time)
    error = np.sqrt((np.outer(np.diag(cov), np.diag(cov)) + cov**2) / 20_000)
    assert np.all(np.abs(draws @ draws.T / 20_000 - cov) < 6 * error)


def test_expected_log_likelihood_matches_simulation():
    rng = np.random.default_rng(1)
    parent, time = tmc.random_tree(rng, 5)
    mean, stddev = rng.normal(size=(5, 2)), rng.uniform(0.1, 0.5, (5, 2))
    draws = [
        tmc.log_likelihood(parent, time, mean + stddev * rng.normal(size=mean.shape))
        for _ in range(4000)
    ]
    exact = tmc.expected_log_likelihood(parent, time, mean, stddev)
    # Six standard errors: a right formula fails with chance below 1e-8.
    assert abs(np.mean(draws) - exact) < 6 * np.std(draws) / math.sqrt(len(draws))


@pytest.mark.parametrize("exact_bayes", [False, True])
def test_predictive_density_integrates_to_one(exact_bayes):
    rng = np.random.default_rng(2)
    parent, time = tmc.random_tree(rng, 4)
    leaves = rng.normal(size=(4, 1))
    # Poles at the leaves are weak (b = 2, d = 1); even steps in arcsinh reach the tails.
    y = np.linspace(-5, 5, 801)
    z, slope = np.sinh(y), np.cosh(y)
    log_p = tmc.predictive_log_prob(
        z[:, None], parent, time, leaves, exact_bayes=exact_bayes, num=1201
    )
    np.testing.assert_allclose(np.sum(np.exp(log_p) * slope) * (y[1] - y[0]), 1, rtol=2e-4)


def test_predictive_density_is_the_simulated_one():
    """Histogram of 8,000 draws; Hoeffding and a union bound: false alarms below 1e-6."""
    rng = np.random.default_rng(5)
    parent, time = tmc.random_tree(rng, 3)
    leaves = np.array([[-1.5], [0.0], [2.0]])
    num = 8000
    draws = np.array([tmc.sample_predictive(rng, parent, time, leaves)[0][0] for _ in range(num)])
    cuts = np.linspace(-4, 4, 17)
    observed = np.histogram(draws, cuts)[0] / num
    z = (np.linspace(-4, 4, 16 * 20 + 1)[:-1] + 0.0125)[:, None]
    density = np.exp(tmc.predictive_log_prob(z, parent, time, leaves, num=1201))
    expected = density.reshape(16, 20).sum(1) * 0.025
    atol = math.sqrt(math.log(2 * 16 / 1e-6) / (2 * num)) + 1e-4
    np.testing.assert_allclose(observed, expected, rtol=0, atol=atol)


def test_quadrature_rule_approaches_continuous_time():
    rng = np.random.default_rng(4)
    parent, time = tmc.random_tree(rng, 5)
    leaves = rng.normal(size=(5, 3))
    z = rng.normal(size=(4, 3))
    exact = tmc.edge_log_terms(z, parent, time, leaves)
    fine = tmc.rule_log_terms(z, parent, time, leaves, num_nodes=(80, 40), floor=1e-7)
    np.testing.assert_allclose(fine, exact, rtol=0, atol=1e-5)
    coarse = special.logsumexp(tmc.rule_log_terms(z, parent, time, leaves), axis=1)
    np.testing.assert_allclose(coarse, special.logsumexp(exact, axis=1), rtol=0, atol=0.05)


def test_topology_posterior_matches_prior_simulation():
    """Three leaves, importance weights from 4,000 prior trees; six standard errors."""
    rng = np.random.default_rng(6)
    leaves = np.array([[0.0, 0.3], [0.4, 0.1], [-1.0, 1.0]])
    exact, mean_lca, evidence = tmc.topology_posterior(leaves)
    assert math.isclose(sum(exact.values()), 1.0, rel_tol=1e-12)
    weights, which, lca = [], [], []
    for _ in range(4000):
        parent, time = tmc.sample_prior(rng, 3)
        weights.append(math.exp(tmc.log_likelihood(parent, time, leaves)))
        which.append(tmc.clades(parent))
        lca.append(tmc.lca_times(parent, time)[0, 1])
    weights, lca = np.array(weights), np.array(lca)
    error = weights.std() / weights.mean() / math.sqrt(len(weights))
    assert abs(math.log(weights.mean()) - evidence) < 6 * error
    share = weights / weights.sum()
    for topology, p in exact.items():
        hit = np.array([w == topology for w in which])
        assert abs(share[hit].sum() - p) < 6 * np.sqrt(np.sum(share**2 * (hit - p) ** 2))
    expected = sum(exact[t] * mean_lca[t][0, 1] for t in exact)
    se = np.sqrt(np.sum(share**2 * (lca - expected) ** 2))
    assert abs(np.sum(share * lca) - expected) < 6 * se


def test_joint_density_of_prior_samples_has_the_right_topology_frequencies():
    rng = np.random.default_rng(7)
    num = 4000
    counts = {}
    for _ in range(num):
        parent, time = tmc.sample_prior(rng, 4)
        assert np.all(time[parent[parent >= 0]] < time[parent >= 0])
        topology = tmc.clades(parent)
        counts[topology] = counts.get(topology, 0) + 1
    # Hoeffding over 15 cells: false alarms below 1e-6.
    atol = math.sqrt(math.log(2 * 15 / 1e-6) / (2 * num))
    for topology, p in tmc.coalescent_topology_probs(4).items():
        assert abs(counts.get(topology, 0) / num - p) < atol
