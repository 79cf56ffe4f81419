"""CP-VAE's encoder, terms and weights against enumeration of c and quadrature over z."""

import keras
import model_contract as contract
import numpy as np
import pytest
import tensorflow as tf
from reference import baselines, cp_vae
from reference.statistics import mean_tolerance
from scipy import stats

from tfsp import models, networks, priors
from tfsp.distributions import diagonal_normal
from tfsp.distributions.gumbel import gumbel_softmax_draws
from tfsp.random import split_seed

X = np.array([[1.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.0]])


def tiny(latent_dim=1, num_categories=3, seed=2, **kwargs):
    """Weights far from their start; posteriors about as wide as the priors."""
    model = models.CPVAE(
        networks.MLP(hidden=(5,), activation="tanh"),
        latent_dim=latent_dim,
        num_categories=num_categories,
        gate_units=4,
        dtype="float64",
        seed=0,
        **kwargs,
    )
    model.build((None, 4))
    rng = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(scale=0.8, size=weight.shape))
    model.parameters.kernel.assign(0.5 * model.parameters.kernel)
    return model


def parts(model, x=X):
    log_pi, loc, log_variance = (part.numpy() for part in model.posterior_parts(x))
    return np.exp(log_pi), loc, np.exp(0.5 * log_variance)


def prior_of(model):
    return model.prior.loc.numpy(), np.exp(0.5 * model.prior.log_variance)


def exact(model, x):
    """Of one x `[4]`, by the reference."""
    pi, loc, scale = (part[0] for part in parts(model, x[None]))
    prior_loc, prior_scale = (part[:, 0] for part in prior_of(model))

    def log_likelihood(z, c):
        one_hot = np.tile(np.eye(len(pi))[c], (len(z), 1))
        logits = model.decoder(np.concatenate([z[:, None], one_hot], axis=1)).numpy()
        return baselines.bernoulli_log_prob(x, logits)

    return cp_vae.terms(log_likelihood, pi, (loc[0], scale[0]), prior_loc, prior_scale)


# The encoder.


def test_encoder_by_hand(float64):
    model = tiny(latent_dim=2)
    outputs = model.encoder(X).numpy()
    weights = (model.gate.dense.kernel, model.gate.dense.bias)
    weights += (model.parameters.kernel, model.parameters.bias)
    weights = [np.asarray(weight) for weight in weights]
    expected = [cp_vae.encoder(row, 3, *weights) for row in outputs]
    pi, loc, log_variance = (np.array(part) for part in zip(*expected, strict=True))
    found = model.posterior_parts(X)
    for ours, theirs in zip(found, (np.log(pi), loc, log_variance), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)
    np.testing.assert_allclose(model.responsibilities(X), pi, rtol=1e-10)
    np.testing.assert_allclose(model.encode(X), np.concatenate([loc, pi], axis=1), rtol=1e-10)
    q = model.posterior(X)
    np.testing.assert_allclose(q.mean(), loc, rtol=1e-10)
    np.testing.assert_allclose(q.variance(), np.exp(log_variance), rtol=1e-10)


def test_the_gate_lets_pi_through(float64):
    """Logits move mu and sigma through pi alone: all of them by the same number move nothing."""
    model = tiny(latent_dim=2)
    before = model.posterior_parts(X)
    bias = model.encoder.layers[-1].bias
    start = bias.numpy()
    bias.assign(start + [3.0, 3.0, 3.0, 0.0, 0.0, 0.0, 0.0])
    for old, new in zip(before, model.posterior_parts(X), strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-9)
    bias.assign(start + [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    for old, new in zip(before, model.posterior_parts(X), strict=True):
        assert np.all(np.abs(new - old) > 1e-3)
    # And the gradient of what follows from mu reaches the logits.
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(model.posterior(X).mean())
    assert np.all(np.abs(tape.gradient(value, bias.value)[:3]) > 1e-4)


# The bound and the weights.


def test_divergences_in_closed_form(float64):
    """Against quadrature in one dimension and draws of (z, c) in two, in training as elsewhere."""
    model = tiny()
    expected = [exact(model, x) for x in X]
    for training in (False, True):
        terms = model(X, training=training)
        for name in ("kl_discrete", "kl_continuous"):
            np.testing.assert_allclose(terms[name], [e[name] for e in expected], rtol=1e-8)
        np.testing.assert_allclose(
            terms["kl"], terms["kl_discrete"] + terms["kl_continuous"], rtol=1e-12
        )
    model = tiny(latent_dim=2)
    kl, posteriors = model(X)["kl"].numpy(), zip(*parts(model), strict=True)
    for value, (pi, loc, scale) in zip(kl, posteriors, strict=True):
        draws = cp_vae.joint_kl_draws(pi, (loc, scale), *prior_of(model), 40_000, seed=4)
        # A right term fails with a probability of about 1e-6.
        tolerance = mean_tolerance(draws)
        assert tolerance < 0.05 * value
        np.testing.assert_allclose(value, draws.mean(), rtol=0, atol=tolerance)


@pytest.mark.parametrize("sum_out", [False, True])
def test_terms_and_weights_are_unbiased(float64, sum_out):
    model = tiny(sum_out_categories=sum_out)
    expected = exact(model, X[0])
    likelihoods = model(np.tile(X[:1], (20_000, 1)))["log_likelihood"]
    log_weights = model.log_weights(X[:1], 20_000, seed=1)[:, 0].numpy()
    # Right ones fail with a probability of about 1e-6 in each line.
    atol = mean_tolerance(likelihoods)
    assert atol < 0.05
    np.testing.assert_allclose(np.mean(likelihoods), expected["log_likelihood"], rtol=0, atol=atol)
    bound = expected["elbo_summed" if sum_out else "elbo"]
    atol = mean_tolerance(log_weights)
    np.testing.assert_allclose(log_weights.mean(), bound, rtol=0, atol=atol)
    ratios = np.exp(log_weights - expected["log_evidence"])
    assert mean_tolerance(ratios) < 0.2
    np.testing.assert_allclose(ratios.mean(), 1.0, rtol=0, atol=mean_tolerance(ratios))


def test_summing_categories_out_lowers_the_variance(float64):
    drawn, summed = tiny(), tiny(sum_out_categories=True)
    expected = exact(drawn, X[0])
    assert expected == exact(summed, X[0])
    assert expected["elbo"] < expected["elbo_summed"] - 1e-2
    assert expected["elbo_summed"] < expected["log_evidence"] - 1e-2
    copies = np.tile(X[:1], (4000, 1))
    spread = [np.std(model(copies)["log_likelihood"]) for model in (drawn, summed)]
    assert spread[1] < 0.9 * spread[0]
    spread = [
        np.std(np.exp(model.log_weights(X[:1], 4000, seed=2) - expected["log_evidence"]))
        for model in (drawn, summed)
    ]
    assert spread[1] < 0.9 * spread[0]
    # The same z, every category in turn: exact, not another estimate.
    seed = split_seed(3)[0]
    z = drawn.posterior(X).sample(2, seed=seed).numpy()
    _, loc, scale = parts(drawn)
    prior_loc, prior_scale = prior_of(drawn)
    joint = np.zeros((2, 2, 3))
    for k in range(3):
        pairs = np.concatenate([z, np.eye(3)[np.full((2, 2), k)]], axis=-1)
        log_likelihood = drawn.log_likelihood(X, tf.constant(pairs)).numpy()
        log_prior = stats.norm.logpdf(z[..., 0], prior_loc[k, 0], prior_scale[k, 0])
        joint[..., k] = np.exp(log_likelihood + log_prior) / 3
    log_q = stats.norm.logpdf(z, loc, scale)[..., 0]
    found = summed.log_weights(X, 2, seed=3)
    np.testing.assert_allclose(found, np.log(joint.sum(-1)) - log_q, rtol=1e-9)


def test_iwae_objective_is_the_log_mean_weight(float64):
    model = tiny(objective="iwae", num_samples=5)
    with model.seeds.at(3):
        terms = model(X)
    with model.seeds.at(3):
        log_weights = model.log_weights(X, 5, seed=model.seeds).numpy()
    expected = np.log(np.mean(np.exp(log_weights), axis=0))
    np.testing.assert_allclose(terms["iwae"], expected, rtol=1e-10)
    model.kl_weight.assign(0.0)
    with model.seeds.at(3):
        reconstruction = model(X)["iwae"]
    assert np.all(reconstruction > expected)


def test_the_decoder_sees_relaxed_categories_in_training_alone(float64):
    model = tiny(num_samples=3, temperature=0.6)
    with model.seeds.at(7):
        seeds = split_seed(model.seeds.next())
    z = model.posterior(X).sample(3, seed=seeds[0])
    for temperature in (0.6, 0.2):
        model.prior.temperature.assign(temperature)
        c = gumbel_softmax_draws(model.posterior_parts(X)[0], temperature, 3, seeds[1])
        assert np.max(np.min(np.abs(c[..., None] - [0.0, 1.0]), axis=-1)) > 0.01
        expected = tf.reduce_mean(model.log_likelihood(X, tf.concat([z, c], axis=-1)), axis=0)
        with model.seeds.at(7):
            terms = model(X, training=True)
        np.testing.assert_allclose(terms["log_likelihood"], expected, rtol=1e-10)
    hard = tf.one_hot(tf.argmax(c, axis=-1), 3, dtype=c.dtype)
    expected = tf.reduce_mean(model.log_likelihood(X, tf.concat([z, hard], axis=-1)), axis=0)
    with model.seeds.at(7):
        terms = model(X)
    np.testing.assert_allclose(terms["log_likelihood"], expected, rtol=1e-10)


@pytest.mark.parametrize(
    "settings",
    [{}, {"sum_out_categories": True}, {"objective": "iwae", "num_samples": 2}],
    ids=["drawn", "summed", "iwae"],
)
def test_gradient_of_the_loss_against_finite_differences(float64, settings):
    """Same noise, moved weights, held categories: the gradient that `fit` follows."""
    model = tiny(latent_dim=2, **settings)
    model.compile(run_eagerly=True)
    model.kl_weight.assign(0.7)
    model.prior.kl_weight.assign(3.0)
    assert len(model.trainable_weights) == 14
    contract.assert_gradient_is_the_slope(model, X)


class LearnedNormal(priors.Prior):
    """N(loc, diag(scale^2)), the prior of eq. (15)."""

    def __init__(self, loc, scale):
        super().__init__(len(loc))
        self.normal = diagonal_normal(tf.constant(loc), tf.constant(scale))

    def distribution(self, training=False):
        return self.normal

    def kl(self, q, z, training=False):
        return q.kl_divergence(self.normal)

    def check(self):
        """Not saved in this test."""


def test_one_category_is_a_vae_with_a_learned_normal_prior(float64):
    model = tiny(latent_dim=2, num_categories=1)
    assert model.prior.loc.shape == (1, 2)
    pixels, z = keras.Input((4,)), keras.Input((2,))
    log_pi, loc, log_variance = keras.layers.Lambda(lambda x: model.posterior_parts(x))(pixels)
    del log_pi
    vae = models.VAE(
        keras.Model(pixels, keras.layers.Concatenate()([loc, log_variance])),
        keras.Model(z, model.decoder(keras.ops.pad(z, [[0, 0], [0, 1]], constant_values=1.0))),
        LearnedNormal(*(part[0] for part in prior_of(model))),
        dtype="float64",
    )
    vae.build((None, 4))
    z_seed = split_seed(9)[0]
    np.testing.assert_allclose(
        model.log_weights(X, 4, seed=9), vae.log_weights(X, 4, seed=z_seed), rtol=1e-10
    )
    with model.seeds.at(3):
        seed = split_seed(model.seeds.next())[0]
    draw = vae.posterior(X).sample(1, seed=seed)
    for training in (False, True):
        with model.seeds.at(3):
            terms = model(X, training=training)
        np.testing.assert_allclose(terms["log_likelihood"], vae.log_likelihood(X, draw)[0])
        np.testing.assert_allclose(terms["kl"], vae(X)["kl"], rtol=1e-10)
        np.testing.assert_array_equal(terms["kl_discrete"], np.zeros(2))
    np.testing.assert_array_equal(model.responsibilities(X), np.ones((2, 1)))


# Sampling, q(c) and the running average.


def shows_categories(num_categories, latent_dim=2):
    """A model whose decoder answers with c itself."""
    size = latent_dim + num_categories
    decoder = keras.Sequential([keras.Input((size,)), keras.layers.Dense(num_categories)])
    model = models.CPVAE(
        keras.Sequential([keras.Input((num_categories,)), keras.layers.Dense(8)]),
        decoder,
        latent_dim=latent_dim,
        num_categories=num_categories,
        seed=0,
    )
    model.build((None, num_categories))
    kernel = 60 * np.eye(size)[:, latent_dim:]
    decoder.layers[-1].set_weights([kernel, np.full(num_categories, -30.0)])
    return model


def test_samples_of_all_and_of_some_categories():
    model = shows_categories(4)
    means = model.sample_categories(3, seed=1)
    assert means.shape == (4, 3, 4)
    np.testing.assert_allclose(means, np.broadcast_to(np.eye(4)[:, None], (4, 3, 4)), atol=1e-6)
    np.testing.assert_allclose(model.sample(2, seed=0, category=2), np.eye(4)[[2, 2]], atol=1e-6)
    given = model.sample(2, seed=0, category=[3, 0])
    np.testing.assert_allclose(given, np.eye(4)[[3, 0]], atol=1e-6)
    model.prior.category_weights.assign([0.0, 0.5, 0.5, 0.0])
    drawn = np.round(model.sample(200, seed=0)).sum(axis=0)
    assert drawn[0] == drawn[3] == 0
    assert np.all(drawn[1:3] > 50)
    drawn = np.round(model.sample(200, seed=0, weights="uniform")).sum(axis=0)
    assert np.all(drawn > 20)
    pairs = model.prior.sample(5, seed=3)
    np.testing.assert_array_equal(model.sample(5, seed=3), model.decode(pairs).mean())


@pytest.mark.parametrize("sum_out", [False, True])
def test_draws_of_the_posterior_stand_as_encode_orders_them(float64, sum_out):
    model = tiny(latent_dim=2, sum_out_categories=sum_out)
    pi, loc, scale = parts(model)
    x = np.repeat(X, 4000, axis=0)
    draws = model.sample_posterior(x, seed=3).numpy()
    np.testing.assert_array_equal(draws, model.sample_posterior(x, seed=3))
    z, c = draws.reshape(2, 4000, -1)[..., :2], draws.reshape(2, 4000, -1)[..., 2:]
    np.testing.assert_array_equal(c.max(axis=-1), 1.0)
    np.testing.assert_array_equal(c.sum(axis=-1), 1.0)
    # Thirty comparisons at 6 standard errors: a false alarm once in 15 million runs.
    np.testing.assert_array_less(
        abs(c.mean(axis=1) - pi), 6 * np.sqrt(pi * (1 - pi) / 4000) + 1e-12
    )
    np.testing.assert_array_less(abs(z.mean(axis=1) - loc), 6 * scale / np.sqrt(4000))
    np.testing.assert_array_less(abs(z.std(axis=1) / scale - 1), 6 / np.sqrt(2 * 4000))


def test_adapt_sets_the_aggregated_posterior(float64):
    model = tiny()
    model.prior.kl_weight.assign(1.0)  # started already
    components = model.prior.loc.numpy()
    x = (np.random.default_rng(0).random((1203, 4)) < 0.5).astype(float)
    expected = parts(model, x)[0].mean(axis=0)
    assert np.ptp(expected) > 0.05
    dataset = tf.data.Dataset.from_tensor_slices((x, np.arange(1203))).batch(100)
    for data in (x, dataset, dataset.map(lambda x, y: x)):
        model.prior.category_weights.assign([0.2, 0.3, 0.5])
        model.adapt(data)
        np.testing.assert_allclose(model.prior.category_weights, expected, rtol=1e-9)
    np.testing.assert_array_equal(model.prior.loc, components)
    with pytest.raises(ValueError, match="`adapt` needs examples"):
        model.adapt(x[:0])


def test_training_keeps_a_running_average(float64):
    model = tiny()
    momentum = model.prior.momentum
    expected = np.full(3, 1 / 3)
    for x in (X[:1], X[1:]):
        model(x, training=True)
        expected = momentum * expected + (1 - momentum) * parts(model, x)[0].mean(axis=0)
        model(x)  # evaluation leaves it
        np.testing.assert_allclose(model.prior.category_weights, expected, rtol=1e-9)
