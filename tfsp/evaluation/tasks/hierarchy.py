"""The task "hierarchy"."""

import numpy as np

from tfsp import subset
from tfsp.evaluation.latent import encode_views
from tfsp.evaluation.tasks.registry import register
from tfsp.evaluation.tasks.rows import prefixed
from tfsp.measures.hierarchy import hierarchy_scores
from tfsp.tmc import lasting_clusters, neighbour_summary, neighbour_tree, ward_tree

_MOST, _OTHERS = 10_000, 60_000
_DRAWS = 10


@register(
    "hierarchy",
    needs=("classes",),
    columns=(
        "hierarchy_summary_purity",
        "hierarchy_summary_accuracy",
        "hierarchy_purity",
        "hierarchy_accuracy",
        "hierarchy_nmi",
        "hierarchy_ward_purity",
        "hierarchy_ward_accuracy",
    ),
    place=6.5,
)
def of_subject(subject):
    """How well trees over the codes of test data keep classes together.

    `hierarchy_summary_...` is of the summary of ten trees by nearest neighbours, each by half of
    the links (`tfsp.tmc.neighbour_summary`), with the codes of training data among the neighbours
    but not in the tree; `hierarchy_...` of the one tree by all links (`neighbour_tree`);
    `hierarchy_ward_...` of Ward's linkage of the same test codes. `purity` is the dendrogram
    purity; `accuracy` (by the best one-to-one matching), `nmi` and `leaf_purity` are of as many
    clusters of the tree as there are classes (a cut; of the summary `lasting_clusters`), no label
    being used but for their number. Of up to 10,000 test data and 60,000 training data, of more a
    random subset (`tfsp.subset`). Codes of a model with `consistency` are means over eight
    augmentations (`evaluation.encode_views`).
    """
    (codes, labels), (others, _) = _codes(subject)
    rows = subset.rows(len(codes), _MOST)
    codes, labels = np.asarray(codes, np.float64)[rows], np.asarray(labels)[rows]
    others = np.asarray(others, np.float64)[subset.rows(len(others), _OTHERS)]
    num_classes = len(np.unique(labels))
    summary = neighbour_summary(codes, _DRAWS, others=others, seed=subject.seed).tree
    # A cut of an expected tree splits off single data first.
    clusters = lasting_clusters(summary, num_classes)
    scores = hierarchy_scores(summary, labels, num_classes, clusters=clusters)
    row = {"hierarchy_num_points": len(codes), **prefixed("hierarchy_summary", scores)}
    trees = {"hierarchy": neighbour_tree(codes, others=others), "hierarchy_ward": ward_tree(codes)}
    for name, tree in trees.items():
        row |= prefixed(name, hierarchy_scores(tree, labels, num_classes))
    return row


def _codes(subject):
    """(codes, labels) of the test data and of the training data."""
    if getattr(subject.model, "consistency", None) is None:
        return subject.test, subject.train
    parts = (subject.data.arrays(part) for part in ("test", "train"))
    return tuple(encode_views(subject.model, part, seed=subject.seed) for part in parts)
