"""Gradients written out by hand, without a trace of the graphs that they were used in.

`tf.custom_gradient` registers a function for each graph that it is traced into. The registry is
never emptied, so that the graph stays in memory with all that it captured, and a SavedModel made
of it does the same wherever it is loaded, once a load. Here one function is registered for all
graphs, and what is saved holds none.
"""

import contextlib
import contextvars
import functools

import tensorflow as tf
from tensorflow.python.eager import record

_PLAIN = contextvars.ContextVar("tfsp_plain_gradients", default=False)


def explicit(gradient, differentiable=True):
    """Decorator of a function `(*tensors) -> tensor`: `gradient` takes the place of the tape's.

    Args:
      gradient: `(upstream, value, *tensors)` -> one gradient for each tensor, None for those
        that have none. It may use nothing but its arguments. Derivatives of second order are the
        tape's of it.
      differentiable: whether the tape's gradient is right as well, at a greater cost. Within
        `plain` it is taken, or else there is none, with an error that says so.

    Source: the mechanism is that of `tf.custom_gradient`, with one name for all graphs.
    """

    def decorate(function):
        name = f"Tfsp>{function.__module__}.{function.__qualname__}"

        @tf.RegisterGradient(name)
        def _of_operation(op, upstream, *_):  # of the `tf.identity_n` below
            return [None, *gradient(upstream, *op.inputs)]

        @tf.custom_gradient
        def eagerly(*tensors):
            value = function(*tensors)
            return value, lambda upstream: tuple(gradient(upstream, value, *tensors))

        @functools.wraps(function)
        def wrapped(*tensors):
            tensors = [tf.convert_to_tensor(tensor) for tensor in tensors]
            if _PLAIN.get():
                return function(*tensors) if differentiable else _without(function, tensors)
            if tf.executing_eagerly():
                return eagerly(*tensors)
            value = function(*tensors)
            graph = tf.compat.v1.get_default_graph()
            # Gradients come by two ways: of a graph's operations, and of an open tape's records.
            with record.stop_recording(), graph.gradient_override_map({"IdentityN": name}):
                output = tf.identity_n([value, *tensors])[0]
            record.record_operation(
                name, [output], tensors, lambda upstream: gradient(upstream, value, *tensors)
            )
            return output

        return wrapped

    return decorate


@contextlib.contextmanager
def plain():
    """Within this context graphs are traced with the tape's gradients: for what is to be saved."""
    token = _PLAIN.set(True)
    try:
        yield
    finally:
        _PLAIN.reset(token)


def _without(function, tensors):
    return tf.raw_ops.PreventGradient(
        input=function(*tensors), message=f"{function.__name__} has no gradient in a saved graph."
    )
