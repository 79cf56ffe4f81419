"""Gradients of the training loss with LORACs against finite differences in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import loracs as reference
from scipy import special, stats

from priors.loracs_cases import (
    KL_WEIGHT,
    draws,
    fixed_noise,
    gradients,
    images,
    loss,
    model,
    network_weights,
    posterior,
    started,
    tree_log_probs,
)
from tfsp.random import fold_in


def assert_gradients(vae, x, weights, step=1e-5, num_directions=1, rtol=1e-6):
    """Along random directions in each weight, by the five-point rule."""
    assert weights
    rng, value = np.random.default_rng(0), tf.function(lambda: loss(vae, x))
    for weight, gradient in zip(weights, gradients(vae, x, weights), strict=True):
        start = weight.numpy()
        for _ in range(num_directions):
            direction, at = rng.normal(size=weight.shape), {}
            for k in (-2, -1, 1, 2):
                weight.assign(start + k * step * direction)
                at[k] = float(value())
            weight.assign(start)
            slope = (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * step)
            assert abs(slope) > 1e-5, weight.path
            np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=rtol, atol=1e-8)


def test_the_training_loss_by_hand(float64):
    vae, x = started()
    loc, scale, z = draws(vae, x)
    logits = vae.decoder(z.reshape(-1, 2)).numpy().reshape(2, *x.shape)
    log_likelihood = -np.logaddexp(0, np.where(x > 0.5, -logits, logits)).sum(axis=-1)
    log_q = stats.norm.logpdf(z, loc, scale).sum(axis=-1)
    kl = log_q - tree_log_probs(vae, z).mean(axis=0)
    np.testing.assert_allclose(loss(vae, x), np.mean(KL_WEIGHT * kl - log_likelihood), rtol=1e-9)
    # The bound that is reported knows no KL weight; in evaluation the nodes are others.
    with fixed_noise(vae):
        terms = vae(x)
    kl = log_q - tree_log_probs(vae, z, (24, 12), added=0.0).mean(axis=0)
    np.testing.assert_allclose(terms["kl"], kl.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(terms["log_likelihood"], log_likelihood.mean(axis=0), rtol=1e-9)


def test_the_iwae_loss_by_hand(float64):
    """There the trees are mixed."""
    vae, x = started(objective="iwae")
    loc, scale, z = draws(vae, x)
    logits = vae.decoder(z.reshape(-1, 2)).numpy().reshape(2, *x.shape)
    log_likelihood = -np.logaddexp(0, np.where(x > 0.5, -logits, logits)).sum(axis=-1)
    log_q = stats.norm.logpdf(z, loc, scale).sum(axis=-1)
    log_p = special.logsumexp(tree_log_probs(vae, z), axis=0) - np.log(2)
    log_weights = log_likelihood + KL_WEIGHT * (log_p - log_q)
    bound = special.logsumexp(log_weights, axis=0) - np.log(2)
    np.testing.assert_allclose(loss(vae, x), -bound.mean(), rtol=1e-9)
    assert_gradients(vae, x, network_weights(vae))


@pytest.mark.parametrize("edge_weights", ["prior", "bayes"])
def test_fixed_inducing_points(float64, edge_weights):
    vae, x = started({"edge_weights": edge_weights})
    assert not vae.prior.trainable_weights
    assert_gradients(vae, x, network_weights(vae))


def test_learned_inducing_points_along_the_path(float64):
    vae, x = started({"inducing_points": "learned", "inducing_learning_rate": 0.2})
    assert [w.shape for w in vae.prior.trainable_weights] == [(5, 2)]
    assert_gradients(vae, x, [*network_weights(vae), vae.prior._inducing], num_directions=3)


def test_recognition(float64):
    vae, x = started(
        {"attachment": "recognition", "recognition_hidden": (6, 5), "inducing_points": "learned"}
    )
    assert len(vae.prior.trainable_weights) == 7
    recognition = vae.prior.recognition.trainable_weights
    assert set(map(id, recognition)) < set(map(id, vae.trainable_weights))
    assert_gradients(vae, x, network_weights(vae) + vae.prior.trainable_weights, rtol=1e-5)


def test_recognition_is_asked_about_every_tree(float64):
    """With its own noise for each, and with the variances that hold in training."""
    settings = {"attachment": "recognition", "recognition_hidden": (4,), "added_variance": 0.05}
    vae, x = started({**settings, "concentration1": 1.5, "concentration0": 2.5})
    prior, (loc, scale, z) = vae.prior, draws(vae, x)
    network = prior.recognition
    assert (network.concentration1, network.concentration0) == (1.5, 2.5)
    assert network.edge_weights == "bayes"
    log_q = stats.norm.logpdf(z, loc, scale).sum(axis=-1)
    for training, added in ((True, 0.05 + 0.1), (False, 0.05)):
        with prior.seeds.at(2):
            kl = prior.kl(posterior(loc, scale), z, training=training)
        with prior.seeds.at(2):
            seed = prior.seeds.next()
        bounds = [
            network.bound(
                z.reshape(-1, 2), parent, time, prior.inducing, fold_in(seed, chain), added
            )
            for chain, (parent, time) in enumerate(
                zip(prior.parent.numpy(), prior.time.numpy(), strict=True)
            )
        ]
        np.testing.assert_allclose(
            kl, log_q - np.mean(bounds, axis=0).reshape(z.shape[:-1]), rtol=1e-9
        )


def test_the_recognition_bound_is_below_the_collapsed_one_and_has_noise_of_its_own(float64):
    """The mean of the bounds over the trees, E[bound] <= log p(z) in continuous time."""
    settings = {"attachment": "recognition", "recognition_hidden": (4,), "edge_weights": "prior"}
    vae, x = started(settings)
    prior = vae.prior
    loc, scale, z = draws(vae, x)
    q = posterior(loc, scale)
    values = np.stack([prior.kl(q, z, training=False) for _ in range(60)])
    assert np.all(values.std(axis=0) > 0)  # new times at every call
    with prior.seeds.at(2):
        once = prior.kl(q, z)
    with prior.seeds.at(2):
        np.testing.assert_array_equal(once, prior.kl(q, z))
    log_q = stats.norm.logpdf(z, loc, scale).sum(axis=-1)
    exact = np.mean(
        [
            reference.log_prob(
                z.reshape(-1, 2),
                prior.inducing.numpy(),
                reference.continuous(parent, time, floor=1e-9),
            ).reshape(z.shape[:-1])
            for parent, time in zip(prior.parent.numpy(), prior.time.numpy(), strict=True)
        ],
        axis=0,
    )
    gap = values.mean(axis=0) - (log_q - exact)
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    # 14 gaps, none negative; t with 59 degrees: false alarm below 1e-6.
    assert np.all(gap > -stats.t.isf(1e-6 / gap.size, len(values) - 1) * error)
    assert gap.mean() > 0.01
    # `log_prob` and `sample` stay those of the collapsed density.
    rules = [
        reference.discrete(parent, time, (24, 12))
        for parent, time in zip(prior.parent.numpy(), prior.time.numpy(), strict=True)
    ]
    each = [reference.log_prob(z[0], prior.inducing.numpy(), rule) for rule in rules]
    mixture = special.logsumexp(each, axis=0) - np.log(2)
    np.testing.assert_allclose(prior.log_prob(z[0]), mixture, rtol=1e-9)


def test_one_step_of_adam_moves_the_inducing_points_by_their_own_rate():
    for rate in (1.0, 0.05):
        vae = model(
            {"inducing_points": "learned", "inducing_learning_rate": rate, "start_epoch": 0}
        )
        vae.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
        vae.adapt(images())
        before = vae.prior.inducing.numpy()
        vae.fit(images(), batch_size=60, verbose=0)
        moved = np.abs(vae.prior.inducing.numpy() - before)
        np.testing.assert_allclose(moved, np.full((6, 2), 1e-2 * rate), rtol=0.02)
