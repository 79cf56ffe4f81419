"""Checks of the tensors given to inductive maps."""

from typing import Any

import tensorflow as tf


def floating(y: Any, size: int | None = None) -> tf.Tensor:
    """`y` as a floating tensor whose last axis has `size` entries, where that is known."""
    y = tf.convert_to_tensor(y)
    if not y.dtype.is_floating:
        raise TypeError(f"Expected a floating tensor. Received dtype {y.dtype.name}.")
    if size is not None and (y.shape.rank == 0 or (y.shape.rank and y.shape[-1] != size)):
        raise ValueError(
            f"Expected vectors of {size} entries, `[..., {size}]`. Received shape {y.shape}."
        )
    return y
