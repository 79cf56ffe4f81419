"""log p(x) by importance sampling, against a model with a closed form."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import linear_gaussian

from tfsp import evaluation, likelihoods, models, priors
from tfsp.random import fold_in

NUM_PIXELS, LATENT_DIM, SCALE = 6, 2, 0.3


def constant(value):
    return lambda shape, dtype: tf.reshape(tf.constant(value, dtype), shape)


@pytest.fixture
def linear_model(float64):
    """x = W z + b + noise, with a posterior that is a little too wide and off the mark."""
    rng = np.random.default_rng(3)
    weights = rng.normal(size=(NUM_PIXELS, LATENT_DIM)) * 0.4
    bias = rng.uniform(size=NUM_PIXELS)
    # Exact posterior mean is linear in x: an encoder of one dense layer can hold it.
    mean0, covariance = linear_gaussian.posterior(np.zeros((1, NUM_PIXELS)), weights, bias, SCALE)
    kernel, _ = linear_gaussian.posterior(np.eye(NUM_PIXELS), weights, bias, SCALE)
    kernel = np.concatenate([kernel - mean0, np.zeros((NUM_PIXELS, LATENT_DIM))], axis=1)
    log_variance = np.log(1.3 * np.diag(covariance))
    encoder = keras.Sequential(
        [
            keras.Input((NUM_PIXELS,)),
            keras.layers.Dense(
                2 * LATENT_DIM,
                kernel_initializer=constant(kernel),
                bias_initializer=constant(np.concatenate([mean0[0] + 0.05, log_variance])),
            ),
        ]
    )
    decoder = keras.Sequential(
        [
            keras.Input((LATENT_DIM,)),
            keras.layers.Dense(
                NUM_PIXELS, kernel_initializer=constant(weights.T), bias_initializer=constant(bias)
            ),
        ]
    )
    model = models.VAE(
        encoder,
        decoder,
        prior=priors.NormalPrior(LATENT_DIM),
        likelihood=likelihoods.Gaussian(initial_scale=SCALE),
        dtype="float64",
        seed=0,
    )
    model.build((None, NUM_PIXELS))
    z = rng.normal(size=(40, LATENT_DIM))
    x = z @ weights.T + bias + SCALE * rng.normal(size=(40, NUM_PIXELS))
    return model, x, linear_gaussian.log_prob(x, weights, bias, SCALE)


def test_estimate_equals_exact_value_within_its_standard_error(linear_model):
    model, x, exact = linear_model
    estimate = models.importance_log_prob(model, x, 20_000, chunk_size=3_000, seed=1)
    error = np.sqrt(estimate["variance"])
    # 40 images: a right estimator leaves 6 standard errors with probability below 1e-7. The
    # second-order bias, variance / 2, is far below that.
    assert np.all(np.abs(estimate["log_prob"] - exact) < 6 * error)
    assert np.all(error < 0.02)
    # The errors are of the stated size: chi-square with 40 degrees of freedom, level 1e-6.
    chi_square = np.sum(((estimate["log_prob"] - exact) / error) ** 2)
    assert 8 < chi_square < 105


def test_data_set_estimate_equals_exact_mean(linear_model):
    model, x, exact = linear_model
    result = evaluation.log_likelihood(
        model, x, num_samples=4_000, seed=2, jit_compile=False, per_example=True
    )
    assert abs(result["log_p"] - exact.mean()) < 5 * result["monte_carlo_error"]
    np.testing.assert_allclose(
        result["standard_error"], result["log_p_per_example"].std(ddof=1) / np.sqrt(40)
    )
    assert (result["num_samples"], result["num_examples"]) == (4_000, 40)
    # Continuous x on [0, 1]: log2(256) bits are added per dimension.
    bits = 8 - result["log_p"] / (NUM_PIXELS * np.log(2))
    np.testing.assert_allclose(result["bits_per_dimension"], bits)


def test_bound_rises_with_samples_on_average(linear_model):
    model, x, exact = linear_model
    bounds = []
    for num_samples in (1, 3, 10, 100):
        repeats = [
            np.mean(models.importance_log_prob(model, x, num_samples, seed=seed)["log_prob"])
            for seed in range(60)
        ]
        bounds.append((np.mean(repeats), np.std(repeats) / np.sqrt(60)))
    for (low, low_error), (high, high_error) in itertools.pairwise(bounds):
        # The steps are 0.02 nats and more, errors a tenth of that.
        assert high - low > 3 * np.hypot(low_error, high_error)
    assert bounds[-1][0] < exact.mean() + 4 * bounds[-1][1]


def test_elbo_is_the_mean_log_weight_and_below_the_importance_bound(linear_model):
    model, x, exact = linear_model
    log_weights = model.log_weights(x, 5_000, seed=4)
    assert log_weights.shape == (5_000, 40)
    terms = [model(x) for _ in range(300)]
    elbo = np.mean([t["log_likelihood"] - t["kl"] for t in terms], axis=0)
    error = np.std([t["log_likelihood"] - t["kl"] for t in terms], axis=0) / np.sqrt(300)
    # Closed-form KL and log q - log p agree: 40 differences within 6 standard errors.
    error = np.hypot(error, np.std(log_weights, axis=0) / np.sqrt(5_000))
    assert np.all(np.abs(elbo - np.mean(log_weights, axis=0)) < 6 * error)
    assert elbo.mean() < exact.mean()


def test_chunks_do_not_change_the_estimator(linear_model):
    model, x, _ = linear_model
    # Chunk i draws from (seed, i): three chunks of 50 put together by hand.
    chunked = models.importance_log_prob(model, x, 130, chunk_size=50, seed=[7, 8])
    parts = [
        model.log_weights(x, size, seed=fold_in([7, 8], i)) for i, size in enumerate((50, 50, 30))
    ]
    log_weights = np.concatenate(parts)
    expected = np.log(np.mean(np.exp(log_weights), axis=0))
    np.testing.assert_allclose(chunked["log_prob"], expected, rtol=1e-12)
    weights = np.exp(log_weights)
    ess = weights.sum(axis=0) ** 2 / (weights**2).sum(axis=0)
    np.testing.assert_allclose(chunked["effective_sample_size"], ess, rtol=1e-10)


def test_number_of_samples_may_be_a_tensor(linear_model):
    model, x, _ = linear_model

    @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
    def estimate(num_samples):
        return models.importance_log_prob(model, x, num_samples, chunk_size=50, seed=5)["log_prob"]

    for num_samples in (1, 50, 120):
        static = models.importance_log_prob(model, x, num_samples, chunk_size=50, seed=5)
        np.testing.assert_allclose(estimate(num_samples), static["log_prob"], rtol=1e-12)


@pytest.mark.parametrize("name", ["num_samples", "chunk_size"])
@pytest.mark.parametrize("wrong", [0, -1, 10.0, "10", None])
def test_impossible_numbers_are_refused(linear_model, name, wrong):
    model, x, _ = linear_model
    settings = {"num_samples": 10, "chunk_size": 10, name: wrong}
    with pytest.raises(ValueError, match=f"`{name}` must be a positive integer.*: {wrong!r}"):
        models.importance_log_prob(model, x, **settings)


def test_extreme_weights_stay_finite():
    class Extreme:
        variable_dtype = "float32"

        def log_weights(self, x, num_samples, seed=None):
            rows = tf.constant([[-9e3, 8e3], [-float("inf"), 8e3 - 50.0]])
            return rows[:num_samples]

    result = models.importance_log_prob(Extreme(), tf.zeros([2, 1]), 2, chunk_size=2)
    np.testing.assert_allclose(result["log_prob"], [-9e3 - np.log(2), 8e3 - np.log(2)], rtol=1e-6)
    np.testing.assert_allclose(result["effective_sample_size"], [1, 1], rtol=1e-3)
