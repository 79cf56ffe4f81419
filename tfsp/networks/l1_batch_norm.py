"""Batch normalisation by mean absolute deviations, with bounds on scale and offset."""

import keras
import numpy as np
import tensorflow as tf

from tfsp import arguments


@keras.saving.register_keras_serializable("tfsp")
class L1BatchNorm(keras.layers.Layer):
    """x_bn = y / (mean|y| + epsilon) * s + o,  y = x - mean(x); means over all axes but the last.

    With `scale_bounds` = (low, high) the learned scale stays in low <= s <= high and the learned
    offset in -s <= o <= s, by projection after each step. Before a logistic function this keeps
    every unit both on and off within a batch, so that all units are used.

    In training the means are those of the batch (on several replicas: of the replica's share),
    and moving averages of them are kept; elsewhere the averages stand in for them.

    Args:
      scale_bounds: (low, high), or None for neither bound.
      momentum: share of the old moving average in the new one.
      epsilon: added to the mean absolute deviation.
      num_places: how many places the layer stands at, each with moving averages of its own: where
        parameters are shared the inputs differ from place to place, and averages over all of them
        would fit none.

    Raises:
      ValueError: unless 0 < low <= high, 0 <= momentum < 1, epsilon > 0 and num_places >= 1.

    Source: Rolfe 2017, arXiv:1609.02200, appendix H.2, with (2, 3) for the posterior's units.
    """

    def __init__(self, scale_bounds=None, momentum=0.99, epsilon=1e-3, num_places=1, **kwargs):
        kwargs.setdefault("autocast", False)  # deviations are computed in float32 or better
        super().__init__(**kwargs)
        if scale_bounds is not None:
            if np.shape(scale_bounds) != (2,):
                raise ValueError(
                    "`scale_bounds` must be (low, high) with 0 < low <= high, or None. "
                    f"Received: {scale_bounds!r}."
                )
            low = arguments.number("scale_bounds[0]", scale_bounds[0], "(0, inf)")
            high = arguments.number("scale_bounds[1]", scale_bounds[1], f"[{low!r}, inf]")
            scale_bounds = (low, high)
        self.num_places = arguments.integer("num_places", num_places)
        self.scale_bounds = scale_bounds
        self.momentum = arguments.number("momentum", momentum, "[0, 1)")
        self.epsilon = arguments.number("epsilon", epsilon, "(0, inf)")

    def build(self, input_shape):
        shape = (int(input_shape[-1]),)
        low = 1.0 if self.scale_bounds is None else self.scale_bounds[0]
        self.scale = self.add_weight(
            name="scale",
            shape=shape,
            initializer=keras.initializers.Constant(low),
            constraint=self._bound_scale if self.scale_bounds else None,
            autocast=False,
        )
        # Made after the scale: optimisers project in this order, so |o| <= s holds in the end.
        self.offset = self.add_weight(
            name="offset",
            shape=shape,
            initializer="zeros",
            constraint=self._bound_offset if self.scale_bounds else None,
            autocast=False,
        )
        fixed = {"trainable": False, "aggregation": "mean", "autocast": False}
        self.moving_means, self.moving_deviations = [], []
        for place in range(self.num_places):
            end = f"_{place}" if place else ""
            self.moving_means.append(
                self.add_weight(name=f"moving_mean{end}", shape=shape, initializer="zeros", **fixed)
            )
            self.moving_deviations.append(
                self.add_weight(
                    name=f"moving_deviation{end}", shape=shape, initializer="ones", **fixed
                )
            )
        self.built = True

    def call(self, inputs, training=False, place=0):
        moving_mean, moving_deviation = self.moving_means[place], self.moving_deviations[place]
        x = tf.cast(inputs, self.variable_dtype)
        if training:
            axes = list(range(x.shape.rank - 1))
            mean = _mean(x, axes, moving_mean)
            y = x - mean
            deviation = _mean(tf.abs(y), axes, moving_deviation)
            self._average(moving_mean, mean)
            self._average(moving_deviation, deviation)
        else:
            y = x - tf.convert_to_tensor(moving_mean)
            deviation = tf.convert_to_tensor(moving_deviation)
        scale = tf.convert_to_tensor(self.scale) / (deviation + self.epsilon)
        return tf.cast(y * scale + tf.convert_to_tensor(self.offset), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def _average(self, variable, value):
        old = tf.convert_to_tensor(variable)
        variable.assign(self.momentum * old + (1.0 - self.momentum) * tf.stop_gradient(value))

    def _bound_scale(self, scale):
        return tf.clip_by_value(scale, *self.scale_bounds)

    def _bound_offset(self, offset):
        scale = tf.convert_to_tensor(self.scale)
        return tf.clip_by_value(offset, -scale, scale)

    def get_config(self):
        return {
            **super().get_config(),
            "scale_bounds": self.scale_bounds,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "num_places": self.num_places,
        }


def _mean(x, axes, instead):
    """The mean of x; `instead` for no rows, the share of a replica whose data have ended."""
    empty = tf.equal(tf.size(x), 0)
    return tf.where(empty, tf.convert_to_tensor(instead), tf.reduce_mean(x, axis=axes))
