"""Gaussian likelihood."""

import tensorflow_probability as tfp

from tfsp.likelihoods.base import register
from tfsp.likelihoods.location_scale import LocationScale

tfd = tfp.distributions


@register("gaussian")
class Gaussian(LocationScale):  # noqa: D101, its docstring is put together
    __doc__ = "p(x) = N(x; location, scale^2).\n\n" + LocationScale.__doc__.split("\n\n", 1)[1]

    def pixel_distribution(self, *outputs):
        return tfd.Normal(*self.location_and_scale(*outputs))
