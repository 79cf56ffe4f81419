"""Bernoulli likelihood for binary images."""

import tensorflow_probability as tfp

from tfsp.likelihoods.base import Likelihood, register

tfd = tfp.distributions


@register("bernoulli")
class Bernoulli(Likelihood):
    """p(x = 1) = sigmoid(output).

    For binary x. With grey values in between, the sum is no log-probability (the constant of
    the continuous Bernoulli is missing): binarise the data or take `continuous_bernoulli`.
    """

    kind = "discrete"
    num_levels = 2

    def pixel_distribution(self, logits):
        return tfd.Bernoulli(logits=logits, dtype=logits.dtype)
