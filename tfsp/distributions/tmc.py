"""The time-marginalized coalescent as distributions: trees, and leaves given a tree."""

import collections

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import arguments, shapes
from tfsp.distributions.normal import stateless_normal
from tfsp.random import fold_in
from tfsp.tmc import ops
from tfsp.tmc.paths import sum_over_ancestors

tfd = tfp.distributions

Tree = collections.namedtuple("Tree", "parent time")


class TMC(tfd.Distribution):
    """Prior over trees with N labelled leaves: Kingman topologies, stick-breaking times.

    A value is a named tuple `Tree(parent, time)`: int32 `[V]`, float64 `[V]`, V = 2N - 1, leaves
    0..N-1, the root last. `log_prob` takes any labelling of the internal nodes; it is a density
    with respect to the labelled topology and the times of the internal nodes but the root.

    Args:
      num_leaves: N, at least 1.
      concentration1, concentration0: a, b of the Beta of the times.

    Raises: ValueError if `num_leaves` is no positive integer.

    Source: Boyles & Welling 2012; Vikram et al. 2018, arXiv:1810.06891, eqs. (1)-(2).
    """

    def __init__(self, num_leaves, concentration1=2.0, concentration0=2.0, name="TMC"):
        parameters = dict(locals())
        self._num_leaves = arguments.integer("num_leaves", num_leaves)
        self._concentrations = (concentration1, concentration0)
        super().__init__(
            dtype=Tree(tf.int32, tf.float64),
            reparameterization_type=Tree(tfd.NOT_REPARAMETERIZED, tfd.NOT_REPARAMETERIZED),
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    @property
    def num_leaves(self):
        return self._num_leaves

    def _batch_shape(self):
        return tf.TensorShape([])

    def _batch_shape_tensor(self):
        return tf.constant([], tf.int32)

    def _event_shape(self):
        shape = tf.TensorShape([2 * self._num_leaves - 1])
        return Tree(shape, shape)

    def _event_shape_tensor(self):
        shape = tf.constant([2 * self._num_leaves - 1])
        return Tree(shape, shape)

    def _sample_n(self, n, seed=None):
        parent, time = _sample_trees(
            self._num_leaves,
            tf.cast(self._concentrations[0], tf.float64),
            tf.cast(self._concentrations[1], tf.float64),
            tf.convert_to_tensor(n),
            tfp.random.sanitize_seed(seed),
        )
        shape = [None, 2 * self._num_leaves - 1]
        return Tree(shapes.known(parent, shape), shapes.known(time, shape))

    def _log_prob(self, value):
        parent, time = value
        leading = tf.shape(parent)[:-1]
        num_nodes = parent.shape[-1]

        result = _tree_log_probs(
            tf.reshape(parent, [-1, num_nodes]),
            tf.reshape(time, [-1, num_nodes]),
            tf.cast(self._concentrations[0], tf.float64),
            tf.cast(self._concentrations[1], tf.float64),
        )
        return shapes.known(tf.reshape(result, leading), parent.shape[:-1])


class BrownianLeaves(tfd.Distribution):
    """Locations of a tree's leaves: a Brownian motion along the edges, root N(0, I) at time 0.

    Event `[N, D]`: cov(leaf n, leaf m) = (1 + time of their lowest common ancestor) I.

    Args:
      parent: int32 `[V]`; time: float64 `[V]`, one tree.
      dim: D, at least 1.
      dtype: float32 or float64, of the locations; log_prob is computed in float64.

    Raises: ValueError if `dim` is no positive integer.

    Source: Vikram et al. 2018, section 2: the internal locations are summed out by message passing.
    """

    def __init__(self, parent, time, dim, dtype=tf.float64, name="BrownianLeaves"):
        parameters = dict(locals())
        self._parent = tf.convert_to_tensor(parent, tf.int32)
        self._time = tf.convert_to_tensor(time, tf.float64)
        self._dim = arguments.integer("dim", dim)
        super().__init__(
            dtype=tf.as_dtype(dtype),
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    def _num_leaves(self):
        return (self._parent.shape[0] + 1) // 2

    def _batch_shape(self):
        return tf.TensorShape([])

    def _batch_shape_tensor(self):
        return tf.constant([], tf.int32)

    def _event_shape(self):
        return tf.TensorShape([self._num_leaves(), self._dim])

    def _event_shape_tensor(self):
        return tf.constant([self._num_leaves(), self._dim])

    def _log_prob(self, leaves):
        event = self._event_shape()
        flat = tf.reshape(tf.cast(leaves, tf.float64), [-1, *event])
        result = _leaves_log_probs(self._parent, self._time, flat)
        leading = tf.shape(leaves)[:-2]
        result = tf.cast(tf.reshape(result, leading), self.dtype)
        return shapes.known(result, leaves.shape[:-2])

    def _sample_n(self, n, seed=None):
        # Each node moves away from its parent by N(0, edge length); the root from the origin by
        # N(0, 1), and the only node of a one-leaf tree by both.
        is_root = self._parent < 0
        start = tf.where(is_root, -1.0, tf.gather(self._time, tf.maximum(self._parent, 0)))
        scale = tf.sqrt(tf.cast(self._time, tf.float64) - tf.cast(start, tf.float64))
        seed = tfp.random.sanitize_seed(seed)
        shape = [tf.shape(self._parent)[0], n, self._dim]
        steps = scale[:, tf.newaxis, tf.newaxis] * stateless_normal(shape, seed, tf.float64)
        locations = sum_over_ancestors(self._parent, steps)[: self._num_leaves()]
        return tf.cast(tf.transpose(locations, [1, 0, 2]), self.dtype)

    def _mean(self):
        return tf.zeros(self._event_shape(), self.dtype)


# Graphs: a loop over single trees in eager mode takes a millisecond a turn.


@tf.function(reduce_retracing=True)
def _sample_trees(num_leaves, concentration1, concentration0, n, seed):
    def draw(i):
        return ops.sample_prior(num_leaves, concentration1, concentration0, fold_in(seed, i))

    return tf.map_fn(draw, tf.range(n), fn_output_signature=(tf.int32, tf.float64))


@tf.function(reduce_retracing=True)
def _tree_log_probs(parent, time, concentration1, concentration0):
    def one(tree):
        times = ops.time_log_prob(tree[0], tree[1], concentration1, concentration0)
        return ops.topology_log_prob(tree[0]) + times

    return tf.map_fn(one, (parent, time), fn_output_signature=tf.float64)


@tf.function(reduce_retracing=True)
def _leaves_log_probs(parent, time, leaves):
    return tf.map_fn(lambda x: ops.log_likelihood(parent, time, x), leaves)
