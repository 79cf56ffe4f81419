"""What every registered prior promises."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from reference import densities
from reference.statistics import frequency_tolerance, mean_tolerance

from tfsp import priors
from tfsp.models import VAE
from tfsp.random import SeedStream

tfd = tfp.distributions
DENSITIES = [name for name in priors.names() if priors.get(name).is_density]
OTHERS = [name for name in priors.names() if not priors.get(name).is_density]


def randomise(layer, seed=0, spread=0.3):
    """Moves every trainable weight off its start, where it may sit at a symmetric point."""
    rng = np.random.default_rng(seed)
    for weight in layer.trainable_weights:
        weight.assign(weight + spread * rng.normal(size=weight.shape))
    return layer


def example(name):
    return randomise(priors.get(name).example())


def posterior(prior, batch=4, seed=1):
    rng = np.random.default_rng(seed)
    loc = rng.normal(size=(batch, prior.latent_dim)).astype(prior.variable_dtype)
    scale = rng.uniform(0.3, 1.2, size=loc.shape).astype(loc.dtype)
    return tfd.Independent(tfd.Normal(loc, scale), 1)


@pytest.mark.parametrize("name", DENSITIES)
def test_log_prob_has_the_right_shape_and_gradients(name):
    prior = example(name)
    z = prior.sample(3, seed=0)
    for training in (False, True):
        with tf.GradientTape() as tape:
            tape.watch(z)
            log_prob = prior.log_prob(z, training=training)
        assert log_prob.shape == (3,)
        assert np.all(np.isfinite(log_prob))
        weights = [v.value for v in prior.trainable_weights]
        gradients = tape.gradient(log_prob, [z, *weights])
        assert all(g is not None for g in gradients)
        assert all(np.all(np.isfinite(g)) for g in gradients)


@pytest.mark.parametrize("name", DENSITIES)
def test_leading_axes_are_kept(name):
    prior = example(name)
    z = tf.reshape(prior.sample(6, seed=0), [2, 3, prior.latent_dim])
    together = prior.log_prob(z)
    assert together.shape == (2, 3)
    np.testing.assert_allclose(together[1], prior.log_prob(z[1]), rtol=1e-4, atol=1e-5)
    single = prior.log_prob(z[1, 2])
    assert single.shape == ()
    np.testing.assert_allclose(single, together[1, 2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", DENSITIES)
def test_sampling_is_seeded(name):
    prior = example(name)
    draws = prior.sample(5, seed=1)
    assert draws.shape == (5, prior.latent_dim)
    assert draws.dtype == prior.variable_dtype
    np.testing.assert_array_equal(draws, prior.sample(5, seed=1))
    np.testing.assert_array_equal(draws, prior.sample(5, seed=tf.constant([1, 0])))
    assert not np.any(draws == prior.sample(5, seed=2))
    assert not np.any(prior.sample(5) == prior.sample(5))
    stream = SeedStream(1)
    np.testing.assert_array_equal(draws, prior.sample(5, seed=stream))
    assert not np.any(draws == prior.sample(5, seed=stream))
    assert prior.sample(1, seed=1).shape == (1, prior.latent_dim)


@pytest.mark.parametrize("name", DENSITIES)
def test_density_integrates_to_one_and_samples_follow_it(name):
    """Over cells of the plane: integrals of the density against frequencies of samples."""
    prior = example(name)
    if prior.latent_dim != 2:
        pytest.skip("the example is not two-dimensional")
    points, areas = densities.stretched_grid(limit=1000.0, steps=400)  # a flow's tails are heavy
    density = np.exp(prior.log_prob(tf.constant(points, prior.variable_dtype)).numpy())
    np.testing.assert_allclose(areas @ density.astype(np.float64), 1.0, atol=2e-3)

    edges = np.array([-3.0, -1.5, -0.7, 0.0, 0.7, 1.5, 3.0])
    points, area = densities.midpoint_grid(limit=3.0, steps=120)  # their cells fit the edges
    mass = area * np.exp(prior.log_prob(tf.constant(points, prior.variable_dtype)).numpy())
    expected, _, _ = np.histogram2d(*points.T, bins=edges, weights=mass)
    assert np.sum(expected > 0.01) >= 9  # the cells tell something
    num_samples = 20_000
    observed, _, _ = np.histogram2d(*prior.sample(num_samples, seed=3).numpy().T, bins=edges)
    # Hoeffding over 36 cells: fails for a right sampler with probability below 1e-6.
    atol = frequency_tolerance(num_samples, cells=36) + 1e-3
    np.testing.assert_allclose(observed / num_samples, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("name", DENSITIES)
def test_kl_agrees_with_its_definition(name):
    prior = example(name)
    q = posterior(prior)
    z = q.sample(20_000, seed=[1, 2])
    kl = prior.kl(q, z[:2])
    assert kl.shape in ((4,), (2, 4))
    ratio = q.log_prob(z) - prior.log_prob(z)
    if kl.shape == (4,):  # a closed form: the same for all draws
        np.testing.assert_array_equal(kl, prior.kl(q, z[2:4]))
        # A right closed form fails with a probability of about 1e-6.
        assert np.all(np.abs(np.mean(ratio, 0) - kl) <= mean_tolerance(ratio) + 1e-5)
    else:
        difference = np.mean(prior.kl(q, z) - ratio, axis=0)
        assert np.all(np.abs(difference) <= mean_tolerance(ratio) + 1e-5)
    # KL is not negative; the mean of the ratio is, then, within the same rate.
    assert np.all(np.mean(ratio, axis=0) > -mean_tolerance(ratio))


@pytest.mark.parametrize("name", priors.names())
def test_kl_has_gradients_to_the_posterior(name):
    prior = example(name)
    loc = tf.constant([[0.5] * prior.latent_dim] * 4)
    scale = tf.fill(loc.shape, 0.7)
    with tf.GradientTape() as tape:
        tape.watch([loc, scale])
        q = tfd.Independent(tfd.Normal(loc, scale), 1)
        kl = tf.reduce_mean(prior.kl(q, q.sample(3, seed=[1, 2]), training=True))
    gradients = tape.gradient(kl, [loc, scale], unconnected_gradients="zero")
    assert all(np.all(np.isfinite(g)) for g in gradients)
    if prior.is_density:
        assert np.any(gradients[0] != 0)
        assert np.any(gradients[1] != 0)


@pytest.mark.parametrize("name", OTHERS)
def test_a_prior_without_density_says_so(name):
    prior = example(name)
    with pytest.raises(ValueError, match="Train with another prior"):
        prior.log_prob(tf.zeros([3, prior.latent_dim]))
    with pytest.raises(ValueError, match="Train with another prior"):
        prior.sample(3, seed=0)
    q = posterior(prior)
    np.testing.assert_array_equal(prior.kl(q, q.sample(3, seed=[1, 2])), np.zeros(4))


def test_only_the_plain_autoencoder_has_no_density():
    assert OTHERS == ["none"]


@pytest.mark.parametrize("name", priors.names())
def test_config_round_trip(name):
    prior = priors.get(name).example()
    config = prior.get_config()
    again = type(prior).from_config(json.loads(json.dumps(config)))
    assert json.dumps(again.get_config()) == json.dumps(config)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(prior))
    assert type(copy) is type(prior)
    assert json.dumps(copy.get_config()) == json.dumps(config)
    if not prior.needs_posterior:
        assert [w.shape for w in again.weights] == [w.shape for w in prior.weights]


@pytest.mark.parametrize("name", priors.names())
def test_a_model_takes_its_prior_along_when_saved(name, tmp_path):
    model = VAE(
        encoder={"name": "mlp", "hidden": (5,)}, prior=priors.get(name).example(), latent_dim=2
    )
    model.build((None, 4))
    randomise(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.prior) is type(model.prior)
    assert len(loaded.prior.weights) == len(model.prior.weights)
    for saved, read in zip(model.prior.weights, loaded.prior.weights, strict=True):
        np.testing.assert_array_equal(saved, read)
    z = tf.constant(np.random.default_rng(0).normal(size=(6, 2)), tf.float32)
    if model.prior.is_density:
        np.testing.assert_array_equal(model.prior.log_prob(z), loaded.prior.log_prob(z))
        np.testing.assert_array_equal(model.prior.sample(3, 1), loaded.prior.sample(3, 1))


@pytest.mark.parametrize(
    ("policy", "expected"), [("mixed_bfloat16", "float32"), ("float64", "float64")]
)
@pytest.mark.parametrize("name", DENSITIES)
def test_densities_are_never_in_half_precision(name, policy, expected):
    before, floatx = keras.config.dtype_policy(), keras.config.floatx()
    try:
        keras.config.set_dtype_policy(policy)
        if policy == "float64":
            keras.config.set_floatx("float64")
        prior = example(name)
        z = prior.sample(3, seed=0)
        log_prob = prior.log_prob(z)
        q = posterior(prior)
        kl = prior.kl(q, q.sample(2, seed=[1, 2]))
    finally:
        keras.config.set_dtype_policy(before)
        keras.config.set_floatx(floatx)
    assert {z.dtype, log_prob.dtype, kl.dtype} == {tf.as_dtype(expected)}
    assert all(w.dtype == expected for w in prior.trainable_weights)
    # State such as a tree's keeps its own type; none may be in half precision.
    assert {w.dtype for w in prior.weights} <= {expected, "bool", "int32", "int64", "float64"}
    assert np.all(np.isfinite(log_prob))


@pytest.mark.parametrize("name", DENSITIES)
def test_it_runs_in_a_graph_with_an_unknown_batch(name):
    prior = example(name)

    @tf.function(input_signature=[tf.TensorSpec((None, prior.latent_dim), tf.float32)])
    def log_prob(z):
        return prior.log_prob(z)

    z = prior.sample(3, seed=0)
    np.testing.assert_allclose(log_prob(z), prior.log_prob(z), rtol=1e-4, atol=1e-5)
    randomise(prior, seed=5)  # a graph that kept a snapshot of the weights would not notice
    np.testing.assert_allclose(log_prob(z), prior.log_prob(z), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", priors.names())
@pytest.mark.parametrize("latent_dim", [0, -1, 1.5, True, "2", None])
def test_latent_dim_must_be_a_positive_integer(name, latent_dim):
    with pytest.raises(ValueError, match="`latent_dim` must be a positive integer"):
        priors.get(name)(latent_dim=latent_dim)


def test_a_prior_without_a_distribution_says_so():
    class Empty(priors.Prior):
        pass

    with pytest.raises(NotImplementedError, match="Empty must define `distribution`"):
        Empty(2).log_prob(tf.zeros([1, 2]))
