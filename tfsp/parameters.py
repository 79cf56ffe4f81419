"""Parameters of distributions and bijectors: tensors, or variables that are read when needed."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow_probability.python.internal import tensor_util  # it has no public name

tfb = tfp.bijectors


def hold(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """`value` as a tensor, but what may change (a variable) as it is.

    A TFP object that keeps the variable itself sees later `assign`s and hands gradients to it;
    `tf.convert_to_tensor` reads it at the moment of use.

    Args:
      value: what `tf.convert_to_tensor` takes; a `tf.Variable`, `tfp.util.TransformedVariable` or
        `DeferredTensor` is returned, and of a Keras variable the `tf.Variable` within.
      dtype: of the tensor; None takes the value's own.

    Raises:
      TypeError: if a variable has another dtype.
      ValueError: if a tensor has another dtype.
    """
    return tensor_util.convert_nonref_to_tensor(variable_within(value), dtype, name=name)


def variable_within(value: Any) -> Any:
    """The `tf.Variable` of a Keras variable, which TFP knows; anything else as it is."""
    return value.value if isinstance(value, keras.Variable) else value


def is_variable(value: Any) -> bool:
    """Whether `hold` keeps `value` as something whose numbers may change."""
    return isinstance(value, keras.Variable) or tensor_util.is_ref(value)


def common_dtype(*values: Any, default: tf.DType = tf.float32) -> tf.DType:
    """The dtype of the first tensor or variable among `values`, `default` if there is none."""
    return next(
        (tf.as_dtype(v.dtype) for v in values if tf.is_tensor(v) or is_variable(v)), default
    )


def real(event_ndims: int = 0, **options: Any) -> tfp.util.ParameterProperties:
    """Properties of a parameter that may be any number; `event_ndims` as of TFP."""
    return tfp.util.ParameterProperties(event_ndims=event_ndims, **options)


def positive(dtype: Any, **options: Any) -> tfp.util.ParameterProperties:
    """Properties of a positive parameter; a trainable one stays above the dtype's resolution."""
    eps = np.finfo(tf.as_dtype(dtype).as_numpy_dtype).eps

    def above_zero():
        return tfb.Softplus(low=eps)

    return tfp.util.ParameterProperties(default_constraining_bijector_fn=above_zero, **options)


def not_implied(what: str) -> Callable[[Any], Any]:
    """A `shape_fn` for a parameter whose shape does not follow from that of a sample."""

    def shape_fn(sample_shape):
        raise NotImplementedError(
            f"The shape of a sample, {sample_shape}, does not tell {what}: pass this parameter "
            "(it may be a `tf.Variable`)."
        )

    return shape_fn
