"""What every model promises, checked one way: reloading, gradients, serving, replicas, errors.

Images are [N, 8, 8, 1] (the fixture `binary_images`).
"""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsp import models

IMAGE = (8, 8, 1)
SIGNATURES = ["encode", "decode", "reconstruct", "sample", "log_likelihood"]
CLOSE = dict(rtol=1e-4, atol=1e-5)


def eagerly(model):
    """Not traced: for models of which only a few steps are wanted."""
    model.compile(run_eagerly=True)
    return model


def built(model):
    model.build((None, *IMAGE))
    return model


def fit_with_validation(model, images, **kwargs):
    """The history of an epoch, all of it finite and all terms in it."""
    history = model.fit(
        images, batch_size=32, verbose=0, validation_data=(images,), **kwargs
    ).history
    terms = {"loss", "elbo", *model.term_names}
    assert terms | {f"val_{name}" for name in terms} <= set(history)
    for name, values in history.items():
        assert np.isfinite(values).all(), name
    return history


def assert_same_weights(model, other):
    for ours, theirs in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=ours.path)


def reloaded(model, images, path):
    """The model from a file, after a look that it is the same in every use."""
    model.save(path / "model.keras")
    again = keras.saving.load_model(path / "model.keras")
    assert type(again) is type(model)
    assert json.dumps(again.get_config()) == json.dumps(model.get_config())
    assert_same_weights(model, again)
    x = images[:5]
    assert model.encode(x).shape == (5, model.representation_dim)
    np.testing.assert_array_equal(again.encode(x), model.encode(x))
    if not model.prior.is_density:
        return again
    log_weights = model.log_weights(x, 2, seed=1)
    assert log_weights.shape == (2, 5)
    np.testing.assert_array_equal(again.log_weights(x, 2, seed=1), log_weights)
    draws = model.sample(4, seed=0)
    assert draws.shape == (4, *IMAGE)
    np.testing.assert_array_equal(again.sample(4, seed=0), draws)
    return again


def assert_go_on_alike(model, again, images, **kwargs):
    """Seeds, optimiser, averages and schedules go on where they were: next steps are equal."""
    for fitted in (model, again):
        fitted.fit(images, verbose=0, shuffle=False, **{"batch_size": 64, **kwargs})
    assert_same_weights(model, again)


def shake(model):
    """Moves the weights from their start, where some gradients vanish."""
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(weight + 0.3 * rng.normal(size=weight.shape))


def loss_and_gradients(model, images):
    """The loss that `fit` follows and its gradients by the trainable weights."""
    with tf.GradientTape() as tape:
        terms = model(images, training=True)
        loss = model.compute_loss(images, y_pred=terms, training=False)
    return loss, tape.gradient(loss, [w.value for w in model.trainable_weights])


def assert_every_weight_learns(model, images, may_be_zero=lambda path: False):
    """A gradient that is finite and not all 0."""
    loss, gradients = loss_and_gradients(model, images)
    assert np.isfinite(loss)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert gradient is not None, weight.path
        assert np.all(np.isfinite(gradient)), weight.path
        assert may_be_zero(weight.path) or np.any(np.abs(gradient) > 0), weight.path


def assert_gradient_is_the_slope(model, x, **tolerance):
    """Along a random direction in each weight, at the same noise, by finite differences.

    For models in float64.
    """

    def loss():
        with model.seeds.at(5):
            return model.compute_loss(x, y_pred=model(x, training=True), training=False)

    with tf.GradientTape() as tape:
        value = loss()
    weights = model.trainable_weights
    gradients = tape.gradient(value, [w.value for w in weights])
    rng = np.random.default_rng(1)
    for weight, gradient in zip(weights, gradients, strict=True):
        start, direction = weight.numpy(), rng.normal(size=weight.shape)
        ends = []
        for step in (1e-5, -1e-5):
            weight.assign(start + step * direction)
            ends.append(float(loss()))
        weight.assign(start)
        slope = (ends[0] - ends[1]) / 2e-5
        np.testing.assert_allclose(
            np.sum(gradient * direction),
            slope,
            err_msg=weight.path,
            **{"rtol": 1e-5, "atol": 1e-7, **tolerance},
        )


def assert_loss_compiles(model, images):
    """By XLA, as by default. It draws by another generator: losses are alike, not equal."""
    compiled, gradients = tf.function(loss_and_gradients, jit_compile=True)(model, images)
    np.testing.assert_allclose(compiled, loss_and_gradients(model, images)[0], rtol=0.05)
    assert all(np.all(np.isfinite(g)) and np.any(g != 0) for g in gradients)


def assert_iwae_is_the_log_mean_weight(model, images):
    """The objective of a model made with objective="iwae", and what `evaluate` says of it.

    Returns: the terms of a step.
    """
    with model.seeds.at(3):
        terms = model(images)
    with model.seeds.at(3):
        log_weights = model.log_weights(images, model.num_samples, seed=model.seeds)
    expected = np.log(np.mean(np.exp(log_weights.numpy().astype(float)), axis=0))
    np.testing.assert_allclose(terms["iwae"], expected, rtol=1e-5)
    assert np.mean(terms["iwae"]) > np.mean(terms["log_likelihood"] - terms["kl"])
    scores = model.evaluate(images, verbose=0, return_dict=True)
    np.testing.assert_allclose(scores["loss"], -scores["iwae"], rtol=1e-5)
    return terms


def assert_kl_weight_scales_the_loss_alone(model, images):
    scores = {}
    for weight in (0.0, 0.25, 1.0):
        model.kl_weight.assign(weight)
        with model.seeds.at(0):
            scores[weight] = model.evaluate(images, verbose=0, return_dict=True)
    for weight, score in scores.items():
        expected = weight * score["kl"] - score["log_likelihood"]
        np.testing.assert_allclose(score["loss"], expected, rtol=1e-5)
        np.testing.assert_allclose(score["elbo"], scores[1.0]["elbo"], rtol=1e-6)


def served(model, images, path, more=(), chains=False):
    """The signatures of an exported model, after a look that the usual ones say what it says.

    With `chains`, samples go through a sampler whose draws XLA orders otherwise: they are compared
    with themselves.
    """
    assert model.export(path / "served") == [*SIGNATURES, *more]
    signatures = tf.saved_model.load(path / "served").signatures
    x = images[:3]
    codes = signatures["encode"](images=x)["latent"]
    np.testing.assert_allclose(codes, model.encode(x), **CLOSE)
    means = signatures["decode"](latent=codes)["mean"]
    np.testing.assert_allclose(means, model.reconstruct(x), **CLOSE)
    np.testing.assert_allclose(signatures["reconstruct"](images=x)["mean"], means, **CLOSE)
    count, seed = tf.constant(60), tf.constant(5)

    def sample(seed):
        return signatures["sample"](num_samples=count, seed=seed)["mean"]

    draws = sample(seed)
    assert draws.shape == (60, *IMAGE)
    if chains:
        np.testing.assert_array_equal(draws, sample(seed))
    else:
        np.testing.assert_allclose(draws, model.sample(60, seed=5), **CLOSE)
    assert np.any(sample(seed + 1) != draws)
    bound = signatures["log_likelihood"](images=x, num_samples=count, seed=seed)
    expected = models.importance_log_prob(model, x, 60, 50, seed=5)
    np.testing.assert_allclose(bound["log_prob"], expected["log_prob"], rtol=1e-4)
    return signatures


def mirrored(devices=("CPU:0", "CPU:1")):
    return tf.distribute.MirroredStrategy(list(devices), tf.distribute.ReductionToOneDevice())


def trained_mirrored_in_mixed_precision(build, images, epochs=1):
    """A model of `build(dtype=...)` after `fit` on two replicas; densities stay in float32."""
    with mirrored().scope():
        model = build(dtype="mixed_bfloat16")
        model.compile()
    history = model.fit(
        images, batch_size=32, epochs=epochs, verbose=0, validation_data=(images,)
    ).history
    assert np.isfinite([*history["elbo"], *history["val_elbo"]]).all()
    assert model.log_weights(images[:2], 2, seed=0).dtype == "float32"
    assert model.encode(images[:2]).dtype == "float32"
    return model


def assert_misuse_is_explained(model, images, calls=(), more=()):
    """A call before `build`, then data of another shape.

    Args:
      calls: functions of data, beside the usual ones.
      more: functions of data that need a built model but do not look at the data.
    """
    dim = model.representation_dim
    calls = [model.encode, lambda x: model.log_weights(x, 1), *calls]
    unseeing = [lambda x: model.sample(2), lambda x: model.decode(np.zeros((1, dim))), *more]
    for call in (*calls, *unseeing):
        with pytest.raises(ValueError, match="has not been built"):
            call(images)
    built(model)
    for call in (model, *calls):
        with pytest.raises(ValueError, match=r"examples of shape \(8, 8, 1\).*\(7, 8, 1\)"):
            call(images[:, 1:])
