"""Shared set-up of the tests: quiet TensorFlow, one thread pool each, fresh seeds."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import few_steps
import keras
import numpy as np
import pytest
import tensorflow as tf
from heap import freeze_heap

# Two logical CPU devices, so that strategies over several devices can be tested anywhere.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration(), tf.config.LogicalDeviceConfiguration()],
)


@pytest.fixture(autouse=True)
def _fixed_seed():
    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True, scope="module")
def _short_collections():
    yield
    freeze_heap()


few_steps.install()


@pytest.fixture(autouse=True)
def _graphs(request):
    """Tests marked `graphs` make graphs of all steps; in others a few steps run without.

    Elsewhere graphs are run as they are traced: a graph that runs a few times does not win back
    what optimising it costs, an eighth of all time.
    """
    everywhere = request.node.get_closest_marker("graphs") is not None
    few_steps.switch(not everywhere)
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": not everywhere})
    yield
    few_steps.switch(True)


@pytest.fixture
def float64():
    """Networks, priors and likelihoods made in this test compute in float64."""
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)


@pytest.fixture(scope="session")
def binary_images():
    """[64, 8, 8, 1] float32 of 0 and 1."""
    rng = np.random.default_rng(0)
    return (rng.random((64, 8, 8, 1)) < 0.3).astype("float32")
