"""Masked autoregressive network, in Keras 3."""

import keras
import numpy as np
import tensorflow as tf

from tfsp import shapes
from tfsp.random import check_seed, short_seed


@keras.saving.register_keras_serializable("tfsp")
class MaskedDense(keras.layers.Dense):
    """A dense layer whose kernel is multiplied by a fixed 0/1 mask `[inputs, units]`."""

    def __init__(self, units, mask, **kwargs):
        super().__init__(units, **kwargs)
        self.mask = np.asarray(mask)

    def call(self, inputs):
        kernel = self.kernel * tf.constant(self.mask, self.kernel.dtype)
        outputs = tf.matmul(inputs, kernel)
        if self.use_bias:
            outputs += self.bias
        return self.activation(outputs)

    def get_config(self):
        return {**super().get_config(), "mask": self.mask.tolist()}


@keras.saving.register_keras_serializable("tfsp")
class MADE(keras.layers.Layer):
    """Output i depends on inputs 0..i-1 only; `num_parameters` outputs for each input.

    Args:
      num_inputs: D.
      num_parameters: outputs for each input.
      hidden: widths of the hidden layers (ReLU).
      seed: int for the start of the kernels, or None.

    Call: `[..., D]` -> `[..., D, num_parameters]`. The outputs start at 0 (a flow starts as the
    identity).

    Raises:
      ValueError: if `hidden` is empty.

    Source: Germain et al. 2015, arXiv:1502.03509. Hidden degrees are 1..D-1 in turn, or
    spread evenly where a layer is narrower than that.
    """

    def __init__(self, num_inputs, num_parameters=2, hidden=(512, 512), seed=None, **kwargs):
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        if not hidden:
            raise ValueError("`hidden` must name at least one hidden layer. Received: ().")
        self._config = dict(
            num_inputs=num_inputs,
            num_parameters=num_parameters,
            hidden=tuple(hidden),
            seed=check_seed(seed, optional=True),
        )
        self.num_inputs = num_inputs
        self.num_parameters = num_parameters
        degrees = np.arange(1, num_inputs + 1)
        self.hidden_layers = []
        for i, width in enumerate(hidden):
            # With D = 1 no hidden unit may see the input: degree 1 then leads to no output.
            top = max(1, num_inputs - 1)
            if width >= top:
                next_degrees = 1 + np.arange(width) % top
            else:  # spread out, up to the last: every input still counts
                next_degrees = np.round(np.linspace(top, 1, width)).astype(int)
            initializer = keras.initializers.GlorotUniform(short_seed(seed, i))
            self.hidden_layers.append(
                MaskedDense(
                    width,
                    mask=degrees[:, None] <= next_degrees,
                    activation="relu",
                    kernel_initializer=initializer,
                    dtype=self.dtype_policy,
                )
            )
            degrees = next_degrees
        output_degrees = np.repeat(np.arange(1, num_inputs + 1), num_parameters)
        self.output_layer = MaskedDense(
            num_inputs * num_parameters,
            mask=degrees[:, None] < output_degrees,
            kernel_initializer="zeros",
            dtype=self.dtype_policy,
        )

    def build(self, input_shape):
        shape = tuple(input_shape)
        for layer in [*self.hidden_layers, self.output_layer]:
            layer.build(shape)
            shape = (*shape[:-1], layer.units)
        self.built = True

    def call(self, inputs):
        # Flat: one large product per layer instead of a batch of small ones.
        outputs = tf.reshape(inputs, [-1, self.num_inputs])
        for layer in self.hidden_layers:
            outputs = layer(outputs)
        outputs = self.output_layer(outputs)
        shape = tf.concat([tf.shape(inputs), [self.num_parameters]], axis=0)
        outputs = tf.reshape(outputs, shape)
        return shapes.known(outputs, [*inputs.shape, self.num_parameters])

    def get_config(self):
        return {**super().get_config(), **self._config}
