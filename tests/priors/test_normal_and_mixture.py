"""The normal and the mixture prior against their definitions."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from reference import densities
from scipy import stats

from tfsp import priors

tfd = tfp.distributions


def test_normal_is_scipys():
    prior = priors.build({"name": "normal", "dtype": "float64"}, latent_dim=3)
    z = 3 * np.random.default_rng(0).normal(size=(4, 5, 3))
    expected = stats.norm.logpdf(z).sum(-1)
    np.testing.assert_allclose(prior.log_prob(tf.constant(z)), expected, rtol=1e-12)
    assert not prior.weights


def test_normal_kl_in_closed_form():
    prior = priors.build({"name": "normal", "dtype": "float64"}, latent_dim=3)
    rng = np.random.default_rng(0)
    loc, scale = rng.normal(size=(4, 3)), rng.uniform(0.1, 2, size=(4, 3))
    q = tfd.Independent(tfd.Normal(tf.constant(loc), tf.constant(scale)), 1)
    kl = prior.kl(q, q.sample(2, seed=[1, 2]))
    np.testing.assert_allclose(kl, densities.gaussian_kl(loc, scale), rtol=1e-10)


def test_normal_kl_is_estimated_for_a_posterior_without_a_closed_form():
    prior = priors.build({"name": "normal"}, latent_dim=2)
    q = tfd.Independent(tfd.StudentT(5.0, tf.zeros([4, 2]), 1.0), 1)
    z = q.sample(3, seed=[1, 2])
    kl = prior.kl(q, z)
    assert kl.shape == (3, 4)
    expected = stats.t.logpdf(z, 5).sum(-1) - stats.norm.logpdf(z).sum(-1)
    np.testing.assert_allclose(kl, expected, rtol=1e-4, atol=1e-5)


def settings(num_components=3, dim=2, seed=0):
    rng = np.random.default_rng(seed)
    return dict(
        loc=rng.normal(size=(num_components, dim)),
        scale=rng.uniform(0.2, 1.5, size=(num_components, dim)),
        weights=rng.uniform(0.1, 2.0, size=num_components),
    )


def reference(z, given):
    return densities.gaussian_mixture_log_prob(z, given["weights"], given["loc"], given["scale"])


@pytest.mark.parametrize("learned", [True, False])
def test_mixture_matches_the_sum_over_components(learned):
    given = settings()
    spec = {"name": "mixture", "num_components": 3, "learned": learned, "dtype": "float64"}
    prior = priors.build({**spec, **given}, latent_dim=2)
    assert len(prior.trainable_weights) == (3 if learned else 0)
    assert len(prior.weights) == 3
    z = 2 * np.random.default_rng(1).normal(size=(10, 2))
    expected = densities.gaussian_mixture_log_prob(
        z, given["weights"], given["loc"], given["scale"]
    )
    np.testing.assert_allclose(prior.log_prob(tf.constant(z)), expected, rtol=1e-11)


def test_the_density_follows_the_weights():
    prior = priors.MixturePrior(2, num_components=3, dtype="float64")
    moved = settings(seed=4)
    prior.logits.assign(np.log(moved["weights"]) + 5.0)  # unnormalised
    prior.loc.assign(moved["loc"])
    prior.log_variance.assign(2 * np.log(moved["scale"]))
    z = 2 * np.random.default_rng(1).normal(size=(10, 2))
    expected = densities.gaussian_mixture_log_prob(
        z, moved["weights"], moved["loc"], moved["scale"]
    )
    np.testing.assert_allclose(prior.log_prob(tf.constant(z)), expected, rtol=1e-11)


def test_scale_may_be_one_number():
    loc = settings()["loc"]
    one = priors.MixturePrior(2, num_components=3, loc=loc, scale=0.25)
    many = priors.MixturePrior(2, num_components=3, loc=loc, scale=np.full((3, 2), 0.25))
    z = tf.zeros([1, 2])
    np.testing.assert_array_equal(one.log_prob(z), many.log_prob(z))


def test_the_start_has_the_variance_of_the_standard_normal():
    prior = priors.MixturePrior(2, num_components=20_000, seed=3)
    covariance = prior.distribution().covariance()
    # 0.25 of the variance is that of 20,000 locations; five standard errors are 0.0125.
    np.testing.assert_allclose(covariance, np.eye(2), atol=0.0125)
    other = priors.MixturePrior(2, num_components=20_000, seed=4)
    assert not np.any(other.loc == prior.loc)
    again = priors.MixturePrior(2, num_components=20_000, seed=3)
    np.testing.assert_array_equal(again.loc, prior.loc)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (dict(num_components=0), "`num_components` must be a positive integer. Received: 0"),
        (dict(num_components="3"), "`num_components` must be a positive integer. Received: '3'"),
        (dict(num_components=None), "`num_components` must be a positive integer. Received: None"),
        (dict(num_components=3.0), "`num_components` must be a positive integer. Received: 3.0"),
        (dict(loc=np.zeros((3, 5))), r"`loc` must have shape .*\(3, 2\).*Received: \(3, 5\)"),
        (dict(scale=0.0), "`scale` must be positive"),
        (dict(scale=np.ones(3)), r"`scale` must be positive.*Received: shape=\(3,\)"),
        (dict(scale=np.full((3, 2), np.nan)), "`scale` must be positive"),
        (dict(weights=[1.0, 2.0]), "`weights` must hold 3 positive numbers"),
        (dict(weights=[1.0, 2.0, 0.0]), "`weights` must hold 3 positive numbers"),
        (dict(components=3), "'mixture' does not take 'components'"),
    ],
)
def test_wrong_settings_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        priors.build({"name": "mixture", "num_components": 3, **wrong}, latent_dim=2)


def test_weights_alone_can_be_fixed():
    prior = priors.build("mixture", latent_dim=2, num_components=3, learned_weights=False)
    assert {weight.name for weight in prior.trainable_weights} == {"loc", "log_variance"}
    np.testing.assert_allclose(tf.nn.softmax(prior.logits), np.full(3, 1 / 3), rtol=1e-6)
    again = type(prior).from_config(prior.get_config())
    assert len(again.trainable_weights) == 2
    fixed = priors.build("mixture", latent_dim=2, num_components=3, learned=False)
    assert not fixed.trainable_weights
