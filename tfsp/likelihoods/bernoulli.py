"""Bernoulli likelihood for binary images."""

from typing import Any

import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfsp import gradients
from tfsp.likelihoods.base import Likelihood, register


@register("bernoulli")
class Bernoulli(Likelihood):
    """p(x = 1) = sigmoid(output).

    For binary x. With grey values in between, the sum is no log-probability (the constant of
    the continuous Bernoulli is missing): binarise the data or take `continuous_bernoulli`.
    """

    kind = "discrete"
    num_levels = 2

    def pixel_distribution(self, logits: tf.Tensor) -> tfd.Distribution:
        return tfd.Bernoulli(logits=logits, dtype=logits.dtype)

    def log_prob(self, x: Any, outputs: tf.Tensor, data_rank: int) -> tf.Tensor:
        """log p(x | outputs) = sum x l - log(1 + e^l) in nats, with one logarithm for many pixels.

        The value is that of `distribution(outputs).log_prob(x)` up to rounding.
        """
        if self.missing:
            return super().log_prob(x, outputs, data_rank)
        logits = tf.cast(outputs, self.variable_dtype)
        x = tf.cast(x, logits.dtype)
        axes = list(range(-data_rank, 0))
        batch_rank = logits.shape.rank - data_rank
        num_pixels = logits.shape[batch_rank:].num_elements()
        flat = tf.concat([tf.shape(logits)[:batch_rank], [num_pixels]], axis=0)
        return tf.reduce_sum(x * logits, axis=axes) - _sum_softplus(tf.reshape(logits, flat))


def _softplus_gradient(upstream, value, logits):
    return [upstream[..., tf.newaxis] * tf.sigmoid(logits)]


@gradients.explicit(_softplus_gradient)
def _sum_softplus(logits):
    """sum log(1 + e^l) over the last axis, as sum max(l, 0) + log prod (1 + e^-|l|).

    Every factor lies in [1, 2], so a product of up to 64 stays far from overflow, and a single
    logarithm takes it: logarithms would be most of the cost of log p(x | z). The gradient is
    that of the softplus, written out.
    """
    num_pixels = logits.shape[-1]
    group = max(d for d in range(1, min(num_pixels, 64) + 1) if num_pixels % d == 0)
    shape = tf.concat([tf.shape(logits)[:-1], [num_pixels // group, group]], axis=0)
    products = tf.reduce_prod(tf.reshape(1.0 + tf.exp(-tf.abs(logits)), shape), axis=-1)
    return tf.reduce_sum(tf.nn.relu(logits), axis=-1) + tf.reduce_sum(
        tf.math.log(products), axis=-1
    )
