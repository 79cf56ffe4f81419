"""L1 batch normalisation against NumPy, its bounds, and the network of two inputs."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import discrete_vae as reference

from tfsp.networks import ConditionalMLP, L1BatchNorm


def test_against_numpy():
    rng = np.random.default_rng(0)
    x = rng.normal(3.0, 2.0, size=(50, 4)).astype("float32")
    layer = L1BatchNorm(momentum=0.9)
    layer.build((None, 4))
    scale, offset = rng.normal(size=4), rng.normal(size=4)
    layer.scale.assign(scale)
    layer.offset.assign(offset)
    expected = reference.l1_batch_norm(x.astype(float), scale, offset, 1e-3)
    np.testing.assert_allclose(layer(x, training=True), expected, rtol=1e-4, atol=1e-5)
    # Leading axes are one batch.
    again = layer(x.reshape(5, 10, 4), training=True)
    np.testing.assert_allclose(np.reshape(again, (50, 4)), expected, rtol=1e-4, atol=1e-5)


def test_averages_stand_in_for_the_batch():
    x = np.random.default_rng(0).normal(3.0, 2.0, size=(50, 4)).astype("float32")
    layer = L1BatchNorm(momentum=0.5)
    for _ in range(30):
        trained = layer(x, training=True)
    np.testing.assert_allclose(layer(x), trained, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(layer(x[:1]), trained[:1], rtol=1e-4, atol=1e-4)
    fresh = L1BatchNorm(momentum=0.75)
    fresh(x, training=True)
    np.testing.assert_allclose(fresh.moving_means[0], 0.25 * x.mean(0), rtol=1e-5)
    deviation = np.abs(x - x.mean(0)).mean(0)
    np.testing.assert_allclose(fresh.moving_deviations[0], 0.75 + 0.25 * deviation, rtol=1e-5)


def test_bounds_hold_after_each_step():
    layer = L1BatchNorm(scale_bounds=(2.0, 3.0))
    layer.build((None, 3))
    np.testing.assert_array_equal(layer.scale, [2.0, 2.0, 2.0])
    optimizer = keras.optimizers.SGD(1.0)
    optimizer.build(layer.trainable_variables)
    gradients = [tf.constant([-5.0, 5.0, -0.5]), tf.constant([-9.0, 9.0, -1.0])]
    optimizer.apply(gradients, layer.trainable_variables)
    np.testing.assert_allclose(layer.scale, [3.0, 2.0, 2.5])
    np.testing.assert_allclose(layer.offset, [3.0, -2.0, 1.0])
    # The scale falls, and takes the bound on the offset along.
    optimizer.apply([tf.constant([0.5, 0.0, 9.0]), tf.zeros(3)], layer.trainable_variables)
    np.testing.assert_allclose(layer.scale, [2.5, 2.0, 2.0])
    np.testing.assert_allclose(layer.offset, [2.5, -2.0, 1.0])


def test_both_sides_of_zero_within_a_batch():
    """Why it is bounded: with the largest offset some units are still off, whatever comes in."""
    x = np.random.default_rng(0).normal(100.0, 0.01, size=(200, 5)).astype("float32")
    layer = L1BatchNorm(scale_bounds=(2.0, 3.0), epsilon=1e-6)
    layer.build((None, 5))
    layer.scale.assign(np.full(5, 3.0))
    layer.offset.assign(np.full(5, 3.0))
    y = layer(x, training=True).numpy()
    assert np.all((y < 0).mean(0) > 0.1)
    assert np.all((y > 0).mean(0) > 0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale_bounds": (3.0, 2.0)}, r"`scale_bounds\[1\]` must be .* \[3.0, inf\].*: 2.0"),
        ({"scale_bounds": (0.0, 1.0)}, r"`scale_bounds\[0\]` must be a positive number.*: 0.0"),
        ({"scale_bounds": ("a", 1.0)}, r"`scale_bounds\[0\]` must be a positive number.*: 'a'"),
        ({"scale_bounds": (1.0,)}, r"`scale_bounds` must be \(low, high\).*Received: \(1.0,\)"),
        ({"scale_bounds": 2.0}, r"`scale_bounds` must be \(low, high\) .*Received: 2.0"),
        ({"momentum": 1.0}, r"`momentum` must be a number in \[0, 1\). Received: 1.0"),
        ({"momentum": "0.5"}, r"`momentum` must be a number in \[0, 1\). Received: '0.5'"),
        ({"momentum": None}, r"`momentum` must be a number in \[0, 1\). Received: None"),
        ({"epsilon": 0}, "`epsilon` must be a positive number. Received: 0"),
        ({"epsilon": "1"}, "`epsilon` must be a positive number. Received: '1'"),
    ],
)
def test_bad_settings_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        L1BatchNorm(**arguments)


def test_half_precision_is_for_the_outside():
    layer = L1BatchNorm(dtype="mixed_bfloat16")
    x = tf.constant(np.random.default_rng(0).normal(50.0, 0.1, size=(64, 2)), tf.float32)
    assert layer(x, training=True).dtype == tf.bfloat16
    assert layer.moving_means[0].dtype == "float32"
    expected = reference.l1_batch_norm(x.numpy().astype(float), 1.0, 0.0, 1e-3)
    np.testing.assert_allclose(tf.cast(layer(x, training=True), tf.float32), expected, atol=0.02)


@pytest.mark.parametrize("sizes", [(3, 2), (3, 0), (0, 2)])
@pytest.mark.parametrize("hidden", [(), (4,), (4, 5)])
def test_conditional_mlp(sizes, hidden):
    network = ConditionalMLP(6, *sizes, hidden=hidden, activation="tanh", dtype="float64")
    network.build()
    rng = np.random.default_rng(0)
    for weight in network.trainable_weights:
        weight.assign(rng.normal(size=weight.shape))
    context = rng.normal(size=(7, 3)) if sizes[0] else None
    latents = rng.normal(size=(2, 7, 2)) if sizes[1] else None
    h = 0.0
    if sizes[0]:
        h = context @ network.context_dense.kernel.numpy() + network.context_dense.bias.numpy()
    if sizes[1]:
        h = h + latents @ network.latent_dense.kernel.numpy()
        if not sizes[0]:
            h = h + network.latent_dense.bias.numpy()
    for dense in network.dense:
        h = np.tanh(h) @ dense.kernel.numpy() + dense.bias.numpy()
    outputs = network(context=context, latents=latents)
    assert outputs.shape == ((2, 7, 6) if sizes[1] else (7, 6))
    np.testing.assert_allclose(outputs, h, rtol=1e-10)


def test_conditional_mlp_refuses_what_cannot_be():
    with pytest.raises(ValueError, match="needs inputs"):
        ConditionalMLP(3, 0, 0)
    for sizes, hidden, message in (
        ((3, 2, 0), (0,), r"`hidden\[0\]` must be a positive integer: .*: 0"),
        (("3", 2, 0), (), "`num_outputs` must be a positive integer. Received: '3'"),
        ((3, -1, 2), (), "`context_size` must be a non-negative integer. Received: -1"),
        ((3, 2, None), (), "`latent_size` must be a non-negative integer. Received: None"),
    ):
        with pytest.raises(ValueError, match=message):
            ConditionalMLP(*sizes, hidden=hidden)


def test_each_place_keeps_averages_of_its_own():
    """Inputs that differ from place to place are normalised in use as they were in training."""
    rng = np.random.default_rng(4)
    inputs = [rng.normal(size=(500, 3)), 5.0 + 3.0 * rng.normal(size=(500, 3))]
    inputs = [x.astype("float32") for x in inputs]
    layer = L1BatchNorm(momentum=0.0, num_places=2)
    trained = [layer(x, training=True, place=k) for k, x in enumerate(inputs)]
    for k, x in enumerate(inputs):
        np.testing.assert_allclose(layer(x, place=k), trained[k], atol=1e-5)
    assert np.abs(layer(inputs[1], place=0) - trained[1]).max() > 1
    assert len(layer.trainable_variables) == 2
    again = L1BatchNorm.from_config(layer.get_config())
    again.build((None, 3))
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(inputs[1], place=1), layer(inputs[1], place=1))
    with pytest.raises(ValueError, match="`num_places` must be a positive integer.*0"):
        L1BatchNorm(num_places=0)


def test_what_is_normalised_has_no_bias():
    """It would cancel: what came of its gradient would be rounding, and steps of Adam."""
    sizes = dict(context_size=3, latent_size=2, hidden=(5, 4), batch_norm=True, dtype="float64")
    plain, biased = (ConditionalMLP(6, bias_before_norm=b, **sizes) for b in (False, True))
    for network in (plain, biased):
        network.build()
    assert [layer.use_bias for layer in (plain.context_dense, *plain.dense)] == [False, False, True]
    rng = np.random.default_rng(0)
    context, latents = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
    for weight in biased.weights:
        weight.assign(rng.normal(size=weight.shape))
    matched = [w for w in biased.weights if not (w.name == "bias" and w.shape != (6,))]
    assert len(matched) == len(plain.weights) == len(biased.weights) - 2
    for weight, value in zip(plain.weights, matched, strict=True):
        weight.assign(value)
    np.testing.assert_allclose(
        plain(context, latents, training=True), biased(context, latents, training=True), rtol=1e-10
    )
    # Configs of version 0.1.0 do not say, and meant the biases.
    config = plain.get_config()
    assert type(plain).from_config(config).dense[0].use_bias is False
    del config["bias_before_norm"]
    assert type(plain).from_config(config).dense[0].use_bias is True
