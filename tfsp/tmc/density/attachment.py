"""Where a new leaf attaches to a tree, and its location: the collapsed predictive density."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import parameters, shapes
from tfsp.random import fold_in
from tfsp.sample_shape import IntegerDraws
from tfsp.tmc.density.table import build_table, table_attachment, table_log_prob, table_sample
from tfsp.tmc.native import ops

tfd = tfp.distributions


class Attachment(IntegerDraws):
    """Location of a new leaf on a tree with leaves: edge and time of attachment summed out.

    Event `[D]`. `log_prob` has gradients with respect to z and `leaves`, not to the tree.

    Args:
      parent: int32 `[..., V]`.
      time: float64 `[..., V]`.
      leaves: `[..., N, D]`, the distribution's
        dtype. Each entry of the batch is a tree with leaves of its own. Variables are read
        whenever they are needed.
      subtree: None, or a node: the new leaf attaches below it (for a leaf, to the edge above it).
      native: whether log_prob runs in the native op (CPU, multi-threaded, gradients to z and
        leaves). False takes plain TensorFlow, for accelerators, with the same values; so does a
        `subtree`.
      validate_args: of no effect. Trees are always checked.
      **options: of `ops.predictive_log_prob`.

    Raises:
      tf.errors.InvalidArgumentError: for a bad tree, leaves or options.
      ValueError: where one tree is needed and there is a batch.

    Source: Vikram et al. 2018, eq. (11); see `ops.predictive_log_prob`.
    """

    def __init__(
        self,
        parent,
        time,
        leaves,
        subtree=None,
        native=True,
        validate_args=False,
        name="Attachment",
        **options,
    ):
        given = dict(locals())
        given.update(given.pop("options"))  # so that `copy` passes them by name
        with tf.name_scope(name):
            self._parent = parameters.hold(parent, tf.int32, "parent")
            self._time = parameters.hold(time, tf.float64, "time")
            self._leaves = parameters.hold(leaves, name="leaves")
            self._subtree = subtree
            self._native = native and subtree is None
            self._options = options
            super().__init__(
                dtype=self._leaves.dtype,
                reparameterization_type=tfd.NOT_REPARAMETERIZED,
                validate_args=validate_args,
                allow_nan_stats=True,
                parameters=given,
                name=name,
            )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        # A tree is not a point of a vector space: it is given, not made up from numbers.
        tree = dict(shape_fn=parameters.not_implied("the tree"), is_preferred=False)
        leaves = parameters.not_implied("the number of leaves")
        return {
            "parent": parameters.real(1, **tree),
            "time": parameters.real(1, **tree),
            "leaves": parameters.real(2, shape_fn=leaves),
        }

    @property
    def parent(self):
        return self._parent

    @property
    def time(self):
        return self._time

    @property
    def leaves(self):
        return self._leaves

    def table(self):
        """The density as a finite mixture, a `Table`. Of one tree, not of a batch."""
        self._require_one_tree()
        return self._table(self._parent, self._time, self._leaves)

    def edge_log_prob(self, z):
        """log q*(e_v given z), where on the tree z belongs: `[B, D]` -> `[B, V]`. Of one tree."""
        self._require_one_tree()
        z = tf.convert_to_tensor(z, self.dtype)
        if self._native:
            return ops.attachment(z, self._parent, self._time, self._leaves, **self._options)
        return table_attachment(z, self.table())

    def _require_one_tree(self):
        if self.batch_shape.rank not in (None, 0):
            raise ValueError(
                "This takes one tree: choose an entry of the batch, as by `attachment[0]`. "
                f"Received: batch_shape={self.batch_shape}."
            )

    def _table(self, parent, time, leaves):
        return build_table(parent, time, leaves, self._subtree, **self._options)

    def _event_shape(self):
        return self._leaves.shape.with_rank_at_least(2)[-1:].merge_with([None])

    def _event_shape_tensor(self):
        return tf.shape(self._leaves)[-1:]

    def _default_event_space_bijector(self):
        return tfp.bijectors.Identity(validate_args=self.validate_args)

    def _log_prob(self, z):
        if self.batch_shape.rank == 0:
            return self._tree_log_prob(self._parent, self._time, self._leaves, z)
        # All points of one tree together: `[S..., *batch, D]` -> `[T, S, D]`.
        trees = self._trees()
        batch = tf.broadcast_dynamic_shape(tf.shape(z)[:-1], self.batch_shape_tensor())
        event = self.event_shape_tensor()
        z = tf.broadcast_to(z, tf.concat([batch, event], axis=0))
        static = tf.broadcast_static_shape(z.shape[:-1], self.batch_shape)
        number = tf.shape(trees[0])[0]
        z = tf.reshape(z, tf.concat([[-1, number], event], axis=0))
        each = self._for_each_tree(self._tree_log_prob, *trees, tf.transpose(z, [1, 0, 2]))
        result = tf.reshape(tf.transpose(each), batch)
        return shapes.known(result, static)

    def _tree_log_prob(self, parent, time, leaves, z):
        if self._native:
            return ops.predictive_log_prob(z, parent, time, leaves, **self._options)
        return table_log_prob(z, self._table(parent, time, leaves))

    def _sample_n(self, n, seed=None):
        if self.batch_shape.rank == 0:
            return tf.cast(table_sample(self.table(), n, seed), self.dtype)
        seed = tfp.random.sanitize_seed(seed)

        def draw(parent, time, leaves, i):
            table = self._table(parent, time, leaves)
            # The first tree's draws are those of the tree without a batch.
            own = tf.where(i == 0, seed, fold_in(seed, i))
            return tf.cast(table_sample(table, n, own), self.dtype)

        trees = self._trees()
        draws = self._for_each_tree(draw, *trees, tf.range(tf.shape(trees[0])[0]))
        parts = [[n], self.batch_shape_tensor(), self.event_shape_tensor()]
        return tf.reshape(tf.transpose(draws, [1, 0, 2]), tf.concat(parts, axis=0))

    def _mean(self):
        if self.batch_shape.rank == 0:
            return self._tree_mean(self._parent, self._time, self._leaves)
        means = self._for_each_tree(self._tree_mean, *self._trees())
        shape = tf.concat([self.batch_shape_tensor(), self.event_shape_tensor()], axis=0)
        return tf.reshape(means, shape)

    def _tree_mean(self, parent, time, leaves):
        table = self._table(parent, time, leaves)
        x = table.position[:, tf.newaxis]
        centre = (1 - x) * tf.gather(table.mean, table.upper) + x * tf.gather(
            table.mean, table.edge
        )
        weight = tf.exp(table.log_weight)[:, tf.newaxis]
        return tf.cast(tf.reduce_sum(weight * centre, axis=0), self.dtype)

    def _trees(self):
        """parent `[T, V]`, time `[T, V]` and leaves `[T, N, D]` of all trees of the batch."""
        batch = self.batch_shape_tensor()

        def flat(part, event_ndims):
            event = tf.shape(part)[-event_ndims:]
            part = tf.broadcast_to(part, tf.concat([batch, event], axis=0))
            return tf.reshape(part, tf.concat([[-1], event], axis=0))

        return flat(self._parent, 1), flat(self._time, 1), flat(self._leaves, 2)

    def _for_each_tree(self, function, *parts):
        return tf.map_fn(lambda tree: function(*tree), parts, fn_output_signature=self.dtype)
