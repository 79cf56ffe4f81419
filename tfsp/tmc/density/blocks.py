"""Rows in blocks, so that work arrays stay small however many rows there are."""

import contextlib
import contextvars

import tensorflow as tf

from tfsp import shapes

_WHOLE = contextvars.ContextVar("tfsp_whole", default=False)


@contextlib.contextmanager
def whole():
    """Within this context `map_rows` takes all rows at once: for runtimes that know no loops."""
    token = _WHOLE.set(True)
    try:
        yield
    finally:
        _WHOLE.reset(token)


def map_rows(function, rows, block, shape=()):
    """`function(rows)`, computed for at most `block` rows at a time, one block after the other.

    Rows that are known to fit into one block go through `function` as they are.

    Args:
      function: `[b, ...]` -> `[b, *shape]` of the same type, each row by itself; it also gets rows
        of zeros, whose results are dropped.
      rows: `[B, ...]`.
      block: int or int32 scalar; below 1 counts as 1.
      shape: static shape of one result, as far as it is known.

    Returns:
      `[B, *shape]`, with gradients (whose memory grows with B all the same).
    """
    count, limit = rows.shape[0], tf.get_static_value(block)
    if _WHOLE.get():
        return function(rows)
    if count is not None and limit is not None and count <= limit:
        return function(rows)
    count = tf.shape(rows)[0]
    number = tf.maximum((count - 1) // tf.maximum(block, 1) + 1, 1)
    size = (count - 1) // number + 1  # blocks of one size, fewer than `number` rows added
    padding = [[0, number * size - count]] + [[0, 0]] * (len(rows.shape) - 1)
    blocks = tf.reshape(
        tf.pad(rows, padding), tf.concat([[number, size], tf.shape(rows)[1:]], axis=0)
    )
    blocks = shapes.known(blocks, [None, None, *rows.shape[1:]])
    # One after the other: in a graph `map_fn` would run ten at once.
    signature = tf.TensorSpec([None, *shape], rows.dtype)
    results = tf.map_fn(function, blocks, parallel_iterations=1, fn_output_signature=signature)
    results = tf.reshape(results, tf.concat([[number * size], tf.shape(results)[2:]], axis=0))
    return shapes.known(results[:count], [rows.shape[0], *shape])
