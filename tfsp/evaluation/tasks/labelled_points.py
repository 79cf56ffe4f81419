"""The task "labelled_points"."""

from tfsp.evaluation.tasks.registry import register
from tfsp.measures.labelled_points import labelled_points, nearest_labels

_VOTES = 5


@register(
    "labelled_points",
    needs=("classes", "points"),
    columns=("labelled_points",),
    place=5,
)
def of_subject(subject):
    """Accuracy of a classifier trained on the points of the prior alone.

    The points (`representatives(model)`) are labelled by their 5 nearest training codes.

    Source: Vikram et al. 2018, arXiv:1810.06891, section 6.2.
    """
    points = subject.representatives
    train, test = subject.in_prior()
    labels = nearest_labels(points, *train, k=_VOTES)
    result = labelled_points(points, labels, *test)
    return {
        "labelled_points": result["accuracy"],
        "labelled_points_count": result["num_points"],
        "labelled_points_num_classes": result["num_classes"],
        "labelled_points_converged": result["converged"],
        "labelled_points_labels": f"majority of the {_VOTES} nearest training codes",
    }
