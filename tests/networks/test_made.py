"""The masked network: which output may see which input."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsp.networks import MADE, MaskedDense

ZERO = dict(unconnected_gradients="zero")


def network(num_inputs, num_parameters=2, hidden=(16, 12), dtype="float64"):
    made = MADE(num_inputs, num_parameters, hidden, seed=0, dtype=dtype)
    made.build((None, num_inputs))
    rng = np.random.default_rng(3)
    for weight in made.weights:
        weight.assign(rng.normal(size=weight.shape))
    return made


def jacobian(made, x):
    x = tf.constant(x)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        outputs = made(x)
    return tape.jacobian(outputs, x, experimental_use_pfor=False, **ZERO).numpy()


@pytest.mark.parametrize("num_inputs", [1, 2, 5])
@pytest.mark.parametrize("num_parameters", [1, 2, 3])
@pytest.mark.parametrize("hidden", [(16,), (16, 12), (4, 3)])
def test_output_i_sees_the_inputs_before_i_only(num_inputs, num_parameters, hidden):
    made = network(num_inputs, num_parameters, hidden)
    seen = np.zeros((num_inputs, num_parameters, num_inputs), bool)
    for x in np.random.default_rng(1).normal(size=(30, num_inputs)):
        seen |= jacobian(made, x) != 0
    before = np.tril(np.ones((num_inputs, num_inputs), bool), -1)
    assert not np.any(seen & ~before[:, None, :])
    if min(hidden) > 4:  # units enough for every degree, and for some to be switched on
        np.testing.assert_array_equal(seen, np.repeat(before[:, None, :], num_parameters, 1))


def test_one_input_gives_constants():
    made = network(1)
    outputs = made(tf.constant([[-3.0], [0.0], [5.0]], tf.float64)).numpy()
    assert outputs.shape == (3, 1, 2)
    np.testing.assert_array_equal(outputs, np.broadcast_to(outputs[:1], outputs.shape))
    assert np.all(outputs != 0)  # the biases


def test_any_leading_axes():
    made = network(4)
    x = tf.constant(np.random.default_rng(1).normal(size=(2, 3, 4)))
    outputs = made(x)
    assert outputs.shape == (2, 3, 4, 2)
    np.testing.assert_allclose(outputs[1], made(x[1]), rtol=1e-12)
    assert made(x[1, 2]).shape == (4, 2)


def test_outputs_start_at_zero():
    made = MADE(3, hidden=(7,), seed=0)
    np.testing.assert_array_equal(made(tf.ones([2, 3])), np.zeros((2, 3, 2)))
    assert any(np.any(w != 0) for w in made.weights)


def test_all_weights_get_gradients():
    made = network(4)
    x = tf.constant(np.random.default_rng(1).normal(size=(20, 4)))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(made(x) ** 2)
    assert len(made.trainable_weights) == 6
    gradients = tape.gradient(total, [w.value for w in made.trainable_weights])
    assert all(np.any(g != 0) for g in gradients)


def test_save_and_reload(tmp_path):
    model = keras.Sequential([keras.Input((4,)), MADE(4, hidden=(7,), seed=0)])
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape))
    model.save(tmp_path / "made.keras")
    loaded = keras.saving.load_model(tmp_path / "made.keras")
    x = tf.constant(rng.normal(size=(5, 4)), tf.float32)
    np.testing.assert_array_equal(loaded(x), model(x))


def test_it_needs_a_hidden_layer():
    with pytest.raises(ValueError, match="`hidden` must name at least one hidden layer"):
        MADE(3, hidden=())


@pytest.mark.parametrize("use_bias", [False, True])
def test_a_masked_layer_with_and_without_a_bias(use_bias):
    rng = np.random.default_rng(0)
    mask, x = rng.integers(0, 2, (3, 4)), rng.normal(size=(5, 3)).astype("float32")
    layer = MaskedDense(4, mask, activation="tanh", use_bias=use_bias)
    layer.build(x.shape)
    kernel, bias = rng.normal(size=(3, 4)), rng.normal(size=4) * use_bias
    layer.set_weights([kernel, bias] if use_bias else [kernel])
    np.testing.assert_allclose(layer(x), np.tanh(x @ (kernel * mask) + bias), rtol=1e-5, atol=1e-6)
