"""What every registered mapping promises."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import mappings

tfb = tfp.bijectors


def example(name, seed=0):
    """The example, with its weights off their start."""
    mapping = mappings.get(name).example()
    rng = np.random.default_rng(seed)
    for weight in mapping.trainable_weights:
        weight.assign(weight + 0.3 * rng.normal(size=weight.shape))
    return mapping


def draws(mapping, *leading, seed=1):
    rng = np.random.default_rng(seed)
    return tf.constant(rng.normal(size=(*leading, mapping.latent_dim)), mapping.variable_dtype)


@pytest.mark.parametrize("name", mappings.names())
def test_shapes_values_and_gradients(name):
    mapping = example(name)
    y = draws(mapping, 4)
    with tf.GradientTape() as tape:
        tape.watch(y)
        z = mapping(y)
        total = tf.reduce_sum(tf.sin(z))
    assert z.shape == (4, mapping.output_dim)
    assert np.all(np.isfinite(z))
    bijector = mapping.bijector()
    assert isinstance(bijector, tfb.Bijector)
    np.testing.assert_array_equal(z, bijector.forward(y))
    gradients = tape.gradient(total, [y, *(w.value for w in mapping.trainable_weights)])
    assert all(g is not None and np.all(np.isfinite(g)) for g in gradients)
    assert all(np.any(g != 0) for g in gradients)
    together = mapping(tf.reshape(draws(mapping, 6), [2, 3, -1]))
    np.testing.assert_allclose(together[1], mapping(draws(mapping, 6)[3:]), rtol=1e-4, atol=1e-6)
    assert mapping.compute_output_shape((None, mapping.latent_dim)) == (None, mapping.output_dim)


@pytest.mark.parametrize("name", mappings.names())
def test_regulariser_is_a_finite_scalar_with_gradients(name):
    mapping = example(name)
    y = draws(mapping, 2, 5)
    with tf.GradientTape() as tape:
        tape.watch(y)
        penalty = mapping.regulariser(y)
    assert penalty.shape == ()
    assert np.isfinite(penalty)
    gradient = tape.gradient(penalty, y, unconnected_gradients="zero")
    assert np.all(np.isfinite(gradient))
    assert (name == "selector") == bool(np.any(gradient != 0))


@pytest.mark.parametrize("name", mappings.names())
def test_config_round_trip(name):
    mapping = mappings.get(name).example()
    config = mapping.get_config()
    again = type(mapping).from_config(json.loads(json.dumps(config)))
    assert json.dumps(again.get_config()) == json.dumps(config)
    assert [w.shape for w in again.weights] == [w.shape for w in mapping.weights]
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(mapping))
    assert type(copy) is type(mapping)
    assert json.dumps(copy.get_config()) == json.dumps(config)


@pytest.mark.parametrize("name", mappings.names())
def test_it_runs_in_a_graph_and_sees_its_weights_change(name):
    mapping = example(name)
    spec = [tf.TensorSpec([None, mapping.latent_dim], tf.float32)]
    graph = tf.function(lambda y: mapping(y), spec)
    y = draws(mapping, 3)
    np.testing.assert_allclose(graph(y), mapping(y), rtol=1e-5, atol=1e-6)
    before = graph(y).numpy()
    for weight in mapping.trainable_weights:
        weight.assign(weight + 0.5 * np.random.default_rng(4).normal(size=weight.shape))
    np.testing.assert_allclose(graph(y), mapping(y), rtol=1e-5, atol=1e-6)
    assert bool(mapping.trainable_weights) == bool(np.any(graph(y) != before))


@pytest.mark.parametrize("name", mappings.names())
def test_mixed_precision_leaves_it_alone(name):
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        mapping = example(name)
        z, penalty = mapping(draws(mapping, 3)), mapping.regulariser(draws(mapping, 3))
    finally:
        keras.config.set_dtype_policy(before)
    assert z.dtype == penalty.dtype == tf.float32
    assert all(w.dtype == "float32" for w in mapping.weights)


@pytest.mark.parametrize("name", mappings.names())
def test_float64(name, float64):
    mapping = example(name)
    z = mapping(draws(mapping, 3))
    assert z.dtype == mapping.regulariser(draws(mapping, 3)).dtype == tf.float64


@pytest.mark.parametrize("name", mappings.names())
def test_latent_dim_is_checked(name):
    for latent_dim in (0, True, 1.5, None):
        with pytest.raises(ValueError, match="`latent_dim` must be a positive integer"):
            mappings.get(name)(latent_dim=latent_dim)
    mapping = mappings.get(name).example()
    with pytest.raises(ValueError, match=f"made for y of {mapping.latent_dim} dimensions"):
        mapping(tf.zeros([2, mapping.latent_dim + 1]))


def test_names():
    assert {
        "chain",
        "circle",
        "glued_circles",
        "hierarchy",
        "identity",
        "sectors",
        "selector",
        "sphere",
    } <= set(mappings.names())


def test_a_mapping_without_a_bijector_says_so():
    with pytest.raises(NotImplementedError, match="Mapping must define `bijector`"):
        mappings.Mapping(2)(tf.zeros([1, 2]))
