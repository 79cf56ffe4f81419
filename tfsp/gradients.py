"""Gradients written out by hand, without a trace of the graphs that they were used in.

`tf.custom_gradient` registers a function for each graph that it is traced into. The registry is
never emptied, so that the graph stays in memory with all that it captured, and a SavedModel made
of it does the same wherever it is loaded, once a load. Here the gradient belongs to the operation
and goes with its graph.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.eager import record


def explicit(
    gradient: Callable[..., Sequence[Any]], differentiable: bool = True
) -> Callable[[Callable[..., tf.Tensor]], Callable[..., tf.Tensor]]:
    """Decorator of a function `(*tensors) -> tensor`: `gradient` takes the place of the tape's.

    Args:
      gradient: `(upstream, value, *tensors)` -> one gradient for each tensor, None for those
        that have none. It may use nothing but its arguments. Derivatives of second order are the
        tape's of it.
      differentiable: whether the tape's gradient is right as well, at a greater cost: then it is
        what a graph has that was saved and loaded. Otherwise it has none, and says so.

    Source: the way of `tf.custom_gradient`, but for the registry.
    """

    def decorate(function):
        message = f"{function.__name__} has no gradient in a graph that was saved and loaded."

        def of_operation(operation, upstream, *_):  # the `tf.identity_n` below
            return [None, *gradient(upstream, *operation.inputs)]

        @tf.custom_gradient
        def eagerly(*tensors):
            value = function(*tensors)
            return value, lambda upstream: tuple(gradient(upstream, value, *tensors))

        @functools.wraps(function)
        def wrapped(*tensors):
            tensors = [tf.convert_to_tensor(tensor) for tensor in tensors]
            if tf.executing_eagerly():
                return eagerly(*tensors)
            value = function(*tensors)
            if not differentiable:
                value = tf.raw_ops.PreventGradient(input=value, message=message)
            # Gradients come by two ways: of a graph's operations, and of an open tape's records.
            with record.stop_recording():
                output = tf.identity_n([value, *tensors])[0]
            output.op._gradient_function = of_operation
            record.record_operation(
                function.__name__,
                [output],
                tensors,
                lambda upstream: gradient(upstream, value, *tensors),
            )
            return output

        return wrapped

    return decorate
