"""Networks of a model: under which dtype policy they are made, and whether their shapes fit."""

import contextlib

import keras


@contextlib.contextmanager
def dtype_policy(policy):
    """Layers made within follow `policy`: also those of a model that is being reloaded."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


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
        raise ValueError(f"{wanted} It puts out {shape}.")
