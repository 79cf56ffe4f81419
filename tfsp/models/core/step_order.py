"""The order of a training step: weights move after all that the step has read of them."""

import contextlib

import tensorflow as tf


@contextlib.contextmanager
def update_last(optimizer, compiled=False):
    """Within this context, while a step is traced, `optimizer.apply` waits for the rest of it.

    TensorFlow orders a read before a later write by a control edge. Its graph optimiser drops that
    edge where another path leads from the read to the write, and Keras's optimisers offer one that
    does not last: the sum of gradients over replicas is, on one device, an IdentityN of them all,
    which is taken apart later. What is linear in a weight, as the score of a Boltzmann machine is
    in its bias, could then be read after the update. Here each gradient waits for all gradients
    and for every change of state before the update, metrics included, by edges of its own.

    Args:
      optimizer: Keras optimizer.
      compiled: whether XLA compiles `apply`.
    """
    plain = type(optimizer).apply

    def apply(gradients, weights):
        if not tf.executing_eagerly():
            gradients = _after_all_so_far(gradients)
        if not compiled:
            return plain(optimizer, gradients, weights)
        return tf.function(lambda: plain(optimizer, gradients, weights), jit_compile=True)()

    optimizer.apply = apply
    try:
        yield
    finally:
        # Replicas trace in turn, and the last may find it gone; all have called it by then.
        vars(optimizer).pop("apply", None)


def _after_all_so_far(gradients):
    """The gradients, once all of them and all changes of state traced so far are done."""
    operations = tf.compat.v1.get_default_graph().get_operations()
    changes = [op for op in operations if op.op_def.is_stateful and op.type != "ReadVariableOp"]
    tensors = tf.nest.flatten(gradients, expand_composites=True)
    with tf.control_dependencies([*changes, *(t for t in tensors if t is not None)]):
        done = tf.no_op()
    with tf.control_dependencies([done]):
        return [None if gradient is None else tf.identity(gradient) for gradient in gradients]
