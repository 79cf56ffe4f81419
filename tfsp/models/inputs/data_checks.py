"""Checks of what a user hands to `fit`, `evaluate` and `predict`."""

import warnings

import numpy as np
import tensorflow as tf

from tfsp.data import arrays
from tfsp.models.inputs import dataset_form


def check_form(x, data_shape=None, steps=None, steps_name="steps_per_epoch", name="x"):
    """Raises ValueError for what is not a batch of examples, and for an endless dataset.

    Args:
      x: what the user gave.
      data_shape: shape of one example, or None where the model has not been built.
      steps: how many batches are to be taken, None for all.
      steps_name, name: of the arguments, for the errors.
    """
    if x is None:
        raise ValueError(f"`{name}` is missing: an array [n, ...] or a batched `tf.data.Dataset`.")
    if hasattr(x, "keys"):
        key = next(iter(x), "image")
        raise ValueError(
            f"`{name}` must be one array of examples, or a dataset. Received: a dict with the keys "
            f"{_listed(x)}. Give the examples alone, such as data[{key!r}], and labels as `y`."
        )
    if isinstance(x, (list, tuple)):
        raise ValueError(
            f"`{name}` must be one array of examples, [n, ...], or a dataset; labels go into `y`, "
            f"weights into `sample_weight`. Received: a {type(x).__name__} of {len(x)}."
        )
    if isinstance(x, tf.data.Dataset):
        _check_dataset(x, data_shape, steps, steps_name, name)
    elif getattr(x, "shape", None) is not None and len(x.shape) and x.shape[0] == 0:
        raise ValueError(f"`{name}` holds no examples. Received: shape {tuple(x.shape)}.")


def _check_dataset(dataset, data_shape, steps, steps_name, name):
    spec = dataset_form.example_spec(dataset)
    if hasattr(spec, "keys"):
        image = "image" if "image" in spec else next(iter(spec))
        pair = f"(e[{image!r}], e['label'])" if "label" in spec else f"e[{image!r}]"
        raise ValueError(
            f"The elements of the dataset `{name}` must be x, (x, y) or (x, y, sample_weight). "
            f"Received: dicts with the keys {_listed(spec)}. Take out what is needed, for example "
            f"by `dataset.map(lambda e: {pair})`."
        )
    if dataset_form.is_unbatched(dataset, data_shape):
        known = "" if data_shape is None else f" of shape {data_shape}"
        rather = " If they are batches, call `model.build((None, *data_shape))` first."
        raise ValueError(
            f"The dataset `{name}` must yield batches [B, ...] of examples{known}. Its elements "
            f"look like single examples: x of shape {tuple(spec.shape)}. Call "
            f"`dataset.batch(batch_size)`.{'' if known else rather}"
        )
    if steps is None and dataset_form.is_infinite(dataset):
        raise ValueError(
            f"The dataset `{name}` has no end. Say by `{steps_name}` how many batches to take, or "
            "take some by `dataset.take(number_of_batches)`."
        )


def check(x, likelihood, stacklevel=3):
    """Raises ValueError for data outside the likelihood's support; warns of what is hardly meant.

    That is, data not binary under a Bernoulli likelihood, and `Likelihood.advice`. Whatever is an
    array to NumPy (variables, tables) is checked whole, datasets by their first batch, anything
    else (generators) not at all. Masked values are refused.

    Args:
      stacklevel: of the warning, from here to the user's call.
    """
    if isinstance(x, tf.data.Dataset):
        x = first_batch(x)
        x = x[0] if isinstance(x, tuple) else x
    if not hasattr(x, "__array__"):
        return
    values = numbers(arrays.plain(x, "`x`"), likelihood)
    if values is None or not values.size:
        return  # integers get their own message
    values = without_missing(values, likelihood)
    require_finite(values, values.min(), values.max())
    require_range(values, likelihood)
    if (advice := likelihood.advice(values)) is not None:
        warnings.warn(advice, stacklevel=stacklevel)
    if not likelihood.unit_interval:
        return
    name = type(likelihood).__name__
    binary = likelihood.kind == "discrete" and likelihood.num_levels == 2
    if binary and np.any((values != 0) & (values != 1)):
        warnings.warn(
            f"The data are not binary, so the log-likelihood of {name} is not a valid "
            "log-probability, and bounds cannot be compared. Binarise the data "
            "(`tfsp.data.load(..., binarization='dynamic')`), or use 'continuous_bernoulli'.",
            stacklevel=stacklevel,
        )


def examples(x, data_shape, dtype, likelihood):
    """x as a tensor of the dtype; raises ValueError where it cannot be what a model was built for.

    Args:
      data_shape: of one example; None where the model has not been built.
      likelihood: the model's: counts may be integers, and entries may be missing where it says so.
    """
    counts = likelihood.kind == "counts"
    if isinstance(x, (tf.data.Dataset, tuple, dict)):
        raise ValueError(
            "Here x is one array or tensor of examples, [B, ...], without labels. Received: "
            f"{type(x).__name__}. For datasets and pairs (x, y) take the functions of "
            "`tfsp.evaluation`, such as `encode(model, data)`, or `model.predict`."
        )
    x = tf.convert_to_tensor(x)
    if x.dtype.is_bool or (x.dtype.is_integer and not counts):
        if counts:
            wanted, mend = "counts", "by `x.astype('float32')`"
        else:
            wanted = "floating, on [0, 1]"
            mend = (
                "for example by `x.astype('float32') / 255`. Counts go with the likelihood "
                "'negative_binomial'"
            )
        raise ValueError(
            f"Data must be {wanted}. Received dtype {x.dtype.name}: convert it, {mend}."
        )
    if data_shape is not None and tuple(x.shape[1:]) != data_shape:
        raise ValueError(
            f"This model was built for examples of shape {data_shape}. Received a batch of shape "
            f"{tuple(x.shape)}, examples of shape {tuple(x.shape[1:])}."
        )
    if tf.executing_eagerly():
        require_finite(without_missing(x.numpy(), likelihood))
    return tf.cast(x, dtype)


def floats(values):
    """A floating NumPy array, bfloat16 (which NumPy does not know) as float32; None for others."""
    if not arrays.is_floating(values.dtype):
        return None
    return values.astype(np.float32) if values.dtype == "bfloat16" else values


def numbers(values, likelihood=None):
    """As `floats`, and integers as they are where the likelihood is of counts."""
    if likelihood is not None and likelihood.kind == "counts" and values.dtype.kind in "iu":
        return values
    return floats(values)


def without_missing(values, likelihood=None):
    """An array with 0, which any x may be, in place of NaN where the likelihood allows NaN."""
    if likelihood is None or not likelihood.missing or values.dtype.kind != "f":
        return values
    absent = np.isnan(values)
    return np.where(absent, values.dtype.type(0), values) if absent.any() else values


def require_range(values, likelihood):
    """Raises ValueError for a finite array of values that the likelihood cannot have.

    Those are, as it needs, numbers outside [0, 1], what are no counts, and what it refuses itself.
    """
    likelihood.require(values)
    if likelihood.kind == "counts":
        require_counts(values, likelihood)
    if not likelihood.unit_interval:
        return
    low, high = values.min(), values.max()
    if low < 0 or high > 1:
        raise ValueError(
            f"The likelihood {type(likelihood).__name__} needs data in [0, 1]. Received values "
            f"from {low:.6g} to {high:.6g}. Scale them (x / 255 for 8-bit images), or take the "
            "likelihood 'gaussian' or 'laplace', of counts 'negative_binomial'."
        )


def require_counts(values, likelihood):
    """Raises ValueError that names the first entry of a finite array below 0 or not whole."""
    wrong = values < 0
    if values.dtype.kind == "f":
        wrong |= values != np.rint(values)
    if not wrong.any():
        return
    place = [int(i) for i in np.argwhere(wrong)[0]]
    value = values[tuple(place)]
    if value < 0:
        mend = "Has something been subtracted from them?"
    else:
        mend = (
            "Give them as they were counted, not scaled: encoders see log(1 + x) by themselves, "
            "and totals of examples may differ."
        )
    raise ValueError(
        f"The likelihood {type(likelihood).__name__} needs counts, whole numbers from 0. Received: "
        f"x{place} = {value}. {mend} For other numbers take the likelihood 'gaussian' or 'laplace'."
    )


def require_finite(values, *extremes):
    """Raises ValueError that names the first entry of an array that is NaN or infinite.

    Args:
      *extremes: the smallest and the largest value, where they are known.
    """
    if np.isfinite(extremes or values).all():
        return
    place = [int(i) for i in np.argwhere(~np.isfinite(values))[0]]
    raise ValueError(
        f"Data must be finite. Received: x{place} = {values[tuple(place)]}. {mend(values)}"
    )


def mend(values):
    """What to do about an array that is not finite."""
    if np.isinf(values).any():
        return "Clean the data first."
    return (
        "Clean the data first, or have missing entries (NaN) left out by a likelihood made for "
        "them: {'name': 'gaussian', 'standardize': True, 'missing': True}."
    )


def first_batch(dataset):
    """The first element of a dataset; raises ValueError if there is none or it is empty."""
    batch = next(iter(dataset.take(1)), None)
    x = batch[0] if isinstance(batch, tuple) else batch
    if batch is None or (hasattr(x, "shape") and x.shape.rank and x.shape[0] == 0):
        raise ValueError(
            "The dataset holds no examples. Is its source empty, or do `filter`, `take` and "
            "`drop_remainder` leave nothing of it?"
        )
    return batch


def _listed(keys):
    return ", ".join(map(repr, keys))
