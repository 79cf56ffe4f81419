"""Continuous Bernoulli likelihood for grey values in [0, 1]."""

import tensorflow_probability as tfp

from tfsp.likelihoods.base import Likelihood, register

tfd = tfp.distributions


@register("continuous_bernoulli")
class ContinuousBernoulli(Likelihood):
    """p(x) = C(p) p^x (1-p)^(1-x) on [0, 1], p = sigmoid(output), C the normalising constant.

    Source: Loaiza-Ganem & Cunningham 2019, arXiv:1907.06845.
    """

    def pixel_distribution(self, logits):
        return tfd.ContinuousBernoulli(logits=logits, dtype=logits.dtype)
