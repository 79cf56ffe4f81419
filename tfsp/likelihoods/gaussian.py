"""Gaussian likelihood."""

import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfsp.likelihoods.base import register
from tfsp.likelihoods.location_scale import LocationScale


@register("gaussian")
class Gaussian(LocationScale):  # noqa: D101, its docstring is put together
    __doc__ = (
        "p(x) = N(x; location, scale^2).\n\n" + (LocationScale.__doc__ or "").split("\n\n", 1)[1]
    )

    def pixel_distribution(self, *outputs: tf.Tensor) -> tfd.Distribution:
        return tfd.Normal(*self.location_and_scale(*outputs))
