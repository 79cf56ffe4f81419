"""LORACs: a tree over inducing points as the prior; a latent is a new leaf on that tree."""

import contextlib

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfsp.distributions import diagonal_normal
from tfsp.priors import loracs_health, loracs_start
from tfsp.priors.base import Prior, register
from tfsp.random import SeedStream, as_seed, fold_in, split_seed
from tfsp.tmc import Attachment, Phylogeny, ops
from tfsp.tmc.attachment import build_table, table_log_prob

tfd = tfp.distributions

_CHOICES = {
    "attachment": ("collapsed", "recognition"),
    "edge_weights": ("prior", "bayes"),
    "inducing_points": ("fixed", "learned"),
    "inducing_gradient": ("path", "score"),
    "inducing_start": ("kmeans", "examples", "noise"),
    "tree_start": ("ward", "near_zero"),
}


@register("loracs")
class LORACs(Prior):
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
        exact given the node times. The latter is steadied at first by an added variance that
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
      move_mixture: proportions of SPR, local SPR, slide and Gibbs moves; None takes a mixture
        that suits N.
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
      started: weight, bool: whether the tree is in force.

    Raises: ValueError for settings outside their range.

    Source: Vikram, Hoffman & Johnson 2018, arXiv:1810.06891, section 4.
    """

    needs_posterior = True
    has_health = True
    supports_jit = False

    def __init__(
        self,
        latent_dim,
        num_inducing=200,
        concentration1=2.0,
        concentration0=2.0,
        attachment="collapsed",
        edge_weights="prior",
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
        num_nodes=(24, 12),
        training_num_nodes=(16, 8),
        variance_floor=1e-3,
        added_variance=0.0,
        anneal_epochs=4,
        recognition_hidden=(500, 500),
        seed=0,
        **kwargs,
    ):
        config = {k: v for k, v in locals().items() if k not in ("self", "kwargs", "__class__")}
        del config["latent_dim"]
        for name in ("num_nodes", "training_num_nodes", "recognition_hidden", "move_mixture"):
            config[name] = None if config[name] is None else list(config[name])
        super().__init__(latent_dim, **kwargs)
        self.supports_jit = False
        _check(config)
        self._config = config
        self.num_inducing, self.num_chains = int(num_inducing), int(num_chains)
        self.start_epoch = int(start_epoch)
        self.seeds = SeedStream(seed)
        self._posterior = None
        self._frozen = None
        rng = np.random.default_rng(seed)
        learned = inducing_points == "learned"
        self._scale = float(inducing_learning_rate) if learned else 1.0
        noise = rng.standard_normal((self.num_inducing, latent_dim))
        self._inducing = self._constant("inducing", noise / self._scale, learned)
        parent, time = loracs_start.near_zero_tree(self.num_inducing, rng)
        chains = [self.num_chains, 1]
        once = {"aggregation": "only_first_replica"}
        self.parent = self._constant(
            "parent", np.tile(parent, chains), False, dtype="int32", **once
        )
        self.time = self._constant("time", np.tile(time, chains), False, dtype="float64", **once)
        self.started = self._constant("started", False, False, dtype="bool", **once)
        self.annealed_variance = self._constant(
            "annealed_variance", 0.0, False, dtype="float64", **once
        )
        self.start_norm = self._constant("start_norm", 0.0, False, **once)
        counts = np.zeros((2, 4), np.int64)
        self.move_counts = self._constant("move_counts", counts, False, dtype="int64", **once)
        self.recognition = None
        if attachment == "recognition":
            from tfsp.priors.recognition import Recognition

            self.recognition = Recognition(
                tuple(recognition_hidden),
                concentration1=concentration1,
                concentration0=concentration0,
                edge_weights=edge_weights,
                dtype=self.dtype_policy,
            )

    # The tree.

    @property
    def inducing(self):
        """The inducing points s, `[N, D]`."""
        return self._scale * tf.convert_to_tensor(self._inducing)

    @property
    def wants_data(self):
        return not self._is_started()

    def connect(self, posterior, data_shape):
        self._posterior = posterior

    def adapt(self, x):
        """Starts the tree from the encodings of examples `x` `[n, *data_shape]`, n >= N.

        A tree that has started stays as it is.

        Raises: ValueError before the model is built, or for fewer than N examples.
        """
        if self._is_started():
            return
        if self._posterior is None:
            raise ValueError(
                "This LORACs prior has no posterior yet. Build the model that holds it first "
                "(`model.build((None, *data_shape))`, or call `fit`), or start the tree from "
                "points of your own by `prior.start(inducing)`."
            )
        codes = [
            self._posterior(tf.convert_to_tensor(x[i : i + 1000], self.variable_dtype)).mean()
            for i in range(0, len(x), 1000)
        ]
        settings = self._config
        self.start(
            loracs_start.inducing_points(
                np.concatenate(codes),
                self.num_inducing,
                settings["inducing_start"],
                settings["seed"],
            )
        )

    def start(self, inducing, parent=None, time=None, burn_in=None):
        """Puts the tree in force.

        Args:
          inducing: `[N, D]`, the inducing points.
          parent, time: `[V]`, where each chain starts; None takes the tree of `tree_start`.
          burn_in: moves of each chain; None takes the prior's.

        Raises: ValueError for another shape; `tf.errors.InvalidArgumentError` for a bad tree.
        """
        settings = self._config
        inducing = np.asarray(inducing, np.float64)
        if inducing.shape != (self.num_inducing, self.latent_dim):
            raise ValueError(
                "`inducing` must have shape [num_inducing, latent_dim] = "
                f"{[self.num_inducing, self.latent_dim]}. Received: {list(inducing.shape)}."
            )
        if parent is None:
            if settings["tree_start"] == "ward":
                parent, time = loracs_start.ward_tree(inducing)
            else:
                rng = np.random.default_rng(settings["seed"])
                parent, time = loracs_start.near_zero_tree(self.num_inducing, rng)
        self._inducing.assign(inducing / self._scale)
        chains = [self.num_chains, 1]
        trees = tf.tile([tf.cast(parent, tf.int32)], chains), tf.tile([tf.cast(time, tf.float64)], chains)
        burn_in = settings["burn_in"] if burn_in is None else burn_in
        parent, time, _ = self._move(*trees, burn_in, self.seeds.next())
        self.parent.assign(parent)
        self.time.assign(time)
        self.start_norm.assign(np.mean(np.linalg.norm(inducing, axis=1)))
        self.started.assign(True)

    def begin_epoch(self, epoch):
        """Anneals the variance that steadies edge weights "bayes"; clears the move counts."""
        settings = self._config
        since = epoch - self.start_epoch
        length = settings["anneal_epochs"]
        left = max(0.0, 1.0 - since / length) if length and since >= 0 else 0.0
        bayes = settings["edge_weights"] == "bayes"
        self.annealed_variance.assign(0.5 * left if bayes else 0.0)
        self.move_counts.assign(tf.zeros_like(self.move_counts))

    def health(self, codes):
        """See `loracs_health.measure`; also the acceptance rate of each kind of move this epoch."""
        if not self._is_started():
            return {}
        # With the full variance: annealing must not look like a blob.
        table = build_table(self.parent[0], self.time[0], self.inducing, **self.options())
        codes = tf.cast(codes, self.variable_dtype)
        inducing = np.asarray(self.inducing)
        return {
            **loracs_health.measure(codes, table, self.time.numpy()[0], inducing),
            **loracs_health.acceptance(self.move_counts),
        }

    def warnings(self, health, epoch):
        if not health:
            return ()
        since = epoch + 1 - self.start_epoch
        return loracs_health.warnings(health, since, float(self.start_norm.numpy()))

    def update(self):
        """Moves the trees by `moves_per_step` proposals each."""
        seed = self.seeds.next()
        parent, time = tf.convert_to_tensor(self.parent), tf.convert_to_tensor(self.time)
        none = tf.zeros([2, 4], tf.int64)
        # Assignments stay outside the condition: on several replicas they may not be inside.
        parent, time, counts = tf.cond(
            self.started,
            lambda: self._move(parent, time, self._config["moves_per_step"], seed),
            lambda: (parent, time, none),
        )
        self.parent.assign(parent)
        self.time.assign(time)
        self.move_counts.assign(self.move_counts + counts)

    def phylogeny(self, chain=0):
        """The tree of a chain over the inducing points, a `tfsp.tmc.Phylogeny`."""
        self._require_started()
        return Phylogeny(self.parent.numpy()[chain], self.time.numpy()[chain])

    def attachment(self, chain=0, subtree=None, training=False):
        """The density of z on the tree of a chain, a `tfsp.tmc.Attachment`.

        Its `edge_log_prob(z)` tells where on the tree z belongs.
        """
        return Attachment(
            self.parent[chain], self.time[chain], self.inducing, subtree, **self.options(training)
        )

    def options(self, training=False):
        """Options of `tfsp.tmc.ops.predictive_log_prob` as this prior uses them."""
        settings = self._config
        names = ("concentration1", "concentration0", "edge_weights", "variance_floor")
        added = settings["added_variance"]
        if training:
            added = added + tf.convert_to_tensor(self.annealed_variance)
        return {
            **{name: settings[name] for name in names},
            "added_variance": added,
            "num_nodes": settings["training_num_nodes" if training else "num_nodes"],
        }

    # The density.

    def distribution(self, training=False):
        """The density as it is now (outside `tf.function`): the tree's, or the normal before it."""
        if not self._is_started():
            return self._normal()
        trees = [self.attachment(chain, training=training) for chain in range(self.num_chains)]
        if len(trees) == 1:
            return trees[0]
        return tfd.Mixture(tfd.Categorical(logits=tf.zeros([len(trees)])), trees)

    def log_prob(self, z, training=False):
        """log p(z), the attachment summed out, of the mixture of the trees: `[..., D]` -> `[...]`."""
        z = tf.cast(z, self.variable_dtype)
        if self._frozen is not None:
            return self._mixture([table_log_prob(z, table) for table in self._frozen])
        return tf.cond(
            self.started,
            lambda: self._mixture(self._tree_log_probs(z, training)),
            lambda: self._normal().log_prob(z),
        )

    def kl(self, q, z, training=False):
        """log q(z) - log p(z | tree), averaged over the trees; exact for the normal prior.

        With attachment="recognition" the bound of eq. (14) stands for log p.
        """
        log_q = q.log_prob(z)

        def normal():
            return q.kl_divergence(self._normal()) + tf.zeros_like(log_q)

        seed = self.seeds.next() if self.recognition is not None else None
        return tf.cond(self.started, lambda: log_q - self._bound(z, training, seed), normal)

    def sample(self, n, seed=None, subtree=None):
        """`n` draws `[n, D]`, from a tree of their own choice among the chains.

        Args:
          subtree: None, or a node of the first chain's tree: only below it.

        Raises: ValueError for a subtree before the tree has started.
        """
        seeds = split_seed(as_seed(seed), self.num_chains + 1)
        if subtree is not None:
            self._require_started()
            return self.attachment(subtree=subtree).sample(n, seed=seeds[0])

        def tree():
            chains = range(self.num_chains)
            draws = tf.stack([self.attachment(c).sample(n, seed=seeds[1 + c]) for c in chains])
            logits = tf.zeros([1, self.num_chains])
            chosen = tf.random.stateless_categorical(logits, n, seeds[0], dtype=tf.int32)[0]
            return tf.gather_nd(draws, tf.stack([chosen, tf.range(n)], axis=-1))

        return tf.cond(self.started, tree, lambda: self._normal().sample(n, seed=seeds[0]))

    def _tree_log_probs(self, z, training):
        """log p(z | tree) for each chain: list of `[...]`."""
        options = self.options(training)
        return [
            ops.predictive_log_prob(z, self.parent[c], self.time[c], self.inducing, **options)
            for c in range(self.num_chains)
        ]

    def _bound(self, z, training, seed):
        """Lower bound on E_tree[log p(z | tree)] `[..., B]`, its gradient by s as chosen."""
        if self.recognition is None:
            values = self._tree_log_probs(z, training)
        else:
            flat = tf.reshape(z, [-1, self.latent_dim])
            values = [
                tf.reshape(
                    self.recognition.bound(
                        flat, self.parent[c], self.time[c], self.inducing, fold_in(seed, c)
                    ),
                    tf.shape(z)[:-1],
                )
                for c in range(self.num_chains)
            ]
        mean = tf.add_n(values) / self.num_chains
        if training and self._config["inducing_gradient"] == "score":
            mean += self._score_term(values, mean)
        return mean

    def _score_term(self, values, mean):
        """Zero, with the gradient Cov_tree(bound, grad_s log r(s | tree)): `[..., B]`.

        The covariance over chains (divisor C - 1) is unbiased for independent trees, and the mean
        of the bounds over the chains is its control variate. grad_s log r(tree | s) differs from
        grad_s log r(s | tree) by a constant over trees, which the covariance cancels.
        """
        total = tf.zeros_like(mean)
        for c, value in enumerate(values):
            log_r = ops.log_likelihood(self.parent[c], self.time[c], self.inducing)
            log_r = tf.cast(log_r, mean.dtype)
            weight = tf.stop_gradient(value - mean) / (self.num_chains - 1)
            total += weight * (log_r - tf.stop_gradient(log_r))
        return total

    def _move(self, parent, time, num_moves, seed):
        settings = self._config
        mixture = settings["move_mixture"] or ops.DEFAULT_MIXTURE
        states = [
            ops.sample_posterior(
                parent[c],
                time[c],
                self.inducing,
                settings["concentration1"],
                settings["concentration0"],
                num_moves,
                fold_in(seed, c),
                mixture,
            )
            for c in range(self.num_chains)
        ]
        counts = tf.add_n([tf.stack([state.accepted, state.proposed]) for state in states])
        return tf.stack([s.parent for s in states]), tf.stack([s.time for s in states]), counts

    def _mixture(self, values):
        if len(values) == 1:
            return values[0]
        return tf.reduce_logsumexp(tf.stack(values), axis=0) - np.log(len(values))

    def _normal(self):
        zeros = tf.zeros([self.latent_dim], self.variable_dtype)
        return diagonal_normal(zeros, tf.ones_like(zeros))

    def _is_started(self):
        with tf.init_scope():
            return bool(self.started.numpy())

    def _require_started(self):
        if not self._is_started():
            raise ValueError(
                f"The tree has not started: it does at epoch {self.start_epoch} of `fit`, or when "
                "you call `model.adapt(x)`."
            )

    @contextlib.contextmanager
    def portable(self):
        """Within this context densities are plain TensorFlow, the tree as constants.

        For SavedModels, which then need no native op where they are served.
        """
        if self._is_started():
            with tf.init_scope():
                self._frozen = [
                    build_table(self.parent[c], self.time[c], self.inducing, **self.options())
                    for c in range(self.num_chains)
                ]
        try:
            yield self
        finally:
            self._frozen = None

    def build(self, input_shape=None):
        if self.recognition is not None and not self.recognition.built:
            self.recognition.build((None, self.latent_dim))
        self.built = True

    @classmethod
    def example(cls):
        prior = cls(latent_dim=2, num_inducing=4, start_epoch=0, burn_in=100, moves_per_step=10)
        prior.start([[1.0, 0.0], [1.2, 0.3], [-1.0, 0.5], [0.0, -1.0]])
        return prior

    def get_config(self):
        return {**super().get_config(), **self._config}


def _check(config):
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
        "added_variance": 0,
    }
    for name, low in lowest.items():
        if not config[name] >= low:
            raise ValueError(f"`{name}` must be at least {low}. Received: {config[name]!r}.")
    for name in ("concentration1", "concentration0", "variance_floor", "inducing_learning_rate"):
        if not 0 < config[name] < float("inf"):
            raise ValueError(f"`{name}` must be a positive number. Received: {config[name]!r}.")
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
