"""The networks of a discrete VAE."""

import math

import keras

from tfsp import networks
from tfsp.models.discrete.layers import ContinuousLayers
from tfsp.models.discrete.posterior import HierarchicalPosterior
from tfsp.networks import ConditionalMLP


def make_networks(config, smoothing, inputs_shape, outputs_shape, dtype):
    """Networks of the units' posterior, of the continuous layers, and the decoder.

    Args:
      config: of the `DiscreteVAE`.
      smoothing: the prior's `UnitSmoothing`.
      inputs_shape: of what encoders see of one example.
      outputs_shape: of the likelihood's parameters for it.
      dtype: policy of the networks.

    Returns:
      (`HierarchicalPosterior`, `ContinuousLayers`, `ConditionalMLP`), not built.
    """
    context_size, hidden = math.prod(inputs_shape), config["encoder"]["hidden"]
    options = dict(
        activation=config["encoder"]["activation"],
        batch_norm=config["batch_norm"],
        bias_before_norm=config["bias_before_norm"],
        dtype=dtype,
    )
    posterior = HierarchicalPosterior(
        config["latent_dim"],
        config["num_groups"],
        context_size,
        smoothing.num_parameters,
        hidden,
        bounded=not smoothing.is_gaussian,
        **options,
    )
    continuous = ContinuousLayers(
        config["num_continuous_layers"],
        config["continuous_size"],
        config["latent_dim"],
        context_size,
        hidden,
        config["prior_hidden"],
        config["num_sharing_groups"],
        **options,
    )
    decoder = ConditionalMLP(
        math.prod(outputs_shape),
        0,
        continuous.features_size(continuous.num_layers),
        config["decoder_hidden"],
        **options,
    )
    return posterior, continuous, decoder


def mlp_settings(encoder):
    """{"name", "hidden", "activation"} of a plain perceptron.

    Raises:
      ValueError: for any other network.
    """
    pair = encoder if isinstance(encoder, keras.Model) else networks.build(encoder)
    if not isinstance(pair, networks.MLP) or pair.gated:
        raise ValueError(
            "The posterior of the discrete VAE has a network for each group of units, so `encoder` "
            "names a perceptron, of which it takes `hidden` and `activation`: 'mlp', a dict "
            f"{{'name': 'mlp', ...}} or a `networks.MLP`, not gated. Received: {encoder!r}."
        )
    return {"name": "mlp", "hidden": list(pair.hidden), "activation": pair.activation}
