"""What hierarchies over data are compared with."""

import numpy as np
from scipy.cluster import hierarchy
from scipy.spatial.distance import pdist, squareform

from tfsp import arguments
from tfsp.measures.clusters import (
    clustering_accuracy,
    majority_accuracy,
    normalised_mutual_information,
)
from tfsp.random import short_seed
from tfsp.tmc import Phylogeny
from tfsp.tmc.phylogeny.linkage import weighted_ward
from tfsp.tmc.summary import hang


def counts_ward(train_codes, codes, num_centres=200, seed=0):
    """Ward's linkage of k-means centres that count for their data, new data hung below them.

    Args:
      train_codes: `[m, D]`, from which the centres are.
      codes: `[n, D]`, each below the nearest centre; centres without any of them are left out.
      num_centres: of k-means.
      seed: of k-means.

    Returns:
      `Phylogeny` over the n data.
    """
    from sklearn.cluster import KMeans

    num_centres = arguments.integer("num_centres", num_centres, 2, len(train_codes))
    found = KMeans(num_centres, n_init=1, random_state=short_seed(seed)).fit(train_codes)
    counts = np.maximum(np.bincount(found.labels_, minlength=num_centres), 1)
    tree = Phylogeny.from_linkage(weighted_ward(found.cluster_centers_, counts), power=2.0)
    members = found.predict(np.asarray(codes, found.cluster_centers_.dtype))
    used, members = np.unique(members, return_inverse=True)
    return hang(tree.restrict(used) if len(used) < num_centres else tree, members, codes)


def hdbscan(codes, min_cluster_size=5):
    """(Tree, clusters) of HDBSCAN: single linkage of mutual reachability, its flat clusters.

    What it calls noise is a cluster of its own, each.

    Source: Campello, Moulavi & Sander 2013; scikit-learn's implementation of the clusters.
    """
    from sklearn.cluster import HDBSCAN

    codes = np.asarray(codes, np.float64)
    clusters = HDBSCAN(min_cluster_size=min_cluster_size, copy=True).fit(codes).labels_
    noise = clusters < 0
    clusters = np.where(noise, clusters.max() + np.cumsum(noise), clusters)
    distances = squareform(pdist(codes))
    core = np.partition(distances, min_cluster_size - 1, axis=1)[:, min_cluster_size - 1]
    np.maximum(distances, np.maximum(core[:, None], core[None, :]), out=distances)
    np.fill_diagonal(distances, 0.0)
    matrix = hierarchy.linkage(squareform(distances, checks=False), "single")
    return Phylogeny.from_linkage(matrix), clusters


def flat_peers(codes, labels, num_clusters, seed=0):
    """As `evaluation.hierarchy_scores`, of k-means of codes at the same K, without a tree."""
    from sklearn.cluster import KMeans

    clusters = KMeans(num_clusters, n_init=10, random_state=short_seed(seed)).fit_predict(codes)
    return {
        "leaf_purity": majority_accuracy(labels, clusters),
        "accuracy": clustering_accuracy(labels, clusters),
        "nmi": normalised_mutual_information(labels, clusters),
    }
