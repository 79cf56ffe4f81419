"""What a classifier sees in examples: shares of the classes, and uncertainty."""

import dataclasses
from collections.abc import Callable

import numpy as np

from tfsp import arguments
from tfsp.measures.checks import check_labels
from tfsp.measures.classifier import fit


@dataclasses.dataclass(frozen=True, eq=False)
class Labeller:
    """A classifier of examples.

    Attributes:
      classes: `[K]`, the labels, sorted.
      function: examples `[n, ...]` -> probabilities `[n, K]`, rows that sum to 1.
      description: what it is and was trained on.
    """

    classes: np.ndarray
    function: Callable
    description: str = ""

    def __call__(self, examples):
        return self.function(examples)


def logistic_labeller(examples, labels, penalty=1.0):
    """Logistic regression on the entries of the examples, trained to convergence.

    Args:
      examples: `[n, ...]`, such as images; flattened.
      labels: integers `[n]`, at least two classes.
      penalty: weight of |W|^2 / 2, as in `few_shot`.

    Returns:
      `Labeller`.

    Raises:
      ValueError: for shapes that do not fit, or a single class.

    Source: Miao et al. 2022, section 6.2: "we further train a logistic classifier".
    """
    flat = _flat(examples, "examples")
    labels = check_labels(labels, flat)
    classes, probabilities, converged = fit(flat, labels, penalty)
    if len(classes) < 2:
        raise ValueError(f"A classifier needs at least two classes. Received: only {classes[0]}.")
    description = f"logistic regression on {len(flat)} examples" + (
        "" if converged else ", not converged"
    )
    return Labeller(classes, lambda x: probabilities(_flat(x, "examples")), description)


def proportions(examples, labeller, confidence=0.8):
    """Shares of the classes among examples, and of uncertain examples.

    An example counts for the class of its highest probability; it is uncertain if that
    probability lies below `confidence`. Uncertain examples count for their class too.

    Args:
      examples: `[n, ...]`, samples of a model or data.
      labeller: `Labeller`.
      confidence: in (1 / K, 1].

    Returns:
      dict: uncertainty in [0, 1]; classes, list `[K]`; shares, list `[K]` with sum 1; num_examples.

    Raises:
      ValueError: for a labeller whose output is not probabilities, no examples, or a `confidence`
        out of range.

    Source: Miao et al. 2022, Table 2 (confidence 80%).
    """
    examples = np.asarray(examples)
    count = len(labeller.classes)
    meaning = f"more than 1 / {count}, which is chance for {count} classes"
    confidence = arguments.number("confidence", confidence, f"({1 / count}, 1]", meaning)
    if not len(examples):
        raise ValueError("There are no examples to classify.")
    probabilities = np.asarray(labeller(examples), np.float64)
    right = probabilities.shape == (len(examples), count)
    if not right or not np.allclose(probabilities.sum(axis=-1), 1.0, atol=1e-4):
        raise ValueError(
            f"The classifier must give probabilities [{len(examples)}, {count}], rows that sum to "
            f"1. Received: shape {probabilities.shape}."
        )
    shares = np.bincount(probabilities.argmax(axis=1), minlength=count) / len(examples)
    return {
        "uncertainty": float(np.mean(probabilities.max(axis=1) < confidence)),
        "classes": np.asarray(labeller.classes).tolist(),
        "shares": shares.tolist(),
        "num_examples": len(examples),
    }


def _flat(examples, name):
    examples = np.asarray(examples, np.float64)
    if examples.ndim < 2 or not examples.size:
        raise ValueError(f"`{name}` must be [n, ...]. Received: shape {examples.shape}.")
    return examples.reshape(len(examples), -1)
