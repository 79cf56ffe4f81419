"""Categories found without labels: how they fit the classes, how many are used."""

import numpy as np

from tfsp import arguments
from tfsp.measures.checks import check_labels
from tfsp.measures.examples import pair
from tfsp.measures.registry import register

_SHARE_OF_UNIFORM = 0.1


@register("clustering_accuracy", example=pair)
def clustering_accuracy(labels, categories):
    """Share of examples whose category is matched to their class, by the best one-to-one matching.

    Every class is matched to one category at most and every category to one class at most, so that
    as many examples as possible are right; examples of what is left unmatched are wrong. With more
    categories than classes it cannot be near 1 if the data of a class are spread over several:
    see `majority_accuracy`. (The matching is fitted to the labels it is scored on, as papers do;
    with as many categories as examples in a class that says little.)

    Args:
      labels, categories: integers `[n]`, of any values.

    Returns:
      float in [0, 1].

    Raises:
      ValueError: for shapes that do not fit or no examples.
    """
    from scipy.optimize import linear_sum_assignment

    counts, _, _ = _contingency(labels, categories)
    rows, columns = linear_sum_assignment(counts, maximize=True)
    return float(counts[rows, columns].sum() / counts.sum())


@register("majority_accuracy", example=pair)
def majority_accuracy(labels, categories, test_labels=None, test_categories=None):
    """Share of examples that are of the class most frequent in their category.

    The classes of the categories are read off `labels`, and scored on the test examples, which must
    be others: on the same ones n categories of one example each are always right. A category that
    has no example among the first is given the class most frequent of all; ties go to the lower
    label.

    Args:
      labels, categories: integers `[n]`, from which the categories get their classes.
      test_labels, test_categories: integers `[m]`, what is scored; None scores the first.

    Returns:
      float in [0, 1].

    Raises:
      ValueError: for shapes that do not fit, no examples, or only one of the test arrays.
    """
    if (test_labels is None) != (test_categories is None):
        raise ValueError("Give both `test_labels` and `test_categories`, or neither of them.")
    classes = majority_classes(labels, categories)
    if test_labels is None:
        test_labels, test_categories = labels, categories
    test_labels, test_categories = _pair(test_labels, test_categories, "test_")
    values, counts = np.unique(np.asarray(labels), return_counts=True)
    otherwise = int(values[counts.argmax()])
    called = np.array([classes.get(int(c), otherwise) for c in test_categories])
    return float(np.mean(called == test_labels))


def majority_classes(labels, categories):
    """Dict of category -> the class that most of its examples have; ties go to the lower label."""
    counts, classes, found = _contingency(labels, categories)
    return {int(c): int(classes[k]) for c, k in zip(found, counts.argmax(axis=0), strict=True)}


@register("normalised_mutual_information", example=pair)
def normalised_mutual_information(labels, categories):
    """I(labels; categories) over the mean of both entropies: 0 if independent, 1 if the same.

    Args:
      labels, categories: integers `[n]`, of any values.

    Raises:
      ValueError: for shapes that do not fit or no examples.
    """
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(*_pair(labels, categories)))


@register("category_usage", example=lambda rng: (rng.dirichlet([1.0] * 5),))
def category_usage(weights, threshold=None):
    """Which categories a model uses, from the aggregated q(c).

    Args:
      weights: q(c_k) `[K]` (eq. 14), or `[n, K]`, what `category_probabilities` gives, of which the
        mean is taken. Rows sum to 1.
      threshold: the share below which a category counts as unused; None takes 1 / (10 K), a tenth
        of an even share.

    Returns:
      dict: shares, q(c) `[K]`; num_used; pruned, the list of unused categories; perplexity, exp of
      the entropy of q(c), from 1 to K: of how many even categories the entropy would be; threshold.

    Raises:
      ValueError: for weights that are not probabilities, or a threshold outside [0, 1].

    Source: Lavda et al. 2020, eq. (14) and Figure 4; the paper calls q(c_k) near 0 unused and names
    no threshold.
    """
    weights = np.asarray(weights, np.float64)
    if weights.ndim not in (1, 2) or not weights.size:
        raise ValueError(
            f"`weights` must be [K] or [n, K], probabilities. Received: shape {weights.shape}."
        )
    if not (weights >= 0).all() or not np.allclose(weights.sum(axis=-1), 1.0, atol=1e-3):
        raise ValueError("`weights` must be probabilities: non-negative, each row with sum 1.")
    shares = weights if weights.ndim == 1 else weights.mean(axis=0)
    shares = shares / shares.sum()
    if threshold is None:
        threshold = _SHARE_OF_UNIFORM / len(shares)
    threshold = arguments.number("threshold", threshold, "[0, 1]")
    pruned = np.flatnonzero(shares < threshold)
    positive = shares[shares > 0]
    return {
        "shares": shares,
        "num_used": len(shares) - len(pruned),
        "pruned": pruned.tolist(),
        "perplexity": float(np.exp(-np.sum(positive * np.log(positive)))),
        "threshold": threshold,
    }


def _contingency(labels, categories):
    """Counts `[classes, categories]`, and the values of the classes and of the categories."""
    labels, categories = _pair(labels, categories)
    classes, rows = np.unique(labels, return_inverse=True)
    found, columns = np.unique(categories, return_inverse=True)
    counts = np.zeros((len(classes), len(found)), np.int64)
    np.add.at(counts, (rows, columns), 1)
    return counts, classes, found


def _pair(labels, categories, prefix=""):
    categories = np.asarray(categories)
    if categories.ndim != 1 or not len(categories) or categories.dtype.kind not in "iu":
        raise ValueError(
            f"`{prefix}categories` must be integers of shape [n], n >= 1. Received: shape "
            f"{categories.shape}, dtype {categories.dtype}."
        )
    return check_labels(labels, categories, f"{prefix}labels"), categories.astype(np.int64)
