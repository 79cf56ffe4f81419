"""Laplace likelihood: sharper images than the Gaussian's, less swayed by outliers."""

import tensorflow_probability as tfp

from tfsp.likelihoods.base import register
from tfsp.likelihoods.location_scale import LocationScale

tfd = tfp.distributions


@register("laplace")
class Laplace(LocationScale):
    __doc__ = (
        "p(x) = exp(-|x - location| / scale) / (2 scale).\n\n"
        + LocationScale.__doc__.split("\n\n", 1)[1]
    )

    def pixel_distribution(self, *outputs):
        return tfd.Laplace(*self.location_and_scale(*outputs))
