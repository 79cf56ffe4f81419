"""Sums along the way from each node to the root, in log2(depth) steps of whole-array ops."""

import tensorflow as tf

from tfsp import shapes


def sum_over_ancestors(parent, values):
    """For each node, the sum of `values` over itself and all its ancestors.

    Pointer jumping: after step i the pointer of a node leads 2^i generations up and its sum
    covers as many; log2(depth) steps serve all nodes at once, on any device.

    Args:
      parent: int32 `[V]`, -1 at the root, a valid tree.
      values: `[V, ...]`.

    Returns:
      as `values`.
    """
    parent = tf.convert_to_tensor(parent, tf.int32)
    values = tf.convert_to_tensor(values)
    num_nodes = tf.shape(parent)[0]
    # A node of its own above the root, of value 0, that points to itself.
    pointer = tf.concat([tf.where(parent < 0, num_nodes, parent), [num_nodes]], axis=0)
    total = tf.concat([values, tf.zeros_like(values[:1])], axis=0)

    def jump(pointer, total):
        return tf.gather(pointer, pointer), total + tf.gather(total, pointer)

    _, total = tf.while_loop(
        lambda pointer, _: tf.reduce_any(pointer < num_nodes), jump, (pointer, total)
    )
    return shapes.known(total[:-1], values.shape)


def is_below(parent, node):
    """Whether each node is a proper descendant of `node`: bool `[V]`."""
    num_nodes = tf.shape(parent)[0]
    own = tf.one_hot(node, num_nodes, dtype=tf.int32)
    return sum_over_ancestors(parent, own) > own
