"""Checks of what a user hands to `fit` and `evaluate`."""

import warnings

import numpy as np
import tensorflow as tf


def check(x, likelihood):
    """Raises ValueError for data that the likelihood cannot mean; warns of grey binary data.

    Arrays are looked at whole, datasets by their first batch, anything else (generators) not at
    all.
    """
    if isinstance(x, tf.data.Dataset):
        x = next(iter(x.take(1)), None)
        x = x[0] if isinstance(x, tuple) else x
    if not isinstance(x, (np.ndarray, tf.Tensor)) or (isinstance(x, tf.Tensor) and x.dtype.is_bool):
        return
    values = np.asarray(x)
    if values.dtype.kind != "f" or not values.size:
        return  # integers get their own message
    low, high = values.min(), values.max()
    if not np.isfinite([low, high]).all():
        place = [int(i) for i in np.argwhere(~np.isfinite(values))[0]]
        raise ValueError(
            f"Data must be finite. Received: x{place} = {values[tuple(place)]}. Clean the data "
            "first."
        )
    if not likelihood.unit_interval:
        return
    name = type(likelihood).__name__
    if low < 0 or high > 1:
        raise ValueError(
            f"The likelihood {name} needs data in [0, 1]. Received values from {low:.6g} to "
            f"{high:.6g}. Scale them (x / 255 for 8-bit images), or take the likelihood 'gaussian' "
            "or 'laplace'."
        )
    binary = likelihood.kind == "discrete" and likelihood.num_levels == 2
    if binary and np.any((values != 0) & (values != 1)):
        warnings.warn(
            f"The data are grey, but the likelihood {name} is meant for 0 and 1: what it gives is "
            "no log-probability, and bounds cannot be compared. Binarise the data "
            "(`tfsp.data.load(..., binarization='dynamic')`), or take 'continuous_bernoulli'.",
            stacklevel=3,
        )
