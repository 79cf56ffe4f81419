"""Locations of a tree's leaves under a Brownian motion."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import arguments, gradients, parameters, shapes
from tfsp.distributions.normal import stateless_normal
from tfsp.distributions.tmc import is_free
from tfsp.sample_shape import IntegerDraws
from tfsp.tmc import ops
from tfsp.tmc.density.paths import sum_over_ancestors

tfd = tfp.distributions


class BrownianLeaves(IntegerDraws):
    """Locations of a tree's leaves: a Brownian motion along the edges, root N(0, I) at time 0.

    Event `[N, D]`: cov(leaf n, leaf m) = (1 + time of their lowest common ancestor) I.

    `log_prob` has gradients with respect to the leaves and to the times of the internal nodes but
    the root; they are not numbers where a node has its parent's time.

    Args:
      parent: int32 `[..., V]`; time: float64 `[..., V]`, one tree for each entry of the batch.
      dim: D, at least 1.
      dtype: float32 or float64, of the locations; log_prob is computed in float64.
      validate_args: of no effect. Trees are always checked.

    Raises:
      ValueError: if `dim` is no positive integer.
      tf.errors.InvalidArgumentError: for a bad tree.

    Source: Vikram et al. 2018, section 2: the internal locations are summed out by message passing.
    """

    def __init__(
        self, parent, time, dim, dtype=tf.float64, validate_args=False, name="BrownianLeaves"
    ):
        given = dict(locals())
        with tf.name_scope(name):
            self._parent = parameters.hold(parent, tf.int32, "parent")
            self._time = parameters.hold(time, tf.float64, "time")
            self._dim = arguments.integer("dim", dim)
            super().__init__(
                dtype=tf.as_dtype(dtype),
                reparameterization_type=tfd.NOT_REPARAMETERIZED,
                validate_args=validate_args,
                allow_nan_stats=True,
                parameters=given,
                name=name,
            )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        # A tree is no point of a vector space: it is given, not made up from numbers.
        given = dict(shape_fn=parameters.not_implied("the tree"), is_preferred=False)
        return {"parent": parameters.real(1, **given), "time": parameters.real(1, **given)}

    @property
    def parent(self):
        return self._parent

    @property
    def time(self):
        return self._time

    @property
    def dim(self):
        return self._dim

    def _event_shape(self):
        num_nodes = self._parent.shape.with_rank_at_least(1)[-1]
        return tf.TensorShape([None if num_nodes is None else (num_nodes + 1) // 2, self._dim])

    def _event_shape_tensor(self):
        return tf.stack([(tf.shape(self._parent)[-1] + 1) // 2, self._dim])

    def _default_event_space_bijector(self):
        return tfp.bijectors.Identity(validate_args=self.validate_args)

    def _trees(self, batch):
        """parent and time of all trees of the batch, each `[T, V]`."""
        num_nodes = tf.shape(self._parent)[-1:]
        shape = tf.concat([batch, num_nodes], axis=0)
        flat = tf.concat([[-1], num_nodes], axis=0)
        held = (self._parent, self._time)
        return [tf.reshape(tf.broadcast_to(part, shape), flat) for part in held]

    def _log_prob(self, leaves):
        event = self.event_shape_tensor()
        batch = tf.broadcast_dynamic_shape(tf.shape(leaves)[:-2], self.batch_shape_tensor())
        static = tf.broadcast_static_shape(leaves.shape[:-2], self.batch_shape)
        leaves = tf.broadcast_to(leaves, tf.concat([batch, event], axis=0))
        flat = tf.reshape(tf.cast(leaves, tf.float64), tf.concat([[-1], event], axis=0))
        result = tf.reshape(_leaves_log_probs(*self._trees(batch), flat), batch)
        return shapes.known(tf.cast(result, self.dtype), static)

    def _sample_n(self, n, seed=None):
        batch = self.batch_shape_tensor()
        parent, time = self._trees(batch)
        num_trees, num_nodes = tf.unstack(tf.shape(parent), 2)
        # One forest: each node moves away from its parent by N(0, edge length); a root from the
        # origin by N(0, 1), and the only node of a one-leaf tree by both.
        offset = num_nodes * tf.range(num_trees)[:, tf.newaxis]
        is_root = parent < 0
        start = tf.gather(time, tf.maximum(parent, 0), batch_dims=1)
        scale = tf.sqrt(time - tf.where(is_root, -tf.ones_like(time), start))
        shape = [num_trees * num_nodes, n, self._dim]
        noise = stateless_normal(shape, tfp.random.sanitize_seed(seed), tf.float64)
        steps = tf.reshape(scale, [-1, 1, 1]) * noise
        forest = tf.reshape(tf.where(is_root, parent, parent + offset), [-1])
        locations = sum_over_ancestors(forest, steps)
        locations = tf.reshape(locations, [num_trees, num_nodes, n, self._dim])
        event = self.event_shape_tensor()
        leaves = tf.transpose(locations[:, : event[0]], [2, 0, 1, 3])
        return tf.cast(tf.reshape(leaves, tf.concat([[n], batch, event], axis=0)), self.dtype)

    def _mean(self):
        shape = tf.concat([self.batch_shape_tensor(), self.event_shape_tensor()], axis=0)
        return tf.zeros(shape, self.dtype)


@tf.function(reduce_retracing=True)
def _leaves_log_probs(parent, time, leaves):
    def one(tree):
        parent, time, leaves = tree
        # The native op has a gradient with respect to the leaves alone.
        value = ops.log_likelihood(parent, tf.stop_gradient(time), leaves)
        return value + _slope_in_time(parent, time, tf.stop_gradient(leaves))

    return tf.map_fn(one, (parent, time, leaves), fn_output_signature=tf.float64)


def _time_gradient(upstream, value, parent, time, leaves):
    mean, _ = ops.node_posterior(parent, time, leaves)
    variances = ops.edge_variances(parent, time)
    above = tf.maximum(parent, 0)
    is_edge = parent >= 0
    length = tf.where(is_edge, time - tf.gather(time, above), tf.ones_like(time))
    step = tf.reduce_sum((mean - tf.gather(mean, above)) ** 2, axis=-1)
    dim = tf.cast(tf.shape(leaves)[-1], tf.float64)
    total = variances.cavity + variances.upward + length
    slope = 0.5 * (step / length**2 - dim / total)
    slope = tf.where(is_edge, slope, tf.zeros_like(slope))
    slope -= tf.math.unsorted_segment_sum(slope, above, tf.shape(parent)[0])
    slope = tf.where(is_free(parent), slope, tf.zeros_like(slope))
    return None, upstream * slope, None


@gradients.explicit(_time_gradient, differentiable=False)
def _slope_in_time(parent, time, leaves):
    """0, with the gradient of log r(leaves given tree) with respect to `time` `[V]`.

    By Fisher's identity: of an edge of length l the density of the step x_v - x_u, averaged over
    its posterior with mean M_v - M_u and variance l (C - l) / C in each dimension, has the slope

        |M_v - M_u|^2 / (2 l^2) - D / (2 C),   C = cavity + upward + l as in `ops.edge_variances`
    """
    return tf.zeros([], tf.float64)
