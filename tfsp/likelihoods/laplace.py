"""Laplace likelihood: sharper images than the Gaussian's, less swayed by outliers."""

import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfsp.likelihoods.base import register
from tfsp.likelihoods.location_scale import LocationScale
from tfsp.sample_shape import IntegerDraws


class _Laplace(IntegerDraws, tfd.Laplace):
    """`tfd.Laplace` whose mean needs no shapes, which some runtimes of served models lack."""

    def _mean(self):
        return self.loc + tf.zeros_like(self.scale)


@register("laplace")
class Laplace(LocationScale):  # noqa: D101, its docstring is put together
    __doc__ = (
        "p(x) = exp(-|x - location| / scale) / (2 scale).\n\n"
        + (LocationScale.__doc__ or "").split("\n\n", 1)[1]
    )

    def pixel_distribution(self, *outputs: tf.Tensor) -> tfd.Distribution:
        return _Laplace(*self.location_and_scale(*outputs))
