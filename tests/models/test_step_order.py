"""A training step reads its weights before it moves them, whatever the threads do."""

import contextlib
import os
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from model_contract import mirrored

from tfsp import models, networks

# A long run outside CI: TFSP_STRESS_STEPS=20000 python -m pytest tests/models/test_step_order.py
STEPS = int(os.environ.get("TFSP_STRESS_STEPS", "3000"))


def tiny(**kwargs):
    keras.utils.set_random_seed(0)
    kwargs = dict(batch_norm=False, num_chains=4, num_sweeps=1) | kwargs
    return models.DiscreteVAE(
        networks.MLP(hidden=(4,)), latent_dim=8, num_groups=2, seed=0, **kwargs
    )


def read_late(prior, monkeypatch):
    """From now on the score of the units reads the weights 50 ms later than all else."""
    read, log_partition = prior.weights_and_bias, prior.log_partition

    def nap():
        time.sleep(0.05)
        return np.float32(0.0)

    def late():
        with tf.control_dependencies([tf.numpy_function(nap, [], tf.float32)]):
            return read()

    def prompt():
        with monkeypatch.context() as patch:
            patch.setattr(prior, "weights_and_bias", read)
            return log_partition()

    def update():
        with monkeypatch.context() as patch:
            patch.setattr(prior, "weights_and_bias", read)
            type(prior).update(prior)

    monkeypatch.setattr(prior, "weights_and_bias", late)
    monkeypatch.setattr(prior, "log_partition", prompt)
    monkeypatch.setattr(prior, "update", update)


def data(rows):
    return (np.random.default_rng(0).random((rows, 6)) < 0.5).astype("float32")


@pytest.mark.parametrize(("jit_compile", "devices"), [(False, 1), ("auto", 1), (False, 2)])
def test_late_reads_see_the_weights_of_before(jit_compile, devices, monkeypatch):
    """The KL of a step is that of the weights before it; at a rate of 1 those after are far off."""
    found = []
    for late in (False, True):
        with mirrored().scope() if devices == 2 else contextlib.nullcontext():
            model = tiny()
            model.compile(keras.optimizers.SGD(1.0), jit_compile=jit_compile)
            model.build((None, 6))
        if late:
            read_late(model.prior, monkeypatch)
        history = model.fit(data(16), batch_size=16, epochs=3, shuffle=False, verbose=0).history
        found.append([history["kl"], history["loss"], *map(np.asarray, model.weights)])
    for quick, slow in zip(*found, strict=True):
        np.testing.assert_allclose(quick, slow, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_a_resumed_run_is_the_straight_one(tmp_path):
    """Bit for bit, every metric of every hundred steps, plain and with a stop halfway."""
    x, half = data(800), STEPS // 200

    def run(model, first, last):
        history = model.fit(
            x, batch_size=8, initial_epoch=first, epochs=last, shuffle=False, verbose=0
        ).history
        return np.array([history[name] for name in sorted(history)])

    model = tiny(batch_norm=True)
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    straight = run(model, 0, 2 * half)
    again = tiny(batch_norm=True)
    again.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    first = run(again, 0, half)
    again.save(tmp_path / "half.keras")
    again = keras.saving.load_model(tmp_path / "half.keras")
    resumed = np.concatenate([first, run(again, half, 2 * half)], axis=1)
    np.testing.assert_array_equal(resumed, straight)
    for one, other in zip(again.weights, model.weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("continuous", [0, 2])
def test_no_gradient_is_rounding_alone(continuous):
    """Adam would make whole steps of it, whose signs depend on the order of sums."""
    model = tiny(batch_norm=True, num_continuous_layers=continuous, continuous_size=3)
    model.compile()
    model.build((None, 6))
    x = tf.constant(data(64))
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x, y_pred=model(x, training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    for weight, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert np.abs(np.asarray(gradient)).max() > 1e-5, weight.path
