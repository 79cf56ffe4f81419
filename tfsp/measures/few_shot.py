"""Accuracy of a classifier that sees few labels."""

import keras
import numpy as np

from tfsp import arguments
from tfsp.measures.checks import check_codes, check_labels
from tfsp.measures.classifier import fit_and_score
from tfsp.measures.examples import labelled
from tfsp.measures.registry import register
from tfsp.random import generator

PAPER_SIZES = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
PAPER_SIZES_MANY_CLASSES = (1, 2, 5, 10, 15)


@register("few_shot", example=lambda rng: (*labelled(rng, 30, 20), (1, 5), 2))
def few_shot(
    train_codes,
    train_labels,
    test_codes,
    test_labels,
    labels_per_class=PAPER_SIZES,
    num_label_sets=20,
    seed=0,
    penalty=1.0,
    standardize=False,
    too_few="error",
    max_iterations=10_000,
    progress=False,
):
    """Test accuracy of logistic regression on a few labelled codes of each class.

    A label set is a random choice of the same number of training codes from each class. Set i
    depends on (`seed`, i) alone, and its choice of 10 labels holds its choice of 1.

    The codes are not scaled, and the classifier is fitted to convergence, "to avoid
    adding unnecessary degrees of freedom". The paper names no penalty. There must be one: a few
    points in 40 dimensions can always be separated, and then the likelihood alone has no maximum
    to converge to. `penalty=1` is scikit-learn's own default.

    Args:
      train_codes, train_labels: `[n, D]` and integers `[n]`.
      test_codes, test_labels: `[m, D]` and integers `[m]`.
      labels_per_class: increasing positive integers. The paper's: 1, 10, 20, ..., 100 for MNIST,
        1, 2, 5, 10, 15 for Omniglot.
      num_label_sets: the paper's: 20 for MNIST, 5 for Omniglot.
      seed: int.
      penalty: weight of |W|^2 / 2 against the summed negative log-likelihood (1 / C of
        scikit-learn); the intercepts are free. 0 for none.
      standardize: scale each dimension to unit variance over `train_codes` first.
      too_few: what to do where a class has fewer training codes than requested: "error", or "all"
        to take all of them.
      max_iterations: of L-BFGS for each fit.
      progress: show a progress bar.

    Returns:
      dict, the lists with one entry for each number of labels:
        labels_per_class;
        mean, standard_deviation: of the accuracies over the sets (n - 1; NaN for a single set);
        num_labels: labels in a set, over all classes;
        num_not_converged: fits that had not converged;
        accuracies: array `[len(labels_per_class), num_label_sets]`;
        num_label_sets.

    Raises:
      ValueError: for shapes that do not fit, classes of the test data that are not in the
        training data, fewer than two classes, and a class with too few examples (unless `too_few`
        is "all").

    Source: Vikram et al. 2018, arXiv:1810.06891, section 6.2, Tables B.3 and B.4.
    """
    train_codes = check_codes(train_codes, "train_codes")
    test_codes = check_codes(test_codes, "test_codes")
    train_labels = check_labels(train_labels, train_codes, "train_labels")
    test_labels = check_labels(test_labels, test_codes, "test_labels")
    sizes = list(arguments.integers("labels_per_class", np.atleast_1d(labels_per_class)))
    if not sizes or sizes != sorted(set(sizes)):
        raise ValueError(f"`labels_per_class` must be increasing. Received: {labels_per_class!r}.")
    num_label_sets = arguments.integer("num_label_sets", num_label_sets)
    if train_codes.shape[1] != test_codes.shape[1]:
        raise ValueError(
            f"`train_codes` have {train_codes.shape[1]} dimensions, `test_codes` "
            f"{test_codes.shape[1]}."
        )
    members = _members(train_labels, test_labels, sizes[-1], too_few)
    if standardize:
        scale = train_codes.std(axis=0)
        scale[scale == 0] = 1.0
        train_codes, test_codes = train_codes / scale, test_codes / scale

    accuracies = np.zeros((len(sizes), num_label_sets))
    converged = np.zeros(accuracies.shape, bool)
    bar = keras.utils.Progbar(accuracies.size, unit_name="fit") if progress else None
    for label_set in range(num_label_sets):
        rng = generator(seed, label_set)
        orders = [rng.permutation(rows) for rows in members]
        for i, size in enumerate(sizes):
            rows = np.concatenate([order[:size] for order in orders])
            accuracies[i, label_set], converged[i, label_set] = fit_and_score(
                train_codes[rows],
                train_labels[rows],
                test_codes,
                test_labels,
                penalty,
                max_iterations,
            )
            if bar:
                bar.add(1)
    return {
        "labels_per_class": sizes,
        "mean": accuracies.mean(axis=1).tolist(),
        "standard_deviation": (
            accuracies.std(axis=1, ddof=1).tolist()
            if num_label_sets > 1
            else [float("nan")] * len(sizes)
        ),
        "num_labels": [sum(min(size, len(rows)) for rows in members) for size in sizes],
        "num_not_converged": (~converged).sum(axis=1).tolist(),
        "accuracies": accuracies,
        "num_label_sets": num_label_sets,
    }


def _members(train_labels, test_labels, most, too_few):
    """Rows of each class of the training data, a list of arrays."""
    if too_few not in ("error", "all"):
        raise ValueError(f"`too_few` must be 'error' or 'all'. Received: {too_few!r}.")
    classes, counts = np.unique(train_labels, return_counts=True)
    unknown = np.setdiff1d(test_labels, classes)
    if len(unknown):
        raise ValueError(
            f"The test data have classes that are not in the training data: {_few(unknown)}. A "
            "classifier can only be measured on classes it was trained on: use a split that puts "
            "examples of each class in both parts (for Omniglot data.split='burda')."
        )
    if len(classes) < 2:
        raise ValueError(f"A classifier needs at least two classes. Received: only {classes[0]}.")
    short = counts < most
    if short.any() and too_few == "error":
        smallest = int(counts.argmin())
        raise ValueError(
            f"{most} labels per class were requested, but class {classes[smallest]} has only "
            f"{counts[smallest]} training codes. Classes with too few: {_few(classes[short])}. "
            "Request fewer labels, or use all codes of such a class with too_few='all'."
        )
    by_class = np.argsort(train_labels, kind="stable")
    return np.split(by_class, np.cumsum(counts)[:-1])


def _few(values, most=5):
    shown = ", ".join(map(str, values[:most]))
    return shown + (f" and {len(values) - most} more" if len(values) > most else "")
