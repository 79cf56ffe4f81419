"""What priors made of trees share: the chain's state, and the density of a z that attaches."""

import contextlib

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import arguments
from tfsp.distributions import diagonal_normal
from tfsp.priors import tree_serving
from tfsp.priors.base import Prior
from tfsp.priors.tree_constraints import TreeConstraints
from tfsp.random import SeedStream, as_seed, check_seed, fold_in, split_seed
from tfsp.tmc import Attachment, Phylogeny, ops
from tfsp.tmc.density.table import build_table, restrict_table, table_log_prob, table_sample
from tfsp.tmc.native.options import (
    Density,
    check_density,
    check_mixture,
    mixture_of_inducing_points,
)

tfd = tfp.distributions


class TreePrior(TreeConstraints, Prior):
    """Base of priors where z attaches to a tree that a Markov chain moves.

    Until the tree has started the prior is the standard normal. A subclass makes the weights
    `parent` int32 `[C, V]` and `time` float64 `[C, V]` (C trees), says where the leaves are
    (`leaf_locations`), starts the tree, and moves it in `update`.

    Args:
      latent_dim: D.
      config: dict, the subclass's arguments, with at least concentration1, concentration0,
        edge_weights, variance_floor, added_variance, num_nodes and move_mixture.
      seed: int, of the chains.
      **kwargs: of `Prior`.

    Attributes:
      started: weight, bool: whether the tree is active.
      most_summarised: up to how many leaves tasks, pictures and served models ask for a summary.
      move_counts: weight, int64 `[2, 4]`: moves accepted and proposed in this epoch, by
        `tfsp.tmc.ops.MOVE_KINDS`.
      triplets: int32 `[M, 3]`, constraints on the tree: see `constrain`.
    """

    needs_posterior = True
    capabilities = frozenset({"tree"})
    most_summarised = 2000  # leaves; of more the chains of a summary would take minutes
    has_health = True

    def __init__(self, latent_dim, config, seed, **kwargs):
        super().__init__(latent_dim, **kwargs)
        self.supports_jit = False  # XLA does not know the native ops
        check_density(config)
        config["move_mixture"] = check_mixture("move_mixture", config["move_mixture"])
        config["seed"] = check_seed(seed, optional=True)
        self._config = config
        self.seeds = SeedStream(seed)
        self._tables = None
        self.parent = self.time = None
        self.started = self._state("started", False, "bool")
        self.move_counts = self._state("move_counts", np.zeros((2, 4)), "int64")
        self._make_triplets()

    def leaf_locations(self):
        """Where the leaves are, `[N, D]`."""
        raise NotImplementedError(f"{type(self).__name__} must define `leaf_locations`.")

    @property
    def num_chains(self):
        """C, the number of trees."""
        return self.parent.shape[0]

    @property
    def num_leaves(self):
        """N, the number of leaves."""
        return self.parent.shape[1] // 2 + 1

    @property
    def wants_data(self):
        return not self.is_started()

    def is_started(self):
        """Whether the tree is active, a Python bool."""
        with tf.init_scope():
            return bool(self.started.numpy())

    def begin_epoch(self, epoch):
        self.move_counts.assign(tf.zeros_like(self.move_counts))

    def phylogeny(self, chain=0, names=None):
        """A tree as it is now, a `tfsp.tmc.Phylogeny`.

        Raises:
          ValueError: before the tree has started.
        """
        self._require_started()
        return Phylogeny(self.parent.numpy()[chain], self.time.numpy()[chain], names)

    def summary_tree(self, num_draws=None, seed=0, **options):
        """The expected tree over the leaves under its posterior, and how sure each clade is.

        `phylogeny()` is one draw, by which the density is defined; this is what to look at.
        Chains of their own start from the leaves where they are now; the prior stays as it is.

        Args:
          num_draws: see `tfsp.tmc.summarize`.
          seed: an integer.
          **options: of `tfsp.tmc.summarize`: names, columns, num_chains, moves_per_draw, burn_in.

        Returns:
          a `tfsp.tmc.TreeSummary` of draws that satisfy the constraints. It is about the leaves'
          locations alone: the posterior variances of a `TMCPrior` do not enter.

        Raises:
          ValueError: before the tree has started.
        """
        from tfsp.tmc import summarize  # of the module for NumPy, which training does without

        self._require_started()
        return summarize(
            np.asarray(self.leaf_locations(), np.float64),
            num_draws,
            concentration1=self._config["concentration1"],
            concentration0=self._config["concentration0"],
            seed=seed,
            triplets=self.triplets,
            **options,
        )

    def attachment(self, chain=0, subtree=None, training=False):
        """The density of z on a tree, a `tfsp.tmc.Attachment`.

        Its `edge_log_prob(z)` tells where on the tree z belongs.
        """
        parent, time = self._trees()[chain]
        return Attachment(parent, time, self.leaf_locations(), subtree, **self.options(training))

    def options(self, training=False):
        """Options of `tfsp.tmc.ops.predictive_log_prob` as this prior uses them."""
        return {name: self._config[name] for name in Density._fields}

    def tables(self):
        """The density of each tree as a finite mixture, a list of `attachment_table.Table`."""
        if self._tables:
            return self._tables
        return [
            build_table(parent, time, self.leaf_locations(), **self.options())
            for parent, time in self._trees()
        ]

    def distribution(self, training=False):
        """The density as it is now (not inside `tf.function`): the tree's, or the normal's."""
        if not self.is_started():
            return self._normal()
        trees = [self.attachment(c, training=training) for c in range(self.num_chains)]
        if len(trees) == 1:
            return trees[0]
        return tfd.Mixture(
            tfd.Categorical(logits=tf.zeros([len(trees)], self.variable_dtype)), trees
        )

    def log_prob(self, z, training=False):
        """log p(z), the place of attachment summed out: `[..., D]` -> `[...]`, nats.

        With several trees that of their equal mixture.
        """
        z = tf.cast(z, self.variable_dtype)
        return self._if_started(
            lambda: _log_mean_exp(self._tree_log_probs(z, training)),
            lambda: self._normal().log_prob(z),
        )

    def kl(self, q, z, training=False):
        """log q(z) - log p(z), exact for the normal prior. With several trees the mean over them.

        The mean over trees, and not their mixture, is what belongs into a bound: all z hang on
        one and the same tree.
        """
        log_q = q.log_prob(z)
        if self._tables is not None:
            return log_q - self.log_prob(z)
        seed = self._kl_seed()
        return tf.cond(
            self.started,
            lambda: log_q - self._mean_log_prob(z, training, seed),
            lambda: q.kl_divergence(self._normal()) + tf.zeros_like(log_q),
        )

    def sample(self, n, seed=None, subtree=None):
        """`n` draws `[n, D]`, each from a tree of its own choice.

        Args:
          subtree: None, or a node of the first tree: only from below it.

        Raises:
          ValueError: for a subtree before the tree has started.
        """
        n = arguments.count("n", n)
        seeds = split_seed(as_seed(seed), self.num_chains + 1)
        if subtree is not None:
            self._require_started()
            table = restrict_table(self.tables()[0], self._trees()[0][0], subtree)
            return self._draw(table, n, seeds[0])

        def tree():
            draws = [
                self._draw(table, n, seed)
                for table, seed in zip(self.tables(), seeds[1:], strict=True)
            ]
            logits = tf.zeros([1, self.num_chains])
            chosen = tf.random.stateless_categorical(logits, n, seeds[0], dtype=tf.int32)[0]
            return tf.gather_nd(tf.stack(draws), tf.stack([chosen, tf.range(n)], axis=-1))

        return self._if_started(tree, lambda: self._normal().sample(n, seed=seeds[0]))

    @contextlib.contextmanager
    def portable(self):
        """Within this context the density is plain TensorFlow, the trees as constants.

        For SavedModels, which then need no native op where they are served.
        """
        with tf.init_scope():
            self._tables = self.tables() if self.is_started() else []
        try:
            yield self
        finally:
            self._tables = None

    def signatures(self, model):
        return tree_serving.signatures(self, model) if self.is_started() else {}

    # For subclasses.

    def _if_started(self, tree, normal):
        """`tree()` or `normal()`: decided when it runs, or now where the trees are constants."""
        if self._tables is None:
            return tf.cond(self.started, tree, normal)
        return tree() if self._tables else normal()

    def _draw(self, table, n, seed):
        """`n` draws from one tree. What is served knows no float64 in some places."""
        dtype = tf.float64 if self._tables is None else self.variable_dtype
        return tf.cast(table_sample(table, n, seed, dtype), self.variable_dtype)

    def _trees(self):
        """(parent, time) of each chain, as tensors."""
        parent, time = tf.convert_to_tensor(self.parent), tf.convert_to_tensor(self.time)
        return [(parent[c], time[c]) for c in range(self.num_chains)]

    def _tree_log_probs(self, z, training):
        """log p(z | tree) for each tree, a list of `[...]`."""
        if self._tables is not None:
            return [table_log_prob(z, table) for table in self._tables]
        leaves, options = self.leaf_locations(), self.options(training)
        return [ops.predictive_log_prob(z, *tree, leaves, **options) for tree in self._trees()]

    def _kl_seed(self):
        """The seed of `_mean_log_prob`, taken outside of the condition, if it draws anything."""

    def _mean_log_prob(self, z, training, seed):
        """What `kl` takes for log p(z): the mean over the trees."""
        return tf.add_n(self._tree_log_probs(z, training)) / self.num_chains

    def _start_moves(self):
        """How many moves follow a new tree."""
        return self._config["burn_in"]

    def _leaf_variance(self):
        """Variances of uncertain leaves `[N]`, or None."""

    def _move(self, num_moves, seed, trees=None):
        """(parent, time, counts) after `num_moves` proposals for each tree."""
        settings = self._config
        default = mixture_of_inducing_points(self.num_leaves)
        triplets = tf.convert_to_tensor(self._triplets)
        states = [
            ops.sample_posterior(
                *tree,
                self.leaf_locations(),
                settings["concentration1"],
                settings["concentration0"],
                num_moves,
                fold_in(seed, c),
                settings["move_mixture"] or default,
                self._leaf_variance(),
                triplets,
            )
            for c, tree in enumerate(trees or self._trees())
        ]
        counts = tf.add_n([tf.stack([state.accepted, state.proposed]) for state in states])
        return tf.stack([s.parent for s in states]), tf.stack([s.time for s in states]), counts

    def _advance(self, num_moves):
        """Moves the trees, if they have started, and counts the moves."""
        seed = self.seeds.next(shared=True)
        before = tf.convert_to_tensor(self.parent), tf.convert_to_tensor(self.time)
        # Assignments stay outside the condition: on several replicas they may not be inside.
        parent, time, counts = tf.cond(
            self.started,
            lambda: self._move(num_moves, seed),
            lambda: (*before, tf.zeros([2, 4], tf.int64)),
        )
        self.parent.assign(parent)
        self.time.assign(time)
        self.move_counts.assign(self.move_counts + counts)

    def _acceptance(self):
        """Share of proposals accepted in this epoch, by kind of move."""
        accepted, proposed = self.move_counts.numpy().astype(float)
        return {
            f"acceptance_{kind}": float(a / p)
            for kind, a, p in zip(ops.MOVE_KINDS, accepted, proposed, strict=True)
            if p
        }

    def _state(self, name, value, dtype=None):
        """A weight that is not trained, the same on all replicas."""
        return self._constant(name, value, False, dtype=dtype, aggregation="only_first_replica")

    def _normal(self):
        zeros = tf.zeros([self.latent_dim], self.variable_dtype)
        return diagonal_normal(zeros, tf.ones_like(zeros))

    def _require_started(self):
        if not self.is_started():
            raise ValueError(
                f"The tree has not started: it does at epoch {self.start_epoch} of `fit`, or when "
                "you call `model.adapt(x)`."
            )

    def get_config(self):
        return {**super().get_config(), **self._config}


def _log_mean_exp(values):
    if len(values) == 1:
        return values[0]
    return tf.reduce_logsumexp(tf.stack(values), axis=0) - np.log(len(values))
