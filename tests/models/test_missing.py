"""Missing entries in models: exact on a linear-Gaussian one, and refused where not allowed."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import linear_gaussian

from tfsp import callbacks, evaluation, likelihoods, models, priors
from tfsp.evaluation import impute

SIZE, LATENT_DIM, SCALE = 6, 2, 0.5
RNG = np.random.default_rng(3)
WEIGHTS = RNG.normal(size=(SIZE, LATENT_DIM)) * 0.7
BIAS = RNG.normal(size=SIZE)


def constant(value):
    return lambda shape, dtype: tf.reshape(tf.constant(value, dtype), shape)


def with_holes(number=40, share=0.4):
    z = RNG.normal(size=(number, LATENT_DIM))
    x = z @ WEIGHTS.T + BIAS + SCALE * RNG.normal(size=(number, SIZE))
    x[RNG.random(x.shape) < share] = np.nan
    x[0] = np.nan  # a row without anything is drawn from the prior
    return x


@pytest.fixture
def linear(float64):
    """x = W z + b + noise, raw and standardised; the posterior is as wide as the prior."""
    x = with_holes()
    center, unit = np.nanmean(x, axis=0), np.nanstd(x, axis=0)
    # The encoder sees (x - center) / unit, 0 where it is missing, and the mask.
    kernel = np.zeros((2 * SIZE, 2 * LATENT_DIM))
    complete, _ = linear_gaussian.posterior(BIAS + np.diag(unit), WEIGHTS, BIAS, SCALE)
    kernel[:SIZE, :LATENT_DIM] = 0.7 * complete
    encoder = keras.Sequential(
        [
            keras.Input((2 * SIZE,)),
            keras.layers.Dense(2 * LATENT_DIM, kernel_initializer=constant(kernel)),
        ]
    )
    decoder = keras.Sequential(
        [
            keras.Input((LATENT_DIM,)),
            keras.layers.Dense(
                SIZE,
                kernel_initializer=constant((WEIGHTS / unit[:, None]).T),
                bias_initializer=constant((BIAS - center) / unit),
            ),
        ]
    )
    model = models.VAE(
        encoder,
        decoder,
        prior=priors.NormalPrior(LATENT_DIM),
        likelihood=likelihoods.Gaussian(scale="feature", standardize=True, missing=True),
        dtype="float64",
        seed=0,
    )
    model.build((None, SIZE))
    model.likelihood.adapt(x)
    model.likelihood._log_scale.assign(np.log(SCALE / unit))
    return model, x


def test_the_bound_is_the_marginal_of_the_complete_one(linear):
    model, x = linear
    exact = linear_gaussian.observed_log_prob(x, WEIGHTS, BIAS, SCALE)
    assert exact[0] == 0.0
    estimate = models.importance_log_prob(model, x, 20_000, chunk_size=4_000, seed=1)
    error = np.sqrt(estimate["variance"])
    # 39 rows: a right estimator leaves 6 standard errors with a probability below 1e-7.
    difference = np.abs(estimate["log_prob"] - exact)
    assert np.all(difference <= 6 * error + 1e-9)
    assert np.all(error < 0.05)
    found = evaluation.log_likelihood(model, x, num_samples=20_000, seed=2)
    assert abs(found["log_p"] - exact.mean()) < 6 * found["monte_carlo_error"] + 1e-3


def test_imputation_is_the_conditional_mean(linear):
    model, x = linear
    exact = linear_gaussian.completed(x, WEIGHTS, BIAS, SCALE)
    found = np.array([impute(model, x, num_samples=3_000, seed=seed) for seed in range(12)])
    absent = np.isnan(x)
    np.testing.assert_array_equal(found[:, ~absent], np.tile(x[~absent], (12, 1)))
    # Student's t of 11 degrees of freedom: beyond 12 with a probability of 1e-7, about 100 entries.
    error = found.std(axis=0, ddof=1) / np.sqrt(12)
    assert np.all(np.abs(found.mean(axis=0) - exact)[absent] < 12 * error[absent])
    assert np.median(error[absent]) < 0.01
    # The posterior mean alone, without weights, is far off: the weights matter.
    plain = np.asarray(model.reconstruct(x))
    assert np.abs(plain - exact)[absent].max() > 0.2
    again = impute(model, tf.data.Dataset.from_tensor_slices(x).batch(7), 100, seed=5)
    assert again.shape == x.shape
    np.testing.assert_array_equal(impute(model, x, 100, seed=5), impute(model, x, 100, seed=5))


def tiny(likelihood, **settings):
    model = models.VAE(
        {"name": "mlp", "hidden": (8,)}, likelihood=likelihood, latent_dim=2, seed=0, **settings
    )
    model.compile(keras.optimizers.Adam(1e-2))
    return model


MADE = {"name": "gaussian", "standardize": True, "missing": True}


def test_models_train_on_holes_and_refuse_them_otherwise(recwarn):
    x = with_holes().astype("float32")
    model = tiny(MADE)
    history = model.fit(x, validation_data=x, epochs=3, verbose=0).history
    assert np.isfinite([history["elbo"], history["val_elbo"]]).all()
    predicted = model.predict(x, verbose=0)
    assert np.isfinite(predicted["latent"]).all()
    assert np.isfinite(predicted["reconstruction"]).all()
    assert evaluation.encode(model, x)[0].shape == (40, 2)
    bad = np.where(np.arange(SIZE) == 1, np.inf, x)
    for call in (model.fit, model.evaluate, model.predict, model.encode):
        with pytest.raises(ValueError, match=r"must be finite. Received: x\[0, 1\] = inf. Clean"):
            call(bad)
    plain = tiny("gaussian")
    plain.build((None, SIZE))
    for call in (plain.fit, plain.evaluate, plain.predict, plain.encode):
        with pytest.raises(ValueError, match=r"Received: x\[0, 0\] = nan. .*'missing': True"):
            call(x)
    with pytest.raises(ValueError, match=r"Example 0 is not. .*'missing': True"):
        evaluation.encode(plain, x)
    with pytest.raises(ValueError, match="Gaussian was not made for missing entries"):
        impute(plain, x)
    with pytest.raises(ValueError, match="`num_samples`"):
        impute(model, x, num_samples=0)


def test_training_still_stops_where_numbers_go_wrong():
    x = with_holes().astype("float32")
    later = np.concatenate([x, np.where(np.arange(SIZE) == 1, np.inf, x)])
    model = tiny(MADE)
    model.build((None, SIZE))
    model.likelihood.adapt(x)
    # In a graph, as in long training: eager steps look at each batch and name the entry.
    dataset = tf.data.Dataset.from_tensor_slices(later).batch(8)
    with pytest.raises(callbacks.NonFiniteError, match="became NaN or infinite"):
        model.fit(dataset, verbose=0)
    predicted = tiny(MADE)
    predicted.build((None, SIZE))
    predicted.likelihood.adapt(x)
    latent = predicted.predict(dataset, verbose=0)["latent"]
    np.testing.assert_array_equal(np.isnan(latent).any(axis=1), np.arange(80) >= 40)


@pytest.mark.parametrize(
    "settings",
    [
        {"prior": {"name": "vamp", "num_components": 3, "start": "data", "bounded": False}},
        {"prior": {"name": "mixture", "num_components": 3}, "objective": "iwae", "num_samples": 3},
    ],
    ids=str,
)
def test_priors_that_start_from_data(settings):
    x = with_holes().astype("float32")[1:]
    model = tiny(MADE, **settings)
    history = model.fit(x, epochs=2, verbose=0).history
    assert np.isfinite(history["elbo"]).all()
    assert not np.isnan(impute(model, x, num_samples=10)).any()
    for weight in model.prior.weights:
        assert np.isfinite(np.asarray(weight, float)).all()
