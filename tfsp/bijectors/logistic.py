"""The logistic function, with gradients that stay finite."""

import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from tfsp.bijectors import checks


class Logistic(tfb.Bijector):
    """y = 1 / (1 + exp(-x)), from the real line to (0, 1), entry by entry.

    As `tfb.Sigmoid`, whose gradient is NaN for x above 88.7 in float32 (its branch for negative x
    overflows there, and 0 times infinity is left of it). Here values, gradients and slopes are
    finite for all finite x.
    """

    def __init__(self, validate_args: bool = False, name: str = "logistic") -> None:
        given = dict(locals())
        super().__init__(
            forward_min_event_ndims=0, validate_args=validate_args, parameters=given, name=name
        )

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}

    @classmethod
    def _is_increasing(cls):
        return True

    def _forward(self, x):
        return tf.sigmoid(checks.floating(x))

    def _inverse(self, y):
        y = checks.floating(y)
        return tf.math.log(y) - tf.math.log1p(-y)

    def _forward_log_det_jacobian(self, x):
        # From x: log(y) + log(1-y) would lose the digits of a y next to 1.
        return tf.math.log_sigmoid(x) + tf.math.log_sigmoid(-x)
