"""The full posterior covariance of a VAE."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tfsp import models


def small(name="vae", **kwargs):
    encoder = {"name": "mlp", "hidden": (8,)}
    model = models.build(
        name, encoder=encoder, latent_dim=3, posterior_covariance="full", seed=1, **kwargs
    )
    model.build((None, 5))
    return model


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).uniform(size=(6, 5)).astype("float32")


def test_the_encoder_gives_means_and_a_triangle(x):
    """Numbers in the order of `fill_triangular`: clockwise from the last corner."""
    model = small()
    outputs = model.encoder(x).numpy().astype("float64")
    assert outputs.shape == (6, 3 + 6)
    q = model.posterior(x)
    a, b, c, d, e, f = outputs[:, 3:].T
    zero = np.zeros_like(a)
    factor = np.array(
        [[np.exp(d / 2), zero, zero], [f, np.exp(e / 2), zero], [c, b, np.exp(a / 2)]]
    )
    factor = np.moveaxis(factor, 2, 0)
    np.testing.assert_allclose(q.mean(), outputs[:, :3], rtol=1e-5)
    np.testing.assert_allclose(
        q.covariance(), factor @ np.swapaxes(factor, 1, 2), rtol=1e-4, atol=1e-6
    )


def test_kl_and_weights(x):
    """The KL in closed form; each weight log p(x|z) + log p(z) - log q(z|x) with SciPy's q."""
    model = small()
    q = model.posterior(x)
    expected = []
    for mean, covariance in zip(q.mean().numpy(), q.covariance().numpy(), strict=True):
        trace = np.trace(covariance) + mean @ mean
        expected.append(0.5 * (trace - 3 - np.linalg.slogdet(covariance)[1]))
    np.testing.assert_allclose(model(x)["kl"], expected, rtol=1e-4)
    seed = (3, 4)
    z = q.sample(7, seed=seed)
    log_q = np.stack(
        [
            stats.multivariate_normal(m, s).logpdf(z[:, i])
            for i, (m, s) in enumerate(zip(q.mean().numpy(), q.covariance().numpy(), strict=True))
        ],
        axis=1,
    )
    log_p = stats.norm.logpdf(z).sum(-1) + model.log_likelihood(x, z).numpy()
    np.testing.assert_allclose(model.log_weights(x, 7, seed=seed), log_p - log_q, atol=1e-4)


def test_vamp_prior_mixes_full_normals():
    model = small(prior={"name": "vamp", "num_components": 4})
    q = model.posterior(model.prior.pseudo_inputs.value)
    z = np.random.default_rng(1).normal(size=(5, 3)).astype("float32")
    parts = [
        stats.multivariate_normal(m, s).pdf(z)
        for m, s in zip(q.mean().numpy(), q.covariance().numpy(), strict=True)
    ]
    np.testing.assert_allclose(model.prior.log_prob(z), np.log(np.mean(parts, 0)), atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("prior", ["normal", "mixture", "vamp", "flow"])
def test_trains_and_comes_back_from_a_file(prior, x, tmp_path):
    kwargs = {"mapping": "circle"} if prior == "normal" else {}
    if kwargs:
        kwargs["mapping"] = {"name": "sphere"}
    model = small("intel_vae" if kwargs else "vae", prior=prior, **kwargs)
    model.compile()
    history = model.fit(x, epochs=2, batch_size=3, verbose=0).history
    assert np.all(np.isfinite(history["elbo"]))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.posterior_covariance == "full"
    np.testing.assert_array_equal(
        model.log_weights(x, 2, seed=(1, 2)), again.log_weights(x, 2, seed=(1, 2))
    )


def test_gradients_reach_the_whole_triangle(x):
    model = small()
    with tf.GradientTape() as tape:
        terms = model(x)
        loss = tf.reduce_mean(terms["kl"] - terms["log_likelihood"])
    last = model.encoder.layers[-1]
    gradient = tape.gradient(loss, last.trainable_variables[-1])
    assert np.all(np.abs(gradient) > 0)


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="'diagonal' or 'full'.*'banded'"):
        models.build("vae", posterior_covariance="banded")
    for name in ("sylvester_vae", "sparse_vae", "gm_vae"):
        with pytest.raises(ValueError, match="does not take 'posterior_covariance'"):
            models.build({"name": name, "posterior_covariance": "full"})
