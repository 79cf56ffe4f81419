"""The measures of the CP-VAE paper as tasks: categories, and what the KL is made of."""

import numpy as np

from tfsp.evaluation.clusters import (
    category_probabilities,
    category_usage,
    clustering_accuracy,
    has_categories,
    majority_accuracy,
    majority_classes,
    normalised_mutual_information,
)
from tfsp.evaluation.decomposition import check_decomposition, kl_decomposition

_NUM_DECOMPOSED = 5_000  # examples between whose posteriors all densities are computed


def _clusters(subject):
    model, data = subject.model, subject.data
    probabilities, labels = category_probabilities(model, data.arrays("train"))
    test, test_labels = category_probabilities(model, data.arrays("test"))
    found, test_found = probabilities.argmax(axis=1), test.argmax(axis=1)
    usage = category_usage(probabilities)
    classes = majority_classes(labels, found)
    num_categories = probabilities.shape[1]
    return {
        "clusters_accuracy": clustering_accuracy(test_labels, test_found),
        "clusters_majority": majority_accuracy(labels, found, test_labels, test_found),
        "clusters_nmi": normalised_mutual_information(test_labels, test_found),
        # Mean of the largest probability: near 1 / K categories tell nothing, however even.
        "clusters_confidence": float(test.max(axis=1).mean()),
        "clusters_used": usage["num_used"],
        "clusters_perplexity": usage["perplexity"],
        "clusters_num_categories": num_categories,
        "clusters_threshold": usage["threshold"],
        "clusters_pruned": usage["pruned"],
        "clusters_shares": [round(float(share), 6) for share in usage["shares"]],
        # Of the training examples that a category has; None if it has none.
        "clusters_classes": [classes.get(k) for k in range(num_categories)],
        "clusters_num_training": len(found),
        "clusters_num_examples": len(test_found),
    }


def _check_clusters(subject):
    if not has_categories(subject.model):
        raise ValueError(
            "The task 'clusters' needs categories: a model with `responsibilities` ('gm_vae', "
            "'cp_vae') or a prior that is a mixture ('mixture', 'vamp'). This run is a "
            f"{subject.config['model']['name']!r} with the prior "
            f"{subject.config['prior']['name']!r}."
        )


def _decomposition(subject):
    images, _ = subject.data.arrays("test", limit=_NUM_DECOMPOSED)
    found = kl_decomposition(subject.model, images, num_examples=None, seed=subject.seed)
    return {f"decomposition_{name}": value for name, value in found.items()}


def _check_decomposition(subject):
    check_decomposition(subject.model, np.zeros((1, *subject.model.data_shape), np.float32))


CATEGORY_TASKS = {"clusters": _clusters, "decomposition": _decomposition}
CATEGORY_CHECKS = {"clusters": _check_clusters, "decomposition": _check_decomposition}
