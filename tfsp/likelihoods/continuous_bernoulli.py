"""Continuous Bernoulli likelihood for grey values in [0, 1]."""

import math

import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfsp.likelihoods.base import Likelihood, register
from tfsp.sample_shape import IntegerDraws

# Bernoulli's numbers B_2, B_4, ...: coth(l / 2) / 2 - 1 / l = sum of B_n l^(n-1) / n!. With these
# ten the sum is exact to 1e-16 for |l| <= 1.
_BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510]
_BERNOULLI += [43867 / 798, -174611 / 330]
_SERIES = [number / math.factorial(2 * k + 2) for k, number in enumerate(_BERNOULLI)]


class _ContinuousBernoulli(IntegerDraws, tfd.ContinuousBernoulli):
    """`tfd.ContinuousBernoulli` whose mean is made of what all runtimes of served models have.

    E[x] = 1 / (1 - e^-l) - 1 / l,    l the logit; a series where the two nearly cancel
    """

    def _mean(self):
        logits = self.logits_parameter()
        size = tf.abs(logits)
        near = size < 1.0
        square = tf.where(near, logits, tf.zeros_like(logits)) ** 2
        series = tf.zeros_like(logits)
        for coefficient in reversed(_SERIES):
            series = series * square + coefficient
        far = tf.where(near, tf.ones_like(size), size)  # at and above 1, also in the gradient
        upper = 1.0 / (1.0 - tf.exp(-far)) - 1.0 / far
        return tf.where(near, 0.5 + logits * series, tf.where(logits > 0, upper, 1.0 - upper))


@register("continuous_bernoulli")
class ContinuousBernoulli(Likelihood):
    """p(x) = C(p) p^x (1-p)^(1-x) on [0, 1], p = sigmoid(output), C the normalising constant.

    Source: Loaiza-Ganem & Cunningham 2019, arXiv:1907.06845.
    """

    def pixel_distribution(self, logits: tf.Tensor) -> tfd.Distribution:
        return _ContinuousBernoulli(logits=logits, dtype=logits.dtype)
