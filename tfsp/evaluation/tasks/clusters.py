"""The task "clusters"."""

from tfsp.evaluation.categories import category_probabilities, category_tree_scores
from tfsp.evaluation.tasks.registry import register
from tfsp.evaluation.tasks.rows import prefixed
from tfsp.measures.clusters import (
    category_usage,
    clustering_accuracy,
    majority_accuracy,
    majority_classes,
    normalised_mutual_information,
)


@register(
    "clusters",
    needs=("classes", "categories"),
    columns=(
        "clusters_accuracy",
        "clusters_majority",
        "clusters_nmi",
        "clusters_cut_accuracy",
        "clusters_tree_purity",
        "clusters_confidence",
        "clusters_used",
        "clusters_perplexity",
    ),
    place=14,
)
def of_subject(subject):
    """How categories found without labels fit the classes, and how many are used.

    For models and priors with categories (`category_probabilities`) the most likely category of
    each test image is compared with its label: `clusters_accuracy` by the best one-to-one matching,
    `clusters_majority` where each category predicts the class of most of its training images,
    `clusters_nmi`. `clusters_cut_accuracy` is that of the categories joined into as many groups as
    there are classes, by the tree over them, where there may be more of them;
    `clusters_tree_purity` the dendrogram purity of test data below that tree
    (`category_tree_scores`). For the training data: `clusters_used`, the number of categories with
    at least a tenth of an even share (`clusters_pruned` lists the others, Figure 4 of CP-VAE),
    `clusters_perplexity` of q(c), `clusters_shares`, `clusters_classes`.

    Source: Lavda et al. 2020, arXiv:1911.10885, sections 3.3.1 and 5.
    """
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
        # Mean of the largest probability: near 1 / K categories are uninformative, however even.
        "clusters_confidence": float(test.max(axis=1).mean()),
        "clusters_used": usage["num_used"],
        "clusters_perplexity": usage["perplexity"],
        "clusters_num_categories": num_categories,
        "clusters_threshold": usage["threshold"],
        "clusters_pruned": usage["pruned"],
        "clusters_shares": [round(float(share), 6) for share in usage["shares"]],
        # By the training examples of a category; None if it has none.
        "clusters_classes": [subject.class_name(classes.get(k)) for k in range(num_categories)],
        "clusters_num_training": len(found),
        "clusters_num_examples": len(test_found),
        **prefixed("clusters", category_tree_scores(test, test_labels)),
    }
