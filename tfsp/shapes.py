"""Static shapes."""

from typing import Any


def known(tensor: Any, shape: Any) -> Any:
    """`tensor`, with what is known of its shape told to whoever traces a graph.

    As `tf.ensure_shape` without its operation, which some runtimes of served models do not have.

    Raises:
      ValueError: where the shape is known to be another.
    """
    tensor.set_shape(shape)
    return tensor
