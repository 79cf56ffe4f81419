"""Multilayer perceptrons."""

import keras

from tfsp import arguments
from tfsp.networks.base import (
    NetworkPair,
    num_entries,
    output_dense,
    output_reshape,
    register,
    sequential,
)


@keras.saving.register_keras_serializable("tfsp")
class GatedDense(keras.layers.Layer):
    """h(x) * sigmoid(g(x)) with dense h and g.  Dauphin et al. 2017, arXiv:1612.08083.

    The gated unit of the VampPrior's networks (arXiv:1705.07120, section 5).
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        # One product for both halves.
        self.dense = keras.layers.Dense(2 * units, dtype=self.dtype_policy)

    def build(self, input_shape):
        self.dense.build(input_shape)
        self.built = True

    def call(self, inputs):
        value, gate = keras.ops.split(self.dense(inputs), 2, axis=-1)
        return value * keras.ops.sigmoid(gate)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@register("mlp")
class MLP(NetworkPair):
    """Dense layers; the decoder's widths are the encoder's reversed.

    Args:
      hidden: widths of the encoder's hidden layers.
      activation: a Keras activation name.
      gated: use gated units instead of the activation (arXiv:1705.07120, section 5).

    Raises:
      ValueError: if `hidden` is empty or not positive.
    """

    def __init__(self, hidden=(300, 300), activation="relu", gated=False):
        self.hidden = arguments.integers("hidden", hidden, meaning="widths of layers")
        if not self.hidden:
            raise ValueError("`hidden` must name at least one layer. Received: ().")
        keras.activations.get(activation)
        self.activation = activation
        self.gated = gated

    def hidden_layers(self, widths, dtype=None):
        """Hidden layers of these widths, a list; `dtype` None follows Keras's policy."""
        if self.gated:
            return [GatedDense(width, dtype=dtype) for width in widths]
        return [
            keras.layers.Dense(width, activation=self.activation, dtype=dtype) for width in widths
        ]

    def encoder(self, data_shape, num_outputs):
        hidden = self.hidden_layers(self.hidden)
        layers = [keras.layers.Flatten(), *hidden, output_dense(num_outputs)]
        return sequential("encoder", data_shape, layers)

    def decoder(self, num_inputs, output_shape):
        layers = [
            *self.hidden_layers(reversed(self.hidden)),
            output_dense(num_entries(output_shape)),
            output_reshape(output_shape),
        ]
        return sequential("decoder", (num_inputs,), layers)


@register("graph_vae_mlp")
class GraphVAEMLP(NetworkPair):
    """Dense layers with batch normalisation and ELU.

    Encoder 512-512-256-128, decoder 256-512-512 (graph_vae.txt, appendix B.1). The paper's
    encoder ends in a linear layer of 128 features, from which each node's parameters are
    predicted: that is `features`, which the Graph VAE takes. For other models `encoder` adds one
    linear layer.

    Args:
      encoder_hidden, decoder_hidden: widths of the normalised layers.
      num_features: width of the encoder's linear feature layer.
    """

    def __init__(
        self, encoder_hidden=(512, 512, 256), decoder_hidden=(256, 512, 512), num_features=128
    ):
        self.encoder_hidden = tuple(encoder_hidden)
        self.decoder_hidden = tuple(decoder_hidden)
        self.num_features = num_features

    @staticmethod
    def _hidden(widths):
        layers = []
        for width in widths:
            layers += [
                keras.layers.Dense(width),
                keras.layers.BatchNormalization(),
                keras.layers.Activation("elu"),
            ]
        return layers

    def features(self, data_shape):
        """Keras model `[B, *data_shape]` -> `[B, num_features]`: the encoder of the paper."""
        layers = [
            keras.layers.Flatten(),
            *self._hidden(self.encoder_hidden),
            output_dense(self.num_features),
        ]
        return sequential("encoder", data_shape, layers)

    def encoder(self, data_shape, num_outputs):
        layers = [
            keras.layers.Flatten(),
            *self._hidden(self.encoder_hidden),
            keras.layers.Dense(self.num_features),
            output_dense(num_outputs),
        ]
        return sequential("encoder", data_shape, layers)

    def decoder(self, num_inputs, output_shape):
        layers = [
            *self._hidden(self.decoder_hidden),
            output_dense(num_entries(output_shape)),
            output_reshape(output_shape),
        ]
        return sequential("decoder", (num_inputs,), layers)
