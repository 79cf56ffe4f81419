"""The KL's parts against quadrature, where they are known, and their sum against the whole."""

import math
import types

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from reference import clusters as reference
from scipy import stats

from tfsp import models, networks, priors
from tfsp.distributions import diagonal_normal
from tfsp.evaluation import decomposition, kl_decomposition
from tfsp.evaluation.tasks import TASKS

tfd = tfp.distributions
X = np.random.default_rng(0).integers(0, 2, (5, 4)).astype(np.float64)
GRID = np.linspace(-30, 30, 60_001)


def built(model=models.VAE, latent_dim=1, scale=0.8, **kwargs):
    network = networks.MLP(hidden=(5,), activation="tanh")
    found = model(network, latent_dim=latent_dim, dtype="float64", seed=0, **kwargs)
    found.build((None, 4))
    rng = np.random.default_rng(3)
    for weight in found.trainable_weights:
        weight.assign(rng.normal(scale=scale, size=weight.shape))
    return found


def compare(found, expected):
    """Each estimate within 5 of its standard errors: a right one fails with P < 1e-6 each."""
    for name in ("mutual_information", "marginal_kl"):
        error = found[f"{name}_standard_error"]
        assert 0 < error < 0.03
        assert found[name] == pytest.approx(expected[name], abs=5 * error)
    assert found["sum"] == pytest.approx(found["total"], abs=5 * found["sum_standard_error"] + 1e-9)
    for name in ("category_kl", "category_information", "total"):
        assert found[name] == pytest.approx(expected[name], abs=1e-6)


def test_parts_of_cp_vae_match_quadrature(float64):
    model = built(models.CPVAE, num_categories=3, gate_units=4)
    log_pi, loc, log_variance = (part.numpy() for part in model.posterior_parts(X))
    places, scales = model.prior.loc.numpy()[:, 0], np.exp(0.5 * model.prior.log_variance)[:, 0]

    def log_prior(z):
        return stats.norm.logpdf(z[:, None], places, scales)

    pi, scale = np.exp(log_pi), np.exp(0.5 * log_variance[:, 0])
    expected = reference.kl_parts(pi, loc[:, 0], scale, log_prior, GRID)
    found = kl_decomposition(model, X, num_draws=4000)
    compare(found, expected)
    assert found["total_is_exact"]
    assert (found["num_categories"], found["num_examples"]) == (3, 5)
    assert found["total"] == pytest.approx(np.mean(model(X)["kl"]), rel=1e-9)
    assert min(expected["mutual_information"], expected["category_kl"]) > 0.01
    assert min(expected["marginal_kl"], expected["category_information"]) > 0.01
    # Errors of the terms cancel in the sum.
    assert found["sum_standard_error"] < found["mutual_information_standard_error"] * 3


@pytest.mark.parametrize("prior", ["normal", "mixture"])
def test_parts_of_a_vae_match_quadrature(float64, prior):
    model = built(prior={"name": prior})
    q = model.posterior(X).distribution

    def log_prior(z):
        return model.prior.log_prob(z[:, None]).numpy()[:, None]

    ones = np.ones((len(X), 1))
    args = ones, q.loc.numpy()[:, 0], q.scale.numpy()[:, 0], log_prior, GRID
    expected = reference.kl_parts(*args)
    found = kl_decomposition(model, X, num_draws=4000)
    assert found["total_is_exact"] == (prior == "normal")
    if prior == "mixture":  # no closed form: the sum of the terms is the estimate
        assert found["total"] == found["sum"]
        error = found["sum_standard_error"]
        assert found["total"] == pytest.approx(expected["total"], abs=5 * error)
        found["total"] = expected["total"]
    compare(found, expected)
    assert (found["category_kl"], found["num_categories"]) == (0, 1)


def of_normals(loc, scale, prior=None):
    """A model whose posteriors are these, for x = 0, 1, ..., as triangles or as scales."""

    def posterior(x):
        index = tf.cast(x[:, 0], tf.int32)
        here, spread = tf.gather(loc, index), tf.gather(scale, index)
        if spread.shape.rank == 3:
            return tfd.MultivariateNormalTriL(here, scale_tril=spread)
        return diagonal_normal(here, spread)

    return types.SimpleNamespace(
        posterior=posterior,
        prior=prior or priors.NormalPrior(loc.shape[1], dtype="float64"),
        capabilities={"posterior"},
    )


def test_full_covariances_and_blocks_of_rows(monkeypatch):
    rng = np.random.default_rng(1)
    loc, scale = rng.normal(size=(12, 3)), rng.uniform(0.3, 1.0, (12, 3))
    x = np.arange(12.0)[:, None]
    diagonal = kl_decomposition(of_normals(loc, scale), x, num_draws=3)
    triangles = scale[:, :, None] * np.eye(3)
    full = kl_decomposition(of_normals(loc, triangles), x, num_draws=3)
    assert full == pytest.approx(diagonal, rel=1e-9)
    monkeypatch.setattr(decomposition, "_ROWS", 5)
    assert kl_decomposition(of_normals(loc, scale), x, num_draws=3) == pytest.approx(diagonal)
    other = kl_decomposition(of_normals(loc, scale), x, num_draws=3, seed=1)
    assert other["mutual_information"] != diagonal["mutual_information"]
    assert other["total"] == diagonal["total"]
    # and with correlations, the densities of every pair.
    triangles = np.tril(rng.normal(size=(12, 3, 3)))
    triangles[:, range(3), range(3)] = scale
    z = rng.normal(size=(4, 3))
    expected = [
        stats.multivariate_normal.logpdf(z, m, t @ t.T) for m, t in zip(loc, triangles, strict=True)
    ]
    np.testing.assert_allclose(decomposition._densities(loc, triangles)(z).T, expected, rtol=1e-9)
    model = of_normals(loc, triangles)
    found = kl_decomposition(model, x, num_draws=3)
    exact = np.mean(tfd.kl_divergence(model.posterior(x), model.prior.distribution()))
    assert found["total"] == pytest.approx(exact, rel=1e-9)
    assert found["sum"] == pytest.approx(exact, abs=5 * found["sum_standard_error"])


def test_what_is_known():
    x = np.arange(7.0)[:, None]
    same = np.ones((7, 2))
    nothing = kl_decomposition(of_normals(0 * same, same), x)
    for name in ("mutual_information", "marginal_kl", "total"):  # every posterior is the prior
        assert nothing[name] == pytest.approx(0, abs=1e-12)
    apart = kl_decomposition(of_normals(50.0 * x * same, 0.01 * same), x)
    assert apart["mutual_information"] == pytest.approx(math.log(7), abs=1e-9)
    # Only the first examples count.
    two = kl_decomposition(of_normals(50.0 * x * same, 0.01 * same), x, num_examples=2)
    assert two["mutual_information"] == pytest.approx(math.log(2), abs=1e-9)
    assert two["num_examples"] == 2


def test_categories_of_probability_zero():
    """Half of the examples surely in one category, half in another, the third never used."""
    logits = np.where(np.eye(3)[[0, 0, 1, 1]] > 0, 0.0, -np.inf)
    prior = models.CPVAE(latent_dim=2, num_categories=3, seed=0, dtype="float64").prior

    def posterior_parts(x):
        loc = tf.constant(np.arange(8.0).reshape(4, 2)) + 0.0 * x
        return tf.constant(logits), loc, tf.zeros_like(loc)

    model = types.SimpleNamespace(
        posterior_parts=posterior_parts, prior=prior, capabilities={"category_priors"}
    )
    found = kl_decomposition(model, np.zeros((4, 2)))
    assert all(np.isfinite(value) for value in found.values())
    assert found["category_information"] == pytest.approx(math.log(2), abs=1e-9)
    assert found["category_kl"] == pytest.approx(math.log(3 / 2), abs=1e-9)
    assert found["sum"] == pytest.approx(found["total"], abs=6 * found["sum_standard_error"])


def test_task():
    model = built(prior="normal")
    data = types.SimpleNamespace(arrays=lambda part, limit: ({"test": X}[part][:limit], None))
    subject = types.SimpleNamespace(model=model, data=data, seed=3)
    TASKS["decomposition"].check(subject)
    row = TASKS["decomposition"].function(subject)
    expected = kl_decomposition(model, X, seed=3)
    assert row == {f"decomposition_{name}": value for name, value in expected.items()}
    assert row["decomposition_total"] == pytest.approx(np.mean(model(X)["kl"]), rel=1e-6)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: built(prior="none"), "NoPrior cannot be decomposed"),
        (lambda: built(models.SylvesterVAE, latent_dim=2), "only the KL of normal posteriors"),
        (lambda: built(models.GMVAE), "has no closed form, since w is integrated out"),
        (lambda: built(models.SparseVAE), "only the KL of normal posteriors"),
    ],
)
def test_models_that_are_refused(float64, model, message):
    subject = types.SimpleNamespace(
        model=model(), data=types.SimpleNamespace(arrays=lambda part, limit: (X[:limit], None))
    )
    with pytest.raises(ValueError, match=message):
        TASKS["decomposition"].check(subject)
    with pytest.raises(ValueError, match=message):
        kl_decomposition(subject.model, X)


def test_counts():
    model = of_normals(np.zeros((2, 1)), np.ones((2, 1)))
    x = np.arange(2.0)[:, None]
    with pytest.raises(ValueError, match="`num_draws` must be an integer of at least 2.*: 1"):
        kl_decomposition(model, x, num_draws=1)
    with pytest.raises(ValueError, match="`num_examples` must be a positive integer.*: 0"):
        kl_decomposition(model, x, num_examples=0)
