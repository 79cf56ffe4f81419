"""Exports and loads in one process leave nothing behind."""

import gc

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.func_graph import FuncGraph

from tfsp import models, networks

MLP = networks.MLP(hidden=(4,))
MODELS = {
    # The likelihood, the recognition network and the smoothing have gradients by hand.
    "recognition": lambda: models.VAE(
        MLP,
        prior={
            "name": "loracs",
            "num_inducing": 4,
            "attachment": "recognition",
            "recognition_hidden": (4,),
            "burn_in": 50,
        },
        latent_dim=2,
        seed=0,
    ),
    "discrete": lambda: models.DiscreteVAE(
        MLP, latent_dim=4, num_groups=1, num_chains=3, num_sweeps=1, variant="dvae++", seed=0
    ),
}


def graphs():
    gc.collect()
    return sum(isinstance(thing, FuncGraph) for thing in gc.get_objects())


@pytest.mark.slow
@pytest.mark.parametrize("kind", MODELS)
def test_exports_and_loads_keep_no_graphs(kind, tmp_path):
    model = MODELS[kind]()
    x = (np.random.default_rng(0).random((20, 6)) < 0.5).astype("float32")
    model.build((None, 6))
    model.adapt(x)
    before = None
    for turn in range(3):
        model.export(tmp_path / str(turn))
        served = tf.saved_model.load(str(tmp_path / str(turn)))
        served.signatures["encode"](images=tf.constant(x))
        del served
        if before is None:  # functions of the package itself are traced once, and stay
            before = graphs()
    assert graphs() == before


def test_the_gradient_of_a_served_bound_is_right(tmp_path):
    """What is served has no gradients by hand, and the tape's are the same."""
    model = models.VAE(MLP, latent_dim=2, seed=0)
    model.build((None, 6))
    model.export(tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served"))
    x = tf.constant(np.random.default_rng(0).random((3, 6)), tf.float32)
    arguments = dict(num_samples=tf.constant(5), seed=tf.constant(1))

    def slope(bound):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = bound(x)
        return tape.gradient(value, x)

    actual = slope(lambda x: served.signatures["log_likelihood"](images=x, **arguments)["log_prob"])
    expected = slope(
        lambda x: models.importance_log_prob(model, x, 5, chunk_size=50, seed=1)["log_prob"]
    )
    assert np.any(np.abs(expected) > 1e-3)
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)
