"""Signs of how a tree prior does, and what is known to go wrong."""

import numpy as np
import tensorflow as tf

from tfsp.tmc.density.table import entry_log_prob

# Of the chains of `mixing`: draws together, moves for each leaf before the first and between two of
# them, and leaves at most.
_DRAWS, _BURN_IN, _APART, _MOST_FOLLOWED = 200, 1000, 30, 500
_EPOCHS_APART = 10  # from one look at the chains over learned points to the next


def measure(codes, table, time, inducing):
    """Dict of floats for codes `[n, D]` on one tree.

    predictive_variance: mean over codes of the variance with which the tree predicts each, entries
      of the density weighted by their responsibility. Healthy below .25.
    leaf_edge_mass: share of the codes' responsibility on leaves' edges.
    inducing_norm: mean length of the inducing points.
    time_10, time_50, time_90: quantiles of the internal nodes' times (without the root).
    """
    num_leaves = len(inducing)
    weights = tf.nn.softmax(entry_log_prob(tf.convert_to_tensor(codes), table), axis=-1).numpy()
    internal = np.sort(time[num_leaves:])[1:]
    quantiles = np.quantile(internal, [0.1, 0.5, 0.9]) if internal.size else np.zeros(3)
    return {
        "predictive_variance": float(np.mean(weights @ table.variance.numpy())),
        "leaf_edge_mass": float(np.mean(weights[:, table.edge.numpy() < num_leaves].sum(axis=1))),
        "inducing_norm": float(np.mean(np.linalg.norm(inducing, axis=1))),
        **{f"time_{p}": float(q) for p, q in zip((10, 50, 90), quantiles, strict=True)},
    }


class Mixing:
    """Whether chains of the posterior over trees meet, followed no more often than it tells.

    The posterior given fixed inducing points (and constraints) is one and the same in all epochs:
    its chains are followed once. Those of learned points are after every tenth epoch with the tree.

    Args:
      learned: whether the inducing points are.
    """

    def __init__(self, learned):
        self._learned = learned
        self._epochs = 0
        self._found = None  # (inducing points and constraints as bytes, health)

    def begin_epoch(self, epochs):
        """`epochs`: how many there have been with the tree."""
        self._epochs = epochs

    def health(self, prior):
        """`mixing`; {} in epochs in which it is not measured."""
        if self._learned and self._epochs % _EPOCHS_APART:
            return {}
        points = np.asarray(prior.inducing).tobytes() + prior.triplets.tobytes()
        if self._found is None or self._found[0] != points:
            self._found = points, mixing(prior)
        return self._found[1]


def mixing(prior):
    """Whether two chains of the posterior over trees meet, both from Ward's linkage.

    chain_agreement, r_hat: see `TreeSummary`, of 200 draws together, 30 N moves apart, after
    1,000 N. {} for more than 500 leaves, for which these would take seconds.
    """
    num_leaves = prior.num_inducing
    if num_leaves > _MOST_FOLLOWED:
        return {}
    moves = {"burn_in": _BURN_IN * num_leaves, "moves_per_draw": _APART * num_leaves}
    found = prior.summary_tree(_DRAWS, **moves, warn=False)
    return {"chain_agreement": found.agreement, "r_hat": found.r_hat}


def warnings(health, epochs, start_norm):
    """(kind, message) for what is known to go wrong, after `epochs` epochs with the tree.

    Args:
      start_norm: `inducing_norm` at the start of the tree.
    """
    variance, norm = health["predictive_variance"], health["inducing_norm"]
    if start_norm < 0.5:
        yield (
            "early start",
            f"LORACs: the tree started from encodings around the origin (mean length of the "
            f"inducing points {start_norm:.2f}): the model had learned next to nothing, and the "
            "tree has nothing to hold on to. Train longer with the normal prior before "
            "(`start_epoch`; it counts epochs, and small data make short ones), or raise the KL "
            "weight slowly at first (`tfsp.callbacks.KLWarmUp`).",
        )
    if epochs >= 2 and variance > 0.5:
        yield (
            "root blob",
            f"LORACs: the tree predicts the encodings with variance {variance:.2f}; healthy is "
            "below .25. They hang near the root, as under a normal prior (the 'root blob'), and "
            "the latent space will have no clusters. Usual causes: edge_weights='bayes' without "
            "`anneal_epochs`, a large `concentration0`, rescaled latents, too short a phase with "
            "the normal prior before (`start_epoch`).",
        )
    if norm < 0.5 * start_norm:
        yield (
            "contraction",
            f"LORACs: the learned inducing points have shrunk from a mean length of "
            f"{start_norm:.2f} to {norm:.2f}. The path gradient alone does that without end "
            "(loracs.txt drops the score term of eq. (C.29)): keep them fixed "
            "(inducing_points='fixed'), keep the term (inducing_gradient='score', num_chains=4), "
            "or lower `inducing_learning_rate`.",
        )
