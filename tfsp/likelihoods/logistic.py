"""Discretised logistic likelihood for colour images."""

import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfsp.distributions import DiscretizedLogistic
from tfsp.likelihoods.base import Likelihood, register


@register("logistic")
class Logistic(Likelihood):
    """Discretised logistic over 256 levels, location sigmoid(output 1), log scale output 2 - 2.

    Two numbers per entry of x instead of the categorical's 256, and neighbouring levels are
    alike from the start. Log scales are kept in [-7, 5] (one level is 1/255 = exp(-5.5) wide).

    Source: Salimans et al. 2017, arXiv:1701.05517, eq. (2), one component.
    """

    num_parameters = 2
    kind = "discrete"

    def pixel_distribution(self, location: tf.Tensor, log_scale: tf.Tensor) -> tfd.Distribution:
        # Shifted by -2: a fresh decoder starts near a scale of 0.14, the spread of pixels.
        log_scale = tf.clip_by_value(log_scale - 2.0, -7.0, 5.0)
        return DiscretizedLogistic(tf.sigmoid(location), log_scale, self.num_levels)
