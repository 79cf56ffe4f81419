"""The density of a new leaf's location as a finite mixture: a table of plain tensors."""

import collections
import math

import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow_probability.python.internal import prefer_static  # it has no public name

from tfsp.tmc.density.blocks import map_rows
from tfsp.tmc.density.paths import is_below
from tfsp.tmc.native import ops

# Entries [rows, Q] held at once, some five arrays of them: 2^22 is 16 MiB for each in float32.
_MAX_ENTRIES = 2**22

Table = collections.namedtuple("Table", "edge upper log_weight position variance mean")
Table.__doc__ = """The density as a finite mixture, one entry for each edge and quadrature node.

edge, upper: int32 `[Q]`, lower and upper node of the entry's edge. log_weight: float64 `[Q]`,
log p(e) + log w; sums to one. position, variance: float64 `[Q]`. mean: float64 `[V, D]`, the nodes'
locations given the leaves. An entry is N((1 - position) mean[upper] + position mean[edge],
variance I). Plain tensors: a table made once serves anywhere, without the native ops.
"""


def build_table(parent, time, leaves, subtree=None, **options):
    """The mixture's table for a tree with leaves; options as in `ops.predictive_log_prob`.

    Args:
      subtree: None, or a node: only the edges below it (for a leaf, the edge above it) are kept,
        with weights that sum to one again.
    """
    parent = tf.convert_to_tensor(parent, tf.int32)
    leaves = tf.cast(leaves, tf.float64)
    rule = ops.attachment_quadrature(parent, time, **options)
    names = ("concentration1", "concentration0", "edge_weights")
    edge_log_prob = ops.edge_log_prob(
        parent, time, **{name: options[name] for name in names if name in options}
    )
    mean, _ = ops.node_posterior(parent, time, leaves)
    upper = tf.gather(parent, rule.edge)
    log_weight = rule.log_weight + tf.gather(edge_log_prob, rule.edge)
    if parent.shape[0] in (1, None):
        # The tree of one leaf: its only place is above the leaf, half-way to the origin.
        single = tf.equal(tf.shape(parent)[0], 1)
        mean = tf.where(single, 0.5 * mean, mean)
        upper = tf.where(single, rule.edge, upper)
        log_weight = tf.where(single, rule.log_weight, log_weight)
    table = Table(rule.edge, upper, log_weight, rule.position, rule.variance, mean)
    return table if subtree is None else restrict_table(table, parent, subtree)


def restrict_table(table, parent, node):
    """The table of what attaches below `node` (for a leaf, to the edge above it). Pure TensorFlow.

    Args:
      parent: int32 `[V]`, the table's tree.
      node: int, or an int32 scalar tensor.

    Raises:
      tf.errors.InvalidArgumentError: for a node outside [0, V).
      TypeError: for a float.
    """
    num_nodes, node = tf.shape(parent)[0], tf.convert_to_tensor(node, tf.int32)
    message = ["A node of the tree must lie in [0, V). V and what was received:", num_nodes, node]
    check = tf.debugging.Assert((node >= 0) & (node < num_nodes), message)
    with tf.control_dependencies([] if check is None else [check]):
        node = tf.identity(node)
    below = is_below(parent, node)
    own = tf.one_hot(node, num_nodes, on_value=True, off_value=False)
    keep = tf.gather(tf.where(tf.reduce_any(below), below, own), table.edge)
    log_weight = tf.where(keep, table.log_weight, tf.constant(-math.inf, tf.float64))
    return table._replace(log_weight=log_weight - tf.reduce_logsumexp(log_weight))


def entry_log_prob(z, table):
    """log p(e, t) + log N(z; m(t), var(t) I) for every entry: `[B, D]` -> `[B, Q]`.

    Pure TensorFlow, for any device. Distances to the nodes are computed in float64 (|z|^2 + |M|^2
    - 2 z.M cancels on trees with small variances) and cast to the type of `z` afterwards.
    """
    dtype = z.dtype
    mean = table.mean
    centre = tf.reduce_mean(mean, axis=0)
    point, node = tf.cast(z, tf.float64) - centre, mean - centre
    distance = (
        tf.reduce_sum(point**2, axis=-1)[:, tf.newaxis]
        + tf.reduce_sum(node**2, axis=-1)
        - 2.0 * tf.matmul(point, node, transpose_b=True)
    )  # [B, V]
    spread = tf.reduce_sum(
        (tf.gather(mean, table.upper) - tf.gather(mean, table.edge)) ** 2, axis=-1
    )
    x, half = table.position, 0.5 / table.variance
    dim = tf.cast(tf.shape(mean)[1], tf.float64)
    constant = (
        table.log_weight
        - 0.5 * dim * tf.math.log(2 * math.pi * table.variance)
        + x * (1 - x) * spread * half
    )
    distance = tf.cast(distance, dtype)
    return (
        tf.cast(constant, dtype)
        - tf.gather(distance, table.upper, axis=1) * tf.cast((1 - x) * half, dtype)
        - tf.gather(distance, table.edge, axis=1) * tf.cast(x * half, dtype)
    )


def table_log_prob(z, table):
    """log p(z): `[..., D]` -> `[...]`, nats. Pure TensorFlow, a block of rows at a time."""

    def log_prob(rows):
        return tf.reduce_logsumexp(entry_log_prob(rows, table), axis=-1)

    flat = tf.reshape(z, [-1, prefer_static.dimension_size(z, -1)])
    return tf.reshape(map_rows(log_prob, flat, _block(table)), tf.shape(z)[:-1])


def table_attachment(z, table):
    """log q*(e_v given z): `[B, D]` -> `[B, V]`, -inf where no edge is. Pure TensorFlow.

    A block of rows at a time.
    """
    shape = [table.mean.shape[0]]
    return map_rows(lambda rows: _attachment(rows, table), z, _block(table), shape)


def table_sample(table, n, seed, dtype=tf.float64):
    """`n` draws `[n, D]`: an entry by its weight, then its Gaussian. Pure TensorFlow.

    The draws are those of float64 whatever the dtype, up to its rounding.
    """
    seeds = tfp.random.split_seed(seed, 2)
    entry = tf.random.stateless_categorical(table.log_weight[tf.newaxis], n, seeds[0])[0]
    mean, position = tf.cast(table.mean, dtype), tf.cast(table.position, dtype)
    scale = tf.cast(tf.sqrt(table.variance), dtype)
    x = tf.gather(position, entry)[:, tf.newaxis]
    upper = tf.gather(mean, tf.gather(table.upper, entry))
    lower = tf.gather(mean, tf.gather(table.edge, entry))
    noise = tf.random.stateless_normal(tf.shape(upper), seeds[1], dtype=tf.float64, alg="philox")
    return (
        (1 - x) * upper + x * lower + tf.gather(scale, entry)[:, tf.newaxis] * tf.cast(noise, dtype)
    )


def _block(table):
    """Rows whose entries are held at once: an int where Q is known."""
    num_entries = table.log_weight.shape[0]
    if num_entries is None:
        return _MAX_ENTRIES // tf.maximum(tf.shape(table.log_weight)[0], 1)
    return max(1, _MAX_ENTRIES // num_entries)


def _attachment(z, table):
    entries = tf.transpose(entry_log_prob(z, table))  # [Q, B]
    num_nodes = tf.shape(table.mean)[0]
    top = tf.math.unsorted_segment_max(entries, table.edge, num_nodes)
    safe = tf.where(tf.math.is_finite(top) & (top > entries.dtype.min), top, tf.zeros_like(top))
    total = tf.math.unsorted_segment_sum(
        tf.exp(entries - tf.gather(safe, table.edge)), table.edge, num_nodes
    )
    log_edge = safe + tf.math.log(total)
    return tf.transpose(log_edge - tf.reduce_logsumexp(log_edge, axis=0))
