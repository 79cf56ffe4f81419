"""The tree prior over all training points at once (TMC-VAE)."""

import numpy as np
import tensorflow as tf

from tfsp import arguments, gradients, subset
from tfsp.priors import encoded, tmc_start
from tfsp.priors.base import register
from tfsp.priors.tree_prior import TreePrior
from tfsp.tmc import ops
from tfsp.tmc.native.options import DENSITY, check_edge_weights, mixture_of_data

_DEFAULT_POINTS = 1000


@register("tmc")
class TMCPrior(TreePrior):
    """p(tree) r(z_1, ..., z_N | tree): one leaf of the tree for each training point.

    The points' posteriors q(z_n | x_n) = N(m_n, diag(s_n^2)) are kept as weights, and a Markov
    chain on exp E_q[log r(tree, z)], the optimal q(tree) of eq. (9), moves the tree before every
    training step. `TMCVAE` trains with the joint density of all points (`joint_kl`). A new point
    is scored by `log_prob`, the density with which it attaches to the current tree, edge and time
    summed out; the leaves stand there at their posterior means, a plug-in that leaves out how
    uncertain they are. A training point is itself a leaf, so `log_prob` flatters it.

    In a plain `VAE` the leaves are the encodings of the first `num_points` training examples and
    every z is scored by `log_prob`.

    Until epoch `start_epoch` of `fit` the prior is the standard normal. Then all points are
    encoded, the tree starts from Ward's clustering of the means (`tmc_start`), and `burn_in`
    moves follow.

    Args:
      latent_dim: D.
      num_points: N. None takes the number of training examples in a `TMCVAE`, 1,000 elsewhere.
      concentration1, concentration0: a, b of the Beta distribution of node times.
      start_epoch: epochs of training with the normal prior before the tree starts.
      burn_in: moves at the start; None takes max(300,000, 50 N).
      moves_per_step: moves before each training step; None takes max(2000, N / 5).
      move_mixture: proportions of SPR, local SPR, slide and Gibbs moves. None takes 50:25:25 and
        min(1, (1000 / N)^2): a Gibbs move costs O(N D), the others hardly more than O(D).
      refresh: whether all points are encoded again at the beginning of each epoch. Else the
        stored encoding of a point is that of the last batch it was in.
      num_nodes: quadrature nodes on a leaf's edge and on an inner edge, for `log_prob`.
      variance_floor, added_variance, edge_weights: as in `tfsp.tmc.ops.predictive_log_prob`.
      seed: int, for the start and the chain.

    Attributes (weights that are not trained; None until N is known):
      mean: `[N, D]`, m_n. variance: `[N]`, sum_k s_nk^2, all that the joint density asks for.
      parent: int32 `[1, V]`; time: float64 `[1, V]`, V = 2N - 1: the tree.

    Raises:
      ValueError: for settings outside their range.

    Source: Vikram, Hoffman & Johnson 2018, arXiv:1810.06891, section 3.
    """

    def __init__(
        self,
        latent_dim,
        num_points=None,
        concentration1=DENSITY.concentration1,
        concentration0=DENSITY.concentration0,
        start_epoch=5,
        burn_in=None,
        moves_per_step=None,
        move_mixture=None,
        refresh=True,
        num_nodes=DENSITY.num_nodes,
        variance_floor=DENSITY.variance_floor,
        added_variance=DENSITY.added_variance,
        edge_weights=DENSITY.edge_weights,
        seed=0,
        **kwargs,
    ):
        config = {k: v for k, v in locals().items() if k not in ("self", "kwargs", "__class__")}
        del config["latent_dim"], config["num_points"]
        _check(config)
        super().__init__(latent_dim, config, seed, **kwargs)
        self.start_epoch = config["start_epoch"]
        self.waits_for_data = False  # set by `TMCVAE`: N comes with the data
        self.num_points = None
        self.mean = self.variance = None
        if num_points is not None:
            self.set_num_points(num_points)

    # Size and start.

    def set_num_points(self, num_points):
        """Fixes N and makes the weights that depend on it.

        Raises:
          ValueError: if N is below 2, or was another before.
        """
        num_points = arguments.integer("num_points", num_points, 2)
        if self.num_points is not None:
            if num_points != self.num_points:
                raise ValueError(
                    f"This tree has a leaf for each of {self.num_points} training points. "
                    f"Received: {num_points} points. A model is trained on one set of points; make "
                    "a new one for another."
                )
            return
        locked = self.built
        if locked:  # Keras locks a built layer; the number of points may come later
            self._tracker.unlock()
        parent, time = tmc_start.caterpillar(num_points)
        self.mean = self._state("mean", np.zeros((num_points, self.latent_dim)))
        self.variance = self._state("variance", np.zeros(num_points))
        self.parent = self._state("parent", parent[np.newaxis], "int32")
        self.time = self._state("time", time[np.newaxis], "float64")
        if locked:
            self._tracker.lock()
        self.num_points = num_points
        if self._config["move_mixture"] is None:
            self._config["move_mixture"] = list(mixture_of_data(num_points))

    def build(self, input_shape=None):
        if not self.waits_for_data:
            self._require_size()
        super().build(input_shape)

    @property
    def wants_data(self):
        return self._config["refresh"] or not self.is_started()

    @property
    def num_chains(self):
        self._require_size()
        return 1

    @property
    def num_leaves(self):
        self._require_size()
        return self.num_points

    def leaf_locations(self):
        self._require_size()
        return tf.convert_to_tensor(self.mean)

    @property
    def min_examples(self):
        return self.num_points or 1

    def adapt(self, examples):
        """Stores the encodings of the training points and, the first time, initialises the tree.

        Args:
          examples: `Encoded`, at least N, in the order of their indices. Of more than N the points
            are a random subset, the same in every call (see `tfsp.subset`).

        Raises:
          ValueError: for fewer than N examples.
        """
        encoded.require(self, examples)
        self._require_size()
        if len(examples) < self.num_points:
            raise ValueError(
                f"The TMC prior has a leaf for each of {self.num_points} training points and "
                f"starts from their encodings. Received: {len(examples)} examples. Give all of "
                "them, or lower `num_points`."
            )
        points = examples.rows(subset.rows(len(examples), self.num_points))
        mean, variance = points.mean, np.sum(points.variance, axis=-1)
        if self.is_started():
            self.mean.assign(mean)
            self.variance.assign(variance)
        else:
            self.start(mean, variance)

    def start(self, mean, variance=None, parent=None, time=None, burn_in=None):
        """Activates the tree.

        Args:
          mean: `[N, D]`, the points' posterior means.
          variance: `[N]`, their posterior variances summed over dimensions; None for 0.
          parent, time: `[V]`, where the chain starts; None takes Ward's clustering, as far as
            constraints let it be.
          burn_in: moves; None takes the prior's.

        Raises:
          ValueError: for another shape or values that are not finite.
          tf.errors.InvalidArgumentError: for a bad tree, and one that breaks a constraint.
        """
        mean = np.asarray(mean, np.float64)
        if self.num_points is None and mean.ndim == 2:
            self.set_num_points(len(mean))
        variance = np.zeros(len(mean)) if variance is None else np.asarray(variance, np.float64)
        shapes = (self.num_points, self.latent_dim), (self.num_points,)
        if (mean.shape, variance.shape) != shapes:
            raise ValueError(
                f"`mean` and `variance` must have shapes {shapes[0]} and {shapes[1]}. "
                f"Received: {mean.shape} and {variance.shape}."
            )
        if not (np.isfinite(mean).all() and np.isfinite(variance).all()):
            raise ValueError(
                "The encodings must be finite for the tree to start. Received NaN or inf: did "
                "training diverge?"
            )
        if parent is None:
            tree = tmc_start.ward_tree(mean, self._config["seed"])
            parent, time = self._satisfying(*tree)
        burn_in = self._start_moves() if burn_in is None else burn_in
        self.mean.assign(mean)
        self.variance.assign(variance)
        tree = tf.cast(parent, tf.int32), tf.cast(time, tf.float64)
        parent, time, _ = self._move(burn_in, self.seeds.next(), [tree])
        self.parent.assign(parent)
        self.time.assign(time)
        self.started.assign(True)

    def update(self):
        """Moves the tree by `moves_per_step` proposals."""
        self._require_size()
        moves = self._config["moves_per_step"]
        moves = max(2000, self.num_points // 5) if moves is None else moves
        self._advance(moves)

    def _start_moves(self):
        moves = self._config["burn_in"]
        return max(300_000, 50 * self.num_points) if moves is None else moves

    def _leaf_variance(self):
        return tf.convert_to_tensor(self.variance)

    # The joint density of the training points.

    def joint_kl(self, q, index):
        """The points' share of the bound of eq. (8), for a batch: `[B]`, nats per example.

            -H[q(z_n|x_n)] - 1/N E_q[log r(z_1, ..., z_N | tree)]

        with the batch's own q in its rows and the stored encodings in all others. The batch's
        encodings are stored. Before the tree starts: KL(q || N(0, I)).

        The mean of this over the batch is the value of the term. Its gradient is another matter:
        the full bound, divided by N, has the gradient 1/N sum_n dJ/d(m_n, s_n^2) over all N
        points, J = E_q[log r], and a batch shows B of these summands, which must stand for all:
        the unbiased estimate is 1/N * N/B = 1/B times their sum. So the gradient to the batch's
        rows is scaled by N/B while the value keeps 1/N. Averaged over batches that visit each
        point equally often it is the gradient of the full bound (exactly so while the stored
        encodings are those of the present encoder; they are at most an epoch or two old).

        Args:
          q: posterior of the batch, independent normals with batch shape `[B]`, event `[D]`.
          index: integers `[B]`, which training points these are; distinct, in [0, N).

        Raises:
          tf.errors.InvalidArgumentError: for an index out of range or twice in a batch.

        Source: eq. (8) without log p(tree) - log q(tree), which no network depends on. E_q[log
          r] is exact: log r(m | tree) - 1/2 sum_n sum_k s_nk^2 / nu_n, with nu_n the variance of
          leaf n given the others.
        """
        self._require_size()
        index = self._checked(index)
        loc, variance = q.mean(), tf.reduce_sum(q.variance(), axis=-1)
        old_mean = tf.convert_to_tensor(self.mean)
        old_variance = tf.convert_to_tensor(self.variance)
        rows = _all_replicas(index, tf.stop_gradient(loc), tf.stop_gradient(variance))
        all_rows = rows[0][:, tf.newaxis]
        stored_mean = tf.tensor_scatter_nd_update(old_mean, all_rows, rows[1])
        stored_variance = tf.tensor_scatter_nd_update(old_variance, all_rows, rows[2])
        self.mean.assign(stored_mean)
        self.variance.assign(stored_variance)

        share = tf.cast(self.num_points, loc.dtype) / tf.cast(tf.shape(index)[0], loc.dtype)
        loc = _scale_gradient(loc, share)
        variance = _scale_gradient(variance, share)
        (parent, time) = self._trees()[0]
        entropy = q.entropy()

        def tree():
            batch = index[:, tf.newaxis]
            joint = _expected_log_likelihood(
                parent,
                time,
                tf.tensor_scatter_nd_update(stored_mean, batch, loc),
                tf.tensor_scatter_nd_update(stored_variance, batch, variance),
            )
            return -entropy - tf.cast(joint / self.num_points, entropy.dtype)

        return tf.cond(self.started, tree, lambda: q.kl_divergence(self._normal()))

    def expected_log_likelihood(self):
        """E_q[log r(z_1, ..., z_N | tree)] of the stored encodings: `[]` float64, nats."""
        self._require_size()
        return _expected_log_likelihood(
            *self._trees()[0], tf.convert_to_tensor(self.mean), tf.convert_to_tensor(self.variance)
        )

    def log_joint(self):
        """E_q[log r(tree, z_1, ..., z_N)] of the stored encodings, with the tree's own prior.

        `[]` float64, nats. What the chain's moves raise on the way up from a bad start.
        """
        parent, time = self._trees()[0]
        concentrations = self._config["concentration1"], self._config["concentration0"]
        return (
            self.expected_log_likelihood()
            + ops.topology_log_prob(parent)
            + ops.time_log_prob(parent, time, *concentrations)
        )

    def health(self, codes):
        """Dict of floats, {} before the tree starts.

        log_joint: `log_joint() / N`. posterior_variance: mean of s_nk^2. staleness: root mean
        square of the distance per dimension between present and stored encodings, in posterior
        standard deviations (fresh draws of dynamic binarisation count too). time_50: median time
        of the internal nodes. acceptance_*: by kind of move, in this epoch.
        """
        if not self.is_started():
            return {}
        codes = np.asarray(codes)[: self.num_points]
        spread = float(np.mean(self.variance)) / self.latent_dim
        error = np.mean((codes - np.asarray(self.mean)[: len(codes)]) ** 2)
        return {
            "log_joint": float(self.log_joint()) / self.num_points,
            "posterior_variance": spread,
            "staleness": float(np.sqrt(error / spread)),
            "time_50": float(np.median(self.time.numpy()[0, self.num_points :])),
            **self._acceptance(),
        }

    @classmethod
    def example(cls):
        prior = cls(latent_dim=2, num_points=5, start_epoch=0)
        mean = np.array([[0.5, 1.0], [0.6, 0.8], [-1.0, 0.0], [-0.9, -0.5], [1.0, -1.2]])
        prior.start(mean, np.full(5, 0.1), burn_in=100)
        return prior

    def get_config(self):
        return {**super().get_config(), "num_points": self.num_points}

    def _checked(self, index):
        index = tf.cast(index, tf.int32)
        places = f"Indices of training points must be distinct and lie in [0, {self.num_points})."
        checks = [
            tf.debugging.assert_non_negative(index, places),
            tf.debugging.assert_less(index, self.num_points, places),
            tf.debugging.assert_equal(tf.size(tf.unique(index)[0]), tf.size(index), places),
        ]
        with tf.control_dependencies([check for check in checks if check is not None]):
            return tf.identity(index)

    def _require_size(self):
        if self.num_points is None and not self.waits_for_data:
            self.set_num_points(_DEFAULT_POINTS)
        if self.num_points is None:
            raise ValueError(
                "This TMC prior does not know its number of points yet. Call `fit` with the "
                "training data first, or give `num_points`."
            )


def _expected_log_likelihood(parent, time, mean, variance):
    """log r(mean | tree) - 1/2 sum_n variance_n / nu_n, with variances summed over dimensions."""
    leave_one_out = ops.leave_one_out_variances(parent, time)
    penalty = tf.reduce_sum(tf.cast(variance, tf.float64) / leave_one_out)
    return ops.log_likelihood(parent, time, mean) - 0.5 * penalty


@gradients.explicit(lambda upstream, _, value, factor: (factor * upstream, None), False)
def _scale_gradient(value, factor):
    return tf.identity(value)


def _all_replicas(*values):
    """The values of all replicas, one after the other."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    return tuple(context.all_gather(value, axis=0) for value in values)


def _check(config):
    """Settings as plain numbers, in place; raises ValueError for those that cannot be."""
    config["start_epoch"] = arguments.integer("start_epoch", config["start_epoch"], 0)
    for name in ("burn_in", "moves_per_step"):
        if config[name] is not None:
            config[name] = arguments.integer(name, config[name], 0)
    check_edge_weights(config["edge_weights"])
    config["variance_floor"] = arguments.number(
        "variance_floor", config["variance_floor"], "[0, inf)"
    )
