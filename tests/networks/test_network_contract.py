"""What every registered pair of networks promises, and the sizes of the papers' tables."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsp import networks

IMAGES = [(28, 28, 1), (8, 8, 1), (32, 32, 3), (64, 64, 3)]
FLAT = {"mlp", "graph_vae_mlp"}
SPECS = [*networks.names(), {"name": "mlp", "hidden": (7, 5), "gated": True}]
SMALL = [
    *(name for name in networks.names() if name in FLAT),
    {"name": "mlp", "hidden": (7, 5), "gated": True},
    {"name": "graph_vae_mlp", "encoder_hidden": (9, 7), "decoder_hidden": (5,), "num_features": 4},
]


def check(pair, data_shape, output_shape, latent_dim=3):
    """Shapes, and that every trainable weight has a say."""
    rng = np.random.default_rng(0)
    x = tf.constant(rng.random((4, *data_shape)), tf.float32)
    z = tf.constant(rng.normal(size=(4, latent_dim)), tf.float32)
    cases = [
        (pair.encoder(data_shape, 2 * latent_dim), x, (2 * latent_dim,)),
        (pair.decoder(latent_dim, output_shape), z, output_shape),
    ]
    for network, inputs, expected in cases:
        assert network.built
        assert network.output_shape == (None, *expected)
        with tf.GradientTape() as tape:
            outputs = network(inputs, training=True)
            total = tf.reduce_sum(outputs * rng.normal(size=outputs.shape))
        assert outputs.shape == (4, *expected)
        assert np.any(outputs < 0)  # no activation at the end keeps them positive
        assert np.any(outputs > 0)
        gradients = tape.gradient(total, [w.value for w in network.trainable_weights])
        assert all(g is not None and np.all(np.isfinite(g)) for g in gradients)
        assert all(np.any(g != 0) for g in gradients[-2:])


@pytest.mark.parametrize("shape", IMAGES, ids=str)
@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_images(spec, shape):
    check(networks.build(spec), shape, (*shape[:2], 2 * shape[2]))


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_flat_data(spec):
    pair = networks.build(spec)
    name = spec if isinstance(spec, str) else spec["name"]
    if name in FLAT:
        check(pair, (6,), (12,))
        return
    for make in (lambda: pair.encoder((6,), 4), lambda: pair.decoder(2, (6,))):
        with pytest.raises(ValueError, match=r"is convolutional and needs images.*take .* 'mlp'"):
            make()


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_save_and_reload(spec, tmp_path):
    pair = networks.build(spec)
    rng = np.random.default_rng(0)
    for network, inputs in [
        (pair.encoder((8, 8, 1), 4), rng.random((3, 8, 8, 1))),
        (pair.decoder(2, (8, 8, 1)), rng.normal(size=(3, 2))),
    ]:
        inputs = tf.constant(inputs, tf.float32)
        network(inputs, training=True)  # moves the running statistics of batch normalisation
        network.save(tmp_path / "network.keras")
        loaded = keras.saving.load_model(tmp_path / "network.keras")
        np.testing.assert_array_equal(loaded(inputs), network(inputs))


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_config_round_trip(spec):
    pair = networks.build(spec)
    again = type(pair).from_config(json.loads(json.dumps(pair.get_config())))
    assert again.get_config() == pair.get_config()
    assert again.encoder((8, 8, 1), 4).count_params() == pair.encoder((8, 8, 1), 4).count_params()
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(pair))
    assert type(copy) is type(pair)
    assert copy.get_config() == pair.get_config()


@pytest.mark.parametrize(
    ("policy", "expected"), [("mixed_bfloat16", "float32"), ("float64", "float64")]
)
@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_outputs_are_never_in_half_precision(spec, policy, expected):
    before, floatx = keras.config.dtype_policy(), keras.config.floatx()
    try:
        keras.config.set_dtype_policy(policy)
        keras.config.set_floatx(expected)
        pair = networks.build(spec)
        encoder, decoder = pair.encoder((8, 8, 1), 4), pair.decoder(2, (8, 8, 1))
        outputs = [encoder(tf.ones([2, 8, 8, 1], expected)), decoder(tf.ones([2, 2], expected))]
    finally:
        keras.config.set_dtype_policy(before)
        keras.config.set_floatx(floatx)
    assert [o.dtype for o in outputs] == [tf.as_dtype(expected)] * 2
    assert all(w.dtype == expected for w in [*encoder.weights, *decoder.weights])


@pytest.mark.parametrize("spec", SMALL, ids=str)
def test_hidden_layers_follow_their_widths(spec):
    pair = networks.build(spec)
    widths = [
        layer.units
        for layer in pair.encoder((6,), 4).layers + pair.decoder(2, (6,)).layers
        if hasattr(layer, "units")
    ]
    if isinstance(pair, networks.MLP):
        expected = [*pair.hidden, 4, *reversed(pair.hidden), 6]
    else:
        expected = [*pair.encoder_hidden, pair.num_features, 4, *pair.decoder_hidden, 6]
    assert widths == expected


def test_a_gated_layer_is_a_product():
    pair = networks.build({"name": "mlp", "hidden": (5,), "gated": True})
    encoder = pair.encoder((3,), 2)
    kernel, bias, out_kernel, out_bias = (w.numpy() for w in encoder.weights)
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    value, gate = np.split(x @ kernel + bias, 2, axis=1)
    expected = (value / (1 + np.exp(-gate))) @ out_kernel + out_bias
    np.testing.assert_allclose(encoder(x), expected, rtol=1e-4, atol=1e-5)


# Numbers of parameters, layer by layer from the papers' tables.


def dense(inputs, outputs):
    return inputs * outputs + outputs


def conv(size, inputs, outputs):
    return size * size * inputs * outputs + outputs


def norm(channels):
    return 2 * channels  # scale and shift; the running statistics are not trained


def trainable(network):
    return sum(int(np.prod(w.shape)) for w in network.trainable_weights)


@pytest.mark.parametrize(
    ("shape", "encoded", "decoder_dense", "decoder_channels"),
    [((28, 28, 1), 7 * 7 * 16, 3136, 64), ((64, 64, 3), 16 * 16 * 16, 4096, 16)],
    ids=["Table D.6", "Table D.7"],
)
def test_loracs_tables(shape, encoded, decoder_dense, decoder_channels):
    pair, channels = networks.build("loracs_conv"), shape[-1]
    assert trainable(pair.encoder(shape, 2 * 40)) == (
        conv(3, channels, 64)
        + conv(3, 64, 32)
        + conv(3, 32, 16)
        + dense(encoded, 512)
        + dense(512, 2 * 40)
    )
    assert trainable(pair.decoder(40, shape)) == (
        dense(40, decoder_dense)
        + conv(3, decoder_channels, 32)
        + conv(3, 32, 32)
        + conv(3, 32, channels)
    )


def test_loracs_decoder_channels_may_be_chosen():
    pair = networks.build({"name": "loracs_conv", "decoder_channels": 8})
    expected = dense(5, 7 * 7 * 8) + conv(3, 8, 32) + conv(3, 32, 32) + conv(3, 32, 1)
    assert trainable(pair.decoder(5, (28, 28, 1))) == expected


def test_intel_vae_table_c2():
    pair, dim = networks.build("intel_vae_conv"), 32
    assert trainable(pair.encoder((64, 64, 3), dim)) == (
        conv(4, 3, 64)
        + norm(64)
        + conv(4, 64, 128)
        + norm(128)
        + conv(4, 128, 256)
        + norm(256)
        + dense(8 * 8 * 256, dim)
    )
    assert trainable(pair.decoder(dim, (64, 64, 3))) == (
        dense(dim, 8 * 8 * 256)
        + norm(8 * 8 * 256)
        + conv(4, 256, 256)
        + norm(256)
        + conv(4, 256, 128)
        + norm(128)
        + conv(4, 128, 3)
    )


def test_graph_vae_appendix_b1():
    pair, pixels = networks.build("graph_vae_mlp"), 28 * 28
    assert trainable(pair.encoder((28, 28, 1), 2 * 16)) == (
        dense(pixels, 512)
        + norm(512)
        + dense(512, 512)
        + norm(512)
        + dense(512, 256)
        + norm(256)
        + dense(256, 128)
        + dense(128, 2 * 16)
    )
    assert trainable(pair.decoder(16, (28, 28, 1))) == (
        dense(16, 256)
        + norm(256)
        + dense(256, 512)
        + norm(512)
        + dense(512, 512)
        + norm(512)
        + dense(512, pixels)
    )


def test_sizes_that_do_not_halve_are_cropped_or_refused():
    check(networks.build("intel_vae_conv"), (13, 10, 1), (13, 10, 2))
    pair = networks.build("loracs_conv")
    for make in (lambda: pair.encoder((30, 28, 1), 4), lambda: pair.decoder(2, (28, 30, 1))):
        with pytest.raises(ValueError, match=r"multiples of 4. Received .* pad or resize"):
            make()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (dict(name="mlp", hidden=()), r"`hidden` must name at least one layer. Received: \(\)"),
        (dict(name="mlp", hidden=(3, 0)), r"`hidden\[1\]` must be a positive int.*Received: 0\."),
        (dict(name="mlp", hidden=(3, "a")), r"`hidden\[1\]` must be a positive int.*'a'\."),
        (dict(name="mlp", hidden=3), r"`hidden` must be a list of integers: .* Received: 3\."),
        (dict(name="mlp", hidden="34"), r"`hidden` must be a list of integers: .*Received: '34'"),
        (dict(name="mlp", activation="rulu"), "rulu"),
        (dict(name="mlp", width=3), r"'mlp' does not take 'width'. It takes: hidden, activation"),
        (dict(name="intel_vae_conv", filters=()), "`filters` must name at least one layer"),
        (dict(name="resnet"), "Unknown network: 'resnet'. Known: graph_vae_mlp"),
    ],
)
def test_wrong_settings_are_refused(spec, message):
    with pytest.raises(ValueError, match=message):
        networks.build(spec)
