"""The contract of an encoder-decoder pair, and the registry."""

import inspect
import math

import keras

from tfsp.registry import Registry

_REGISTRY = Registry("network")
register = _REGISTRY.register
get = _REGISTRY.get
names = _REGISTRY.names
build = _REGISTRY.build


class NetworkPair:
    """An architecture: makes the encoder and the decoder for given shapes.

    The constructor takes the keywords of the architecture (widths, activations); plain values
    only, so that a config can hold them, kept as attributes of the same names. Both methods
    return an ordinary Keras model.
    """

    def encoder(self, data_shape, num_outputs):
        """Keras model `[B, *data_shape]` -> `[B, num_outputs]`, no activation at the end."""
        raise NotImplementedError(f"{type(self).__name__} must define `encoder`.")

    def decoder(self, num_inputs, output_shape):
        """Keras model `[B, num_inputs]` -> `[B, *output_shape]`, no activation at the end."""
        raise NotImplementedError(f"{type(self).__name__} must define `decoder`.")

    def get_config(self):
        """The constructor's keywords, for saving."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def sequential(name, input_shape, layers):
    """A built Sequential model; its last layer stays in float32 under mixed precision."""
    return keras.Sequential([keras.Input(tuple(input_shape)), *layers], name=name)


def output_dense(units, **kwargs):
    """The last layer: float32 or better, since densities are computed from its outputs."""
    return keras.layers.Dense(units, dtype=output_dtype(), **kwargs)


def output_dtype():
    """The dtype of outputs: that of the weights, whatever the policy computes in."""
    return keras.config.dtype_policy().variable_dtype


def output_reshape(output_shape):
    """Brings flat outputs `[B, prod(output_shape)]` to `[B, *output_shape]`."""
    return keras.layers.Reshape(tuple(output_shape), dtype=output_dtype())


def require_image(name, shape):
    """Raises ValueError unless `shape` is (height, width, channels)."""
    if len(shape) != 3:
        raise ValueError(
            f"The network {name!r} is convolutional and needs images of shape (height, width, "
            f"channels). Received data of shape {tuple(shape)}: take the network 'mlp', or "
            "reshape the data."
        )


def num_entries(shape):
    """The number of entries of an array of this shape."""
    return math.prod(shape)
