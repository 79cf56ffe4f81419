"""The clusters that the map of an InteL-VAE makes."""

import numpy as np

from tfsp.random import split_seed


def learned_proportions(model, labeller=None, num_samples=2000, seed=0):
    """Probabilities of the clusters that a model's map makes, and what lies in them.

    Args:
      model: an `InteLVAE`.
      labeller: `Labeller` of means of x, to name the clusters; None leaves their classes out.
      num_samples: draws from the prior that are classified.
      seed: of those draws.

    Returns:
      dict: proportions, list `[K]` under y ~ N(0, I), in the order of `mapping.component`; with a
      labeller classes, list `[K]`, the most frequent class among the draws of each cluster, None
      where there was no draw. Or None for a model whose map makes no clusters.

    Source: Miao et al. 2022, Table 3 (proportions of the cluster with the zeros).
    """
    if "mapping" not in model.capabilities or "clusters" not in model.mapping.capabilities:
        return None
    mapping = model.mapping
    result = {"proportions": np.asarray(mapping.proportions(), np.float64).tolist()}
    if labeller is None:
        return result
    y = model.prior.sample(num_samples, split_seed(seed)[0])
    cluster = np.asarray(mapping.component(y))
    means = np.asarray(model.decode(mapping(y)).mean())
    label = np.asarray(labeller(means)).argmax(axis=1)
    classes = []
    for k in range(len(result["proportions"])):
        counts = np.bincount(label[cluster == k], minlength=len(labeller.classes))
        most = np.asarray(labeller.classes)[counts.argmax()].item() if counts.any() else None
        classes.append(most)
    return {**result, "classes": classes}
