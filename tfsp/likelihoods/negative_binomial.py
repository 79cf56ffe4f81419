"""Negative binomial likelihoods for counts, with more zeros and without."""

from typing import Any

import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfsp.likelihoods.base import register
from tfsp.likelihoods.count_distributions import (
    NegativeBinomialCounts,
    ZeroInflatedNegativeBinomialCounts,
)
from tfsp.likelihoods.dispersed_counts import DispersedCounts


@register("negative_binomial")
class NegativeBinomial(DispersedCounts):
    """Counts of mean mu, as `poisson`, and variance mu + mu^2 / theta, theta learned.

    Outputs of the decoder: logits of mu, and with dispersion="example" log theta.

    Args:
      **kwargs: of `DispersedCounts`: dispersion, and of `CountLikelihood`.

    Source: see `CountLikelihood`.
    """

    def pixel_distribution(self, log_mean: tf.Tensor, *others: tf.Tensor) -> tfd.Distribution:
        return NegativeBinomialCounts(log_mean, self.log_inverse_dispersion(*others))


@register("zero_inflated_negative_binomial")
class ZeroInflatedNegativeBinomial(DispersedCounts):
    """Counts: 0 with a probability pi, otherwise as `negative_binomial`.

    Outputs of the decoder: logits of mu, with dispersion="example" log theta, and logits of pi for
    each entry of each x. The mean is (1 - pi) mu.

    Args:
      **kwargs: of `DispersedCounts`: dispersion, and of `CountLikelihood`.

    Source: see `CountLikelihood`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_parameters += 1

    def pixel_distribution(self, log_mean: tf.Tensor, *others: tf.Tensor) -> tfd.Distribution:
        *dispersion, zero_logits = others
        return ZeroInflatedNegativeBinomialCounts(
            log_mean, self.log_inverse_dispersion(*dispersion), zero_logits
        )
