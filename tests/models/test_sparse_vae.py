"""The sparse VAE against sums over all patterns of spikes."""

import numpy as np
import pytest
import tensorflow as tf
from reference import baselines
from reference.statistics import mean_tolerance

from tfsp import models, networks

X = np.array([1.0, 0.0, 1.0, 1.0])


def small(**kwargs):
    model = models.SparseVAE(
        networks.MLP(hidden=(5,), activation="tanh"), latent_dim=2, alpha=0.3, seed=0, **kwargs
    )
    model.build((None, 4))
    rng = np.random.default_rng(3)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(scale=0.8, size=weight.shape))
    return model


@pytest.fixture
def model(float64):
    return small(dtype="float64")


def exact(model):
    def log_likelihood(z):
        return baselines.bernoulli_log_prob(X, model.decoder(tf.constant(z)).numpy())

    outputs = model.encoder(X[None]).numpy()[0]
    gamma = 1 / (1 + np.exp(-outputs[4:]))
    scale = np.exp(0.5 * outputs[2:4])
    return baselines.spike_and_slab_vae(log_likelihood, 0.3, gamma, outputs[:2], scale)


def test_terms_and_weights_are_those_of_the_exact_model(model):
    expected = exact(model)
    x = tf.constant(np.tile(X, (20_000, 1)))
    terms = model(x)
    np.testing.assert_allclose(terms["kl"], expected["kl"], rtol=1e-10)
    # A right term fails with a probability of about 1e-6, here and below.
    atol = mean_tolerance(terms["log_likelihood"])
    mean = np.mean(terms["log_likelihood"])
    np.testing.assert_allclose(mean, expected["log_likelihood"], rtol=0, atol=atol)

    log_weights = model.log_weights(x[:1], 20_000, seed=1)[:, 0].numpy()
    elbo = expected["log_likelihood"] - expected["kl"]
    atol = mean_tolerance(log_weights)
    np.testing.assert_allclose(log_weights.mean(), elbo, rtol=0, atol=atol)
    ratios = np.exp(log_weights - expected["log_evidence"])
    assert mean_tolerance(ratios) < 0.2
    np.testing.assert_allclose(ratios.mean(), 1.0, rtol=0, atol=mean_tolerance(ratios))
    assert elbo < expected["log_evidence"] - 1e-3


def test_codes_are_posterior_means(model):
    gamma = model.slab_probability(X[None])
    assert np.all((gamma.numpy() > 0.01) & (gamma.numpy() < 0.99))
    q = model.posterior(tf.constant(X[None]))
    np.testing.assert_allclose(model.encode(X[None]), gamma * q.distribution.slab.loc, rtol=1e-12)
    draws = q.sample(20_000, seed=[0, 1])[:, 0].numpy()
    difference = np.abs(draws.mean(0) - model.encode(X[None])[0])
    assert np.all(difference < mean_tolerance(draws))


def test_samples_of_the_prior_are_sparse(model):
    z = model.prior.sample(20_000, seed=0).numpy()
    on = z != 0
    assert np.all(np.abs(on.mean(0) - 0.3) < mean_tolerance(on))
    assert np.all(np.abs((z**2).mean(0) - 0.3) < mean_tolerance(z**2))


def test_training_draws_sharpen_to_the_exact_ones():
    """The relaxed bound goes to the exact one with the same noise, step by step."""
    model = small(sharpness=1e7, sharpness_start=1.0, warmup_steps=10)
    x = np.tile(X, (64, 1)).astype("float32")
    gaps = []
    for step in (1, 2, 11, 500):
        model.step.assign(step)
        with model.seeds.at(4):
            relaxed = model(x, training=True)
        with model.seeds.at(4):
            hard = model(x, training=False)
        gaps.append(np.max(np.abs(relaxed["log_likelihood"] - hard["log_likelihood"])))
    np.testing.assert_allclose(model.sharpness(), 1e7)
    assert gaps[0] > 0.1
    assert gaps[2] < 1e-4
    assert gaps[3] < 1e-4


def test_warm_ups_follow_the_steps_of_training():
    model = small(sharpness=50.0, sharpness_start=10.0, warmup_steps=4, slab_warmup_steps=2)
    model.compile(run_eagerly=True)
    x = np.tile(X, (8, 1)).astype("float32")
    seen = []
    posterior = model.posterior

    def spy(x, training=False):
        q = posterior(x, training)
        plain = posterior(x, False)
        seen.append((float(model.sharpness()), q.distribution.slab, plain.distribution.slab))
        return q

    model.posterior = spy
    model.fit(x, batch_size=4, epochs=3, verbose=0)
    seen = seen[-6:]
    np.testing.assert_allclose([s[0] for s in seen], [10, 20, 30, 40, 50, 50], rtol=1e-6)
    for weight, (_, slab, plain) in zip([0, 0.5, 1, 1, 1, 1], seen, strict=True):
        np.testing.assert_allclose(slab.loc, weight * plain.loc, rtol=1e-6)
        variance = weight * plain.scale**2 + 1 - weight
        np.testing.assert_allclose(slab.scale**2, variance, rtol=1e-5)


def test_extreme_log_odds_give_finite_gradients():
    model = small()
    model.trainable_weights[3].assign([0.0, 0.0, 0.0, 0.0, 80.0, -80.0])
    x = X[None].astype("float32")
    with tf.GradientTape() as tape:
        terms = model(x, training=True)
        loss = tf.reduce_sum(terms["kl"] - terms["log_likelihood"])
    gradients = tape.gradient(loss, [w.value for w in model.trainable_weights])
    assert np.isfinite(loss)
    assert all(np.all(np.isfinite(g)) for g in gradients)
    assert np.all(np.isfinite(model.log_weights(x, 50, seed=0)))
