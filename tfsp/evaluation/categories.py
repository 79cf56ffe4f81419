"""Categories that a model or its prior has found without labels."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import subset
from tfsp.distributions import DiagonalGaussianMixture
from tfsp.evaluation import shares
from tfsp.evaluation.batches import iterate
from tfsp.measures.clusters import clustering_accuracy
from tfsp.tmc import category_hierarchy, category_tree, dendrogram_purity

tfd = tfp.distributions
_LEAST = 1e-35  # a probability below is rounding


def category_probabilities(model, data, name="categories", share=None, folder=None):
    """Probabilities of the categories of each example: q(c|x), or p(k|z) at the encoded z.

    Args:
      model: one with `responsibilities(x)` (GMVAE, CPVAE), or with a prior that is a mixture of
        Gaussians, such as "mixture" and "vamp": then p(k|z), the components being the categories.
      data: a batched dataset of x or (x, y), an array, or a pair (x, y).
      name: of the files of shares.
      share, folder: as in `tfsp.evaluation.encode`.

    Returns:
      (probabilities `[n, K]` float64, labels `[n]` or None).

    Raises:
      ValueError: for a model without categories.
    """
    of_batch = tf.function(_categories(model), reduce_retracing=True)
    found = shares.collect_labelled(
        lambda _, x: of_batch(tf.constant(x)).numpy(),
        iterate(data, model=model),
        name,
        model,
        {},
        share,
        folder,
    )
    return found if share is not None else (found[0].astype(np.float64), found[1])


def category_tree_scores(probabilities, labels, limit=10_000):
    """How well the tree over categories keeps classes together.

    Args:
      probabilities: `[n, K]`, of `category_probabilities`.
      labels: integers `[n]`.
      limit: how many examples are taken, a random subset of more (see `tfsp.subset`).

    Returns:
      dict: cut_accuracy, by the best one-to-one matching, of the categories joined into as many
      groups as there are classes (`tfsp.tmc.category_tree`; fewer if fewer are in use); and
      tree_purity, the dendrogram purity of the examples below their categories
      (`tfsp.tmc.category_hierarchy`; left out if no two share a label).

    Raises:
      ValueError: for shapes that do not fit.
    """
    rows = subset.rows(len(probabilities), limit)
    log_probs = np.log(np.maximum(probabilities[rows], _LEAST))
    log_probs -= np.logaddexp.reduce(log_probs, axis=1, keepdims=True)
    labels = np.asarray(labels)[rows]
    used, members = np.unique(log_probs.argmax(axis=1), return_inverse=True)
    groups = category_tree(log_probs).cut(min(len(used), len(np.unique(labels))))
    found = {"cut_accuracy": clustering_accuracy(labels, groups[members])}
    if len(np.unique(labels)) < len(labels):
        tree = category_hierarchy(log_probs, log_probs)
        found["tree_purity"] = dendrogram_purity(tree, labels)
    return found


def has_categories(model):
    """Whether `category_probabilities` is defined for the model."""
    return "categories" in model.capabilities or _mixture(model.prior) is not None


def _categories(model):
    """Function x `[B, ...]` -> probabilities `[B, K]`."""
    if "categories" in model.capabilities:
        return model.responsibilities
    mixture, view = _mixture(model.prior), model.prior_view()
    if mixture is None:
        raise ValueError(
            f"The model {type(model).__name__} with the prior {type(model.prior).__name__} has no "
            "categories. Use a model with `responsibilities` ('gm_vae', 'cp_vae'), or a prior "
            "that is a mixture ('mixture', 'vamp')."
        )
    if isinstance(mixture, DiagonalGaussianMixture):
        return lambda x: tf.nn.softmax(mixture.joint_log_prob(view.encode(x)))
    return lambda x: mixture.posterior_marginal(view.encode(x)).probs_parameter()


def _mixture(prior):
    """The prior's distribution if it is a mixture of Gaussians, else None."""
    if not prior.is_density:
        return None
    try:
        found = prior.distribution()
    except NotImplementedError:  # a prior with a `log_prob` of its own
        return None
    return found if isinstance(found, (DiagonalGaussianMixture, tfd.MixtureSameFamily)) else None
