"""Standardised data: raw values in, raw values out."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tfsp import likelihoods, models

RNG = np.random.default_rng(0)
# Columns in units of their own, one of which never varies.
TABLE = RNG.normal(size=(200, 4)) * [1e-3, 1.0, 50.0, 0.0] + [2.0, -3.0, 1e4, 7.0]
FAMILIES = {"gaussian": stats.norm, "laplace": stats.laplace}


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("scale", ["fixed", "scalar", "feature", "pixel"])
def test_densities_are_of_raw_values(float64, name, scale):
    likelihood = likelihoods.get(name)(scale=scale, initial_scale=0.5, standardize=True)
    assert likelihood.wants_data
    likelihood.adapt(TABLE)
    assert not likelihood.wants_data
    center, unit = TABLE.mean(axis=0), np.where([1, 1, 1, 0], TABLE.std(axis=0), 1.0)
    np.testing.assert_allclose(likelihood.center, center, rtol=1e-14)
    np.testing.assert_allclose(likelihood.unit, unit, rtol=1e-10)
    x, location = TABLE[:5], RNG.normal(size=(5, 4))
    own = {"fixed": 0.5, "scalar": 0.7, "feature": np.array([0.1, 0.5, 1.0, 2.0])}.get(scale)
    outputs = location
    if scale in ("scalar", "feature"):
        likelihood._log_scale.assign(np.log(own))
    elif scale == "pixel":
        raw = RNG.normal(size=(5, 4))
        own, outputs = 0.5 * np.exp(raw), np.concatenate([location, raw], axis=-1)
    expected = FAMILIES[name].logpdf(x, center + unit * location, unit * own).sum(axis=1)
    np.testing.assert_allclose(likelihood.log_prob(x, tf.constant(outputs), 1), expected, 1e-9)
    np.testing.assert_allclose(
        likelihood.distribution(tf.constant(outputs), 1).mean(), center + unit * location, 1e-12
    )
    np.testing.assert_allclose(likelihood.encoder_input(x), (x - center) / unit, atol=1e-7)


def test_a_scale_for_each_feature_is_learned():
    """The best scale of fixed locations is each column's root mean square error."""
    keras.utils.set_random_seed(0)
    likelihood = likelihoods.Gaussian(scale="feature")
    likelihood.build((2,))
    x = tf.constant(RNG.normal(size=(500, 2)) * [0.1, 2.0], tf.float32)
    optimizer = keras.optimizers.Adam(0.05)
    (weight,) = likelihood.trainable_weights
    for _ in range(200):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(likelihood.log_prob(x, tf.zeros_like(x), 1))
        optimizer.apply([tape.gradient(loss, weight.value)], [weight])
    np.testing.assert_allclose(np.exp(weight), np.sqrt(np.mean(x**2, axis=0)), rtol=1e-2)


def test_what_is_unknown_or_wrong_is_refused():
    with pytest.raises(ValueError, match=r"location='linear'.*location='sigmoid'"):
        likelihoods.Gaussian(standardize=True, location="sigmoid")
    likelihood = likelihoods.Gaussian(standardize=True)
    with pytest.raises(ValueError, match="Build it with the shape"):
        likelihood.build()
    likelihood.build((4,))
    with pytest.raises(ValueError, match="has seen no data"):
        likelihood.log_prob(TABLE[:2], tf.zeros([2, 4]), 1)
    with pytest.raises(ValueError, match=r"data of shape \(4,\). Received: \(3,\)"):
        likelihood.adapt(TABLE[:, :3])
    with pytest.raises(ValueError, match="must be finite"):
        likelihood.adapt(np.where(TABLE > 1e3, np.nan, TABLE))
    assert likelihood.wants_data


def wine():
    from sklearn.datasets import load_wine

    return load_wine().data.astype("float32")


def test_a_model_takes_and_gives_raw_values(tmp_path):
    x = wine()
    model = models.VAE(
        {"name": "mlp", "hidden": (32,)},
        likelihood={"name": "gaussian", "scale": "feature", "standardize": True},
        latent_dim=3,
        seed=0,
    )
    model.build((None, 13))
    with pytest.raises(ValueError, match="has seen no data"):
        model.encode(x)
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(x, epochs=30, batch_size=178, verbose=0)
    unit = x.std(axis=0)
    error = np.mean(((model.reconstruct(x) - x) / unit) ** 2)
    assert error < 0.7  # the mean of each column has 1
    bound = model.evaluate(x, verbose=0, return_dict=True)["elbo"]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.encode(x), model.encode(x))
    again = loaded.evaluate(x, verbose=0, return_dict=True)["elbo"]
    assert abs(again - bound) < 1.0
    model.export(tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served")).signatures
    answer = served["reconstruct"](images=tf.constant(x))["mean"]
    np.testing.assert_allclose(answer, model.reconstruct(x), rtol=1e-5)
    latent = served["encode"](images=tf.constant(x))["latent"]
    np.testing.assert_allclose(latent, model.encode(x), rtol=1e-5, atol=1e-6)


def test_units_change_the_density_by_their_logs_alone():
    """The same model of centimetres and of metres."""
    x, bounds = wine(), []
    for factor in (1.0, 100.0):
        model = models.VAE(
            {"name": "mlp", "hidden": (16,)},
            likelihood={"name": "gaussian", "scale": "feature", "standardize": True},
            latent_dim=2,
            seed=0,
        )
        keras.utils.set_random_seed(0)
        model.build((None, 13))
        model.likelihood.adapt(factor * x)
        bounds.append(model.log_weights(factor * x[:20], 3, seed=1))
    shift = 13 * np.log(100.0)
    np.testing.assert_allclose(bounds[1], np.asarray(bounds[0]) - shift, rtol=1e-4)


def test_a_scale_as_wide_as_the_data_is_told_of():
    x = RNG.random((20, 6)).astype("float32")
    for settings, told in (
        ({}, True),
        ({"scale": "scalar"}, False),
        ({"initial_scale": 0.1}, False),
        ({"standardize": True}, False),
    ):
        model = models.VAE(
            {"name": "mlp", "hidden": (4,)},
            likelihood={"name": "gaussian", **settings},
            latent_dim=2,
        )
        model.compile("sgd")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(x, batch_size=20, verbose=0)
        found = [str(w.message) for w in caught if "scale='scalar'" in str(w.message)]
        assert len(found) == told, settings
    assert likelihoods.Gaussian().advice(2 * x) is None
