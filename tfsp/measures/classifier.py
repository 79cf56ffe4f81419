"""Multinomial logistic regression trained to convergence, on plain codes."""

import warnings

import numpy as np

from tfsp import arguments

# Of the gradient at the start. A limit for the gradient itself would depend on the scale of the
# codes and on the number of classes: with 1,623 classes the fit would stop at its start.
_RELATIVE_TOLERANCE = 1e-4


def fit(codes, labels, penalty=1.0, max_iterations=10_000):
    """Fits a multinomial logistic regression.

        minimise  -sum_n log softmax(W z_n + b)[y_n] + penalty / 2 |W|^2

    by L-BFGS in float64 until the largest entry of the gradient is 1e-4 of that at W = 0, b = 0.

    Args:
      codes, labels: float64 `[n, D]` and integers `[n]`.
      penalty: see `few_shot`.
      max_iterations: after which the fit counts as not converged.

    Returns:
      (classes `[K]`, sorted; function of codes `[m, D]` -> probabilities `[m, K]`; whether the fit
      has converged).

    Raises:
      ValueError: for a negative or infinite `penalty`.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    penalty = arguments.number("penalty", penalty, "[0, inf)")
    classes, index = np.unique(labels, return_inverse=True)
    if len(classes) == 1:  # nothing to fit
        return classes, lambda codes: np.ones((len(codes), 1)), True
    # The same problem in units that suit the solver: the intercepts are free, so shifted codes
    # change nothing, and for codes / s the penalty is that of W s. Without this L-BFGS stops far
    # from the optimum of codes of size 1e-4.
    centre = codes.mean(axis=0)
    scale = np.sqrt(np.mean((codes - centre) ** 2)) or 1.0
    codes = (codes - centre) / scale
    # For two classes scikit-learn fits the one vector w = W_1 - W_0 with the penalty |w|^2 / 2. At
    # the optimum W_0 = -W_1, so that |W|^2 is half of |w|^2.
    share = 0.5 if len(classes) == 2 else 1.0
    model = LogisticRegression(
        C=scale**2 / (share * penalty) if penalty else np.inf,
        tol=max(_RELATIVE_TOLERANCE * _gradient_at_start(codes, index, len(classes)), 1e-15),
        max_iter=max_iterations,
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(codes, index)
    converged = not any(issubclass(w.category, ConvergenceWarning) for w in caught)
    return classes, lambda codes: model.predict_proba((codes - centre) / scale), converged


def fit_and_score(codes, labels, test_codes, test_labels, penalty=1.0, max_iterations=10_000):
    """Fits a multinomial logistic regression (see `fit`) and measures it on test data.

    Args:
      codes, labels, penalty, max_iterations: as in `fit`.
      test_codes, test_labels: float64 `[m, D]` and integers `[m]`.

    Returns:
      (accuracy on the test data in [0, 1], whether the fit has converged).

    Raises:
      ValueError: as `fit`.
    """
    classes, probabilities, converged = fit(codes, labels, penalty, max_iterations)
    predicted = classes[probabilities(test_codes).argmax(axis=1)]
    return float(np.mean(predicted == test_labels)), converged


def _gradient_at_start(codes, index, num_classes):
    """Largest entry of the gradient of the mean loss at W = 0, b = 0."""
    features = np.concatenate([codes, np.ones((len(codes), 1))], axis=1)
    sums = np.zeros((num_classes, features.shape[1]))
    np.add.at(sums, index, features)
    return float(np.abs(features.sum(axis=0) / num_classes - sums).max() / len(codes))
