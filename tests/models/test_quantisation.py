"""Models of 8-bit weights: near the whole ones, and the same when saved and loaded."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from heap import freeze_heap

from tfsp import models, networks, priors

MLP = {"name": "mlp", "hidden": (8,)}
SETTINGS = {
    "cp_vae": dict(num_categories=3, gate_units=4),
    "discrete_vae": dict(
        num_groups=2,
        num_chains=2,
        num_sweeps=1,
        num_continuous_layers=1,
        continuous_size=3,
        prior_hidden=(3,),
        decoder_hidden=(3,),
        smoothing={"name": "spike_and_exponential", "trainable_beta": True},
    ),
    "gm_vae": dict(num_components=2),
    "graph_vae": dict(num_nodes=2, node_hidden=4, num_features=4),
    "intel_vae": dict(mapping={"name": "selector", "hidden": (4,)}),
    "tmc_vae": dict(prior={"name": "tmc", "num_points": 8}),
    "vae": dict(
        encoder={"name": "intel_vae_conv", "filters": (2,)},
        prior={"name": "vamp", "num_components": 3},
    ),
}


@pytest.fixture(autouse=True)
def _short_collections():
    """Keras collects garbage once for each kernel that it quantises."""
    freeze_heap()


def build(name):
    spec = {"name": name, "encoder": MLP, "latent_dim": 4, "seed": 0, **SETTINGS.get(name, {})}
    model = models.build(spec)
    model.build((None, 8, 8, 1))
    return model


def quantised(model):
    return [layer.quantization_mode for layer in model._flatten_layers()]


@pytest.mark.parametrize("name", models.names())
def test_every_model_comes_back(name, binary_images, tmp_path):
    x, model = binary_images[:5], build(name)
    whole = model.encode(x).numpy()
    model.quantize("int8")
    assert "int8" in quantised(model)
    codes = model.encode(x).numpy()
    np.testing.assert_allclose(codes, whole, atol=0.05)
    assert np.any(codes != whole)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert quantised(again) == quantised(model)
    np.testing.assert_array_equal(again.encode(x), codes)
    for ours, theirs in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=ours.path)


def test_dense_layers_hold_bytes_and_densities_do_not(binary_images):
    model = build("hierarchical_vae")
    model.quantize("int8")
    assert {w.dtype for w in model.encoder.weights} == {"int8", "float32"}
    assert model.log_weights(binary_images[:2], 3).dtype == tf.float32


def test_part_of_a_model_in_four_bits(binary_images, tmp_path):
    """What `filters` leaves out stays whole, also when loaded."""
    model = build("hierarchical_vae")
    kept = model.decoder.layers[-1].name
    model.quantize("int4", filters=lambda layer: layer in model.encoder.layers)
    assert "int4" in quantised(model.encoder)
    assert set(quantised(model.decoder)) == {None}, kept
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert quantised(again) == quantised(model)
    np.testing.assert_array_equal(again.encode(binary_images), model.encode(binary_images))


def test_networks_given_as_keras_models(binary_images, tmp_path):
    encoder = networks.MLP(hidden=(8,)).encoder((8, 8, 1), 8)
    decoder = networks.MLP(hidden=(8,)).decoder(4, (8, 8, 1))
    model = models.VAE(encoder, decoder, latent_dim=4, seed=0)
    model.build((None, 8, 8, 1))
    model.quantize("int8")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert quantised(again) == quantised(model)
    np.testing.assert_array_equal(again.encode(binary_images), model.encode(binary_images))


def test_masks_of_a_flow_are_kept():
    """Keras would quantise the kernel as it stands, without the mask."""
    model = models.VAE(
        networks.MLP(hidden=(4,)), prior=priors.FlowPrior(3, hidden=(4,)), latent_dim=3
    )
    model.build((None, 6))
    model.quantize("int8")
    assert set(quantised(model.prior.networks[0])) == {None}


def test_a_trained_model_goes_on(binary_images, tmp_path):
    """Biases and what is not dense train on, with a fresh optimiser; the bytes stay."""
    model = build("sparse_vae")
    model.compile(run_eagerly=True)
    model.fit(binary_images[:4], verbose=0)
    model.quantize("int8")
    bytes_before = [w.numpy() for w in model.weights if w.dtype == "int8"]
    assert np.isfinite(model.fit(binary_images[:4], verbose=0).history["loss"]).all()
    for before, after in zip(
        bytes_before, [w.numpy() for w in model.weights if w.dtype == "int8"], strict=True
    ):
        np.testing.assert_array_equal(before, after)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for ours, theirs in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)
