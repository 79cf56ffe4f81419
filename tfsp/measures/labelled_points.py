"""Points that represent the data: their labels, and how good a classifier they make."""

import numpy as np

from tfsp import arguments, neighbours
from tfsp.measures.checks import check_codes, check_labels
from tfsp.measures.classifier import fit_and_score
from tfsp.measures.examples import labelled
from tfsp.measures.registry import register


def nearest_labels(points, codes, labels, k=5):
    """Labels points by the labelled codes around them.

    A stand-in for the labels that the paper's authors gave to the inducing points by eye. A
    draw between classes goes to the one whose code is nearest. The same vote colours the inducing
    points in pictures.

    Args:
      points: `[M, D]`.
      codes, labels: `[n, D]` and integers `[n]`, training data.
      k: how many of the nearest codes vote.

    Returns:
      integers `[M]`.

    Raises:
      ValueError: for shapes that do not fit, or k outside 1..n.
    """
    points, codes = check_codes(points, "points"), check_codes(codes)
    labels = check_labels(labels, codes)
    _same_size(points, codes, "codes")
    k = arguments.integer("k", k)
    if k > len(codes):
        raise ValueError(f"`k` is {k}, but there are only {len(codes)} codes.")
    return neighbours.nearest_labels(points, codes, labels, k)


@register("labelled_points", example=lambda rng: labelled(rng, 10, 20))
def labelled_points(points, point_labels, test_codes, test_labels, penalty=1.0):
    """Test accuracy of logistic regression trained on labelled points of the prior.

    Args:
      points, point_labels: `[M, D]` and integers `[M]`; see `representatives`, `nearest_labels`.
      test_codes, test_labels: `[m, D]` and integers `[m]`.
      penalty: as in `few_shot`.

    Returns:
      dict: accuracy in [0, 1], num_points (M), num_classes (of the points; other classes cannot be
      predicted), converged.

    Raises:
      ValueError: for shapes that do not fit.

    Source: Vikram et al. 2018, arXiv:1810.06891, section 6.2, Table B.5.
    """
    points, test_codes = check_codes(points, "points"), check_codes(test_codes, "test_codes")
    point_labels = check_labels(point_labels, points, "point_labels")
    test_labels = check_labels(test_labels, test_codes, "test_labels")
    _same_size(points, test_codes, "test_codes")
    accuracy, converged = fit_and_score(points, point_labels, test_codes, test_labels, penalty)
    return {
        "accuracy": accuracy,
        "num_points": len(points),
        "num_classes": len(np.unique(point_labels)),
        "converged": converged,
    }


def _same_size(points, codes, name):
    if points.shape[1] != codes.shape[1]:
        raise ValueError(
            f"`points` have {points.shape[1]} dimensions, `{name}` have {codes.shape[1]}."
        )
