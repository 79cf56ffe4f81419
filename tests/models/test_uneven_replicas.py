"""Last batches that do not fill all replicas: losses, gradients and averages as of one device."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from model_contract import mirrored

from tfsp import distribute, models, networks


def autoencoder():
    """No noise: what one device and two compute can be compared."""
    return models.VAE(networks.MLP(hidden=(6,)), prior="none", latent_dim=2, seed=0)


def fitted(build, images, weights, replicas, **settings):
    keras.utils.set_random_seed(0)
    strategy = mirrored() if replicas > 1 else tf.distribute.get_strategy()
    with strategy.scope():
        model = build()
        model.compile(keras.optimizers.SGD(0.01), jit_compile=False, **settings)
    history = model.fit(
        images,
        sample_weight=weights,
        batch_size=4,
        shuffle=False,
        verbose=0,
        validation_data=(images, None, weights),
    ).history
    return model, history


@pytest.mark.slow
@pytest.mark.parametrize(("tail", "weighted"), [(1, False), (1, True), (3, True)])
def test_two_replicas_equal_one_device(tail, weighted, binary_images):
    """Of a tail of 1 the second replica has no row, of 3 it has one to the other's two."""
    images = binary_images[: 8 + tail]
    weights = np.random.default_rng(0).uniform(0, 2, len(images)) if weighted else None
    (one, expected), (two, history) = (
        fitted(autoencoder, images, weights, replicas) for replicas in (1, 2)
    )
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-6, err_msg=name)
    for ours, theirs in zip(two.weights, one.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6, err_msg=ours.path)


SMALL = {"name": "graph_vae_mlp", "encoder_hidden": (4,), "decoder_hidden": (4,), "num_features": 3}
AVERAGING = {
    "batch normalisation": lambda: models.GraphVAE(
        SMALL, latent_dim=2, num_nodes=2, node_hidden=3, seed=0
    ),
    "convolutions": lambda: models.VAE(
        {"name": "intel_vae_conv", "filters": (2,)}, latent_dim=2, seed=0
    ),
    "L1 normalisation": lambda: models.DiscreteVAE(
        networks.MLP(hidden=(4,)), latent_dim=2, num_groups=1, num_chains=2, num_sweeps=1, seed=0
    ),
    "categories": lambda: models.CPVAE(
        networks.MLP(hidden=(4,)), latent_dim=2, num_categories=2, start="random", seed=0
    ),
    "selection": lambda: models.InteLVAE(
        networks.MLP(hidden=(4,)), latent_dim=2, mapping={"name": "selector", "hidden": (3,)}
    ),
    "divergence": lambda: models.DecomposedVAE(networks.MLP(hidden=(4,)), latent_dim=2),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", AVERAGING)
def test_what_averages_over_the_batch_stays_finite(kind, binary_images):
    model, history = fitted(AVERAGING[kind], binary_images[:1], None, 2, run_eagerly=True)
    assert {name for name, values in history.items() if not np.isfinite(values).all()} == set()
    assert [w.path for w in model.weights if not np.isfinite(np.asarray(w)).all()] == []


def test_statistics_of_a_lone_row_are_those_of_one_device(binary_images):
    """A replica without rows adds nothing of its own to the averages of batch normalisation."""
    images, layer = binary_images[:1].reshape(1, -1), keras.layers.BatchNormalization
    expected = layer()
    expected(images, training=True)
    strategy = mirrored()
    with strategy.scope():
        norm = layer()
        norm.build((None, images.shape[1]))
    dataset = tf.data.Dataset.from_tensor_slices(images).batch(2)
    dataset = strategy.experimental_distribute_dataset(dataset)
    outputs = [
        strategy.run(distribute.apply_to_rows, args=(norm, batch, True)) for batch in dataset
    ]
    assert [part.shape[0] for part in strategy.experimental_local_results(outputs[0])] == [1, 0]
    for ours, theirs in zip(norm.weights, expected.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, err_msg=ours.path)


def test_one_device_takes_the_plain_mean():
    values = tf.constant(np.random.default_rng(0).random(7), tf.float32)
    for training in (False, True):
        np.testing.assert_array_equal(distribute.mean(values, training), tf.reduce_mean(values))
