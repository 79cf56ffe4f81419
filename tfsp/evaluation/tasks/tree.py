"""The task "tree"."""

from tfsp.evaluation.tasks.registry import register
from tfsp.evaluation.tasks.rows import prefixed
from tfsp.evaluation.trees import tree_purity


@register(
    "tree",
    needs=("classes", "tree"),
    columns=(
        "tree_summary_purity",
        "tree_purity",
        "tree_ward_purity",
        "tree_counts_ward_purity",
        "tree_neighbours_purity",
        "tree_induced_summary_purity",
        "tree_induced_neighbours_purity",
        "tree_induced_ward_purity",
    ),
    place=6,
)
def of_subject(subject):
    """Dendrogram purity of a learned tree, and of test data attached to it.

    `tree_summary_purity` is that of the expected tree over the prior's leaves (`summary_tree`),
    `tree_purity` that of the draw which the prior holds, `tree_ward_purity` that of Ward's linkage
    of the leaves, `tree_counts_ward_purity` the same with each leaf counting for the training data
    nearest to it, `tree_neighbours_purity` that of the summary of trees by nearest neighbours
    (`tfsp.tmc.neighbour_summary`). `tree_induced_...` are of test data: attached to summary and
    draw, and trees by neighbours and Ward's linkage of the data themselves.
    `tree_summary_agreement`: whether the summary's chains have met.
    """
    train, test = subject.in_prior()
    return prefixed("tree", tree_purity(subject.model.prior, *train, *test, seed=subject.seed))
