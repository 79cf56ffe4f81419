"""The Boltzmann prior layer: densities over zeta, chains, log Z as it follows the weights."""

import json

import numpy as np
import pytest
import tensorflow as tf
from reference import discrete_vae as reference
from reference.statistics import frequency_tolerance, mean_tolerance

from tfsp.priors import relaxed_boltzmann
from tfsp.priors.boltzmann import BoltzmannPrior
from tfsp.priors.smoothing import UnitSmoothing


def prior(scale=1.0, seed=0, **settings):
    prior = BoltzmannPrior(6, **{"num_chains": 20, "num_sweeps": 3, "dtype": "float64", **settings})
    prior.build()
    rng = np.random.default_rng(seed)
    if prior.couplings is not None:
        prior.couplings.assign(rng.normal(scale=scale, size=(3, 3)))
    prior.bias.assign(rng.normal(scale=scale, size=6))
    prior.refresh_log_z()
    return prior


def log_p(prior):
    return reference.log_prob_units(prior.weights_and_bias()[0].numpy(), prior.bias.numpy())


@pytest.mark.parametrize("couplings", [True, False])
def test_log_prob_of_units_and_log_z(couplings):
    p = prior(couplings=couplings)
    z = tf.constant(reference.states(6))
    np.testing.assert_allclose(p.log_prob_units(z), log_p(p), rtol=1e-10)


def test_log_z_follows_the_weights_between_refreshes():
    """By importance steps over the chains; then the refresh gives the exact value again."""
    p = prior(num_chains=4000, num_sweeps=2)
    rng = np.random.default_rng(1)
    exact = reference.states(6)[rng.choice(64, 4000, p=np.exp(log_p(p)))]
    p.chains.assign(exact)
    p.refresh_log_z()
    before = float(p.log_z)
    for _ in range(20):
        p.couplings.assign_add(0.02 * np.ones((3, 3)))
        p.bias.assign_add(0.01 * np.ones(6))
        p.update()
    tracked = float(p.log_z)
    assert int(p.log_z_age) == 20
    p.refresh_if_moved()
    assert int(p.log_z_age) == 0
    assert abs(float(p.log_z) - before) > 0.5
    # Each of 20 steps has a standard error of about 0.1 / sqrt(4000).
    assert abs(tracked - float(p.log_z)) < 0.02
    np.testing.assert_allclose(p.log_prob_units(tf.constant(reference.states(6))), log_p(p))


@pytest.mark.parametrize("num_replicas", [1, 3])
def test_update_leaves_equilibrium_and_samples_leave_the_chains(num_replicas):
    num_chains = 8_000
    p = prior(0.7, num_chains=num_chains, num_sweeps=4, num_replicas=num_replicas)
    for _ in range(8):
        p.update()
    powers = 2 ** np.arange(6)[::-1]
    # Independent chains: a right sampler fails with probability below 1e-6.
    atol = frequency_tolerance(num_chains, cells=64)
    chains = p.chains.numpy()
    for z in (chains, p.sample_units(num_chains, seed=1, chain_steps=5).numpy()):
        counts = np.bincount((z @ powers).astype(int), minlength=64) / num_chains
        np.testing.assert_allclose(counts, np.exp(log_p(p)), rtol=0, atol=atol)
    np.testing.assert_array_equal(p.chains, chains)
    assert p.sample(7, seed=0).shape == (7, 6)
    np.testing.assert_array_equal(p.sample(7, seed=0), p.sample(7, seed=0))
    assert set(map(tuple, p.sample_units(9, seed=0, chain_steps=0).numpy())) <= set(
        map(tuple, chains)
    )


def test_negative_phase_is_the_gradient_of_log_z():
    p = prior(num_chains=100_000)
    rng = np.random.default_rng(0)
    z = reference.states(6)
    p.chains.assign(z[rng.choice(64, 100_000, p=np.exp(log_p(p)))])
    with tf.GradientTape() as tape:
        log_z = p.log_partition()
    couplings, bias = tape.gradient(log_z, [p.couplings.value, p.bias.value])
    exact = np.exp(log_p(p))
    np.testing.assert_allclose(log_z, float(p.log_z))
    products = np.einsum("s,sl,sr->lr", exact, z[:, :3], z[:, 3:])
    # Means of numbers in [0, 1] over 100,000 independent chains: 6 standard deviations.
    np.testing.assert_allclose(couplings, products, rtol=0, atol=6 * 0.5 / 316)
    np.testing.assert_allclose(bias, exact @ z, rtol=0, atol=6 * 0.5 / 316)


def test_spectral_bound_is_an_upper_bound():
    rng = np.random.default_rng(0)
    for shape in ((3, 5), (5, 3), (64, 64), (1, 4)):
        weights = rng.normal(size=shape) * 10.0 ** rng.uniform(-3, 3)
        largest = np.linalg.svd(weights, compute_uv=False)[0]
        bound = float(relaxed_boltzmann.spectral_bound(tf.constant(weights)))
        assert largest * (1 - 1e-12) <= bound <= largest * min(shape) ** (1 / 64)
    with tf.GradientTape() as tape:
        zero = tf.Variable(tf.zeros([3, 4]))
        bound = relaxed_boltzmann.spectral_bound(zero)
    assert float(bound) == 0.0
    np.testing.assert_array_equal(tape.gradient(bound, zero), np.zeros((3, 4)))


def test_gaussian_integral_is_a_mixture_of_normals():
    p = prior(smoothing={"name": "gaussian_integral", "beta": 1.5}, num_chains=50_000)
    zeta = np.random.default_rng(3).normal(0.5, 1.0, size=(50, 6))
    weights, bias = p.couplings.numpy(), p.bias.numpy()
    diagonal = float(p.gaussian_integral().precision)
    expected = reference.gaussian_log_prob_zeta(zeta, weights, bias, diagonal)
    np.testing.assert_allclose(p.log_prob(zeta), expected, rtol=1e-9)
    # Given z, draws have mean z and covariance P^-1.
    z = reference.states(6)[[5]].repeat(50_000, 0)
    draws = p.smooth(tf.constant(z), seed=0).numpy()
    assert np.all(np.abs(draws.mean(0) - z[0]) < mean_tolerance(draws))
    products = (draws - z)[:, :, None] * (draws - z)[:, None]
    covariance = np.linalg.inv(reference.gaussian_precision(weights, diagonal))
    assert np.all(np.abs(products.mean(0) - covariance) < mean_tolerance(products))


@pytest.mark.parametrize(
    ("name", "beta"), [("overlapping_exponential", 2.0), ("power_function", 1.5)]
)
def test_mean_field_bound_and_unbiased_estimate(name, beta):
    p = prior(1.5, smoothing={"name": name, "beta": beta})
    zeta = np.random.default_rng(3).uniform(0.05, 0.95, size=(200, 6))
    arguments = p.couplings.numpy(), p.bias.numpy(), name, beta
    exact = reference.log_prob_zeta(zeta, *arguments)
    gap = exact - p.log_prob_bound(tf.constant(zeta)).numpy()
    assert np.all(gap > -1e-9)
    assert 0.01 < gap.mean() < 0.2
    assert gap.max() < 1.0
    draws = np.repeat(zeta[:3], 20_000, axis=0)
    estimate = np.exp(p.log_prob_estimate(tf.constant(draws), seed=0).numpy())
    estimate = estimate.reshape(3, 20_000).T / np.exp(exact[:3])
    assert np.max(mean_tolerance(estimate)) < 0.1
    assert np.all(np.abs(estimate.mean(0) - 1.0) < mean_tolerance(estimate))
    # Without couplings the mean field is the truth.
    p = prior(couplings=False, smoothing={"name": name, "beta": beta})
    exact = reference.log_prob_zeta(zeta, np.zeros((3, 3)), p.bias.numpy(), name, beta)
    np.testing.assert_allclose(p.log_prob_bound(tf.constant(zeta)), exact, rtol=1e-10)


def test_several_starts_escape_a_worse_mode():
    """Strong couplings: all on or all off, of which the fields alone do not tell."""
    weights = tf.constant(np.full((4, 4), 3.0))
    fields = tf.constant(np.full(4, -5.8)), tf.constant(np.full(4, -5.8))
    bound, logits = relaxed_boltzmann.mean_field(weights, *fields)
    z = reference.states(8)
    scores = z @ np.full(8, -5.8) + 3.0 * z[:, :4].sum(1) * z[:, 4:].sum(1)
    exact = np.logaddexp.reduce(scores)
    assert exact - 0.2 < float(bound) <= exact
    assert np.all(logits > 0)  # all on


def test_density_of_zeta_with_spikes():
    p = prior(smoothing={"name": "spike_and_exponential", "beta": 2.0})
    zeta = np.array([[0.0, 0.3, 0.9, 0.0, 0.0, 0.5]])
    z = (zeta > 0).astype(float)
    index = int(z[0] @ 2 ** np.arange(6)[::-1])
    slab = reference.component_log_prob("spike_and_exponential", 2.0, zeta[zeta > 0], 1.0)
    np.testing.assert_allclose(p.log_prob(zeta)[0], log_p(p)[index] + slab.sum(), rtol=1e-9)
    with pytest.raises(ValueError, match="Take `log_prob_bound"):
        prior(smoothing="overlapping_exponential").log_prob(zeta)


@pytest.mark.parametrize("method", ["exact", "ais"])
def test_refresh_stores_log_z_and_its_error(method):
    p = prior(0.5)
    exact = -log_p(p)[0]  # the score of z = 0 is 0
    p.log_z.assign(0.0)
    settings = {"num_chains": 200, "num_temperatures": 200} if method == "ais" else {}
    log_z, error = p.refresh_log_z(method, seed=3, **settings)
    assert (float(p.log_z), float(p.log_z_error)) == (log_z, error)
    if method == "exact":
        np.testing.assert_allclose((log_z, error), (exact, 0.0), rtol=1e-10)
    else:
        assert 0 < error < 0.05
        assert abs(log_z - exact) < 4 * error
    with pytest.raises(ValueError, match="'exact', 'ais' or 'bar'"):
        p.refresh_log_z("guess")


def test_schedules_depend_on_the_epoch_alone():
    smoothing = dict(
        name="spike_and_exponential", beta=2.0, trainable_beta=True, beta_bound=3.0, beta_growth=0.5
    )
    p = prior(smoothing=smoothing, warmup_epochs=4, warmup_strength=2.0)
    for epoch, weight, bound in ((0, 0.5, 3.0), (2, 0.75, 4.0), (4, 1.0, 5.0), (9, 1.0, 7.5)):
        p.begin_epoch(epoch)
        assert (float(p.kl_weight), float(p.smoothing.bound)) == (weight, bound)
    p.begin_epoch(1)
    beta = p.smoothing.beta
    assert beta.trainable
    for given, kept in ((100.0, 3.5), (-1.0, 0.5), (2.5, 2.5)):
        np.testing.assert_allclose(beta.constraint(tf.constant(given, tf.float64)), kept)
    assert p.health(None)["beta"] == float(beta)


def test_config_round_trip():
    p = BoltzmannPrior.example()
    again = BoltzmannPrior.from_config(json.loads(json.dumps(p.get_config())))
    assert again.get_config() == p.get_config()
    np.testing.assert_array_equal(again.chains, p.chains)


def smoothing(**settings):
    return {"name": "power_function", **settings}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"latent_dim": 5}, "must be even"),
        ({"num_chains": 0}, "`num_chains` must be a positive integer"),
        ({"num_sweeps": 1.5}, "`num_sweeps` must be a positive integer"),
        ({"warmup_strength": 0.5}, r"`warmup_strength` must be a number in \[1, inf\).*: 0.5"),
        ({"warmup_strength": "2"}, r"`warmup_strength` must be a number in \[1, inf\).*: '2'"),
        ({"warmup_epochs": -1}, "`warmup_epochs` must be a non-negative integer. Received: -1"),
        ({"warmup_epochs": None}, "`warmup_epochs` must be a non-negative integer. Received: None"),
        ({"smoothing": "sand"}, "Unknown smoothing: 'sand'. Known: "),
        ({"smoothing": {"name": "ramps", "beta": 2.0}}, "has no sharpness beta"),
        ({"smoothing": smoothing(beta=-1.0)}, "`beta` must be a positive number. Received: -1.0"),
        ({"smoothing": smoothing(beta="sharp")}, "`beta` must be a positive number.*'sharp'"),
        ({"smoothing": smoothing(beta_bound=0)}, "`beta_bound` must be a positive number.*: 0"),
        ({"smoothing": smoothing(beta_floor=None)}, "`beta_floor` must be a positive number.*None"),
        (
            {"smoothing": smoothing(beta_growth=-1)},
            "`beta_growth` must be a non-negative number.*-1",
        ),
        (
            {"smoothing": smoothing(beta=2.0, beta_floor=3.0, trainable_beta=True)},
            "beta_floor <= beta <= beta_bound. Received: beta_floor=3.0, beta=2.0, beta_bound=4.0",
        ),
    ],
)
def test_bad_arguments_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        BoltzmannPrior(**{"latent_dim": 4, **arguments})


def test_default_sharpness_is_that_of_the_bijector():
    assert float(UnitSmoothing("overlapping_exponential").beta) == 8.0
    assert UnitSmoothing("ramps").beta is None
