"""The tree prior over all training points at once (TMC-VAE)."""

import contextlib
import math

import numpy as np
import tensorflow as tf

from tfsp.distributions import diagonal_normal
from tfsp.priors import tmc_start
from tfsp.priors.base import Prior, register
from tfsp.random import SeedStream, as_seed
from tfsp.tmc import Attachment, Phylogeny, library, ops
from tfsp.tmc.attachment import build_table, table_log_prob

_DEFAULT_POINTS = 1000


@register("tmc")
class TMCPrior(Prior):
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
      refresh: whether all points are encoded anew at the beginning of each epoch. Else the
        stored encoding of a point is that of the last batch it was in.
      num_nodes: quadrature nodes on a leaf's edge and on an inner edge, for `log_prob`.
      variance_floor, added_variance, edge_weights: as in `tfsp.tmc.ops.predictive_log_prob`.
      seed: int, for the start and the chain.

    Attributes (weights that are not trained; None until N is known):
      mean: `[N, D]`, m_n. variance: `[N]`, sum_k s_nk^2, all that the joint density asks for.
      parent: int32 `[V]`; time: float64 `[V]`, V = 2N - 1: the tree.
      move_counts: int64 `[2, 4]`, moves accepted and proposed in this epoch, by `ops.MOVE_KINDS`.
      started: bool, whether the tree is in force.

    Raises: ValueError for settings outside their range.

    Source: Vikram, Hoffman & Johnson 2018, arXiv:1810.06891, section 3.
    """

    needs_posterior = True
    has_health = True

    def __init__(
        self,
        latent_dim,
        num_points=None,
        concentration1=2.0,
        concentration0=2.0,
        start_epoch=5,
        burn_in=None,
        moves_per_step=None,
        move_mixture=None,
        refresh=True,
        num_nodes=(24, 12),
        variance_floor=1e-3,
        added_variance=0.0,
        edge_weights="prior",
        seed=0,
        **kwargs,
    ):
        config = {k: v for k, v in locals().items() if k not in ("self", "kwargs", "__class__")}
        del config["latent_dim"], config["num_points"]
        for name in ("num_nodes", "move_mixture"):
            config[name] = None if config[name] is None else list(config[name])
        super().__init__(latent_dim, **kwargs)
        self.supports_jit = False
        _check(num_points, config)
        self._config = config
        self.start_epoch = int(start_epoch)
        self.seeds = SeedStream(seed)
        self.waits_for_data = False  # set by `TMCVAE`: N comes with the data
        self.num_points = None
        self.mean = self.variance = self.parent = self.time = None
        self._posterior = self._frozen = None
        self.started = self._state("started", False, "bool")
        self.move_counts = self._state("move_counts", np.zeros((2, 4)), "int64")
        if num_points is not None:
            self.set_num_points(num_points)

    # Size and start.

    def set_num_points(self, num_points):
        """Fixes N and makes the weights that depend on it.

        Raises: ValueError if N is below 2, or was another before.
        """
        num_points = _integer("num_points", num_points, 2)
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
        self.parent = self._state("parent", parent, "int32")
        self.time = self._state("time", time, "float64")
        if locked:
            self._tracker.lock()
        self.num_points = num_points

    def build(self, input_shape=None):
        if not self.waits_for_data:
            self._require_size()
        super().build(input_shape)

    @property
    def wants_data(self):
        return self._config["refresh"] or not self._is_started()

    def connect(self, posterior, data_shape):
        self._posterior = posterior

    def adapt(self, x):
        """Encodes the training points anew and, the first time, starts the tree.

        Args: x: `[n, *data_shape]`, n >= N; the first N are the points, in the order of their
          indices.

        Raises: ValueError before the model is built, or for fewer than N examples.
        """
        if self._posterior is None:
            raise ValueError(
                "This TMC prior has no posterior yet. Build the model that holds it first "
                "(`model.build((None, *data_shape))`, or call `fit`), or start the tree from "
                "points of your own by `prior.start(mean, variance)`."
            )
        self._require_size()
        if len(x) < self.num_points:
            raise ValueError(
                f"The TMC prior has a leaf for each of {self.num_points} training points and "
                f"starts from their encodings. Received: {len(x)} examples. Give all of them, or "
                "lower `num_points`."
            )
        means, variances = [], []
        for i in range(0, self.num_points, 1000):
            q = self._posterior(
                tf.convert_to_tensor(x[i : min(i + 1000, self.num_points)], self.variable_dtype)
            )
            means.append(q.mean())
            variances.append(tf.reduce_sum(q.variance(), axis=-1))
        mean, variance = tf.concat(means, axis=0), tf.concat(variances, axis=0)
        if self._is_started():
            self.mean.assign(mean)
            self.variance.assign(variance)
        else:
            self.start(mean, variance)

    def start(self, mean, variance=None, parent=None, time=None, burn_in=None):
        """Puts the tree in force.

        Args:
          mean: `[N, D]`, the points' posterior means.
          variance: `[N]`, their posterior variances summed over dimensions; None for 0.
          parent, time: `[V]`, where the chain starts; None takes Ward's clustering.
          burn_in: moves; None takes the prior's.

        Raises: ValueError for another shape or values that are not finite;
          `tf.errors.InvalidArgumentError` for a bad tree.
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
            parent, time = tmc_start.ward_tree(mean, self._config["seed"])
        if burn_in is None:
            burn_in = self._config["burn_in"]
        if burn_in is None:
            burn_in = max(300_000, 50 * self.num_points)
        self.mean.assign(mean)
        self.variance.assign(variance)
        tree = self._move(tf.cast(parent, tf.int32), tf.cast(time, tf.float64), burn_in)
        self.parent.assign(tree.parent)
        self.time.assign(tree.time)
        self.started.assign(True)

    def begin_epoch(self, epoch):
        self.move_counts.assign(tf.zeros_like(self.move_counts))

    def update(self):
        """Moves the tree by `moves_per_step` proposals."""
        self._require_size()
        moves = self._config["moves_per_step"]
        moves = max(2000, self.num_points // 5) if moves is None else moves
        parent, time = tf.convert_to_tensor(self.parent), tf.convert_to_tensor(self.time)
        seed = self.seeds.next()

        def move():
            tree = self._move(parent, time, moves, seed)
            return tree.parent, tree.time, tf.stack([tree.accepted, tree.proposed])

        # Assignments stay outside the condition: on several replicas they may not be inside.
        parent, time, counts = tf.cond(
            self.started, move, lambda: (parent, time, tf.zeros([2, 4], tf.int64))
        )
        self.parent.assign(parent)
        self.time.assign(time)
        self.move_counts.assign(self.move_counts + counts)

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

        Raises: `tf.errors.InvalidArgumentError` for an index out of range or twice in a batch.

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
        parent, time = tf.convert_to_tensor(self.parent), tf.convert_to_tensor(self.time)
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
            tf.convert_to_tensor(self.parent),
            tf.convert_to_tensor(self.time),
            tf.convert_to_tensor(self.mean),
            tf.convert_to_tensor(self.variance),
        )

    def log_joint(self):
        """E_q[log r(tree, z_1, ..., z_N)] of the stored encodings, with the tree's own prior.

        `[]` float64, nats. What the chain's moves raise on the way up from a bad start.
        """
        concentrations = self._config["concentration1"], self._config["concentration0"]
        return (
            self.expected_log_likelihood()
            + ops.topology_log_prob(self.parent)
            + ops.time_log_prob(self.parent, self.time, *concentrations)
        )

    def health(self, codes):
        """Dict of floats, {} before the tree starts.

        log_joint: `log_joint() / N`. posterior_variance: mean of s_nk^2. staleness: root mean
        square of the distance per dimension between present and stored encodings, in posterior
        standard deviations (fresh draws of dynamic binarisation count too). time_50: median time
        of the internal nodes. acceptance_*: by kind of move, in this epoch.
        """
        if not self._is_started():
            return {}
        codes = np.asarray(codes)[: self.num_points]
        spread = float(np.mean(self.variance)) / self.latent_dim
        error = np.mean((codes - np.asarray(self.mean)[: len(codes)]) ** 2)
        accepted, proposed = np.asarray(self.move_counts, float)
        return {
            "log_joint": float(self.log_joint()) / self.num_points,
            "posterior_variance": spread,
            "staleness": float(np.sqrt(error / spread)),
            "time_50": float(np.median(self.time.numpy()[self.num_points :])),
            **{
                f"acceptance_{kind}": float(a / p)
                for kind, a, p in zip(ops.MOVE_KINDS, accepted, proposed, strict=True)
                if p
            },
        }

    # A new point.

    def phylogeny(self, names=None):
        """The tree over the training points, a `tfsp.tmc.Phylogeny`; leaf n is point n."""
        self._require_started()
        return Phylogeny(self.parent.numpy(), self.time.numpy(), names)

    def attachment(self, subtree=None):
        """The density of a new z on the tree, a `tfsp.tmc.Attachment`."""
        return Attachment(self.parent, self.time, self.mean, subtree, **self.options())

    def options(self):
        """Options of `tfsp.tmc.ops.predictive_log_prob` as this prior uses them."""
        names = "concentration1 concentration0 num_nodes variance_floor added_variance edge_weights"
        return {name: self._config[name] for name in names.split()}

    def log_prob(self, z, training=False):
        """log p(z) of a new point that attaches to the tree: `[..., D]` -> `[...]`, nats."""
        z = tf.cast(z, self.variable_dtype)
        if self._frozen is not None:
            return table_log_prob(z, self._frozen)
        self._require_size()
        parent, time = tf.convert_to_tensor(self.parent), tf.convert_to_tensor(self.time)
        mean = tf.convert_to_tensor(self.mean)
        return tf.cond(
            self.started,
            lambda: ops.predictive_log_prob(z, parent, time, mean, **self.options()),
            lambda: self._normal().log_prob(z),
        )

    def kl(self, q, z, training=False):
        """log q(z) - log p(z) for a new point; exact for the normal prior."""
        log_q = q.log_prob(z)
        log_p = self.log_prob(z, training)
        if self._frozen is not None:
            return log_q - log_p
        return tf.cond(
            self.started,
            lambda: log_q - log_p,
            lambda: q.kl_divergence(self._normal()) + tf.zeros_like(log_q),
        )

    def sample(self, n, seed=None, subtree=None):
        """`n` new points `[n, D]`.

        Args: subtree: None, or a node of the tree: only below it.

        Raises: ValueError for a subtree before the tree has started.
        """
        seed = as_seed(seed)
        if subtree is not None:
            self._require_started()
            return self.attachment(subtree).sample(n, seed=seed)
        self._require_size()
        return tf.cond(
            self.started,
            lambda: self.attachment().sample(n, seed=seed),
            lambda: self._normal().sample(n, seed=seed),
        )

    @contextlib.contextmanager
    def portable(self):
        """Within this context the density is plain TensorFlow, the tree as constants.

        Its work arrays have about 36 N numbers for each z: meant for small N.
        """
        if self._is_started():
            with tf.init_scope():
                self._frozen = build_table(self.parent, self.time, self.mean, **self.options())
        try:
            yield self
        finally:
            self._frozen = None

    @classmethod
    def example(cls):
        prior = cls(latent_dim=2, num_points=5, start_epoch=0)
        mean = np.array([[0.5, 1.0], [0.6, 0.8], [-1.0, 0.0], [-0.9, -0.5], [1.0, -1.2]])
        prior.start(mean, np.full(5, 0.1), burn_in=100)
        return prior

    def get_config(self):
        return {**super().get_config(), "num_points": self.num_points, **self._config}

    def _move(self, parent, time, num_moves, seed=None):
        mixture = self._config["move_mixture"]
        if mixture is None:
            mixture = (*ops.DEFAULT_MIXTURE[:3], min(1.0, (1000 / self.num_points) ** 2))
        return ops.sample_posterior(
            parent,
            time,
            tf.convert_to_tensor(self.mean),
            self._config["concentration1"],
            self._config["concentration0"],
            num_moves,
            self.seeds.next() if seed is None else seed,
            mixture,
            leaf_variance=tf.convert_to_tensor(self.variance),
        )

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

    def _normal(self):
        zeros = tf.zeros([self.latent_dim], self.variable_dtype)
        return diagonal_normal(zeros, tf.ones_like(zeros))

    def _state(self, name, value, dtype=None):
        return self._constant(
            name, value, trainable=False, dtype=dtype, aggregation="only_first_replica"
        )

    def _is_started(self):
        with tf.init_scope():
            return bool(self.started.numpy())

    def _require_size(self):
        if self.num_points is None and not self.waits_for_data:
            self.set_num_points(_DEFAULT_POINTS)
        if self.num_points is None:
            raise ValueError(
                "This TMC prior does not know its number of points yet. Call `fit` with the "
                "training data first, or give `num_points`."
            )

    def _require_started(self):
        self._require_size()
        if not self._is_started():
            raise ValueError(
                f"The tree has not started: it does at epoch {self.start_epoch} of `fit`, or when "
                "you call `model.adapt(x)`."
            )


def _expected_log_likelihood(parent, time, mean, variance):
    """log r(mean | tree) - 1/2 sum_n variance_n / nu_n, with variances summed over dimensions."""
    leave_one_out = library.load().tfsp_tmc_leave_one_out_variance(parent, time)
    penalty = tf.reduce_sum(tf.cast(variance, tf.float64) / leave_one_out)
    return ops.log_likelihood(parent, time, mean) - 0.5 * penalty


@tf.custom_gradient
def _scale_gradient(value, factor):
    return tf.identity(value), lambda upstream: (factor * upstream, None)


def _all_replicas(*values):
    """The values of all replicas, one after the other."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    return tuple(context.all_gather(value, axis=0) for value in values)


def _integer(name, value, least):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"`{name}` must be an integer of at least {least}. Received: {value!r}.")
    return int(value)


def _check(num_points, config):
    """Raises ValueError for settings that cannot be."""
    if num_points is not None:
        _integer("num_points", num_points, 2)
    _integer("start_epoch", config["start_epoch"], 0)
    for name in ("burn_in", "moves_per_step"):
        if config[name] is not None:
            _integer(name, config[name], 0)
    for name in ("concentration1", "concentration0"):
        if not 0 < config[name] < math.inf:
            raise ValueError(f"`{name}` must be a positive number. Received: {config[name]!r}.")
    mixture = config["move_mixture"]
    if mixture is not None and (len(mixture) != 4 or min(mixture) < 0 or not sum(mixture) > 0):
        raise ValueError(
            "`move_mixture` must hold four proportions, of SPR, local SPR, slide and Gibbs moves. "
            f"Received: {mixture!r}."
        )
    if config["edge_weights"] not in ("prior", "bayes"):
        raise ValueError(
            f"`edge_weights` must be 'prior' or 'bayes'. Received: {config['edge_weights']!r}."
        )
    for name in ("variance_floor", "added_variance"):
        if not 0 <= config[name] < math.inf:
            raise ValueError(f"`{name}` must be 0 or more. Received: {config[name]!r}.")
