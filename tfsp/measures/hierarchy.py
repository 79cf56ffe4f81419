"""How well trees over data keep to classes, beside flat clusters of theirs."""

from tfsp.measures.clusters import (
    clustering_accuracy,
    majority_accuracy,
    normalised_mutual_information,
)
from tfsp.tmc import dendrogram_purity


def hierarchy_scores(tree, labels, num_clusters, method="time", clusters=None):
    """How well a tree over data, and the clusters that it is cut into, keep to classes.

    Args:
      tree: `Phylogeny` over n data.
      labels: integers `[n]`.
      num_clusters: K of the cut.
      method: of `Phylogeny.cut`.
      clusters: integers `[n]`, where a method has clusters of its own; None cuts the tree.

    Returns:
      dict of floats: purity (of the dendrogram), and of the clusters leaf_purity (share of data
      that are of the class most frequent in their cluster), accuracy (best one-to-one matching)
      and nmi.

    Raises:
      ValueError: for shapes that do not fit.
    """
    if clusters is None:
        clusters = tree.cut(num_clusters, method)
    return {
        "purity": dendrogram_purity(tree, labels),
        "leaf_purity": majority_accuracy(labels, clusters),
        "accuracy": clustering_accuracy(labels, clusters),
        "nmi": normalised_mutual_information(labels, clusters),
    }
