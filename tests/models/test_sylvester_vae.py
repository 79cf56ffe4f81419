"""VAEs with Sylvester posteriors against quadrature in the plane."""

import numpy as np
import pytest
import tensorflow as tf
from reference import baselines, densities
from reference.statistics import mean_tolerance

from tfsp import models, networks

X = np.array([1.0, 0.0, 1.0, 1.0])
FLOWS = {
    "orthogonal": {"num_columns": 2},
    "orthogonal-narrow": {"num_columns": 1},
    "householder": {"num_reflections": 2},
    "triangular": {},
}


def randomised(name, latent_dim=2, data=4, scale=0.8, **kwargs):
    model = models.SylvesterVAE(
        networks.MLP(hidden=(5,), activation="tanh"),
        latent_dim=latent_dim,
        flow=name.partition("-")[0],
        num_flows=3,
        seed=0,
        **FLOWS.get(name, {}),
        **kwargs,
    )
    model.build((None, data))
    rng = np.random.default_rng(4)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(scale=scale, size=weight.shape))
    return model


@pytest.mark.parametrize("name", FLOWS)
def test_posterior_and_weights_against_quadrature(name, float64):
    model = randomised(name, scale=0.5, dtype="float64")
    bias = model.encoder.layers[-1].bias  # wide, so that the weights have a variance
    bias.assign(np.where(np.isin(np.arange(bias.shape[0]), [2, 3]), 0.6, bias))
    points, area = densities.midpoint_grid(limit=9.0, steps=150)
    q = model.posterior(tf.constant(X[None]))
    log_q = q.log_prob(tf.constant(points)[:, tf.newaxis])[:, 0].numpy()  # by the inverse
    np.testing.assert_allclose(area * np.sum(np.exp(log_q)), 1.0, atol=2e-3)

    log_likelihood = baselines.bernoulli_log_prob(X, model.decoder(tf.constant(points)).numpy())
    log_prior = -0.5 * np.sum(points**2, -1) - np.log(2 * np.pi)
    evidence = baselines.log_evidence(log_likelihood, log_prior, area)
    elbo = area * np.sum(np.exp(log_q) * (log_likelihood + log_prior - log_q))
    assert elbo < evidence - 1e-3
    log_weights = model.log_weights(X[None], 20_000, seed=1)[:, 0].numpy()
    # Right weights fail with a probability of about 1e-6, here and below.
    atol = mean_tolerance(log_weights) + 2e-3
    np.testing.assert_allclose(log_weights.mean(), elbo, rtol=0, atol=atol)
    ratios = np.exp(log_weights - evidence)
    assert mean_tolerance(ratios) < 0.3
    np.testing.assert_allclose(ratios.mean(), 1.0, rtol=0, atol=mean_tolerance(ratios))

    terms = model(np.tile(X, (5_000, 1)))
    bound = (terms["log_likelihood"] - terms["kl"]).numpy()
    np.testing.assert_allclose(bound.mean(), elbo, rtol=0, atol=mean_tolerance(bound) + 2e-3)


@pytest.mark.parametrize("name", ["orthogonal", "householder", "triangular"])
def test_draws_carry_the_density_that_the_inverse_finds(name):
    model = randomised(name, latent_dim=5)
    x = np.random.default_rng(0).random((6, 4)).astype("float32")
    z, log_q = model._draw(tf.constant(x), 7, tf.constant([0, 1]), training=False)
    again = model.posterior(tf.constant(x)).log_prob(tf.identity(z))
    np.testing.assert_allclose(log_q, again, rtol=1e-3, atol=2e-3)
    base, steps = model._parts(tf.constant(x))
    code = base.mean()
    for step in steps:
        code = step.forward(code)
        q = step.parameters["q"]
        gram = tf.matmul(q, q, transpose_a=True).numpy()
        assert np.max(np.abs(gram - np.eye(gram.shape[-1]))) < 1e-5
        # Each step can be undone, whatever the network says.
        r, r_tilde = (tf.linalg.diag_part(step.parameters[k]) for k in ("r", "r_tilde"))
        assert np.all(r * r_tilde > -1)
    np.testing.assert_array_equal(model.encode(x), code)
    assert len(steps) == 3


def test_a_flow_through_all_directions_has_the_right_density():
    """With M = D random matrices have tiny singular values; Q must be orthogonal all the same."""
    model = models.SylvesterVAE(
        networks.MLP(hidden=(5,)), latent_dim=12, num_columns=12, num_flows=2, seed=0
    )
    model.build((None, 4))
    raw = np.random.default_rng(0).normal(size=(2000, 2 * 12 * 12)).astype("float32")
    q = model._orthogonal(tf.constant(raw)).numpy()
    gram = np.swapaxes(q, -1, -2) @ q
    assert np.max(np.abs(gram - np.eye(12))) < 1e-5
    again = models.SylvesterVAE.from_config(model.get_config())
    assert again.get_config()["num_iterations"] is None


def test_saturated_parameters_stay_finite():
    model = randomised("triangular", latent_dim=3)
    bias = model.encoder.layers[-1].bias
    bias.assign(
        np.where(np.arange(bias.shape[0]) % 2, 60.0, -60.0) * (np.arange(bias.shape[0]) > 5)
    )
    x = np.zeros((2, 4), "float32")
    with tf.GradientTape() as tape:
        terms = model(x, training=True)
        loss = tf.reduce_sum(terms["kl"] - terms["log_likelihood"])
    gradients = tape.gradient(loss, [w.value for w in model.trainable_weights])
    assert np.isfinite(loss)
    assert all(np.all(np.isfinite(g)) for g in gradients)


@pytest.mark.parametrize("prior", ["mixture", "flow", "sparse", "none"])
def test_other_priors(prior):
    settings = {"flow": {"hidden": (4,)}}.get(prior, {})
    model = randomised("householder", prior={"name": prior, **settings})
    x = np.zeros((3, 4), "float32")
    terms = model(x, training=True)
    assert terms["log_likelihood"].shape == terms["kl"].shape == (3,)
    assert np.all(np.isfinite(terms["kl"]))
    if prior == "none":
        np.testing.assert_array_equal(terms["kl"], np.zeros(3))
    else:
        assert np.all(np.isfinite(model.log_weights(x, 2, seed=0)))


def test_the_triangular_flow_reverses_every_other_step():
    _, steps = randomised("triangular", latent_dim=3)._parts(tf.zeros([1, 4]))
    eye = np.eye(3)
    for step, expected in zip(steps, (eye, eye[::-1], eye), strict=True):
        np.testing.assert_array_equal(step.parameters["q"], expected)
