"""Discrete VAEs against exact evidence, by quadrature over zeta and enumeration of z."""

import numpy as np
import pytest
import tensorflow as tf
from reference import baselines
from reference import discrete_vae as reference
from reference.statistics import mean_tolerance

from tfsp import models, networks
from tfsp.models.discrete.layers import ContinuousLayers

X = np.array([1.0, 0.0, 1.0])
CASES = {
    "dvae": dict(smoothing={"name": "spike_and_exponential", "beta": 2.0}),
    "dvae++": dict(smoothing={"name": "overlapping_exponential", "beta": 3.0}),
    "dvae#": dict(smoothing={"name": "power_function", "beta": 1.5}),
    "gaussian": dict(smoothing={"name": "gaussian_integral", "beta": 2.0}),
}


def tiny(case, **kwargs):
    """2 + 2 units, 3 pixels, weights far from their start."""
    variant = "dvae#" if case == "gaussian" else case
    model = models.DiscreteVAE(
        networks.MLP(hidden=(4,), activation="tanh"),
        latent_dim=4,
        num_groups=2,
        variant=variant,
        batch_norm=False,
        num_chains=50,
        seed=0,
        dtype="float64",
        **{**CASES[case], **kwargs},
    )
    model.build((None, 3))
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(scale=0.8, size=weight.shape))
    if case == "gaussian":  # posteriors as wide as the prior: the weights have a variance
        for network in model.posterior_units.networks:
            network.dense[-1].kernel.assign(0.2 * network.dense[-1].kernel)
            network.dense[-1].bias.assign([0.5, 0.5, 0.2, 0.2])
    model.refresh_log_z()
    return model


def exact_log_evidence(model, case, count):
    kernel = model.decoder.latent_dense.kernel.numpy()
    offset = model.decoder.latent_dense.bias.numpy()

    def log_likelihood(zeta):
        return baselines.bernoulli_log_prob(X, zeta @ kernel + offset)

    weights, bias = model.prior.couplings.numpy(), model.prior.bias.numpy()
    smoothing = CASES[case]["smoothing"]
    if case == "gaussian":
        diagonal = float(model.prior.gaussian_integral().precision)
        return reference.gaussian_log_evidence(log_likelihood, weights, bias, diagonal, count)
    return reference.log_evidence(log_likelihood, weights, bias, *smoothing.values(), count)


@pytest.mark.parametrize("case", CASES)
def test_importance_weights_average_to_the_evidence(case, float64):
    model = tiny(case)
    exact = exact_log_evidence(model, case, 8)
    assert abs(exact - exact_log_evidence(model, case, 7)) < 1e-5
    log_weights = model.log_weights(X[np.newaxis], 25_000, seed=1).numpy()[:, 0]
    ratios = np.exp(log_weights - exact)
    # A right estimator fails with a probability of about 1e-6.
    tolerance = mean_tolerance(ratios)
    assert tolerance < 0.1
    np.testing.assert_allclose(ratios.mean(), 1.0, rtol=0, atol=tolerance)

    terms = model(tf.constant(np.tile(X, (12_000, 1))))
    elbo = terms["log_likelihood"] - terms["kl"]
    # The KL sums out what it can, the weights do not: the same mean, but for the mean field.
    tolerance = mean_tolerance(elbo) + mean_tolerance(log_weights)
    gap = log_weights.mean() - np.mean(elbo)
    if case == "dvae#":
        assert -tolerance < gap < tolerance + 0.3
    else:
        assert abs(gap) < tolerance
    assert np.mean(elbo) < exact - 0.01


def test_continuous_layers_are_in_the_weights_and_the_bound(float64):
    """Two layers of one variable below 1 + 1 units, layers that share their network."""
    model = models.DiscreteVAE(
        networks.MLP(hidden=(4,), activation="tanh"),
        latent_dim=2,
        num_groups=2,
        smoothing={"name": "spike_and_exponential", "beta": 2.0},
        num_continuous_layers=2,
        continuous_size=1,
        num_sharing_groups=1,
        prior_hidden=(3,),
        batch_norm=False,
        num_chains=50,
        seed=0,
        dtype="float64",
    )
    model.build((None, 3))
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(scale=0.35, size=weight.shape))
    model.refresh_log_z()
    (projection,), (network,) = model.continuous.projections, model.continuous.priors
    m, kernel = projection.kernel.numpy(), model.decoder.latent_dense.kernel.numpy()
    layers = (
        network.latent_dense.kernel.numpy(),
        network.latent_dense.bias.numpy(),
        None,
        network.dense[0].kernel.numpy(),
        network.dense[0].bias.numpy(),
    )
    nodes, node_weights = baselines.normal_nodes(0.0, 1.0, 12)
    noise = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), -1).reshape(-1, 2)
    log_weight = np.log(np.outer(node_weights, node_weights).ravel())

    def log_likelihood(zeta):
        total = zeta[:, np.newaxis] @ m + np.zeros((1, len(noise), 1))  # [m, k, 1]
        for layer in range(2):
            outputs = np.tanh(total @ layers[0] + layers[1]) @ layers[3] + layers[4]
            value = outputs[..., :1] + np.exp(0.5 * outputs[..., 1:]) * noise[:, layer : layer + 1]
            total = total + value
        logits = total @ kernel + model.decoder.latent_dense.bias.numpy()
        return np.logaddexp.reduce(baselines.bernoulli_log_prob(X, logits) + log_weight, axis=1)

    prior = model.prior.couplings.numpy(), model.prior.bias.numpy()
    exact = reference.log_evidence(log_likelihood, *prior, "spike_and_exponential", 2.0, 12)
    log_weights = model.log_weights(X[np.newaxis], 80_000, seed=1).numpy()[:, 0]
    ratios = np.exp(log_weights - exact)
    tolerance = mean_tolerance(ratios)
    assert tolerance < 0.1
    np.testing.assert_allclose(ratios.mean(), 1.0, rtol=0, atol=tolerance)
    terms = model(tf.constant(np.tile(X, (12_000, 1))))
    elbo = (terms["log_likelihood"] - terms["kl"]).numpy()
    tolerance = mean_tolerance(elbo) + mean_tolerance(log_weights)
    assert abs(elbo.mean() - log_weights.mean()) < tolerance
    np.testing.assert_allclose(terms["kl"], terms["kl_discrete"] + terms["kl_continuous"])
    assert np.all(terms["kl_continuous"] > 0)


def test_shared_networks_are_normalised_in_use_as_in_training():
    """The layers of a group share weights, not the averages of batch normalisation.

    With averages that fit (momentum 0, the same batch) inference repeats training.
    """
    layers = ContinuousLayers(4, 3, 5, 6, (8,), (8,), num_sharing_groups=2, batch_norm=True)
    layers.build()
    for network in (*layers.posteriors, *layers.priors):
        for norm in network.norms:
            norm.momentum = 0.0
    rng = np.random.default_rng(0)
    context = tf.constant(rng.normal(size=(200, 6)), tf.float32)
    zeta = tf.constant(rng.uniform(size=(1, 200, 5)), tf.float32)
    _, trained, _ = layers.draw(context, zeta, (1, 2), training=True)
    _, used, _ = layers.draw(context, zeta, (1, 2))
    np.testing.assert_allclose(used, trained, rtol=1e-3, atol=1e-3)
    assert len(layers.priors) == 2


@pytest.mark.parametrize("smoothing", ["power_function", "gaussian_integral"])
def test_relaxed_prior_of_the_papers_size(smoothing):
    """128 units, a batch of 100: finite terms, and a weight for each draw and example."""
    network = networks.MLP(hidden=(8,))
    model = models.DiscreteVAE(
        network, num_units=128, variant="dvae#", smoothing=smoothing, num_chains=4, num_sweeps=1
    )
    model.build((None, 6))
    x = np.random.default_rng(0).integers(0, 2, size=(100, 6)).astype("float32")
    assert np.all(np.isfinite(model(x, training=True)["kl"]))
    assert model.log_weights(x, 3, seed=(1, 2)).shape == (3, 100)
