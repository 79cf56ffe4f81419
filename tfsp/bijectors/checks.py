"""Checks that the inductive maps share."""

import math
import numbers

import tensorflow as tf


def integer(name, value, least, meaning):
    """`value` as an int; raises ValueError below `least` or for what is no integer."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or value < least:
        raise ValueError(
            f"`{name}` must be an integer of at least {least}: {meaning}. Received: {value!r}."
        )
    return int(value)


def positive(name, value, most=math.inf):
    """`value` as a float; raises ValueError unless 0 < value <= most."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not 0 < value < math.inf or value > most:
        limit = "" if most == math.inf else f" and at most {most}"
        raise ValueError(f"`{name}` must be positive and finite{limit}. Received: {value!r}.")
    return float(value)


def floating(y, size=None):
    """`y` as a floating tensor whose last axis has `size` entries, where that is known."""
    y = tf.convert_to_tensor(y)
    if not y.dtype.is_floating:
        raise TypeError(f"Expected a floating tensor. Received dtype {y.dtype.name}.")
    if size is not None and (y.shape.rank == 0 or (y.shape.rank and y.shape[-1] != size)):
        raise ValueError(
            f"Expected vectors of {size} entries, `[..., {size}]`. Received shape {y.shape}."
        )
    return y
