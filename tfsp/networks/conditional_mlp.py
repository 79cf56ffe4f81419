"""A perceptron of two inputs, of which one is the same for all draws of the other."""

import keras
import tensorflow as tf

from tfsp import arguments
from tfsp.networks.l1_batch_norm import L1BatchNorm


@keras.saving.register_keras_serializable("tfsp")
class ConditionalMLP(keras.layers.Layer):
    """Outputs of a context `[B, F]`, the same for all draws, and of latents `[..., B, K]`.

    The first layer multiplies the context once, whatever the number of draws.

    Args:
      num_outputs: width of the linear last layer, float32 or better.
      context_size: F, or 0 for no context.
      latent_size: K, or 0 for no latents.
      hidden: widths of the hidden layers, () for a linear map.
      activation: of the hidden layers.
      batch_norm: whether each hidden layer is normalised (`L1BatchNorm`) before its activation.
      num_places: of `L1BatchNorm`: how many places share the network. `call` takes `place`.
      output_bias: whether the last layer has a bias.
      bias_before_norm: whether layers that are normalised have a bias all the same, as they had in
        version 0.1.0. It cancels, its gradient is rounding alone, and Adam makes steps of that.

    Raises:
      ValueError: if there is neither context nor latents, or for widths below 1.
    """

    def __init__(
        self,
        num_outputs,
        context_size,
        latent_size,
        hidden=(),
        activation="relu",
        batch_norm=False,
        num_places=1,
        output_bias=True,
        bias_before_norm=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        num_outputs = arguments.integer("num_outputs", num_outputs)
        context_size = arguments.integer("context_size", context_size, 0)
        latent_size = arguments.integer("latent_size", latent_size, 0)
        hidden = arguments.integers("hidden", hidden, meaning="widths of layers")
        if context_size + latent_size < 1:
            raise ValueError(
                "A network needs inputs: `context_size` + `latent_size` must be at least 1. "
                f"Received: context_size={context_size}, latent_size={latent_size}."
            )
        self._config = dict(
            num_outputs=num_outputs,
            context_size=context_size,
            latent_size=latent_size,
            hidden=hidden,
            activation=activation,
            batch_norm=batch_norm,
            num_places=num_places,
            output_bias=output_bias,
            bias_before_norm=bias_before_norm,
        )
        self.context_size, self.latent_size = context_size, latent_size
        self.activation = keras.activations.get(activation)
        widths = [*hidden, num_outputs]
        self._policies = [self.dtype_policy] * len(hidden) + [self.variable_dtype]
        biases = [bias_before_norm or not batch_norm] * len(hidden) + [output_bias]
        first, *later = (
            dict(units=width, use_bias=bias, dtype=policy)
            for width, bias, policy in zip(widths, biases, self._policies, strict=True)
        )
        self.context_dense = keras.layers.Dense(**first) if context_size else None
        first["use_bias"] &= not context_size
        self.latent_dense = keras.layers.Dense(**first) if latent_size else None
        self.dense = [keras.layers.Dense(**settings) for settings in later]
        self.norms = [
            L1BatchNorm(num_places=num_places, dtype=self.dtype_policy)
            for _ in hidden
            if batch_norm
        ]
        self._widths = widths

    def build(self, context_shape=None, latents_shape=None):
        if self.built:
            return
        if self.context_dense is not None:
            self.context_dense.build((None, self.context_size))
        if self.latent_dense is not None:
            self.latent_dense.build((None, self.latent_size))
        for width, dense in zip(self._widths, self.dense, strict=False):
            dense.build((None, width))
        for width, norm in zip(self._widths, self.norms, strict=False):
            norm.build((None, width))
        self.built = True

    def call(self, context=None, latents=None, training=False, place=0):
        h = None
        if self.context_dense is not None:
            h = self.context_dense(context)
        if self.latent_dense is not None:
            from_latents = self.latent_dense(latents)
            h = from_latents if h is None else h + from_latents
        for i, dense in enumerate(self.dense):
            if self.norms:
                h = self.norms[i](h, training=training, place=place)
            h = dense(self.activation(h))
        return tf.cast(h, self.variable_dtype)

    def get_config(self):
        return {**super().get_config(), **self._config}

    @classmethod
    def from_config(cls, config):
        return super().from_config({"bias_before_norm": True, **config})
