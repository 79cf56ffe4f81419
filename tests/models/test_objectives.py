"""Objectives: Renyi's bound against its closed form for two normals, its limits, its settings."""

import json

import keras
import model_contract as contract
import numpy as np
import pytest
import tensorflow as tf
from model_contract import eagerly
from reference.statistics import mean_tolerance
from scipy import special, stats

from tfsp import models
from tfsp.models.core import objectives

SLOPE, SHIFT, NOISE = 0.7, -0.2, 0.8
LOC, SCALE = 0.3, 0.7  # of q(z|x)
X = np.array([[0.9]])
COUNT = 100_000
ALPHAS = (-0.5, 0.0, 0.3, 1.0, 2.0)


def linear(**kwargs):
    """p(z) = N(0, 1), p(x|z) = N(slope z + shift, noise^2) and a q(z|x) that is not p(z|x)."""
    inputs, latent = keras.Input((1,)), keras.Input((1,))
    model = models.VAE(
        keras.Model(inputs, keras.layers.Dense(2)(inputs)),
        keras.Model(latent, keras.layers.Dense(1)(latent)),
        likelihood={"name": "gaussian", "initial_scale": NOISE},
        seed=0,
        latent_dim=1,
        dtype="float64",
        **kwargs,
    )
    eagerly(model).build((None, 1))
    model.encoder.set_weights([np.zeros((1, 2)), np.array([LOC, 2 * np.log(SCALE)])])
    model.decoder.set_weights([np.array([[SLOPE]]), np.array([SHIFT])])
    return model


def exact(alpha):
    """log p(x) + 1/(1 - alpha) log int p(z|x)^(1 - alpha) q(z|x)^alpha dz, or the ELBO for 1."""
    variance = SLOPE**2 + NOISE**2
    log_evidence = stats.norm.logpdf(X[0, 0], SHIFT, np.sqrt(variance))
    loc, scale = SLOPE * (X[0, 0] - SHIFT) / variance, NOISE / np.sqrt(variance)
    if alpha == 1.0:
        ratio, distance = np.log(scale / SCALE), (LOC - loc) / scale
        return log_evidence - (ratio + 0.5 * ((SCALE / scale) ** 2 + distance**2 - 1.0))
    mixed = alpha * scale**2 + (1 - alpha) * SCALE**2
    log_integral = alpha * np.log(scale) + (1 - alpha) * np.log(SCALE) - 0.5 * np.log(mixed)
    log_integral -= 0.5 * alpha * (1 - alpha) * (loc - LOC) ** 2 / mixed
    return log_evidence + log_integral / (1 - alpha)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_renyi_against_the_closed_form(alpha, float64):
    model = linear(objective={"name": "renyi", "alpha": alpha}, num_samples=COUNT)
    with model.seeds.at(3):
        terms = model(X)
    with model.seeds.at(3):
        log_weights = model.log_weights(X, COUNT, seed=model.seeds)[:, 0].numpy()
    expected = exact(alpha)
    # A right bound fails with a probability of about 1e-6.
    if alpha == 1.0:
        estimate = log_weights.mean()
        assert abs(estimate - expected) < mean_tolerance(log_weights)
    else:
        powers = np.exp((1 - alpha) * (log_weights - expected))
        assert abs(powers.mean() - 1) < mean_tolerance(powers) < 0.05
        estimate = special.logsumexp((1 - alpha) * log_weights, b=1 / COUNT) / (1 - alpha)
    np.testing.assert_allclose(terms["renyi"], [estimate], rtol=1e-10)
    scores = model.evaluate(X, verbose=0, return_dict=True)
    np.testing.assert_allclose(scores["loss"], -scores["renyi"], rtol=1e-12)


def test_the_closed_form_falls_from_the_evidence_to_the_elbo():
    values = [exact(alpha) for alpha in ALPHAS]
    assert np.all(np.diff(values) < -1e-3)
    variance = SLOPE**2 + NOISE**2
    np.testing.assert_allclose(exact(0.0), stats.norm.logpdf(X[0, 0], SHIFT, np.sqrt(variance)))
    np.testing.assert_allclose(exact(1 - 1e-6), exact(1.0), atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_limits(dtype):
    """alpha = 0 is the importance-weighted bound, alpha -> 1 the mean, without loss of digits."""
    log_weights = tf.constant(np.random.default_rng(0).normal(-900, 40, size=(7, 5)), dtype)
    weighted = objectives.ImportanceWeighted().bound(log_weights)
    np.testing.assert_allclose(objectives.Renyi(0.0).bound(log_weights), weighted, rtol=1e-6)
    mean = np.mean(log_weights, axis=0)
    for alpha in (1.0, 1 - 1e-7, 1 + 1e-7):
        np.testing.assert_allclose(objectives.Renyi(alpha).bound(log_weights), mean, rtol=1e-5)
    for alpha, ends in ((-1e4, np.max), (1e4, np.min)):
        bound = objectives.Renyi(alpha).bound(log_weights)
        np.testing.assert_allclose(bound, ends(log_weights, axis=0), rtol=1e-5)


@pytest.mark.parametrize("alpha", [-1.0, 0.4, 1.0, 3.0])
def test_gradient_is_the_slope(alpha, float64):
    model = linear(objective=objectives.Renyi(alpha), num_samples=4)
    model.kl_weight.assign(0.7)
    contract.assert_gradient_is_the_slope(model, np.array([[0.9], [-0.4]]), rtol=1e-6)


def test_settings_stand_in_the_config(tmp_path):
    model = models.VAE.example(objective=objectives.Renyi(0.3), num_samples=2)
    assert model.objective == {"name": "renyi", "alpha": 0.3}
    model.build((None, 6))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert json.dumps(again.get_config()) == json.dumps(model.get_config())
    assert again.bound.alpha == 0.3
    for name in ("elbo", "iwae"):
        assert models.VAE(objective=name).get_config()["objective"] == name
    assert models.VAE(objective="renyi").bound.alpha == 0.5


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ("wake", "Unknown objective: 'wake'. Known: elbo, iwae, renyi"),
        ({"name": "renyi", "beta": 1}, "'renyi' does not take 'beta'"),
        ({"name": "renyi", "alpha": np.nan}, "`alpha` must be a finite number. Received: nan"),
        ({"name": "renyi", "alpha": np.inf}, "`alpha` must be a finite number. Received: inf"),
        (3.0, "`objective` must be a name.*Received: float"),
    ],
)
def test_bad_objectives_are_explained(objective, message):
    with pytest.raises(ValueError, match=message):
        models.VAE(objective=objective)


def test_an_objective_of_ones_own_works_for_a_model(binary_images, monkeypatch):
    """One class: a name to choose it by, a term among metrics, a loss."""

    registry = objectives._REGISTRY
    monkeypatch.setattr(registry, "_classes", dict(registry._classes))  # as before, afterwards

    @objectives.register("best_draw")
    class BestDraw(objectives.Objective):
        uses_weights = True

        def bound(self, log_weights):
            return tf.reduce_max(log_weights, axis=0)

    model = eagerly(models.VAE.example(objective="best_draw", num_samples=3))
    history = model.fit(binary_images, batch_size=32, verbose=0).history
    np.testing.assert_allclose(history["loss"], -np.array(history["best_draw"]), rtol=1e-5)
    with pytest.raises(ValueError, match="name 'best_draw' is taken"):
        objectives.register("best_draw")(BestDraw)
