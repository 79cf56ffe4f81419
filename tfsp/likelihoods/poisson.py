"""Poisson likelihood for counts."""

import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfsp.likelihoods.base import register
from tfsp.likelihoods.count_distributions import PoissonCounts
from tfsp.likelihoods.counts import CountLikelihood


@register("poisson")
class Poisson(CountLikelihood):
    """Counts: P(x) = mu^x e^-mu / x!, mu the total of the example times softmax(output).

    Args:
      **kwargs: of `CountLikelihood`: library, typical_library, log1p.

    Source: see `CountLikelihood`.
    """

    def pixel_distribution(self, log_mean: tf.Tensor) -> tfd.Distribution:
        return PoissonCounts(log_mean)
