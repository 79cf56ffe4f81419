"""The learned conditional priors of CP-VAE against scipy and Monte Carlo; how categories start."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import baselines, cp_vae, densities
from reference.statistics import frequency_tolerance, mean_tolerance
from scipy import stats

from tfsp.priors import conditional_start
from tfsp.priors.conditional_normal import ConditionalNormalPrior

RNG = np.random.default_rng(5)
LOC, SCALE = RNG.normal(size=(3, 2)), RNG.uniform(0.4, 1.5, (3, 2))
Q_LOC, Q_SCALE = RNG.normal(size=(4, 2)), RNG.uniform(0.2, 1.2, (4, 2))
WEIGHTS = np.array([0.6, 0.0, 0.4])


def prior_at(loc=LOC, scale=SCALE, dtype="float64", **kwargs):
    prior = ConditionalNormalPrior(loc.shape[1], len(loc), dtype=dtype, **kwargs)
    prior.build()
    prior.loc.assign(loc)
    prior.log_variance.assign(2 * np.log(scale))
    return prior


# Densities and divergences.


def test_component_densities():
    prior = prior_at()
    z = np.random.default_rng(1).normal(scale=2.0, size=(2, 5, 2))
    expected = stats.norm.logpdf(z[..., None, :], LOC, SCALE).sum(-1)
    for training in (False, True):
        found = prior.component_log_prob(tf.constant(z), training)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_pairs_have_the_joint_density_and_z_its_marginal():
    prior = prior_at()
    prior.category_weights.assign(WEIGHTS)
    z, c = np.random.default_rng(1).normal(size=(6, 2)), np.array([0, 1, 2, 2, 1, 0])
    expected = stats.norm.logpdf(z, LOC[c], SCALE[c]).sum(-1) - np.log(3)
    pairs = np.concatenate([z, np.eye(3)[c]], axis=1)
    np.testing.assert_allclose(prior.log_prob(pairs), expected, rtol=1e-9)
    np.testing.assert_allclose(
        prior.log_prob(pairs.reshape(2, 3, 5)), expected.reshape(2, 3), rtol=1e-9
    )
    for name, weights in (("uniform", np.ones(3)), ("aggregated", WEIGHTS + 1e-300)):
        expected = densities.gaussian_mixture_log_prob(z, weights, LOC, SCALE)
        np.testing.assert_allclose(prior.marginal(name).log_prob(z), expected, rtol=1e-9)
    np.testing.assert_array_equal(
        prior.marginal().log_prob(z), prior.marginal("uniform").log_prob(z)
    )
    with pytest.raises(ValueError, match="Take the model's terms `kl_discrete`"):
        prior.kl(None, pairs)


def test_component_kl_against_quadrature_and_monte_carlo():
    prior = prior_at()
    expected = np.zeros((4, 3))
    for k in range(3):
        every = np.ones_like(Q_LOC)
        expected[:, k] = baselines.normal_kl(Q_LOC, Q_SCALE, LOC[k] * every, SCALE[k] * every).sum(
            1
        )
    for training in (False, True):
        found = prior.component_kl(Q_LOC, 2 * np.log(Q_SCALE), training).numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-9)
    # With probabilities the KL of pairs, by draws: fails for a right one with P of about 1e-6.
    pi = np.array([0.7, 0.1, 0.2])
    draws = cp_vae.joint_kl_draws(pi, (Q_LOC[1], Q_SCALE[1]), LOC, SCALE, 40_000, seed=3)
    joint = pi @ found[1] + np.sum(pi * np.log(3 * pi))
    assert mean_tolerance(draws) < 0.03 * joint
    np.testing.assert_allclose(draws.mean(), joint, rtol=0, atol=mean_tolerance(draws))
    # Of a component with itself nothing is left.
    same = prior.component_kl(LOC, 2 * np.log(SCALE)).numpy()
    np.testing.assert_allclose(np.diag(same), 0.0, atol=1e-12)
    assert np.all(same[~np.eye(3, dtype=bool)] > 0)


@pytest.mark.parametrize(("spread", "scale"), [(0.5, 0.9), (3.0, 0.2), (6.0, 0.02)])
def test_rounding_of_component_kl_in_float32(spread, scale):
    """In training within 4 eps of the largest square distance, in scales, from the centre.

    (1.5 eps is seen: 1e-5, 2e-3 and 1 nat.) Otherwise right to the rounding of the result.
    """
    rng = np.random.default_rng(2)
    loc = rng.normal(scale=spread, size=(20, 40)).astype("float32")
    log_variance = (2 * np.log(scale) + rng.normal(scale=0.3, size=loc.shape)).astype("float32")
    prior = ConditionalNormalPrior(40, 20)
    prior.loc.assign(loc)
    prior.log_variance.assign(log_variance)
    # Posteriors near their components, and as tight.
    q_loc = (loc[:10] + scale * rng.normal(size=(10, 40))).astype("float32")
    q_log_variance = (log_variance[:10] - 0.5).astype("float32")
    exact = prior_at(loc.astype(float), np.exp(0.5 * log_variance.astype(float)))
    expected = exact.component_kl(q_loc.astype(float), q_log_variance.astype(float)).numpy()
    found = prior.component_kl(q_loc, q_log_variance)
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, expected, rtol=2e-7)
    centre = loc.mean(axis=0)
    reach = np.sum(np.exp(-log_variance) * (q_loc[:, None] - centre) ** 2, axis=-1)
    reach = np.maximum(reach, np.sum(np.exp(-log_variance) * (loc - centre) ** 2, axis=-1))
    error = np.abs(prior.component_kl(q_loc, q_log_variance, training=True) - expected)
    assert np.all(error <= 4 * np.finfo("float32").eps * reach.max())


# Samples.


def test_samples_of_one_category():
    prior = prior_at()
    for k in range(3):
        draws = prior.sample(20_000, seed=k, category=k).numpy()
        z, c = draws[:, :2], draws[:, 2:]
        np.testing.assert_array_equal(c, np.eye(3)[np.full(20_000, k)])
        standard = (z - LOC[k]) / SCALE[k]
        # Right draws fail with a probability of about 1e-6 in each line.
        np.testing.assert_allclose(standard.mean(0), 0, atol=mean_tolerance(standard).max())
        squares = standard**2
        np.testing.assert_allclose(squares.mean(0), 1, atol=mean_tolerance(squares).max())
        cross = standard[:, 0] * standard[:, 1]
        np.testing.assert_allclose(cross.mean(), 0, atol=mean_tolerance(cross))


def test_samples_follow_the_weights():
    """By default q(c) of eq. (14); a category without weight is never drawn."""
    prior = prior_at()
    prior.category_weights.assign(WEIGHTS)
    num_samples = 20_000
    # Hoeffding over 3 cells: right draws fail with probability below 1e-6.
    atol = frequency_tolerance(num_samples, 3)
    for settings, wanted in (
        ({}, WEIGHTS),
        ({"weights": "aggregated"}, WEIGHTS),
        ({"weights": "uniform"}, np.full(3, 1 / 3)),
    ):
        draws = prior.sample(num_samples, seed=1, **settings).numpy()
        shares = draws[:, 2:].mean(axis=0)
        np.testing.assert_allclose(shares, wanted, rtol=0, atol=atol)
        assert (shares[1] == 0) == (settings != {"weights": "uniform"})
        for k in np.flatnonzero(wanted):
            standard = (draws[draws[:, 2 + k] == 1, :2] - LOC[k]) / SCALE[k]
            np.testing.assert_allclose(standard.mean(0), 0, atol=mean_tolerance(standard).max())


def test_a_category_for_each_draw():
    prior = prior_at()
    wanted = np.array([2, 0, 0, 1])
    draws = prior.sample(4, seed=0, category=wanted)
    np.testing.assert_array_equal(draws[:, 2:], np.eye(3)[wanted])
    for same in (list(wanted), tf.constant(wanted), wanted.astype("uint8")):
        np.testing.assert_array_equal(prior.sample(4, seed=0, category=same), draws)
    np.testing.assert_array_equal(
        prior.sample(4, seed=0, category=2), prior.sample(4, seed=0, category=tf.constant(2))
    )
    assert np.any(prior.sample(4, seed=1, category=wanted) != draws)
    np.testing.assert_array_equal(prior.sample(4, seed=0), prior.sample(4, seed=0))


@pytest.mark.parametrize("category", [3, -1, [0, 0, 3, 0]])
def test_categories_out_of_range(category):
    with pytest.raises(ValueError, match=r"must lie between 0 and 2\. Received: "):
        prior_at().sample(4, seed=0, category=category)


@pytest.mark.parametrize(
    "category", [1.0, True, "1", [0, 1], [[0] * 4], tf.constant(1.0), tf.constant([1, 1])]
)
def test_what_is_no_category(category):
    with pytest.raises(ValueError, match="an integer, or one for each of the 4 draws. Received: "):
        prior_at().sample(4, seed=0, category=category)


def test_weights_have_two_names():
    with pytest.raises(ValueError, match="one of aggregated, uniform. Received: 'prior'"):
        prior_at().sample(4, seed=0, weights="prior")


# What training moves besides gradients.


def test_temperature_falls_by_epoch_to_its_minimum():
    prior = prior_at(temperature=0.8, temperature_decay=0.5, min_temperature=0.15)
    found = [float(prior.temperature)]
    for epoch in (0, 1, 2, 3, 1):  # by the number of the epoch: a resumed run goes on as it would
        prior.begin_epoch(epoch)
        found.append(float(prior.temperature))
    np.testing.assert_allclose(found, [0.8, 0.8, 0.4, 0.2, 0.15, 0.4])
    assert float(prior_at(temperature=0.1, min_temperature=0.3).temperature) == 0.3
    assert "temperature" not in [w.name for w in prior.trainable_weights]


def test_running_average_of_probabilities():
    prior = prior_at(momentum=0.75)
    np.testing.assert_allclose(prior.category_weights, 1 / 3)
    assert prior.health(None) == {"categories_perplexity": pytest.approx(3.0)}
    expected = np.full(3, 1 / 3)
    for seed in range(3):
        batch = np.random.default_rng(seed).dirichlet([0.5, 1.0, 2.0], size=7)
        prior.observe(tf.constant(batch))
        expected = 0.75 * expected + 0.25 * batch.mean(axis=0)
    np.testing.assert_allclose(prior.category_weights, expected, rtol=1e-12)
    np.testing.assert_allclose(tf.reduce_sum(prior.category_weights), 1.0)
    prior.category_weights.assign([0.5, 0.5, 0.0])
    assert prior.health(None) == {"categories_perplexity": pytest.approx(2.0)}


# The start.


def three_clusters(n=900, seed=0):
    """Codes of three clusters in two dimensions, and a third that says nothing."""
    rng = np.random.default_rng(seed)
    means = np.array([[4.0, 0.0, 0.5], [-4.0, 1.0, 0.5], [0.0, -3.0, 0.5]])
    spread = np.array([[0.5, 0.3, 0.0], [0.3, 0.6, 0.0], [0.4, 0.4, 0.0]])
    within = np.array([0.04, 0.09, 1.0])  # variances of q(z|x)
    which = rng.integers(0, 3, n)
    loc = means[which] + spread[which] * rng.standard_normal((n, 3))
    log_variance = np.broadcast_to(np.log(within), (n, 3))
    return loc, log_variance, means, spread**2 + within


@pytest.mark.parametrize("method", ["mixture", "neighbours"])
def test_components_find_three_clusters(method):
    loc, log_variance, means, variances = three_clusters()
    found, variance = conditional_start.components(loc, log_variance, 3, 1, method)
    order = [np.argmin(np.linalg.norm(found - mean, axis=1)) for mean in means]
    assert sorted(order) == [0, 1, 2]
    # 300 codes each: means err by up to .035, variances by 8 % (five errors are allowed).
    np.testing.assert_allclose(found[order], means, atol=0.18)
    np.testing.assert_allclose(variance[order], variances, rtol=0.4)
    again = conditional_start.components(loc, log_variance, 3, 1, method)
    np.testing.assert_array_equal(again[0], found)


def test_of_many_codes_the_first_are_grouped_among_all(monkeypatch):
    """Means are those of the groups of the first codes; the others are neighbours alone."""
    loc, log_variance, means, _ = three_clusters()
    given = []
    summary = conditional_start.neighbour_summary
    monkeypatch.setattr(
        conditional_start,
        "neighbour_summary",
        lambda points, *a, **k: given.append((points, k["others"])) or summary(points, *a, **k),
    )
    monkeypatch.setattr(conditional_start, "_LEAVES", 300)
    found, _ = conditional_start.components(loc, log_variance, 3, 1, "neighbours")
    np.testing.assert_array_equal(given[0][0], loc[:300])
    np.testing.assert_array_equal(given[0][1], loc[300:])
    nearest = np.argmin(np.linalg.norm(loc[:300, np.newaxis] - means, axis=-1), axis=1)
    for k, mean in enumerate(means):
        own = found[np.argmin(np.linalg.norm(found - mean, axis=1))]
        np.testing.assert_allclose(own, loc[:300][nearest == k].mean(axis=0), atol=0.02)
    assert ConditionalNormalPrior(3, 3, start="neighbours").most_examples == 60_000
    assert ConditionalNormalPrior(3, 3, start="mixture").most_examples == 20_000


def test_components_follow_covariances():
    """Two long parallel clusters, which means and variances alone would cut across."""
    rng = np.random.default_rng(0)
    long = rng.normal(scale=1.5, size=(600, 1)) * [1.0, 1.0]
    side = np.where(rng.random((600, 1)) < 0.5, 1.0, -1.0) * [0.8, -0.8]
    loc = long + side + rng.normal(scale=0.15, size=(600, 2))
    found, _ = conditional_start.components(loc, np.full((600, 2), -6.0), 2)
    across = np.sort((found @ [1.0, -1.0]) / 2)
    np.testing.assert_allclose(across, [-0.8, 0.8], atol=0.05)


@pytest.mark.parametrize("method", ["mixture", "neighbours"])
def test_components_of_few_or_equal_codes(method):
    loc = np.repeat([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]], 20, axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn tells that there are fewer than K
        found, variance = conditional_start.components(loc, np.full((60, 2), -2.0), 10, 0, method)
    assert found.shape == variance.shape == (10, 2)
    assert np.all(np.isfinite(found))
    assert np.all(variance > 0.9 * np.exp(-2))
    for mean in loc[::20]:
        assert np.min(np.linalg.norm(found - mean, axis=1)) < 0.05
    same = conditional_start.components(np.full((60, 2), 0.3), np.full((60, 2), -2.0), 4, 0, method)
    np.testing.assert_allclose(same[0], 0.3, rtol=1e-6)
    np.testing.assert_allclose(same[1], np.exp(-2), rtol=1e-6)
    with pytest.raises(ValueError, match="At least 4 examples.*Received: 3"):
        conditional_start.components(loc[:3], loc[:3], 4)


def test_start_moves_components_and_lets_go():
    loc, log_variance, means, variances = three_clusters()
    prior = ConditionalNormalPrior(3, 3, start_epoch=4, seed=-1)  # any integer
    assert prior.wants_data
    assert prior.start_epoch == 4
    assert float(prior.kl_weight) > 10
    prior.start_from(loc.astype("float32"), log_variance.astype("float32"))
    assert not prior.wants_data
    assert float(prior.kl_weight) == 1
    order = np.argsort(prior.loc[:, 0])
    np.testing.assert_allclose(prior.loc.numpy()[order], means[[1, 2, 0]], atol=0.18)
    found = np.exp(prior.log_variance.numpy()[order])
    np.testing.assert_allclose(found, variances[[1, 2, 0]], rtol=0.4)


@pytest.mark.parametrize("settings", [{"start": "random"}, {"num_categories": 1}])
def test_nothing_is_held_at_random_or_alone(settings):
    prior = ConditionalNormalPrior(2, start_epoch=4, **settings)
    assert not prior.wants_data
    assert prior.start_epoch == 0  # stopping early and best checkpoints count from there
    assert float(prior.kl_weight) == 1
    if prior.num_categories == 1:  # the standard normal
        np.testing.assert_array_equal(prior.loc, np.zeros((1, 2)))
        np.testing.assert_array_equal(prior.log_variance, np.zeros((1, 2)))
    else:
        assert len(np.unique(prior.loc)) == 20


def test_config_round_trip():
    prior = ConditionalNormalPrior(2, 5, 0.7, 0.9, 0.2, "random", 3, 0.5, seed=2)
    again = ConditionalNormalPrior.from_config(prior.get_config())
    assert again.get_config() == prior.get_config()
    np.testing.assert_array_equal(again.loc, prior.loc)
    prior.check()
    assert ConditionalNormalPrior.example().sample(2, seed=0).shape == (2, 5)
    other = ConditionalNormalPrior(2, 5, start="random", seed=3)
    assert np.all(other.loc.numpy() != prior.loc.numpy())


def test_densities_are_never_in_half_precision():
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        prior = ConditionalNormalPrior.example()
        z = prior.sample(3, seed=0)
        found = [prior.log_prob(z), prior.component_kl(z[:, :2], z[:, :2], training=True)]
    finally:
        keras.config.set_dtype_policy(before)
    assert {a.dtype for a in (z, *found, *prior.weights)} <= {tf.float32, "float32"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_categories": 0}, "`num_categories` must be a positive integer. Received: 0"),
        ({"num_categories": True}, "`num_categories` must be a positive integer"),
        ({"num_categories": 2.5}, "`num_categories` must be a positive integer. Received: 2.5"),
        ({"temperature": 0.0}, "`temperature` must be a positive number. Received: 0.0"),
        ({"temperature": "hot"}, "`temperature` must be a positive number. Received: 'hot'"),
        ({"temperature": float("nan")}, "`temperature` must be a positive number. Received: nan"),
        ({"min_temperature": -1}, "`min_temperature` must be a positive number. Received: -1"),
        ({"temperature_decay": 0}, r"`temperature_decay` must be a num.* \(0, 1\].*: 0"),
        ({"temperature_decay": 1.5}, r"`temperature_decay` must be a num.* \(0, 1\].*: 1.5"),
        (
            {"start": "kmeans"},
            "`start` must be one of 'mixture', 'neighbours', 'random'. Received: 'kmeans'",
        ),
        ({"start_epoch": -1}, "`start_epoch` must be a non-negative integer. Received: -1"),
        ({"start_epoch": 1.5}, "`start_epoch` must be a non-negative integer. Received: 1.5"),
        ({"momentum": 1.0}, r"`momentum` must be a number in \[0, 1\). Received: 1.0"),
        ({"momentum": "a"}, r"`momentum` must be a number in \[0, 1\). Received: 'a'"),
    ],
)
def test_bad_arguments_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        ConditionalNormalPrior(2, **arguments)
