"""The task "tree"."""

from tfsp.evaluation.tasks.registry import register
from tfsp.evaluation.tasks.rows import prefixed
from tfsp.evaluation.trees import tree_purity


@register(
    "tree",
    needs=("classes", "tree"),
    columns=("tree_purity", "tree_induced_purity"),
    place=6,
)
def of_subject(subject):
    """Dendrogram purity of a learned tree, and of test data attached to it.

    `tree_purity` is that of the tree, `tree_induced_purity` that of the attached data;
    `tree_ward_purity` and `tree_induced_ward_purity` are those of Ward's linkage of the same
    points.
    """
    train, test = subject.in_prior()
    return prefixed("tree", tree_purity(subject.model.prior, *train, *test, seed=subject.seed))
