"""Models of mixed columns: trained, saved, served, imputed, and every kind of model."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from marks import slow_but
from scipy import special

from tfsp import models
from tfsp.evaluation import draw, impute

SETTINGS = {
    "name": "columns",
    "names": ["age", "alive", "colour", "visits"],
    "kinds": {"colour": "categorical", "visits": "negative_binomial"},
    "missing": True,
}


def table(number=64, seed=0):
    """Two kinds of rows; a fifth of the entries missing."""
    rng = np.random.default_rng(seed)
    kind = np.arange(number) % 2
    x = np.stack(
        [
            rng.normal(40.0 + 30.0 * kind, 2.0),
            rng.random(number) < 0.1 + 0.8 * kind,
            np.where(kind, 2, rng.integers(0, 2, number)),
            rng.poisson(np.where(kind, 12.0, 2.0)),
        ],
        axis=1,
    )
    x[rng.random(x.shape) < 0.2] = np.nan
    return x.astype("float32")


def make(name="vae", **settings):
    model = models.get(name).example(
        **{"encoder": {"name": "mlp", "hidden": (16,)}, "likelihood": SETTINGS, **settings}
    )
    model.compile(keras.optimizers.Adam(2e-2))
    return model


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    model = make(latent_dim=2)
    often = np.tile(table(), (20, 1))
    model.history_of_fit = model.fit(often, batch_size=64, epochs=5, verbose=0).history
    return model


def test_kinds_are_decided_by_fit(trained):
    bound = trained.history_of_fit["elbo"]
    assert bound[-1] > bound[0] + 1.0
    kinds = [spec["name"] for spec in trained.likelihood.get_config()["kinds"]]
    assert kinds == ["gaussian", "bernoulli", "categorical", "negative_binomial"]


def test_a_saved_model_is_the_same(trained, tmp_path):
    x = table()
    trained.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.likelihood.get_config() == trained.likelihood.get_config()
    np.testing.assert_array_equal(loaded.encode(x), trained.encode(x))
    np.testing.assert_array_equal(
        loaded.log_weights(x, 3, seed=1), trained.log_weights(x, 3, seed=1)
    )
    np.testing.assert_array_equal(impute(loaded, x, 20), impute(trained, x, 20))


def test_a_served_model_is_the_same(trained, tmp_path):
    """Raw values in, NaN where they are missing, and raw values out."""
    x = table()
    trained.export(tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served")).signatures
    images = tf.constant(x)
    latent = served["encode"](images=images)["latent"]
    np.testing.assert_allclose(latent, trained.encode(x), rtol=1e-5, atol=1e-6)
    mean = served["reconstruct"](images=images)["mean"].numpy()
    np.testing.assert_allclose(mean, trained.reconstruct(x), rtol=1e-5, atol=1e-6)
    assert np.isfinite(mean).all()
    assert mean[:, 0].mean() > 30.0
    np.testing.assert_array_equal(mean[:, 2], np.rint(mean[:, 2]))
    found = served["log_likelihood"](
        images=images, num_samples=tf.constant(50), seed=tf.constant(1)
    )
    wanted = models.importance_log_prob(trained, x, 50, chunk_size=50, seed=1)
    np.testing.assert_allclose(found["log_prob"], wanted["log_prob"], rtol=1e-4, atol=1e-3)
    # What is infinite is still no row.
    spoilt = np.where(np.arange(64)[:, None] == 5, np.inf, x)
    latent = served["encode"](images=tf.constant(spoilt))["latent"].numpy()
    np.testing.assert_array_equal(np.isnan(latent).any(axis=1), np.arange(64) == 5)


def test_imputation_by_enumeration_of_a_grid(trained):
    """Beside the same averages over a fine grid of z, by NumPy from the decoder's outputs."""
    x = table(24, 1)
    x[0] = [np.nan, 1.0, np.nan, 9.0]
    line = np.linspace(-6.0, 6.0, 161)
    z = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    outputs = np.asarray(trained.likelihood_parameters(tf.constant(z, tf.float32)), float)
    likelihood = trained.likelihood
    observed = [
        np.asarray(likelihood.log_prob(row[None], tf.constant(outputs, tf.float32), 1), float)
        for row in x
    ]
    log_weights = np.array(observed) - 0.5 * np.sum(z**2, axis=1)
    weights = special.softmax(log_weights, axis=1)  # [B, grid]
    center, unit = (float(w[0]) for w in (likelihood.parts[0].center, likelihood.parts[0].unit))
    probs = weights @ special.softmax(outputs[:, 2:5], axis=1)
    expected = np.stack(
        [
            weights @ (center + unit * outputs[:, 0]),
            weights @ special.expit(outputs[:, 1]),
            probs.argmax(axis=1),
            weights @ np.exp(outputs[:, 5]),
        ],
        axis=1,
    )
    found = np.array([impute(trained, x, num_samples=1_000, seed=seed) for seed in range(12)])
    absent = np.isnan(x)
    np.testing.assert_array_equal(found[:, ~absent], np.tile(x[~absent], (12, 1)))
    error = found.std(axis=0, ddof=1) / np.sqrt(12)
    numbers = absent & (np.arange(4) != 2)
    # Student's t of 11 degrees of freedom: beyond 10 with a probability of 1e-6.
    difference = np.abs(found.mean(axis=0) - expected)
    assert np.all(difference[numbers] < 10 * error[numbers] + 1e-3)
    top = np.sort(probs, axis=1)
    clear = absent[:, 2] & (top[:, -1] - top[:, -2] > 0.1)
    assert clear.any()
    np.testing.assert_array_equal(found[:, clear, 2], np.tile(expected[clear, 2], (12, 1)))


# All others; the TMC-VAE ties its rows together by a tree, so that none has a weight of its own.
OTHERS = [name for name in models.names() if name not in ("vae", "tmc_vae")]


@pytest.mark.parametrize("name", slow_but(["cp_vae", "hierarchical_vae"], OTHERS))
def test_every_model_takes_mixed_columns_with_holes(name):
    x = table()
    model = make(name)
    history = model.fit(x, batch_size=32, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert np.isfinite(np.asarray(model.encode(x))).all()
    if model.prior.is_density:
        found = impute(model, x, num_samples=5)
        np.testing.assert_array_equal(found[~np.isnan(x)], x[~np.isnan(x)])
        assert np.isfinite(found).all()
        assert np.isin(found[:, 2], (0, 1, 2)).all()


def test_a_model_built_too_soon_says_what_to_do():
    model = make()
    with pytest.raises(ValueError, match=r"`model.likelihood.adapt\(x\)`.*before `model.build`"):
        model.build((None, 4))
    model.likelihood.adapt(table())
    model.build((None, 4))
    wrong = table()
    wrong[3, 2] = 7.0
    with pytest.raises(ValueError, match=r"\('colour'\) .*codes 0, ..., 2. Received: 7 in row 3"):
        model.fit(wrong, verbose=0)
    fresh = make()  # what training data decide holds for validation too
    with pytest.raises(ValueError, match=r"codes 0, ..., 2. Received: 7 in row 3"):
        fresh.fit(table(), validation_data=wrong, verbose=0)
    fresh.build((None, 4))
    assert draw(fresh, 5).shape == (5, 4)
    assert draw(fresh, 5, kind="means").shape == (5, 4)
