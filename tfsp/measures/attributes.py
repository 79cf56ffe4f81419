"""Prediction of binary attributes from codes by linear classifiers."""

import numpy as np

from tfsp.measures.checks import check_codes
from tfsp.measures.classifier import fit_and_score
from tfsp.measures.examples import points
from tfsp.measures.forest import SIZES, subsets, summary
from tfsp.measures.registry import register


def _example(rng):
    train, test = points(rng, 30, 20)
    return train, (train > 0).astype(int), test, (test > 0).astype(int), (10, 20), 2


@register("attribute_prediction", example=_example)
def attribute_prediction(
    train_codes,
    train_attributes,
    test_codes,
    test_attributes,
    sizes=SIZES,
    num_subsets=10,
    penalty=1.0,
    seed=0,
):
    """Test accuracy of logistic regression for each attribute, and their mean.

    The subsets of training examples are those of `few_shot_forest`. Where all of a subset have
    one value of an attribute, that value is predicted.

    Args:
      train_codes, train_attributes: `[n, D]` and 0 or 1, `[n, k]`.
      test_codes, test_attributes: `[m, D]` and 0 or 1, `[m, k]`.
      sizes: increasing numbers of training examples; those beyond n are left out. The paper's: 50,
        100, 500, 1,000, 5,000, 10,000.
      num_subsets: random choices of training examples; the paper's 10.
      penalty: weight of |W|^2 / 2, as in `few_shot`; the paper names none.
      seed: int.

    Returns:
      dict, the lists with one entry for each size: sizes; mean and standard_deviation over the
      subsets (n - 1; NaN for one) of the accuracy averaged over attributes; accuracies, array
      `[len(sizes), num_subsets]` of these; by_attribute, array `[len(sizes), k]`, means over the
      subsets; majority, float: accuracy of predicting each attribute's more frequent value in the
      training data.

    Raises:
      ValueError: for shapes that do not fit, or attributes other than 0 and 1.

    Source: Miao et al. 2022, appendix B, Table B.1 and Figure B.3.
    """
    train_codes = check_codes(train_codes, "train_codes")
    test_codes = check_codes(test_codes, "test_codes")
    train_attributes = _attributes(train_attributes, train_codes, "train_attributes")
    test_attributes = _attributes(test_attributes, test_codes, "test_attributes")
    if train_attributes.shape[1] != test_attributes.shape[1]:
        raise ValueError(
            f"`train_attributes` has {train_attributes.shape[1]} attributes, `test_attributes` "
            f"{test_attributes.shape[1]}."
        )
    sizes, orders = subsets(train_codes, test_codes, sizes, num_subsets, seed)
    scores = np.zeros((len(sizes), len(orders), train_attributes.shape[1]))
    for i, order in enumerate(orders):
        for j, size in enumerate(sizes):
            rows = order[:size]
            for k in range(scores.shape[2]):
                scores[j, i, k], _ = fit_and_score(
                    train_codes[rows],
                    train_attributes[rows, k],
                    test_codes,
                    test_attributes[:, k],
                    penalty,
                )
    frequent = train_attributes.mean(axis=0) > 0.5
    return {
        **summary(sizes, scores.mean(axis=2)),
        "by_attribute": scores.mean(axis=1),
        "majority": float(np.mean(test_attributes == frequent)),
    }


def _attributes(values, codes, name):
    values = np.asarray(values)
    if values.ndim != 2 or len(values) != len(codes) or not np.isin(values, (0, 1)).all():
        raise ValueError(
            f"`{name}` must be 0 or 1, of shape [{len(codes)}, k], a column for each attribute. "
            f"Received: shape {values.shape}."
        )
    return values.astype(np.int64)
