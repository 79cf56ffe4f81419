"""Keras's own tests of layers over all public layers: found in the registries and namespaces."""

import inspect

import keras
import numpy as np
import pytest
from keras.src.testing import TestCase

from tfsp import likelihoods, mappings, models, networks, priors
from tfsp.models.gm_vae import GMPrior
from tfsp.models.sparse_vae import SpikeAndSlabPrior
from tfsp.networks.mlp import GatedDense
from tfsp.priors.boltzmann import BoltzmannPrior
from tfsp.priors.conditional_normal import ConditionalNormalPrior
from tfsp.priors.graph import GraphPrior

HARNESS = TestCase()
MASK = np.tri(3, 4)
# Arguments of the constructor, and shapes of what `call` takes.
NETWORKS = {
    "ConditionalMLP": (
        dict(num_outputs=3, context_size=2, latent_size=4, hidden=(5,), batch_norm=True),
        dict(context_shape=(6, 2), latents_shape=(2, 6, 4)),
    ),
    "L1BatchNorm": (dict(scale_bounds=(2.0, 3.0)), (6, 3)),
    "MADE": (dict(num_inputs=3, hidden=(4,)), (6, 3)),
    "MaskedDense": (dict(units=4, mask=MASK.tolist(), use_bias=False), (6, 3)),
    "TwoInputMLP": (
        dict(num_outputs=3, first_shape=(2, 2), second_size=4, hidden=(5, 4), gated=True),
        dict(first_shape=(6, 2, 2), second_shape=(2, 6, 4)),
    ),
}


def layers_of(package):
    """Layer classes that a package makes public, by name or in its registry, without the bases."""
    public = [getattr(package, name) for name in package.__all__]
    registered = [package.get(name) for name in package.names()]
    found = dict.fromkeys(c for c in [*public, *registered] if inspect.isclass(c))
    bases = {getattr(package, "Prior", None), getattr(package, "Likelihood", None)}
    bases |= {getattr(package, "Mapping", None)}
    return [c for c in found if issubclass(c, keras.layers.Layer) and c not in bases]


def named(classes):
    return [pytest.param(cls, id=cls.__name__) for cls in classes]


def test_every_public_layer_of_networks_is_among_the_cases():
    assert {cls.__name__ for cls in layers_of(networks)} == set(NETWORKS)


@pytest.mark.parametrize("cls", named(layers_of(networks)))
def test_networks(cls):
    """Building, symbolic and eager calls, a training step, mixed precision, configs."""
    arguments, shape = NETWORKS[cls.__name__]
    HARNESS.run_layer_test(
        cls,
        init_kwargs=arguments,
        input_shape=shape,
        # The training step hands on one input alone.
        run_training_check=not isinstance(shape, dict),
    )


def test_gated_layers():
    HARNESS.run_layer_test(
        GatedDense, init_kwargs=dict(units=4), input_shape=(2, 3), expected_output_shape=(2, 4)
    )


@pytest.mark.parametrize("cls", named(layers_of(mappings)))
def test_mappings(cls):
    example = cls.example()
    HARNESS.run_layer_test(
        cls,
        init_kwargs=example.get_config(),
        input_shape=(4, example.latent_dim),
        expected_output_shape=(4, example.output_dim),
        run_training_check=bool(example.trainable_weights),
    )


# Priors that belong to one model each, beside those of the registry.
OWN = [BoltzmannPrior, ConditionalNormalPrior, GMPrior, GraphPrior, SpikeAndSlabPrior]


@pytest.mark.parametrize("cls", named([*layers_of(priors), *OWN, *layers_of(likelihoods)]))
def test_densities(cls):
    """Layers without a call: made, saved and made again, with no weight in half precision."""
    example = cls.example() if issubclass(cls, priors.Prior) else cls()
    HARNESS.run_layer_test(cls, init_kwargs=example.get_config())
    mixed = cls(**{**example.get_config(), "dtype": "mixed_float16"})
    assert "float16" not in {weight.dtype for weight in mixed.weights}
    for half in ("bfloat16", "float16"):
        with pytest.raises(ValueError, match=rf"{cls.__name__}.* in {half}.*'mixed_{half}'"):
            cls(**{**example.get_config(), "dtype": half})


@pytest.mark.parametrize("name", networks.names())
def test_pairs_of_networks(name):
    HARNESS.run_class_serialization_test(networks.build(name))


@pytest.mark.parametrize("name", models.names())
def test_models(name):
    own = {"prior": {"name": "tmc", "num_points": 4}} if name == "tmc_vae" else {}
    model = models.build({"name": name, "encoder": {"name": "mlp", "hidden": (4,)}, **own})
    HARNESS.run_class_serialization_test(model)
