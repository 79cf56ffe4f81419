"""The time-marginalized coalescent as a distribution of trees."""

import collections

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import arguments, gradients, parameters, shapes
from tfsp.random import fold_in
from tfsp.sample_shape import IntegerDraws
from tfsp.tmc import ops

tfd = tfp.distributions

Tree = collections.namedtuple("Tree", "parent time")


class TMC(IntegerDraws):
    """Prior over trees with N labelled leaves: Kingman topologies, stick-breaking times.

    A value is a named tuple `Tree(parent, time)`: int32 `[V]`, float64 `[V]`, V = 2N - 1, leaves
    0..N-1, the root last. `log_prob` takes any labelling of the internal nodes; it is a density
    with respect to the labelled topology and the times of the internal nodes but the root, and has
    gradients with respect to those times and the concentrations.

    Args:
      num_leaves: N, at least 1.
      concentration1, concentration0: a, b of the Beta of the times, `[...]`: one pair for each
        entry of the batch. Variables are read whenever they are needed.
      validate_args: of no effect. Trees are always checked.

    Raises:
      ValueError: if `num_leaves` is no positive integer, or a tree has another number of nodes.

    Source: Boyles & Welling 2012; Vikram et al. 2018, arXiv:1810.06891, eqs. (1)-(2).
    """

    def __init__(
        self, num_leaves, concentration1=2.0, concentration0=2.0, validate_args=False, name="TMC"
    ):
        given = dict(locals())
        self._num_leaves = arguments.integer("num_leaves", num_leaves)
        with tf.name_scope(name):
            self._concentration1 = _concentration(concentration1)
            self._concentration0 = _concentration(concentration0)
            super().__init__(
                dtype=Tree(tf.int32, tf.float64),
                reparameterization_type=Tree(tfd.NOT_REPARAMETERIZED, tfd.NOT_REPARAMETERIZED),
                validate_args=validate_args,
                allow_nan_stats=True,
                parameters=given,
                name=name,
            )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        def batch(sample_shape):
            return tf.TensorShape(sample_shape)[:-1]

        concentration = parameters.positive(dtype, shape_fn=batch)
        return {"concentration1": concentration, "concentration0": concentration}

    @property
    def num_leaves(self):
        return self._num_leaves

    @property
    def concentration1(self):
        return self._concentration1

    @property
    def concentration0(self):
        return self._concentration0

    def is_scalar_event(self, name="is_scalar_event"):
        """Whether the event shape of each part is []: False, as a `Tree`."""
        return Tree(tf.constant(False), tf.constant(False))

    def _event_shape(self):
        shape = tf.TensorShape([2 * self._num_leaves - 1])
        return Tree(shape, shape)

    def _event_shape_tensor(self):
        shape = tf.constant([2 * self._num_leaves - 1])
        return Tree(shape, shape)

    def _default_event_space_bijector(self):
        return None  # no smooth map leads to topologies

    def _concentrations(self, shape):
        """a and b of each entry of a batch, each `[n]` float64."""
        held = (self._concentration1, self._concentration0)
        return (tf.reshape(tf.broadcast_to(tf.cast(c, tf.float64), shape), [-1]) for c in held)

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], self.batch_shape_tensor()], axis=0)
        num_nodes = 2 * self._num_leaves - 1
        seed = tfp.random.sanitize_seed(seed)
        trees = _sample_trees(self._num_leaves, *self._concentrations(shape), seed)
        return Tree(*(tf.reshape(part, tf.concat([shape, [num_nodes]], axis=0)) for part in trees))

    def _log_prob(self, value):
        num_nodes = 2 * self._num_leaves - 1
        for part in value:
            _check_size(part, num_nodes)
        shape = tf.broadcast_dynamic_shape(tf.shape(value.parent)[:-1], self.batch_shape_tensor())
        static = tf.broadcast_static_shape(value.parent.shape[:-1], self.batch_shape)
        full = tf.concat([shape, [num_nodes]], axis=0)
        trees = (tf.reshape(tf.broadcast_to(part, full), [-1, num_nodes]) for part in value)
        result = tf.reshape(_tree_log_probs(*trees, *self._concentrations(shape)), shape)
        return shapes.known(result, static)


def _concentration(value):
    # Of a Python number all digits: `tf.cast` would round it to float32 first.
    known = tf.is_tensor(value) or parameters.is_variable(value)
    return parameters.hold(value, None if known else tf.float64)


def _check_size(part, num_nodes):
    size = part.shape[-1] if part.shape.rank != 0 else 0
    if size not in (None, num_nodes):
        raise ValueError(
            f"The parts of a tree of {(num_nodes + 1) // 2} leaves must have shape [..., "
            f"{num_nodes}], one entry for each node. Received: {part.shape}."
        )


# Graphs: a loop over single trees in eager mode takes a millisecond a turn.


@tf.function(reduce_retracing=True)
def _sample_trees(num_leaves, concentration1, concentration0, seed):
    def draw(i):
        pair = concentration1[i], concentration0[i]
        return ops.sample_prior(num_leaves, *pair, fold_in(seed, i))

    numbers = tf.range(tf.shape(concentration1)[0])
    return tf.map_fn(draw, numbers, fn_output_signature=(tf.int32, tf.float64))


def _log_probs_gradient(upstream, value, parent, *continuous):
    with tf.GradientTape() as tape:
        tape.watch(continuous)
        log_density = _time_log_probs(parent, *continuous)
    return None, *tape.gradient(log_density, continuous, upstream)


@gradients.explicit(_log_probs_gradient, differentiable=False)
def _tree_log_probs(parent, time, concentration1, concentration0):
    """log p of each tree: `[n, V]` and `[n]` -> `[n]`, by the native ops, which check the trees."""
    return _native_log_probs(parent, time, concentration1, concentration0)


@tf.function(reduce_retracing=True)
def _native_log_probs(parent, time, concentration1, concentration0):
    def one(each):
        return ops.topology_log_prob(each[0]) + ops.time_log_prob(*each)

    each = (parent, time, concentration1, concentration0)
    return tf.map_fn(one, each, fn_output_signature=tf.float64)


def _time_log_probs(parent, time, concentration1, concentration0):
    """Log density of the times of valid trees, as `ops.time_log_prob`, but differentiable."""
    above = tf.gather(time, tf.maximum(parent, 0), batch_dims=1)
    free = is_free(parent)
    left = tf.where(free, 1.0 - above, tf.ones_like(time))
    stick = tf.where(free, (time - above) / left, 0.5 * tf.ones_like(time))
    pair = concentration1[:, tf.newaxis], concentration0[:, tf.newaxis]
    beta = tfd.Beta(*pair).log_prob(stick)
    terms = tf.where(free, beta - tf.math.log(left), tf.zeros_like(time))
    return tf.reduce_sum(terms, axis=-1)


def is_free(parent):
    """Which nodes of trees `[..., V]` have a time of their own: internal, not the root."""
    index = tf.range(tf.shape(parent)[-1])
    return (parent >= 0) & (2 * index > tf.shape(parent)[-1])
