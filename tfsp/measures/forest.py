"""Accuracy of shallow random forests trained on few codes."""

import numpy as np

from tfsp import arguments
from tfsp.measures.checks import check_codes, check_labels
from tfsp.measures.examples import labelled
from tfsp.measures.registry import register
from tfsp.random import generator, short_seed

SIZES = (50, 100, 500, 1000, 5000, 10000)


@register("few_shot_forest", example=lambda rng: (*labelled(rng, 30, 20), (10, 20), 2, 4, 5))
def few_shot_forest(
    train_codes,
    train_labels,
    test_codes,
    test_labels,
    sizes=SIZES,
    num_subsets=10,
    max_depth=4,
    num_trees=100,
    seed=0,
):
    """Test accuracy of random forests trained on random subsets of the codes.

    Subset i depends on (`seed`, i) alone, so that all models are compared on the same examples;
    its first 50 are among its first 100. Subsets need not hold every class.

    Args:
      train_codes, train_labels: `[n, D]` and integers `[n]`.
      test_codes, test_labels: `[m, D]` and integers `[m]`.
      sizes: increasing numbers of training examples in all; those beyond n are left out.
      num_subsets: random choices of training examples.
      max_depth: of each tree; the paper's 4.
      num_trees: in a forest (scikit-learn's default; the paper names none).
      seed: int, of the choices and the forests.

    Returns:
      dict, the lists with one entry for each size: sizes; mean; standard_deviation over the subsets
      (n - 1; NaN for one); accuracies, array `[len(sizes), num_subsets]`.

    Raises:
      ValueError: for shapes that do not fit, sizes that do not increase, or fewer training codes
        than the smallest size.

    Source: Miao et al. 2022, section 6.3, Figure 7; Breiman 2001.
    """
    from sklearn.ensemble import RandomForestClassifier

    train_codes = check_codes(train_codes, "train_codes")
    test_codes = check_codes(test_codes, "test_codes")
    train_labels = check_labels(train_labels, train_codes, "train_labels")
    test_labels = check_labels(test_labels, test_codes, "test_labels")
    max_depth = arguments.integer("max_depth", max_depth)
    num_trees = arguments.integer("num_trees", num_trees)
    sizes, orders = subsets(train_codes, test_codes, sizes, num_subsets, seed)
    accuracies = np.zeros((len(sizes), len(orders)))
    for i, order in enumerate(orders):
        for j, size in enumerate(sizes):
            rows = order[:size]
            forest = RandomForestClassifier(
                num_trees, max_depth=max_depth, random_state=short_seed(seed, i), n_jobs=1
            )
            forest.fit(train_codes[rows], train_labels[rows])
            accuracies[j, i] = np.mean(forest.predict(test_codes) == test_labels)
    return summary(sizes, accuracies)


def subsets(train_codes, test_codes, sizes, num_subsets, seed):
    """(sizes that there are examples for, list of `num_subsets` orders of the examples)."""
    if train_codes.shape[1] != test_codes.shape[1]:
        raise ValueError(
            f"`train_codes` have {train_codes.shape[1]} dimensions, `test_codes` "
            f"{test_codes.shape[1]}."
        )
    sizes = list(arguments.integers("sizes", np.atleast_1d(sizes)))
    if not sizes or sizes != sorted(set(sizes)):
        raise ValueError(f"`sizes` must be increasing. Received: {sizes!r}.")
    if sizes[0] > len(train_codes):
        raise ValueError(
            f"The smallest of `sizes` is {sizes[0]}, but there are only {len(train_codes)} "
            "training codes."
        )
    sizes = [size for size in sizes if size <= len(train_codes)]
    num_subsets = arguments.integer("num_subsets", num_subsets)
    orders = [
        generator(seed, 7, i).permutation(len(train_codes))[: sizes[-1]] for i in range(num_subsets)
    ]
    return sizes, orders


def summary(sizes, accuracies):
    """Sizes, means and standard deviations of accuracies `[len(sizes), num_subsets]`."""
    many = accuracies.shape[1] > 1
    return {
        "sizes": sizes,
        "mean": accuracies.mean(axis=1).tolist(),
        "standard_deviation": (
            accuracies.std(axis=1, ddof=1).tolist() if many else [float("nan")] * len(sizes)
        ),
        "accuracies": accuracies,
    }
