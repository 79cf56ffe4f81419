"""Batches that several replicas share, of which the last may leave some of them without rows."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


def mean(values: Any, training: bool) -> tf.Tensor:
    """The mean of `[B]`, for a loss that is divided by the number of replicas.

    The value is the mean over the rows of this replica, 0 if it has none: weighted by rows, as
    Keras averages losses, these make the mean over the rows of all replicas. In training the
    gradients, which Keras sums over the replicas, are those of that mean too; so a replica with
    fewer rows counts for less.

    Args:
      values: `[B]`, of this replica.
      training: whether gradients are asked for.
    """
    context, replicas = _replicas()
    if replicas == 1:
        own = tf.reduce_mean(values)
        # An empty batch amid others must not make the weights NaN.
        return own if values.shape[0] else tf.where(tf.size(values) > 0, own, tf.zeros_like(own))
    if _is_even(values):
        return tf.reduce_mean(values)
    rows = tf.cast(tf.size(values), values.dtype)
    own = tf.math.divide_no_nan(tf.reduce_sum(values), rows)
    if not training:
        return own
    share = replicas * rows / context.all_reduce("SUM", rows)
    return share * own + tf.stop_gradient(own - share * own)


def apply_to_rows(layer: Callable[..., Any], inputs: Any, training: bool) -> Any:
    """`layer(inputs)`, `[B, ...]` -> `[B, ...]`, also for no rows.

    Of no rows batch normalisation takes averages that are NaN, and keeps them; some convolutions
    fail. A replica without rows is lent the first row of the first replica, and what the layer
    makes of it is dropped.
    """
    context, replicas = _replicas()
    if replicas == 1 or _is_even(inputs):
        return layer(inputs, training=training)
    rows = tf.shape(inputs)[0]
    first = tf.cast(context.replica_id_in_sync_group == 0, inputs.dtype)
    row = tf.concat([inputs[:1], tf.zeros([1, *inputs.shape[1:]], inputs.dtype)], axis=0)[:1]
    lent = tf.stop_gradient(context.all_reduce("SUM", first * row))
    filled = tf.concat([inputs, lent[: tf.maximum(1 - rows, 0)]], axis=0)
    return layer(filled, training=training)[:rows]


def symbolic_batch(dataset: Any) -> Any:
    """What a replica gets of a distributed dataset: a structure of `keras.KerasTensor`.

    (Keras would average the shares of a batch over the replicas, which fails if they are uneven.)
    """

    def of_replica(spec):
        spec = getattr(spec, "_value_specs", (spec,))[0]
        if isinstance(spec, tf.NoneTensorSpec):
            return None
        return keras.KerasTensor(tuple(spec.shape), spec.dtype.name)

    return keras.tree.map_structure(of_replica, dataset.element_spec)


def _is_even(batch):
    """Whether all replicas have as many rows: in a graph, batches of a fixed size."""
    return bool(not tf.executing_eagerly() and batch.shape[0])


def _replicas():
    context = tf.distribute.get_replica_context()
    return context, 1 if context is None else context.num_replicas_in_sync
