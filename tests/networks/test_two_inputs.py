"""The perceptron of two inputs: by hand, with draws, and made again."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.hierarchical_vae import two_input_network

from tfsp import networks
from tfsp.networks.two_inputs import two_input_decoder

RNG = np.random.default_rng(0)


def weights_of(layer):
    numbers = layer.get_weights()
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def randomise(layer):
    layer.set_weights([RNG.normal(size=w.shape) for w in layer.get_weights()])
    return layer


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("hidden", [(4,), (4, 3), (5, 4, 3)])
def test_by_hand_and_with_draws(float64, gated, hidden):
    layer = networks.TwoInputMLP(6, (2, 2, 1), 3, hidden, "tanh", gated)
    layer.build()
    randomise(layer)
    assert len(weights_of(layer)) == len(hidden) + 2
    first, second = RNG.normal(size=(5, 2, 2, 1)), RNG.normal(size=(7, 2, 5, 3))
    found = layer(first, second)
    assert found.shape == (7, 2, 5, 6)
    repeated = np.broadcast_to(first.reshape(5, 4), (7, 2, 5, 4)).reshape(-1, 4)
    args = weights_of(layer), repeated, second.reshape(-1, 3), gated
    np.testing.assert_allclose(np.reshape(found, (-1, 6)), two_input_network(*args), rtol=1e-10)
    np.testing.assert_allclose(layer(first, second[3, 1]), found[3, 1], rtol=1e-12)
    assert layer(first, np.zeros((0, 5, 3))).shape == (0, 5, 6)


def test_decoder_splits_its_input_and_reverses_the_widths(float64):
    pair = networks.MLP(hidden=(5, 4, 3), activation="tanh")
    model = randomise(two_input_decoder(pair, (2, 3), (4, 4, 1)))
    assert model.output_shape == (None, 4, 4, 1)
    shapes = [kernel.shape for kernel, _ in weights_of(model)]
    assert shapes == [(2, 3), (3, 3), (6, 4), (4, 5), (5, 16)]
    z = RNG.normal(size=(6, 5))
    expected = two_input_network(weights_of(model), z[:, :2], z[:, 2:], gated=False)
    np.testing.assert_allclose(np.reshape(model(z), (6, 16)), expected, rtol=1e-10)


def test_made_again_from_its_config():
    layer = networks.TwoInputMLP(4, (3,), 2, (5, 4), gated=True)
    again = networks.TwoInputMLP.from_config(json.loads(json.dumps(layer.get_config())))
    assert json.dumps(again.get_config()) == json.dumps(layer.get_config())
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    copy.build()
    assert copy.count_params() == sum(a * b + b for a, b in ((3, 10), (2, 10), (10, 8), (4, 4)))


def test_half_precision_inside_whole_outputs():
    layer = networks.TwoInputMLP(4, (3,), 2, (5, 4), dtype="mixed_bfloat16")
    layer.build()
    assert {layer.compute_dtype, layer.joint[0].compute_dtype} == {"bfloat16"}
    assert layer(tf.ones([2, 3]), tf.ones([3, 2, 2])).dtype == tf.float32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(num_outputs=0), "`num_outputs` must be a positive integer. Received: 0"),
        (dict(num_outputs="2"), "`num_outputs` must be a positive integer. Received: '2'"),
        (dict(second_size=0), "`second_size` must be a positive integer. Received: 0"),
        (dict(second_size=None), "`second_size` must be a positive integer. Received: None"),
        (dict(first_shape=(2, 0)), r"`first_shape\[1\]` must be a positive integer. Received: 0"),
        (dict(first_shape=(None,)), r"`first_shape\[0\]` must be a positive int.*Received: None"),
        (dict(hidden=()), r"`hidden` must name at least one layer. Received: \(\)"),
    ],
)
def test_errors(change, message):
    with pytest.raises(ValueError, match=message):
        networks.TwoInputMLP(**dict(dict(num_outputs=2, first_shape=(3,), second_size=2), **change))
