"""A perceptron of two inputs that meet after a hidden layer each."""

import keras
import tensorflow as tf

from tfsp import arguments, shapes
from tfsp.networks.base import num_entries, output_reshape
from tfsp.networks.mlp import MLP


@keras.saving.register_keras_serializable("tfsp")
class TwoInputMLP(keras.layers.Layer):
    """Outputs of `first` `[B, *shape]`, the same for all draws, and of `second` `[..., B, K]`.

        first  -> hidden[0] -+
                             +-> hidden[1] -> ... -> num_outputs
        second -> hidden[0] -+

    What `first` alone decides is computed once, whatever the number of draws.

    Args:
      num_outputs: width of the linear last layer, float32 or better.
      first_shape: shape of one example of `first`.
      second_size: K.
      hidden, activation, gated: as of `MLP`.

    Raises:
      ValueError: for widths below 1.

    Source: the networks of q(z1 | x, z2) and p(x | z1, z2) of Tomczak & Welling 2018,
      arXiv:1705.07120, section 4.
    """

    def __init__(
        self,
        num_outputs,
        first_shape,
        second_size,
        hidden=(300, 300),
        activation="relu",
        gated=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        pair = MLP(hidden, activation, gated)
        num_outputs = arguments.integer("num_outputs", num_outputs)
        self._config = dict(
            num_outputs=num_outputs,
            first_shape=arguments.integers("first_shape", first_shape),
            second_size=arguments.integer("second_size", second_size),
            **pair.get_config(),
        )
        widths, policy = pair.hidden, self.dtype_policy
        (self.first_hidden,) = pair.hidden_layers(widths[:1], dtype=policy)
        (self.second_hidden,) = pair.hidden_layers(widths[:1], dtype=policy)
        self.joint = pair.hidden_layers(widths[1:], dtype=policy)
        self.output_layer = keras.layers.Dense(num_outputs, dtype=self.variable_dtype)
        self._widths = widths

    def build(self, first_shape=None, second_shape=None):
        if self.built:
            return
        self.first_hidden.build((None, num_entries(self._config["first_shape"])))
        self.second_hidden.build((None, self._config["second_size"]))
        width = 2 * self._widths[0]
        for layer, following in zip(self.joint, self._widths[1:], strict=True):
            layer.build((None, width))
            width = following
        self.output_layer.build((None, width))
        self.built = True

    def call(self, first, second):
        config, leading = self._config, tf.shape(second)[:-1]
        first = tf.reshape(first, [-1, num_entries(config["first_shape"])])
        flat = tf.reshape(second, [-1, config["second_size"]])
        copies = tf.reduce_prod(leading[:-1])  # the draws of an example lie B rows apart
        own = tf.tile(self.first_hidden(first), [copies, 1])
        h = tf.concat([own, self.second_hidden(flat)], axis=-1)
        for layer in self.joint:
            h = layer(h)
        outputs = tf.cast(self.output_layer(h), self.variable_dtype)
        shape = tf.concat([leading, [config["num_outputs"]]], axis=0)
        static = [*second.shape[:-1], config["num_outputs"]]
        return shapes.known(tf.reshape(outputs, shape), static)

    def get_config(self):
        return {**super().get_config(), **self._config}


def two_input_decoder(pair, sizes, output_shape):
    """Keras model `[B, sizes[0] + sizes[1]]` -> `[B, *output_shape]`: a `TwoInputMLP`.

    Args:
      pair: an `MLP`, whose widths are taken in reverse.
      sizes: of the two inputs, which stand side by side.
      output_shape: shape of one output.
    """
    inputs = keras.Input((sum(sizes),))
    first, second = keras.ops.split(inputs, [sizes[0]], axis=-1)
    network = TwoInputMLP(
        num_entries(output_shape),
        (sizes[0],),
        sizes[1],
        hidden=tuple(reversed(pair.hidden)),
        activation=pair.activation,
        gated=pair.gated,
    )
    outputs = output_reshape(output_shape)(network(first, second))
    return keras.Model(inputs, outputs, name="decoder")
