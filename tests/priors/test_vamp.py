"""The VampPrior against the explicit mixture of posteriors."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from reference import densities

from tfsp import priors
from tfsp.models import VAE

tfd = tfp.distributions
DIM = 5


def connected(dtype, num_components=30, spread=5.0, scale=0.01, **kwargs):
    """A prior whose posterior reads locations and log scales off the pseudo-inputs."""
    prior = priors.VampPrior(DIM, num_components, dtype=dtype, **kwargs)

    def posterior(x, training=False):
        loc = spread * (2 * x[:, 0] - 1)
        return tfd.Independent(tfd.Normal(loc, scale * tf.exp(x[:, 1] - 0.5)), 1)

    prior.connect(posterior, data_shape=(2, DIM))
    pseudo_inputs = np.random.default_rng(3).random((num_components, 2, DIM))
    prior.pseudo_inputs.assign(pseudo_inputs)
    return prior, posterior


def mixture_of_posteriors(prior, posterior, z):
    q = posterior(prior.pseudo_inputs.value)
    loc, scale = q.distribution.loc.numpy(), q.distribution.scale.numpy()
    return densities.gaussian_mixture_log_prob(z, np.ones(len(loc)), loc, scale)


def points(prior, posterior, seed=0):
    """Draws from components, as training sees them."""
    q = posterior(prior.pseudo_inputs.value)
    rng = np.random.default_rng(seed)
    z = q.distribution.loc + q.distribution.scale * rng.normal(size=q.distribution.loc.shape)
    return z.numpy().astype(prior.variable_dtype)


@pytest.mark.parametrize(("spread", "scale"), [(1.0, 1.0), (5.0, 0.01)])
def test_it_is_the_mixture_of_posteriors(spread, scale):
    prior, posterior = connected("float64", spread=spread, scale=scale)
    z = points(prior, posterior)
    expected = mixture_of_posteriors(prior, posterior, z)
    np.testing.assert_allclose(prior.log_prob(z), expected, rtol=1e-10, atol=1e-8)


def test_float32_is_right_outside_training():
    prior, posterior = connected("float32")
    z = points(prior, posterior)
    expected = mixture_of_posteriors(prior, posterior, z)
    np.testing.assert_allclose(prior.log_prob(z, training=False), expected, rtol=0, atol=1e-4)
    # The fast path of training may be up to about a nat off, not worse.
    np.testing.assert_allclose(prior.log_prob(z, training=True), expected, rtol=0, atol=5.0)


def test_the_fast_path_is_close_for_ordinary_components():
    prior, posterior = connected("float32", spread=2.0, scale=0.3)
    z = points(prior, posterior)
    expected = mixture_of_posteriors(prior, posterior, z)
    np.testing.assert_allclose(prior.log_prob(z, training=True), expected, rtol=0, atol=1e-2)


def test_the_scales_of_the_posterior_may_broadcast():
    prior = priors.VampPrior(2, 3, dtype="float64")
    prior.connect(
        lambda x, training: tfd.Independent(tfd.Normal(x, tf.constant(0.5, tf.float64)), 1),
        data_shape=(2,),
    )
    z = np.random.default_rng(0).normal(size=(4, 2))
    loc = prior.pseudo_inputs.numpy()
    expected = densities.gaussian_mixture_log_prob(z, np.ones(3), loc, np.full((3, 2), 0.5))
    np.testing.assert_allclose(prior.log_prob(tf.constant(z)), expected, rtol=1e-10)


def test_training_reaches_pseudo_inputs_and_posterior():
    prior = priors.VampPrior(DIM, 4)
    factor = tf.Variable(1.5)

    def posterior(x, training=False):
        return tfd.Independent(tfd.Normal(factor * x[:, 0], 0.1 + x[:, 1]), 1)

    prior.connect(posterior, data_shape=(2, DIM))
    with tf.GradientTape() as tape:
        log_prob = prior.log_prob(tf.zeros([3, DIM]), training=True)
    gradients = tape.gradient(log_prob, [factor, prior.pseudo_inputs.value])
    assert all(g is not None and np.all(np.isfinite(g)) and np.any(g != 0) for g in gradients)


def test_the_posterior_is_that_of_evaluation_outside_training():
    seen = []
    prior = priors.VampPrior(2, 3)

    def posterior(x, training=False):
        seen.append(training)
        return tfd.Independent(tfd.Normal(x, tf.ones_like(x)), 1)

    prior.connect(posterior, data_shape=(2,))
    prior.log_prob(tf.zeros([1, 2]))
    prior.sample(2, seed=0)
    assert seen == [False, False]


def test_running_statistics_are_those_of_the_data():
    """Pseudo-inputs must not move the statistics by which the encoder normalises data."""
    encoder = {"name": "graph_vae_mlp", "encoder_hidden": (4,), "decoder_hidden": (4,)}
    model = VAE(encoder, prior={"name": "vamp", "num_components": 4}, latent_dim=2, seed=0)
    x = (np.random.default_rng(0).random((64, 16)) < 0.05).astype(np.float32)
    model.build((None, 16))
    dense, normalisation = model.encoder.layers[1:3]
    normalisation.momentum = 0.5
    for _ in range(20):  # 0.5^20 = 1e-6: the start is forgotten
        model(x, training=True)
    expected = np.mean(dense(x), axis=0)
    np.testing.assert_allclose(normalisation.moving_mean, expected, rtol=1e-3, atol=1e-4)


def test_pseudo_inputs_start_as_noise_inside_the_unit_interval():
    prior, other = priors.VampPrior(2, 200, seed=1), priors.VampPrior(2, 200, seed=2)
    for p in (prior, other):
        p.connect(None, data_shape=(3, 3, 1))
    values = prior.pseudo_inputs.numpy()
    assert values.shape == (200, 3, 3, 1)
    assert values.min() >= 0
    assert values.max() <= 1
    assert abs(values.mean() - 0.5) < 0.02  # 1,800 draws of deviation 0.1: 8 standard errors
    assert not np.any(values == other.pseudo_inputs)
    before = prior.pseudo_inputs
    prior.connect(None, data_shape=(3, 3, 1))
    assert prior.pseudo_inputs is before  # connecting again keeps what was learned


def test_the_projection_keeps_pseudo_inputs_in_the_unit_interval():
    for bounded in (True, False):
        prior = priors.VampPrior(2, 3, bounded=bounded)
        prior.connect(None, data_shape=(2,))
        constraint = prior.pseudo_inputs.constraint
        if bounded:
            np.testing.assert_array_equal(constraint(tf.constant([-1.0, 0.5, 2.0])), [0, 0.5, 1])
        else:
            assert constraint is None


def test_learned_or_not():
    for learned in (True, False):
        prior = priors.VampPrior(2, 3, learned=learned)
        prior.connect(None, data_shape=(2,))
        assert len(prior.trainable_weights) == int(learned)
        assert {w.name for w in prior.weights} == {"pseudo_inputs", "adapted"}


def encoded(x):
    return priors.Encoded(x, None)  # the prior goes by x alone


def test_adapt_takes_distinct_examples():
    x = np.random.default_rng(0).random((20, 2, DIM)).astype(np.float32)
    prior, _ = connected("float32", num_components=20, start="data")
    prior.adapt(encoded(x))
    values = prior.pseudo_inputs.numpy()
    # Every example once: chosen without replacement.
    np.testing.assert_array_equal(np.sort(values.ravel()), np.sort(x.ravel()))
    some, _ = connected("float32", num_components=6, start="data", seed=5)
    some.adapt(encoded(x))
    assert all(any(np.array_equal(u, example) for example in x) for u in some.pseudo_inputs.numpy())


def test_adapt_does_nothing_for_a_start_from_noise():
    prior, _ = connected("float32")
    before = prior.pseudo_inputs.numpy()
    prior.adapt(encoded(np.zeros((50, 2, DIM))))
    np.testing.assert_array_equal(prior.pseudo_inputs, before)


def test_wrong_use_is_refused():
    for wrong in (0, 2.0, "2", None):
        with pytest.raises(ValueError, match=f"`num_components` must be a positive.*: {wrong!r}"):
            priors.VampPrior(2, wrong)
    with pytest.raises(ValueError, match=r"`start` must be 'noise' or 'data'. Received: 'zeros'"):
        priors.VampPrior(2, start="zeros")
    lonely = priors.VampPrior(2, 3, start="data")
    for use in (
        lambda: lonely.log_prob(tf.zeros([1, 2])),
        lambda: lonely.sample(1),
        lambda: lonely.adapt(encoded(np.zeros((5, 2)))),
    ):
        with pytest.raises(ValueError, match=r"has no posterior yet. Build the model"):
            use()
    prior, _ = connected("float32", num_components=6, start="data")
    with pytest.raises(ValueError, match=r"at least 6 examples of shape .*Received: 5 of shape"):
        prior.adapt(encoded(np.zeros((5, 2, DIM))))
    with pytest.raises(ValueError, match=r"Received: 9 of shape \(3,\)"):
        prior.adapt(encoded(np.zeros((9, 3))))
    odd = priors.VampPrior(2, 3)
    odd.connect(lambda x, training: tfd.MultivariateNormalDiag(x), data_shape=(2,))
    with pytest.raises(ValueError, match=r"Gaussian posterior. Received: MultivariateNormalDiag"):
        odd.log_prob(tf.zeros([1, 2]))
