"""Whether a learned tree keeps classes together, compared with agglomerative clustering."""

import numpy as np

from tfsp import arguments, subset
from tfsp.measures.labelled_points import nearest_labels
from tfsp.tmc import Phylogeny, dendrogram_purity, expected_hierarchy, neighbour_summary
from tfsp.tmc.density.induced import induced_hierarchy
from tfsp.tmc.phylogeny.linkage import weighted_ward

_OTHERS = 5000  # training codes among the neighbours: of all of MNIST it would take minutes


def tree_purity(
    prior, train_codes, train_labels, test_codes, test_labels, num_points=1000, num_votes=5, seed=0
):
    """Dendrogram purity of a tree prior: of its leaves, and of data attached to it.

    Of the summary tree (`prior.summary_tree`), of the draw that the prior holds, which is a draw
    from a posterior and seldom as pure, of the summary of trees by nearest neighbours
    (`tfsp.tmc.neighbour_summary`, 5,000 training codes among the neighbours), which needs no prior,
    and of Ward's clustering of the same points, plain and with each leaf counting for the training
    data nearest to it.

    Args:
      prior: a tree prior that has started (`tfsp.priors.TreePrior`).
      train_codes, train_labels: `[n, D]`, integers `[n]`: give the leaves their labels, by the
        majority of the `num_votes` nearest codes.
      test_codes, test_labels: `[m, D]`, integers `[m]`.
      num_points: how many test points are attached, a random subset (see `tfsp.subset`).
      num_votes: see above.
      seed: of the attachment and of the summary's chains.

    Returns:
      dict of floats. Of the leaves: summary_purity, purity (of the draw), neighbours_purity,
      ward_purity, counts_ward_purity. Of `num_points` test points: induced_summary_purity (the
      expected tree, over draws of the tree and of their places on it), induced_purity (of one draw,
      the leaves taken off), induced_neighbours_purity and induced_ward_purity (of the test points
      themselves). Also summary_agreement (see `TreeSummary`) and num_points. Without summaries
      where the tree has more leaves than `prior.most_summarised`.

    Raises:
      ValueError: before the tree has started, or where no two points share a label.

    Source: Heller & Ghahramani 2005; Vikram et al. 2018, arXiv:1810.06891, section 6.1.
    """
    tree, leaves = prior.phylogeny(), np.asarray(prior.leaf_locations(), np.float64)
    labels = nearest_labels(leaves, train_codes, train_labels, k=num_votes)
    rows = subset.rows(len(test_codes), arguments.integer("num_points", num_points, 2))
    codes = np.asarray(test_codes, np.float64)[rows]
    classes = np.asarray(test_labels)[rows]
    options = prior.options()
    induced = induced_hierarchy(codes, tree.parent, tree.time, leaves, seed=seed, **options)
    counts = np.maximum(np.bincount(nearest(leaves, train_codes), minlength=len(leaves)), 1)
    found = {
        "purity": dendrogram_purity(tree, labels),
        "ward_purity": dendrogram_purity(_ward(leaves), labels),
        "counts_ward_purity": dendrogram_purity(_ward(leaves, counts), labels),
        "induced_purity": dendrogram_purity(induced, classes),
        "induced_ward_purity": dendrogram_purity(_ward(codes), classes),
        "num_points": len(codes),
    }
    if len(leaves) > prior.most_summarised:
        return found
    summary = prior.summary_tree(seed=seed)
    attached = expected_hierarchy(codes, summary, leaves, seed=seed, **options)
    others = np.asarray(train_codes, np.float64)[subset.rows(len(train_codes), _OTHERS)]
    neighbours, data_neighbours = (
        neighbour_summary(part, others=others, seed=seed).tree for part in (leaves, codes)
    )
    return found | {
        "neighbours_purity": dendrogram_purity(neighbours, labels),
        "induced_neighbours_purity": dendrogram_purity(data_neighbours, classes),
        "summary_purity": dendrogram_purity(summary.tree, labels),
        "induced_summary_purity": dendrogram_purity(attached.tree, classes),
        "summary_agreement": summary.agreement,
    }


def nearest(points, codes):
    """The point nearest to each code: ints `[n]`."""
    from scipy.spatial import cKDTree

    return cKDTree(np.asarray(points, np.float64)).query(np.asarray(codes, np.float64))[1]


def _ward(points, weights=None):
    weights = np.ones(len(points)) if weights is None else weights
    return Phylogeny.from_linkage(weighted_ward(points, weights))
