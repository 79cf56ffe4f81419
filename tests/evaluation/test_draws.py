"""Draws of x from a model: means, and means with the noise of the likelihood."""

import numpy as np
import pytest
import tensorflow as tf
from reference import statistics

from tfsp import models
from tfsp.evaluation import can_add_noise, draw
from tfsp.random import fold_in


def make_model(likelihood, data_shape=(2,), **settings):
    model = models.VAE(
        encoder={"name": "mlp", "hidden": (4,)}, likelihood=likelihood, latent_dim=2, **settings
    )
    model.build((None, *data_shape))
    return model


def test_means_are_the_models_and_seeds_count():
    model = make_model({"name": "gaussian", "initial_scale": 0.3})
    means = draw(model, 2500, seed=4, kind="means")
    assert means.shape == (2500, 2)
    assert means.dtype == np.float32
    assert len(np.unique(means, axis=0)) > 2000  # no part of the draws is another one's copy
    np.testing.assert_array_equal(draw(model, 2500, seed=4, kind="means"), means)
    np.testing.assert_array_equal(draw(model, 1000, seed=4, kind="means"), means[:1000])
    assert not np.array_equal(draw(model, 2500, seed=5, kind="means"), means)


@pytest.mark.parametrize(
    ("likelihood", "deviation"),
    [
        ({"name": "gaussian", "initial_scale": 0.3}, 0.3),
        ({"name": "gaussian", "scale": "scalar", "initial_scale": 0.5}, 0.5),
        ({"name": "gaussian", "initial_scale": 0.2, "location": "sigmoid"}, 0.2),
        ({"name": "laplace", "initial_scale": 0.2}, 0.2 * np.sqrt(2)),
    ],
)
def test_noise_around_the_means(likelihood, deviation):
    model = make_model(likelihood)
    noise = draw(model, 20_000, seed=1) - draw(model, 20_000, seed=1, kind="means")
    assert np.all(np.abs(noise.mean(axis=0)) < statistics.mean_tolerance(noise))
    np.testing.assert_allclose(noise.std(axis=0), deviation, rtol=0.05)
    assert len(np.unique(noise, axis=0)) > 19_000


def test_binary_draws():
    model = make_model("bernoulli", (3,))
    means, draws = draw(model, 20_000, kind="means"), draw(model, 20_000)
    assert set(np.unique(draws)) == {0.0, 1.0}
    tolerance = statistics.mean_tolerance(draws - means)
    assert np.all(np.abs((draws - means).mean(axis=0)) < tolerance)


@pytest.mark.parametrize("name", ["poisson", "negative_binomial"])
def test_draws_of_counts(name):
    model = make_model({"name": name, "typical_library": 12.0}, (3,))
    means, draws = draw(model, 20_000, kind="means"), draw(model, 20_000)
    np.testing.assert_allclose(means.sum(axis=1), 12.0, rtol=1e-5)
    np.testing.assert_array_equal(draws, np.rint(draws))
    noise = draws - means
    assert np.all(np.abs(noise.mean(axis=0)) < statistics.mean_tolerance(noise))
    variance = means if name == "poisson" else means + means**2
    # Fails for a right sampler with a probability of about 1e-6, as the means.
    excess = noise**2 - variance
    assert np.all(np.abs(excess.mean(axis=0)) < statistics.mean_tolerance(excess))


def test_what_a_mean_does_not_tell():
    """A scale for each pixel: draws come from p(x | z) itself, at the z of the means."""
    model = make_model({"name": "gaussian", "scale": "pixel"})
    assert not can_add_noise(model.likelihood)
    means, draws = draw(model, 20_000, seed=3, kind="means"), draw(model, 20_000, seed=3)
    z = tf.concat([model.generate(1000, fold_in(3, 2 * i)) for i in range(20)], axis=0)
    given = model.decode(z)
    np.testing.assert_allclose(means, given.mean(), rtol=1e-4, atol=1e-5)
    noise = (draws - means) / given.stddev().numpy()
    assert np.all(np.abs(noise.mean(axis=0)) < statistics.mean_tolerance(noise))
    assert np.all(np.abs((noise**2 - 1).mean(axis=0)) < statistics.mean_tolerance(noise**2 - 1))
    assert np.ptp(given.stddev().numpy(), axis=0).min() > 0.0
    zeros = "zero_inflated_negative_binomial"
    for name in ("continuous_bernoulli", "logistic", "categorical", zeros):
        assert not can_add_noise(make_model(name, (2, 2, 1)).likelihood)


def test_draws_of_columns():
    """Codes by their probabilities, binary ones likewise, numbers around their means."""
    kinds = ["gaussian", "bernoulli", {"name": "categorical", "num_levels": 3}]
    model = make_model({"name": "columns", "kinds": kinds}, (3,))
    model.likelihood.adapt(np.array([[1.0, 0, 2], [5.0, 1, 0], [3.0, 1, 1]]))
    assert can_add_noise(model.likelihood)
    draws = draw(model, 20_000, seed=3)
    assert draws.shape == (20_000, 3)
    z = tf.concat([model.generate(1000, fold_in(3, 2 * i)) for i in range(20)], axis=0)
    expected = model.decode(z).statistics().numpy()  # a mean, a probability, three probabilities
    seen = np.concatenate([draws[:, :2], draws[:, 2:] == np.arange(3)], axis=1)
    np.testing.assert_array_equal(np.unique(draws[:, 1]), [0, 1])
    np.testing.assert_array_equal(np.unique(draws[:, 2]), [0, 1, 2])
    noise = seen - expected
    assert np.all(np.abs(noise.mean(axis=0)) < statistics.mean_tolerance(noise))
    np.testing.assert_array_equal(draw(model, 20_000, seed=3), draws)
    assert not np.array_equal(draw(model, 20_000, seed=4), draws)


def test_errors():
    model = make_model("gaussian")
    with pytest.raises(ValueError, match="`kind` must be one of means, draws"):
        draw(model, 5, kind="modes")
    with pytest.raises(ValueError, match="`count`"):
        draw(model, 0)
    with pytest.raises(ValueError, match="NoPrior is not a distribution"):
        draw(make_model("gaussian", prior="none"), 5)


def test_intel_vae_draws_go_through_the_map():
    model = models.InteLVAE(
        encoder={"name": "mlp", "hidden": (4,)},
        likelihood={"name": "gaussian", "initial_scale": 0.1},
        latent_dim=2,
        mapping="circle",
    )
    model.build((None, 2))
    seen = []
    decode = model.decode
    model.decode = lambda z: seen.append(np.asarray(z)) or decode(z)
    assert draw(model, 50).shape == (50, 2)
    np.testing.assert_allclose(np.linalg.norm(tf.concat(seen, 0), axis=1), 1.0, atol=0.2)
