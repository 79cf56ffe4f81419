"""From what a user hands to `fit`, `evaluate` and `predict` to what Keras is given."""

import keras
import numpy as np
import tensorflow as tf

from tfsp.models.inputs import data_checks, dataset_form, example_weights


def prepare(
    model,
    x,
    y=None,
    sample_weight=None,
    class_weight=None,
    steps=None,
    steps_name="steps_per_epoch",
    name="x",
    stacklevel=3,
):
    """Checks data and weights of examples.

    Keras drops `sample_weight` where there are no labels. Labels with nothing in them, `[n, 0]`,
    stand in for them then.

    Args:
      model: a `StructuredVAE`.
      x, y, sample_weight, class_weight: see `fit`.
      steps: how many batches of a dataset are to be taken, None for all.
      steps_name, name: what the user calls `steps` and `x`, for the errors.
      stacklevel: of warnings, from here to the user's call.

    Returns:
      (x, y, sample_weight, class_weight) for Keras.

    Raises:
      ValueError: for data and weights that cannot be, see `data_checks` and `example_weights`.
    """
    examples = without_index(x) if getattr(model, "needs_index", False) else x
    indexed = examples is not x
    data_checks.check_form(examples, model.data_shape, steps, steps_name, name)
    data_checks.check(examples, model.likelihood, stacklevel + 1)
    if class_weight is not None:
        example_weights.check_classes(class_weight, x, y)
        if isinstance(x, tf.data.Dataset):
            x, class_weight = example_weights.weigh_classes(x, class_weight), None
    if isinstance(x, tf.data.Dataset):
        _check_weights_within(x)
    elif sample_weight is not None and (indexed or hasattr(x, "shape")):
        sample_weight = example_weights.check_samples(sample_weight, len(examples))
        if y is None:
            y = np.zeros((len(examples), 0), "float32")
    return x, y, sample_weight, class_weight


def prepare_validation(model, data, steps):
    """`validation_data` for Keras, checked like training data.

    Args:
      data: None, an array, a dataset, or (x,), (x, y) or (x, y, sample_weight), y perhaps None.
      steps: `validation_steps`.
    """
    if data is None:
        return None
    x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
    x, y, weights, _ = prepare(
        model, x, y, weights, None, steps, "validation_steps", "validation_data", stacklevel=4
    )
    if not isinstance(data, (tuple, list)):
        return x
    return x, y, weights


def without_index(x):
    """Of a dict with an entry "x", or a dataset of such, that entry; anything else as it is."""
    if not isinstance(x, tf.data.Dataset):
        return x["x"] if hasattr(x, "keys") and "x" in x else x
    spec = dataset_form.example_spec(x)
    if not (hasattr(spec, "keys") and "x" in spec):
        return x
    return x.map(lambda *element: (element[0]["x"], *element[1:]))


def _check_weights_within(dataset):
    """Raises ValueError for weights of examples in a dataset that cannot be: spec, first batch."""
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) < 3 or isinstance(spec[2], tf.NoneTensorSpec):
        return
    shape = spec[2].shape
    if shape.rank not in (None, 1):
        raise ValueError(
            "The weights of examples in a dataset must be one number for each, shape [B]. "
            f"Received: {tuple(shape)}."
        )
    example_weights.check_samples(data_checks.first_batch(dataset)[2])
