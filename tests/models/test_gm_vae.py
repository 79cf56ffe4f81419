"""The GM-VAE's terms and weights against quadrature and enumeration of components."""

import numpy as np
import pytest
import tensorflow as tf
from reference import baselines
from reference.statistics import frequency_tolerance, mean_tolerance
from scipy import special, stats

from tfsp import models, networks

X = np.array([1.0, 0.0, 1.0, 1.0])


@pytest.fixture
def model(float64):
    """One-dimensional z and w, three components, weights far from their start."""
    model = models.GMVAE(
        networks.MLP(hidden=(5,), activation="tanh"),
        latent_dim=1,
        style_dim=1,
        num_components=3,
        prior_units=4,
        dtype="float64",
        seed=0,
    )
    model.build((None, 4))
    rng = np.random.default_rng(2)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(scale=0.8, size=weight.shape))
    # Posteriors as wide as the priors: the weights have a variance.
    kernel, bias = model.encoder.layers[-1].weights
    kernel.assign(0.3 * kernel)
    bias.assign([0.3, 0.8, -0.2, 0.2])
    return model


def exact(model):
    def log_likelihood(z):
        logits = model.decoder(tf.constant(z[:, None])).numpy()
        return baselines.bernoulli_log_prob(X, logits)

    def components(w):
        hidden = np.tanh(w[:, None] @ model.prior.hidden.kernel.numpy() + model.prior.hidden.bias)
        outputs = hidden @ model.prior.outputs.kernel.numpy() + model.prior.outputs.bias
        outputs = np.asarray(outputs).reshape(-1, 3, 2)
        return outputs[..., 0], np.exp(0.5 * outputs[..., 1])

    outputs = model.encoder(X[None]).numpy()[0]
    scale = np.exp(0.5 * outputs[[1, 3]])
    return baselines.gm_vae(
        log_likelihood, components, (outputs[0], scale[0]), (outputs[2], scale[1])
    )


def test_terms_and_weights_are_unbiased(model):
    expected = exact(model)
    x = tf.constant(np.tile(X, (20_000, 1)))
    terms = model(x)
    for name in model.term_names:
        if name == "kl":
            continue
        # A right term fails with a probability of about 1e-6.
        atol = mean_tolerance(terms[name]) + 1e-9
        np.testing.assert_allclose(np.mean(terms[name]), expected[name], rtol=0, atol=atol)
    parts = terms["kl_conditional"] + terms["kl_w"] + terms["kl_z"]
    np.testing.assert_allclose(terms["kl"], parts, rtol=1e-12)

    log_weights = model.log_weights(x[:1], 20_000, seed=1)[:, 0].numpy()
    atol = mean_tolerance(log_weights)
    np.testing.assert_allclose(log_weights.mean(), expected["elbo_summed"], rtol=0, atol=atol)
    ratios = np.exp(log_weights - expected["log_evidence"])
    assert mean_tolerance(ratios) < 0.2
    np.testing.assert_allclose(ratios.mean(), 1.0, rtol=0, atol=mean_tolerance(ratios))


def test_bounds_are_in_order(model):
    expected = exact(model)
    assert expected["elbo"] < expected["elbo_summed"] - 1e-3
    assert expected["elbo_summed"] < expected["log_evidence"] - 1e-3
    large = models.importance_log_prob(model, X[None], 20_000, 1_000, seed=0)
    tolerance = 5 * np.sqrt(large["variance"][0]) + 1e-3
    np.testing.assert_allclose(large["log_prob"][0], expected["log_evidence"], atol=tolerance)


def test_responsibilities_are_posterior_probabilities(model):
    r = model.responsibilities(X[None]).numpy()
    q_z, q_w = model.posteriors(tf.constant(X[None]))
    z, w = q_z.mean().numpy(), q_w.mean().numpy()
    loc, scale = model.prior.components(w)
    joint = stats.norm.logpdf(z, np.asarray(loc)[0, :, 0], np.asarray(scale)[0, :, 0])
    np.testing.assert_allclose(r[0], special.softmax(joint[0]), rtol=1e-10)
    assert r.shape == (1, 3)


def test_samples_follow_the_prior(model):
    """Of the mixture and of one component, against integrals over w."""
    w = np.linspace(-7, 7, 1401)
    loc, scale = (np.asarray(a)[..., 0] for a in model.prior.components(w[:, None]))
    edges = np.linspace(-3, 3, 13)
    below = stats.norm.cdf(edges[:, None, None], loc, scale)  # [edges, w, K]
    cdf = np.einsum("ewk,w->ek", below, stats.norm.pdf(w)) * (w[1] - w[0])
    num_samples = 20_000
    # Hoeffding over 12 cells: fails for a right sampler with probability below 1e-6.
    atol = frequency_tolerance(num_samples, cells=12)
    for component, wanted in ((None, cdf.mean(1)), (1, cdf[:, 1])):
        z = model.prior.sample(num_samples, seed=3, component=component).numpy()
        observed = np.histogram(z, edges)[0] / num_samples
        np.testing.assert_allclose(observed, np.diff(wanted), rtol=0, atol=atol)
    assert model.sample(2, seed=0, component=2).shape == (2, 4)
    with pytest.raises(ValueError, match="from 0 to 2. Received: 3"):
        model.sample(2, seed=0, component=3)
    for bad in (np.int64(9), -1, 1.5, True, "1"):
        with pytest.raises(ValueError, match="`component` must be an integer from 0 to 2"):
            model.prior.sample(2, seed=0, component=bad)
    expected = model.prior.sample(5, seed=0, component=1)
    for same in (np.int64(1), tf.constant(1)):
        np.testing.assert_array_equal(model.prior.sample(5, seed=0, component=same), expected)


def test_minimum_information_bounds_the_loss_of_training_alone():
    x = (np.random.default_rng(0).random((6, 4)) < 0.5).astype("float32")
    settings = dict(latent_dim=2, num_components=4, seed=0)
    losses, kl_z = {}, None
    for least in (0.0, 0.3, 1.0):
        model = models.GMVAE(networks.MLP(hidden=(5,)), min_information=least, **settings)
        model.compile(run_eagerly=True)
        model.build((None, 4))
        rng = np.random.default_rng(1)
        for weight in model.trainable_weights:
            weight.assign(rng.normal(scale=0.2, size=weight.shape))
        model.kl_weight.assign(0.5)
        terms = model(x)
        kl_z = terms["kl_z"].numpy()
        losses[least] = [
            float(model.compute_loss(x, y_pred=terms, training=training)) for training in (1, 0)
        ]
    assert np.any(kl_z < 0.3)
    assert np.any(kl_z > 0.3)
    for least, (training, evaluation) in losses.items():
        np.testing.assert_allclose(evaluation, losses[0.0][1], rtol=1e-6)
        extra = 0.5 * np.mean(np.maximum(least, kl_z) - kl_z)
        np.testing.assert_allclose(training, evaluation + extra, rtol=1e-6)


def test_the_density_of_z_is_refused(model):
    with pytest.raises(ValueError, match="no closed form"):
        model.prior.log_prob(tf.zeros([1, 1]))


def test_the_prior_may_be_drawn_from_before_the_model_is_built():
    model = models.GMVAE(networks.MLP(hidden=(5,)), latent_dim=2, seed=0)
    draws = model.prior.sample(3, seed=1)
    model.build((None, 4))
    np.testing.assert_array_equal(model.prior.sample(3, seed=1), draws)
