"""LORACs: a tree over inducing points as the prior; a latent is a new leaf on that tree."""

import numpy as np
import tensorflow as tf

from tfsp import arguments
from tfsp.priors import encoded, loracs_health, loracs_start
from tfsp.priors.base import register
from tfsp.priors.recognition import Recognition
from tfsp.priors.tree_prior import TreePrior
from tfsp.random import fold_in, generator
from tfsp.tmc import ops
from tfsp.tmc.density.table import build_table
from tfsp.tmc.native.options import DENSITY, EDGE_WEIGHTS, check_num_nodes

_CHOICES = {
    "attachment": ("collapsed", "recognition"),
    "edge_weights": EDGE_WEIGHTS,
    "inducing_points": ("fixed", "learned"),
    "inducing_gradient": ("path", "score"),
    "inducing_start": ("kmeans", "examples", "noise"),
    "tree_start": ("ward", "near_zero"),
}


@register("loracs")
class LORACs(TreePrior):
    """p(z) = r(s_{N+1} = z | tree, s_1..s_N): z attaches to a tree over N inducing points s.

    The tree is a draw from the posterior of the time-marginalized coalescent given the inducing
    points, r(tree | s); a Markov chain moves it a little before every training step. The place
    where z attaches, edge and time, is summed out (`attachment="collapsed"`), or guessed by a
    network as in the paper (`"recognition"`: a looser bound, and slower).

    Until epoch `start_epoch` of `fit` the prior is the standard normal. Then the inducing points
    are set to the centres of the encodings (k-means) and the tree to theirs (Ward linkage,
    followed by `burn_in` moves). `model.adapt(x)` starts it by hand. The paper's own recipe:
    inducing_points="learned", moves_per_step=100, move_mixture=(1, 0, 0, 0),
    tree_start="near_zero", attachment="recognition", burn_in=0.

    Learned inducing points with the gradient of the paper ("path") shrink towards the origin for
    as long as one trains, because it leaves out how the tree depends on them. "score" keeps that
    term of eq. (C.29), estimated without bias from two or more trees as the covariance of the
    bound with grad_s log r(s | tree); it needs `num_chains` >= 2.

    Args:
      latent_dim: D.
      num_inducing: N, at least 2.
      concentration1, concentration0: a, b of the Beta distribution of node times.
      attachment: "collapsed" or "recognition".
      edge_weights: weights of the edges for a new leaf: "prior", the paper's p(e), or "bayes",
        exact given the node times. The latter is stabilised at first by an added variance that
        falls from .5 to 0 over `anneal_epochs`.
      inducing_points: "fixed" after the start, or "learned" with the model.
      inducing_gradient: "path" or "score"; of learned inducing points only.
      inducing_learning_rate: step of the learned inducing points relative to the model's (with
        Adam).
      inducing_start: "kmeans", "examples" (encodings of random examples) or "noise" (standard
        normal draws).
      tree_start: "ward", or "near_zero" (a random topology with all times close to 0).
      start_epoch: epochs of training with the normal prior before the tree starts.
      burn_in: moves of each chain at the start.
      moves_per_step: moves of each chain before each training step.
      move_mixture: proportions of SPR, local SPR, slide and Gibbs moves; None takes
        `tfsp.tmc.native.options.mixture_of_inducing_points(N)`.
      num_chains: C, number of trees. Bounds are averages over them; `log_prob` and `sample` are
        of their equal mixture.
      num_nodes, training_num_nodes: quadrature nodes on a leaf's edge and on an inner edge, in
        evaluation and in training. Any number gives an exactly normalised density.
      variance_floor: a leaf's edge ends where the variance has fallen to this part of its start.
      added_variance: added to every variance. About .1 gains bound and costs cluster structure.
      anneal_epochs: see `edge_weights`.
      recognition_hidden: widths of the recognition network.
      seed: int, for the start and the chains.

    Attributes:
      inducing: `[N, D]`, the inducing points s.
      parent: weight, int32 `[C, V]`; time: weight, float64 `[C, V]`: the trees.
      started: weight, bool: whether the tree is active.

    Raises:
      ValueError: for settings outside their range.

    Source: Vikram, Hoffman & Johnson 2018, arXiv:1810.06891, section 4.
    """

    capabilities = TreePrior.capabilities | {"inducing_points"}

    def __init__(
        self,
        latent_dim,
        num_inducing=200,
        concentration1=DENSITY.concentration1,
        concentration0=DENSITY.concentration0,
        attachment="collapsed",
        edge_weights=DENSITY.edge_weights,
        inducing_points="fixed",
        inducing_gradient="path",
        inducing_learning_rate=1.0,
        inducing_start="kmeans",
        tree_start="ward",
        start_epoch=5,
        burn_in=300_000,
        moves_per_step=2000,
        move_mixture=None,
        num_chains=1,
        num_nodes=DENSITY.num_nodes,
        training_num_nodes=(16, 8),
        variance_floor=DENSITY.variance_floor,
        added_variance=DENSITY.added_variance,
        anneal_epochs=4,
        recognition_hidden=(500, 500),
        seed=0,
        **kwargs,
    ):
        config = {k: v for k, v in locals().items() if k not in ("self", "kwargs", "__class__")}
        del config["latent_dim"]
        _check(config)
        config["recognition_hidden"] = list(config["recognition_hidden"])
        super().__init__(latent_dim, config, seed, **kwargs)
        self.num_inducing = config["num_inducing"]
        self.start_epoch = config["start_epoch"]
        rng = generator(seed, optional=True)
        learned = inducing_points == "learned"
        # Adam's steps have a fixed length: a weight in other units moves faster or slower.
        self._unit = config["inducing_learning_rate"] if learned else 1.0
        points = rng.standard_normal((self.num_inducing, self.latent_dim))
        self._inducing = self._constant("inducing", points / self._unit, learned)
        tree = loracs_start.near_zero_tree(self.num_inducing, rng)
        parent, time = (np.tile(part, [config["num_chains"], 1]) for part in tree)
        self.parent = self._state("parent", parent, "int32")
        self.time = self._state("time", time, "float64")
        self.annealed_variance = self._state("annealed_variance", 0.0, "float64")
        self.start_norm = self._state("start_norm", 0.0)
        self._mixing = loracs_health.Mixing(learned)
        self.recognition = None
        if attachment == "recognition":
            self.recognition = Recognition(
                tuple(recognition_hidden),
                concentration1,
                concentration0,
                edge_weights,
                seed=seed,
                dtype=self.dtype_policy,
            )

    @property
    def inducing(self):
        """The inducing points s, `[N, D]`."""
        return self._unit * tf.convert_to_tensor(self._inducing)

    def leaf_locations(self):
        if self._config["inducing_points"] == "learned":
            return self.inducing
        # Else `tf.cond` would compute a gradient that nobody asks for.
        return tf.stop_gradient(self.inducing)

    def build(self, input_shape=None):
        if self.recognition is not None and not self.recognition.built:
            self.recognition.build((None, self.latent_dim))
        super().build(input_shape)

    # The start, and what happens between steps and epochs.

    @property
    def min_examples(self):
        return self._config["num_inducing"]

    def adapt(self, examples):
        """Initialises the tree from the posterior means of examples.

        A tree that is active stays as it is.

        Args:
          examples: `Encoded`, at least N.

        Raises:
          ValueError: for fewer than N examples.
        """
        encoded.require(self, examples)
        if self.is_started():
            return
        names = ("num_inducing", "inducing_start", "seed")
        self.start(
            loracs_start.inducing_points(examples.mean, *(self._config[name] for name in names))
        )

    def start(self, inducing, parent=None, time=None, burn_in=None):
        """Activates the tree.

        Args:
          inducing: `[N, D]`, the inducing points.
          parent, time: `[V]`, where each chain starts; None takes the tree of `tree_start`, as far
            as constraints let it be.
          burn_in: moves of each chain; None takes the prior's.

        Raises:
          ValueError: for another shape or points that are not finite.
          tf.errors.InvalidArgumentError: for a bad tree, and one that breaks a constraint.
        """
        settings = self._config
        inducing = np.asarray(inducing, np.float64)
        if inducing.shape != (self.num_inducing, self.latent_dim):
            raise ValueError(
                "`inducing` must have shape [num_inducing, latent_dim] = "
                f"{[self.num_inducing, self.latent_dim]}. Received: {list(inducing.shape)}."
            )
        if not np.isfinite(inducing).all():
            raise ValueError(
                "`inducing` must be finite. Received NaN or inf: did training diverge?"
            )
        if parent is None and settings["tree_start"] == "ward":
            parent, time = self._satisfying(*loracs_start.ward_tree(inducing))
        elif parent is None:
            rng = generator(settings["seed"], optional=True)
            tree = loracs_start.near_zero_tree(self.num_inducing, rng)
            parent, time = self._satisfying(*tree)
        self._inducing.assign(inducing / self._unit)
        # Not `tf.cast`, by which times in a list would go through float32.
        tree = np.asarray(parent, np.int32), np.asarray(time, np.float64)
        burn_in = self._start_moves() if burn_in is None else burn_in
        trees = [tree] * self.num_chains
        parent, time, _ = self._move(burn_in, self.seeds.next(), trees)
        self.parent.assign(parent)
        self.time.assign(time)
        self.start_norm.assign(np.mean(np.linalg.norm(inducing, axis=1)))
        self.started.assign(True)

    def relocate(self, leaves, points):
        """Puts some inducing points elsewhere; the tree stays, until its chain moves it.

        Args:
          leaves: their numbers, ints `[n]`, distinct.
          points: `[n, D]`.

        Raises:
          ValueError: for numbers that are no leaves, another shape, or points that are not finite.
        """
        leaves, points = np.asarray(leaves), np.asarray(points, np.float64)
        within = leaves.ndim == 1 and leaves.dtype.kind in "iu" and len(set(leaves.tolist()))
        if within != len(leaves) or not np.all((leaves >= 0) & (leaves < self.num_inducing)):
            raise ValueError(
                f"`leaves` must be distinct integers in [0, {self.num_inducing}). Received: "
                f"{arguments.shown(leaves)}."
            )
        if points.shape != (len(leaves), self.latent_dim) or not np.isfinite(points).all():
            raise ValueError(
                f"`points` must be finite, of shape {[len(leaves), self.latent_dim]}. Received: "
                f"{list(points.shape)}, {arguments.shown(points)}."
            )
        inducing = np.array(self._inducing)
        inducing[leaves] = points / self._unit
        self._inducing.assign(inducing)

    def begin_epoch(self, epoch):
        """Anneals the variance that stabilises edge weights "bayes"; clears the move counts."""
        super().begin_epoch(epoch)
        since, length = epoch - self.start_epoch, self._config["anneal_epochs"]
        self._mixing.begin_epoch(since)
        left = max(0.0, 1.0 - since / length) if length and since >= 0 else 0.0
        bayes = self._config["edge_weights"] == "bayes"
        self.annealed_variance.assign(0.5 * left if bayes else 0.0)

    def update(self):
        """Moves the trees by `moves_per_step` proposals each."""
        self._advance(self._config["moves_per_step"])

    def health(self, codes):
        """See `loracs_health.measure`; also how the chain does.

        acceptance_*: by kind of move, in this epoch. For the others see `loracs_health.Mixing`.
        """
        if not self.is_started():
            return {}
        # Without what is annealed, which must not look like a blob. A coarse table is good enough.
        options = {**self.options(), "num_nodes": (8, 4)}
        codes = tf.cast(codes, self.variable_dtype)
        inducing = np.asarray(self.inducing)
        table = build_table(*self._trees()[0], inducing, **options)
        health = loracs_health.measure(codes, table, self.time.numpy()[0], inducing)
        mixing = self._mixing.health(self)
        return {**health, **mixing, **self._acceptance()}

    def warnings(self, health, epoch):
        if not health:
            return ()
        since = epoch + 1 - self.start_epoch
        return loracs_health.warnings(health, since, float(self.start_norm.numpy()))

    # The density.

    def options(self, training=False):
        options = super().options(training)
        if training:
            options["num_nodes"] = self._config["training_num_nodes"]
            options["added_variance"] += tf.convert_to_tensor(self.annealed_variance)
        return options

    def _kl_seed(self):
        return None if self.recognition is None else self.seeds.next()

    def _mean_log_prob(self, z, training, seed):
        """The mean over the trees, by the recognition network where there is one (eq. (14))."""
        if self.recognition is None:
            values = self._tree_log_probs(z, training)
        else:
            values = self._bounds(z, training, seed)
        mean = tf.add_n(values) / self.num_chains
        if training and self._config["inducing_gradient"] == "score":
            mean += self._score_term(values, mean)
        return mean

    def _bounds(self, z, training, seed):
        """The recognition network's bound on log p(z | tree) for each tree, a list of `[...]`."""
        flat = tf.reshape(z, [-1, self.latent_dim])
        added = self.options(training)["added_variance"]
        bounds = [
            self.recognition.bound(flat, *tree, self.inducing, fold_in(seed, c), added)
            for c, tree in enumerate(self._trees())
        ]
        return [tf.reshape(bound, tf.shape(z)[:-1]) for bound in bounds]

    def _score_term(self, values, mean):
        """Zero, with the gradient Cov_tree(bound, grad_s log r(s | tree)): `[...]`.

        The covariance over chains (divisor C - 1) is unbiased for independent trees, and the mean
        of the bounds over the chains is its control variate. grad_s log r(tree | s) differs from
        grad_s log r(s | tree) by a constant over trees, which the covariance cancels.
        """
        total = tf.zeros_like(mean)
        for tree, value in zip(self._trees(), values, strict=True):
            log_r = tf.cast(ops.log_likelihood(*tree, self.inducing), mean.dtype)
            weight = tf.stop_gradient(value - mean) / (self.num_chains - 1)
            total += weight * (log_r - tf.stop_gradient(log_r))
        return total

    @classmethod
    def example(cls):
        prior = cls(latent_dim=2, num_inducing=4, start_epoch=0, burn_in=100, moves_per_step=10)
        prior.start([[1.0, 0.0], [1.2, 0.3], [-1.0, 0.5], [0.0, -1.0]])
        return prior


def _check(config):
    """Settings as plain numbers, in place; raises ValueError for those that cannot be."""
    for name, choices in _CHOICES.items():
        if config[name] not in choices:
            raise ValueError(
                f"`{name}` must be one of {', '.join(map(repr, choices))}. "
                f"Received: {config[name]!r}."
            )
    lowest = {
        "num_inducing": 2,
        "num_chains": 1,
        "start_epoch": 0,
        "burn_in": 0,
        "moves_per_step": 0,
        "anneal_epochs": 0,
    }
    for name, low in lowest.items():
        config[name] = arguments.integer(name, config[name], low)
    for name, interval in (("variance_floor", "(0, 1)"), ("inducing_learning_rate", "(0, inf)")):
        config[name] = arguments.number(name, config[name], interval)
    config["training_num_nodes"] = list(
        check_num_nodes("training_num_nodes", config["training_num_nodes"])
    )
    if config["inducing_gradient"] == "score":
        if config["num_chains"] < 2:
            raise ValueError(
                "inducing_gradient='score' is a covariance over trees and needs `num_chains` of at "
                f"least 2. Received: {config['num_chains']}."
            )
        if config["inducing_points"] == "fixed":
            raise ValueError(
                "inducing_gradient='score' is for learned inducing points; with "
                "inducing_points='fixed' there is no gradient."
            )
