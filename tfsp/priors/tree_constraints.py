"""What a user knows about the leaves of a tree prior: triplets that its trees satisfy."""

import numpy as np
import tensorflow as tf

from tfsp import arguments
from tfsp.tmc import Phylogeny

_KEY = "triplets"  # in saved weights, beside the numbered ones


class TreeConstraints:
    """Part of `TreePrior`: its triplets, their place in saved files, and questions for more.

    The triplets are a TensorFlow variable `[M, 3]` of any M, not a Keras weight, whose shape would
    be fixed: a step that was traced before reads the new ones without being traced again, and
    nothing has to say how many there may ever be. Saved models and weights hold them under a name
    of their own, and only where there are some: files without them are those of a free prior.
    """

    def _make_triplets(self):
        with tf.init_scope():
            self._triplets = tf.Variable(
                tf.zeros([0, 3], tf.int32),
                trainable=False,
                shape=[None, 3],
                name="triplets",
                aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            )

    @property
    def triplets(self):
        """The constraints in force, int32 `[M, 3]`: see `constrain`."""
        return self._triplets.numpy()

    def constrain(self, triplets, names=None, burn_in=None):
        """Keeps the tree within constraints from now on, in place of those before.

        A row (a, b, c) says that leaves a and b meet strictly below the node where c joins them.
        The chain then follows the posterior given all of them, as do the chains of `summary_tree`,
        `suggest` and `health`. A tree that does not satisfy them is changed where it must be
        (`tfsp.tmc.constraints.follow`) and moved on; before the start its first tree will be.
        They are saved with the model.

        Args:
          triplets: `[M, 3]`, numbers of leaves, or names; [] lifts all constraints. Links are made
            triplets by `tfsp.tmc.constraints.link_triplets`. To add some:
            `prior.constrain([*prior.triplets, *more])`.
          names: of the leaves, strings `[N]`, where `triplets` have names.
          burn_in: moves of a tree that had to be changed; None takes those of the prior's start.

        Raises:
          ContradictionError: if no tree satisfies all, with a smallest set that contradicts itself;
            the prior stays as it was.
          ValueError: for triplets that are not three distinct leaves.
        """
        from tfsp.tmc.constraints import as_numbers, build, follow  # of the module for NumPy

        triplets = as_numbers(triplets, self.num_leaves, names)
        build(triplets, self.num_leaves, names)
        if burn_in is not None:
            burn_in = arguments.integer("burn_in", burn_in, 0)
        if not self.is_started():
            self._triplets.assign(triplets)
            return
        states = list(zip(self.parent.numpy(), self.time.numpy(), strict=True))
        before = [Phylogeny(*state) for state in states]
        after = [follow(tree, triplets) for tree in before]
        self._triplets.assign(triplets)
        if all(one is other for one, other in zip(before, after, strict=True)):
            return
        trees = [(tf.constant(tree.parent), tf.constant(tree.time)) for tree in after]
        moves = self._start_moves() if burn_in is None else burn_in
        parent, time, _ = self._move(moves, self.seeds.next(), trees)
        self.parent.assign(parent)
        self.time.assign(time)

    def suggest(self, k, seed=0, active_share=0.5, num_draws=100, **options):
        """Questions whose answers would tell most about the tree: which leaf is the odd one out?

        An answer "c" about (a, b, c) is the triplet (a, b, c) for `constrain`.

        Args:
          k: how many.
          seed: an integer.
          active_share: in [0, 1]: the share of questions about which draws of the posterior
            disagree most; the others are random and stand between them.
          num_draws: trees drawn, by chains of their own.
          **options: of `summary_tree`.

        Returns:
          `tfsp.tmc.constraints.Questions`: triples int32 `[K, 3]`, scores `[K]` in nats, active.
          Nothing is asked that the constraints decide already.

        Raises:
          ValueError: before the tree has started, and for arguments out of range.
        """
        from tfsp.tmc.constraints import suggest

        found = self.summary_tree(num_draws, seed=seed, **{"warn": False, **options})
        return suggest(found.draws[0], k, self.triplets, active_share, seed)

    def _satisfying(self, parent, time):
        """A tree to start from, changed where the constraints ask for it."""
        triplets = self.triplets
        if not len(triplets):
            return parent, time
        from tfsp.tmc.constraints import follow

        tree = follow(Phylogeny(parent, time), triplets)
        return tree.parent, tree.time

    def save_own_variables(self, store):
        super().save_own_variables(store)
        if len(self.triplets):
            store[_KEY] = self.triplets

    def load_own_variables(self, store):
        keys = store.keys()  # a store of Keras's, which is no dict
        super().load_own_variables({key: store[key] for key in keys if key != _KEY})
        known = store[_KEY] if _KEY in store else np.zeros([0, 3])
        self._triplets.assign(np.asarray(known, np.int32))
