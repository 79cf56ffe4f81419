"""Draws from the model against the slow references. False-alarm rates are stated at each check."""

import collections

import numpy as np
import pytest
from reference import statistics, tmc_predictive
from reference import tmc as reference
from scipy import special, stats

from tfsp.tmc import native_sampler
from tmc import sampler_testing

FAILURE = 1e-6


def ks_limit(count, failure=FAILURE):
    """Dvoretzky-Kiefer-Wolfowitz: the distance exceeds it with probability below `failure`."""
    return np.sqrt(np.log(2 / failure) / (2 * count))


@pytest.mark.parametrize("num_leaves", [3, 4, 5])
def test_prior_topologies_match_enumeration(num_leaves):
    exact = reference.coalescent_topology_probs(num_leaves)
    count = 40_000
    seen = collections.Counter(
        reference.clades(native_sampler.sample_prior(num_leaves, seed=(num_leaves, i))[0])
        for i in range(count)
    )
    assert set(seen) <= set(exact)
    limit = statistics.frequency_tolerance(count, len(exact), FAILURE)
    for topology, probability in exact.items():
        assert abs(seen[topology] / count - probability) < limit


@pytest.mark.parametrize(("a", "b"), [(2.0, 2.0), (0.6, 0.9), (5.0, 1.0)])
def test_prior_times_are_sticks(a, b):
    sticks = []
    for seed in range(1500):
        parent, time = native_sampler.sample_prior(12, a, b, seed=seed)
        inner = np.flatnonzero((parent >= 0) & (np.arange(23) >= 12))
        above = time[parent[inner]]
        # Where next to nothing remains, a stick cannot be read off the float64 times.
        readable = above < 1 - 1e-4
        sticks.append(((time[inner] - above) / (1 - above))[readable])
    sticks = np.concatenate(sticks)
    assert len(sticks) > 10_000
    distance = stats.kstest(sticks, stats.beta(a, b).cdf).statistic
    assert distance < ks_limit(len(sticks))


@pytest.mark.parametrize("num_leaves", [1, 2, 3, 1000, 20_000])
def test_prior_trees_are_valid_however_deep(num_leaves):
    for b in (2.0, 0.3):
        parent, time = native_sampler.sample_prior(num_leaves, 2.0, b, seed=1)
        assert parent.shape == time.shape == (2 * num_leaves - 1,)
        below = parent >= 0
        assert np.count_nonzero(~below) == 1
        assert np.all(time[below] > time[parent[below]])
        if num_leaves > 1:  # the sampler takes it
            native_sampler.sample_posterior(
                parent, time, np.zeros((num_leaves, 1)), num_moves=1, seed=0
            )


def test_truncated_sticks_keep_their_law():
    # With min_remaining = 1/2 the first stick is Beta(a, b) given beta < 1/2.
    first = np.array(
        [
            native_sampler.sample_prior(3, 2.0, 0.7, seed=s, min_remaining=0.5)[1][3]
            for s in range(20_000)
        ]
    )
    law = stats.beta(2.0, 0.7)
    distance = stats.kstest(first, lambda t: law.cdf(t) / law.cdf(0.5)).statistic
    assert distance < ks_limit(len(first))


def test_leaves_have_the_tree_covariance():
    parent, time = reference.random_tree(np.random.default_rng(0), 5)
    draws = np.concatenate(
        [native_sampler.sample_leaves(parent, time, 2000, seed=s).T for s in range(20)]
    )
    exact = np.asarray(reference.node_covariance(parent, time))[:5, :5]
    products = draws[:, :, None] * draws[:, None, :]
    limit = statistics.mean_tolerance(products, FAILURE)
    np.testing.assert_array_less(np.abs(products.mean(0) - exact), limit)
    assert np.all(np.abs(draws.mean(0)) < statistics.mean_tolerance(draws, FAILURE))


def test_one_leaf_has_variance_two():
    draws = native_sampler.sample_leaves([-1], [1.0], 40_000, seed=0)[0]
    assert abs(np.mean(draws**2) - 2) < statistics.mean_tolerance(draws**2, FAILURE)


@pytest.mark.parametrize(("a", "b"), [(2.0, 2.0), (0.5, 1.5), (9.0, 3.0)])
@pytest.mark.parametrize("edge_weights", ["prior", "bayes"])
def test_predictive_draws(a, b, edge_weights):
    rng = np.random.default_rng(4)
    parent, time = reference.random_tree(rng, 5)
    leaves = rng.normal(size=(5, 2))
    count = 60_000
    edge, when, where = native_sampler.sample_predictive(
        parent, time, leaves, a, b, num_samples=count, seed=9, edge_weights=edge_weights
    )
    if edge_weights == "prior":
        exact = np.exp(reference.edge_log_prob(parent))
    else:
        exact = np.exp(reference.bayes_log_weights(parent, time, a, b))
    observed = np.bincount(edge, minlength=9) / count
    assert np.all(np.abs(observed - exact) < statistics.frequency_tolerance(count, 9, FAILURE))
    often = np.flatnonzero(exact * count > 200)
    assert len(often) >= 4
    for v in often:
        t, z = when[edge == v], where[edge == v]
        start, end = time[parent[v]], time[v]
        assert np.all((t > start) & (t < end))
        y, step = tmc_predictive.y_grid(20001)
        weight = np.exp(tmc_predictive.log_time_weights(parent, time, v, a, b, y, step)[0])
        cdf = np.cumsum(weight) - 0.5 * weight
        position = special.logit((t - start) / (end - start))
        distance = stats.kstest(position, lambda x, y=y, c=cdf: np.interp(x, y, c)).statistic
        assert distance < ks_limit(len(t))
        # Locations: standardised by the dense conditional at the time drawn.
        some = slice(0, 300)
        standard = []
        for ti, zi in zip(t[some], z[some], strict=True):
            mean, variance = reference.new_leaf(parent, time, leaves, v, ti)
            standard.append((zi - mean) / np.sqrt(variance))
        distance = stats.kstest(np.ravel(standard), stats.norm.cdf).statistic
        assert distance < ks_limit(np.size(standard))


@pytest.mark.parametrize("a", [0.3, 2.0, 60.0])
def test_attachment_time_on_an_edge_that_nearly_reaches_one(a):
    # On (0, 1 - 1e-5) p(t) ~ (t (t_v - t))^(a-1) (1 - t)^(-a): in y, the symmetric form.
    parent, time = np.array([4, 3, 3, 4, -1]), np.array([1, 1, 1, 1 - 1e-5, 0.0])
    edge, when, _ = native_sampler.sample_predictive(
        parent, time, np.zeros((3, 1)), a, 2.0, num_samples=60_000, seed=2
    )
    t = when[edge == 3]
    eps = 1e-5
    y = np.log(time[3] - t) - np.log(t) - 0.5 * np.log(eps)
    grid = np.linspace(-60 / a - 10, 60 / a + 10, 200_001)
    density = np.exp(-a * np.log(1 + eps + 2 * np.sqrt(eps) * np.cosh(grid)))
    cdf = np.cumsum(density) / density.sum()
    assert stats.kstest(y, lambda x: np.interp(x, grid, cdf)).statistic < ks_limit(len(y)) + 1e-3


def test_one_leaf_predicts_from_half_way():
    edge, when, where = native_sampler.sample_predictive(
        [-1], [1.0], [[2.0]], num_samples=40_000, seed=0
    )
    assert not edge.any()
    assert not when.any()
    assert stats.kstest(where[:, 0], stats.norm(1.0, np.sqrt(1.5)).cdf).statistic < ks_limit(40_000)


def test_generator_draws():
    count = 100_000

    def draws(kind, a=0.0, b=0.0, seed=1):
        return sampler_testing.random_draws(kind, count, a, b, seed, 2)

    uniform = draws("uniform")
    assert np.all((uniform > 0) & (uniform < 1))
    checks = [(uniform, stats.uniform.cdf), (draws("normal"), stats.norm.cdf)]
    for shape in (0.05, 0.7, 1.0, 30.0):
        checks.append((draws("log_gamma", shape), stats.loggamma(shape).cdf))
    for a, b in ((2.0, 2.0), (0.3, 4.0), (50.0, 0.9)):
        beta = draws("beta", a, b)
        np.testing.assert_allclose(beta.sum(1), 1, rtol=1e-15)
        checks += [(beta[:, 0], stats.beta(a, b).cdf), (beta[:, 1], stats.beta(b, a).cdf)]
    for sample, cdf in checks:
        assert stats.kstest(sample, cdf).statistic < ks_limit(count)
    for bound in (1, 3, 7):
        below = draws("below", bound)
        observed = np.bincount(below.astype(int), minlength=bound) / count
        assert len(observed) == bound
        assert np.all(abs(observed - 1 / bound) < statistics.frequency_tolerance(count, bound))
    # Each of the 64 bits is fair, and seeds that differ in one word give other streams.
    bits = draws("bits")
    share = np.array([np.mean((bits >> np.uint64(k)) & np.uint64(1)) for k in range(64)])
    assert np.all(abs(share - 0.5) < statistics.frequency_tolerance(count, 64))
    assert not np.any(bits == draws("bits", seed=2))


def test_same_seed_same_draws():
    parent, time = native_sampler.sample_prior(8, seed=(1, 2))
    again, again_time = native_sampler.sample_prior(8, seed=(1, 2))
    np.testing.assert_array_equal(parent, again)
    np.testing.assert_array_equal(time, again_time)
    x, y, z = (native_sampler.sample_leaves(parent, time, 3, seed=s) for s in (1, 1, 2))
    assert np.array_equal(x, y)
    assert not np.array_equal(x, z)
    first, second = (
        native_sampler.sample_predictive(parent, time, x, num_samples=5, seed=3) for _ in range(2)
    )
    for u, v in zip(first, second, strict=True):
        np.testing.assert_array_equal(u, v)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: native_sampler.sample_prior(0, seed=0), "num_leaves = 0"),
        (lambda: native_sampler.sample_prior(3, -1.0, seed=0), "concentration1 = -1"),
        (lambda: native_sampler.sample_prior(3, seed=0, min_remaining=0.0), "min_remaining = 0"),
        (lambda: native_sampler.sample_leaves([-1], [1.0], 0, seed=0), "num_dims"),
        (
            lambda: native_sampler.sample_predictive(
                [-1], [1.0], [[np.nan]], num_samples=1, seed=0
            ),
            "leaves\\[0, 0\\] = nan",
        ),
        (
            lambda: native_sampler.sample_predictive([-1], [1.0], [[0.0]], num_samples=-1, seed=0),
            "num_samples",
        ),
        (
            lambda: native_sampler.sample_predictive(
                [-1], [1.0], [[0.0]], num_samples=1, seed=0, edge_weights="flat"
            ),
            "edge_weights",
        ),
        (
            lambda: sampler_testing.joint_test(1, 1, num_moves=1, num_replicates=1, seed=0),
            "at least 2",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
