"""Networks of a model: the dtype policy they are made under, their shapes, leading axes."""

import contextlib

import keras
import tensorflow as tf

from tfsp import networks, shapes


@contextlib.contextmanager
def dtype_policy(policy):
    """Layers made within follow `policy`: also those of a model that is being reloaded."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def over_leading_axes(network, z, size):
    """`network`, `[n, size]` -> `[n, *shape]`, for z `[..., size]`: `[..., *shape]`."""
    outputs = network(tf.reshape(z, [-1, size]))
    shape = tf.concat([tf.shape(z)[:-1], tf.shape(outputs)[1:]], axis=0)
    static = [*z.shape[:-1], *outputs.shape[1:]]
    return shapes.known(tf.reshape(outputs, shape), static)


def check(network, role, input_shape, output_shape, meaning):
    """Raises ValueError unless the network maps the one shape to the other."""
    wanted = f"The {role} must map {input_shape} to {output_shape}: {meaning}."
    try:
        outputs = network(keras.KerasTensor((None, *input_shape), dtype="float32"))
        actual = outputs.shape if hasattr(outputs, "shape") else outputs
    except Exception as error:
        raise ValueError(f"{wanted} It does not accept its input: {error}") from error
    if isinstance(actual, (list, dict)) or tuple(actual[1:]) != tuple(output_shape):
        shape = tuple(actual[1:]) if isinstance(actual, tuple) else actual
        raise ValueError(f"{wanted} It outputs {shape}.")


def check_spec(role, spec):
    """Raises ValueError for what can be no network, before any data are seen."""
    if isinstance(spec, keras.Model):
        return
    pair = networks.build(spec)
    if not isinstance(pair, networks.NetworkPair):
        raise ValueError(
            f"`{role}` must be a name ({', '.join(networks.names())}), a dict, a `NetworkPair` or "
            f"a `keras.Model`. Received: {type(spec).__name__}."
        )
