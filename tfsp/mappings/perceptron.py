"""A small multilayer perceptron for vectors with any leading axes."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfsp import shapes
from tfsp.random import short_seed


class Perceptron(keras.layers.Layer):
    """`[..., num_inputs]` -> `[..., num_outputs]`, no activation at the end; made already built.

    A part of a mapping: it is made by the mapping's constructor, not from a config of its own.

    Args:
      num_inputs, num_outputs: sizes.
      hidden: widths of the hidden layers.
      activation: a Keras activation name, of the hidden layers.
      seed: int for the start of the kernels, or None.
    """

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        hidden: Sequence[int],
        activation: Any,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        self.num_inputs = num_inputs
        self.dense = [
            keras.layers.Dense(
                width,
                activation=activation if i < len(hidden) else None,
                kernel_initializer=keras.initializers.GlorotUniform(short_seed(seed, i)),
                dtype=self.dtype_policy,
            )
            for i, width in enumerate([*hidden, num_outputs])
        ]
        size = num_inputs
        for layer in self.dense:
            layer.build((None, size))
            size = layer.units
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        outputs = tf.reshape(inputs, [-1, self.num_inputs])
        for layer in self.dense:
            outputs = layer(outputs)
        shape = tf.concat([tf.shape(inputs)[:-1], [self.dense[-1].units]], axis=0)
        static = [*inputs.shape[:-1], self.dense[-1].units]
        return shapes.known(tf.reshape(outputs, shape), static)
