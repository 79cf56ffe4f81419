"""Numbers of draws that are integers."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import arguments

tfd = tfp.distributions


class IntegerDraws(tfd.Distribution):
    """Base of distributions: 2.5 draws are an error, where TFP would make two.

    No mixin of its own: TFP copies `sample` from the first base that is a distribution into each
    class whose `_sample_n` has a docstring.
    """

    def sample(self, sample_shape=(), seed=None, name="sample", **kwargs):
        """See `tfd.Distribution.sample`.

        Raises:
          ValueError: `sample_shape` is neither a non-negative integer nor a list of them.
        """
        return super().sample(_checked(sample_shape), seed, name, **kwargs)

    def experimental_sample_and_log_prob(
        self, sample_shape=(), seed=None, name="sample_and_log_prob", **kwargs
    ):
        """See `tfd.Distribution.experimental_sample_and_log_prob`.

        Raises:
          ValueError: `sample_shape` is neither a non-negative integer nor a list of them.
        """
        sample = super().experimental_sample_and_log_prob
        return sample(_checked(sample_shape), seed, name, **kwargs)


def _checked(sample_shape):
    if tf.is_tensor(sample_shape) and sample_shape.dtype.is_integer:
        return sample_shape  # perhaps of a graph, which knows neither rank nor values
    if isinstance(sample_shape, np.ndarray):
        several = sample_shape.ndim > 0
    else:
        several = isinstance(sample_shape, (list, tuple, tf.TensorShape))
    for size in sample_shape if several else (sample_shape,):
        arguments.count("sample_shape", size)
    return sample_shape
