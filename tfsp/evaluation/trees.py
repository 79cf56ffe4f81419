"""Whether a learned tree keeps classes together, compared with agglomerative clustering."""

import numpy as np

from tfsp import arguments, subset
from tfsp.measures.labelled_points import nearest_labels
from tfsp.tmc import Phylogeny, dendrogram_purity
from tfsp.tmc.density.induced import induced_hierarchy


def tree_purity(
    prior, train_codes, train_labels, test_codes, test_labels, num_points=1000, num_votes=5, seed=0
):
    """Dendrogram purity of a tree prior: of its leaves, and of data attached to it.

    Each is compared with Ward's clustering of the same points: a sampled tree is a draw from a
    posterior and seldom purer.

    Args:
      prior: a tree prior that has started (`tfsp.priors.TreePrior`).
      train_codes, train_labels: `[n, D]`, integers `[n]`: give the leaves their labels, by the
        majority of the `num_votes` nearest codes.
      test_codes, test_labels: `[m, D]`, integers `[m]`.
      num_points: how many test points are attached, a random subset (see `tfsp.subset`).
      num_votes: see above.
      seed: of the attachment.

    Returns:
      dict of floats: purity, ward_purity (of the leaves), induced_purity, induced_ward_purity (of
      `num_points` test points, the inducing points taken off), and num_points.

    Raises:
      ValueError: before the tree has started, or where no two points share a label.

    Source: Heller & Ghahramani 2005; Vikram et al. 2018, arXiv:1810.06891, section 6.1.
    """
    tree, leaves = prior.phylogeny(), np.asarray(prior.leaf_locations(), np.float64)
    labels = nearest_labels(leaves, train_codes, train_labels, k=num_votes)
    rows = subset.rows(len(test_codes), arguments.integer("num_points", num_points, 2))
    codes = np.asarray(test_codes, np.float64)[rows]
    classes = np.asarray(test_labels)[rows]
    induced = induced_hierarchy(codes, tree.parent, tree.time, leaves, seed=seed, **prior.options())
    return {
        "purity": dendrogram_purity(tree, labels),
        "ward_purity": dendrogram_purity(_ward(leaves), labels),
        "induced_purity": dendrogram_purity(induced, classes),
        "induced_ward_purity": dendrogram_purity(_ward(codes), classes),
        "num_points": len(codes),
    }


def _ward(points):
    from scipy.cluster.hierarchy import linkage

    return Phylogeny.from_linkage(linkage(points, "ward"))
