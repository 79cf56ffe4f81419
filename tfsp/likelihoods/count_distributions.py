"""Distributions over 0, 1, 2, ..., by the logs of their parameters and stable in float32.

Written out by log-gamma functions a probability of 1e5 counts is the difference of numbers of 1e6,
of which float32 keeps no digit behind the point. Here the large parts are taken together first
(Loader 2000, "Fast and accurate computation of binomial probabilities"):

    log x! = x log x - x + 1/2 log(2 pi x) + S(x)
    phi(r) = e^r - 1 - r

where S is small, and phi too wherever the probability is not.
"""

import math
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow_probability import distributions as tfd

from tfsp import parameters
from tfsp.distributions.measures import Discrete
from tfsp.sample_shape import IntegerDraws

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
# S(z) = sum of these / z^(2k+1), from Bernoulli's numbers; exact to 1e-15 for z >= 10.
_STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360]
_SERIES_FROM = 10.0


def stirling_error(z: tf.Tensor, log_z: tf.Tensor) -> tf.Tensor:
    """S(z) = log Gamma(z + 1) - (z + 1/2) log z + z - 1/2 log(2 pi), for z > 0."""
    large = z >= _SERIES_FROM
    inverse = 1.0 / tf.where(large, z, tf.constant(_SERIES_FROM, z.dtype))
    series = tf.zeros_like(z)
    for coefficient in reversed(_STIRLING):
        series = series * inverse**2 + coefficient
    near = tf.where(large, tf.ones_like(z), z)
    log_near = tf.where(large, tf.zeros_like(z), log_z)
    direct = tf.math.lgamma(near + 1.0) - (near + 0.5) * log_near + near - _HALF_LOG_2PI
    return tf.where(large, series * inverse, direct)


def _phi(r):
    return tf.math.expm1(r) - r


class CountDistribution(Discrete, IntegerDraws):
    """What the three have in common: scalar events, and parameters that are tensors.

    A subclass defines `_at_zero()`, the log of the probability of 0, and `_above_zero(x, log_x)`,
    that of x > 0. For an x below 0 both come out as NaN.

    Args:
      log_mean: `[...]`, of the shape of the batch.
      name: of the distribution.
      **others: further parameters, of shapes that broadcast against it.
    """

    def __init__(self, log_mean: Any, name: str, **others: Any) -> None:
        self._log_mean = tf.convert_to_tensor(log_mean)
        super().__init__(
            dtype=self._log_mean.dtype,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters={"log_mean": log_mean, "name": name, **others},
            name=name,
        )

    def _event_shape(self):
        return tf.TensorShape([])

    def _event_shape_tensor(self):
        return tf.constant([], tf.int32)

    def _default_event_space_bijector(self):
        return None  # no smooth map leads to separate values

    def _log_prob(self, x):
        is_zero = tf.equal(x, 0.0)
        positive = tf.where(is_zero, tf.ones_like(x), x)
        above = self._above_zero(positive, tf.math.log(positive))
        return tf.where(is_zero, self._at_zero(), above)

    def _mean(self):
        return tf.exp(self._log_mean)

    def _shape(self, n):
        return tf.concat([[n], self.batch_shape_tensor()], axis=0)


class PoissonCounts(CountDistribution):
    """P(x) = mu^x e^-mu / x!

    Args:
      log_mean: log mu `[...]`.
      name: of the distribution.
    """

    def __init__(self, log_mean: Any, name: str = "PoissonCounts") -> None:
        super().__init__(log_mean, name)

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"log_mean": parameters.real()}

    def _at_zero(self):
        return -tf.exp(self._log_mean)

    def _above_zero(self, x, log_x):
        deviance = x * _phi(self._log_mean - log_x)
        return -_HALF_LOG_2PI - 0.5 * log_x - stirling_error(x, log_x) - deviance

    def _sample_n(self, n, seed=None):
        seed = tfp.random.sanitize_seed(seed)
        rate = tf.exp(self._log_mean)
        return tf.random.stateless_poisson(self._shape(n), seed, rate, dtype=self.dtype)

    def _mode(self):
        return tf.floor(tf.exp(self._log_mean))

    def _variance(self):
        return tf.exp(self._log_mean)


class NegativeBinomialCounts(CountDistribution):
    """P(x) = Gamma(x + theta) / (Gamma(theta) x!) (1 - p)^theta p^x,  p = mu / (theta + mu).

    A Poisson variable whose mean is Gamma distributed, of mean mu and shape theta: the variance is
    mu + mu^2 / theta.

    Args:
      log_mean: log mu `[...]`.
      log_theta: log of theta, the inverse dispersion; it broadcasts against log_mean.
      name: of the distribution.
    """

    def __init__(self, log_mean: Any, log_theta: Any, name: str = "NegativeBinomialCounts") -> None:
        self._log_theta = tf.convert_to_tensor(log_theta)
        super().__init__(log_mean, name, log_theta=log_theta)

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"log_mean": parameters.real(), "log_theta": parameters.real()}

    def _at_zero(self):
        return -tf.exp(self._log_theta) * tf.math.softplus(self._log_mean - self._log_theta)

    def _above_zero(self, x, log_x):
        log_theta, theta = self._log_theta, tf.exp(self._log_theta)
        ratio = tf.math.softplus(log_x - log_theta)  # log((x + theta) / theta)
        # log((x + theta) / (mu + theta)). Small where theta is large, as both its parts are.
        r = ratio - tf.math.softplus(self._log_mean - log_theta)
        deviance = theta * _phi(r) + x * _phi(r + self._log_mean - log_x)
        return (
            -_HALF_LOG_2PI
            - 0.5 * (log_x + ratio)
            + stirling_error(x + theta, log_theta + ratio)
            - stirling_error(theta, log_theta)
            - stirling_error(x, log_x)
            - deviance
        )

    def _sample_n(self, n, seed=None):
        seeds = tfp.random.split_seed(seed, 2)
        theta = tf.exp(self._log_theta)
        gamma = tf.random.stateless_gamma(self._shape(n), seeds[0], theta, dtype=self.dtype)
        rate = gamma * tf.exp(self._log_mean - self._log_theta)
        return tf.random.stateless_poisson(tf.shape(rate), seeds[1], rate, dtype=self.dtype)

    def _mode(self):
        mean = tf.exp(self._log_mean)
        return tf.floor(tf.nn.relu(mean - tf.exp(self._log_mean - self._log_theta)))

    def _variance(self):
        mean = tf.exp(self._log_mean)
        return mean + mean * tf.exp(self._log_mean - self._log_theta)


class ZeroInflatedNegativeBinomialCounts(NegativeBinomialCounts):
    """0 with the probability pi, otherwise a negative binomial variable.

    Args:
      log_mean: log mu `[...]`, of the negative binomial alone: the mean is (1 - pi) mu.
      log_theta: log of theta.
      zero_logits: logits of pi.
      name: of the distribution.
    """

    def __init__(
        self,
        log_mean: Any,
        log_theta: Any,
        zero_logits: Any,
        name: str = "ZeroInflatedNegativeBinomialCounts",
    ) -> None:
        self._zero_logits = tf.convert_to_tensor(zero_logits)
        self._log_theta = tf.convert_to_tensor(log_theta)
        CountDistribution.__init__(
            self, log_mean, name, log_theta=log_theta, zero_logits=zero_logits
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        names = ("log_mean", "log_theta", "zero_logits")
        return {name: parameters.real() for name in names}

    def _at_zero(self):
        drawn = self._log_other() + super()._at_zero()
        # Of a sum of logs nothing is lost, whichever of the two is by far the greater.
        either = tf.stack([self._log_zero() + tf.zeros_like(drawn), drawn])
        return tf.reduce_logsumexp(either, axis=0)

    def _above_zero(self, x, log_x):
        return self._log_other() + super()._above_zero(x, log_x)

    def _sample_n(self, n, seed=None):
        seeds = tfp.random.split_seed(seed, 2)
        counts = super()._sample_n(n, seeds[0])
        uniform = tf.random.stateless_uniform(tf.shape(counts), seeds[1], dtype=self.dtype)
        return tf.where(uniform < tf.sigmoid(self._zero_logits), tf.zeros_like(counts), counts)

    def _mean(self):
        return tf.sigmoid(-self._zero_logits) * super()._mean()

    def _mode(self):
        other = super()._mode()
        return tf.where(self._at_zero() >= self.log_prob(other), tf.zeros_like(other), other)

    def _variance(self):
        kept, mean = tf.sigmoid(-self._zero_logits), super()._mean()
        return kept * (super()._variance() + (1.0 - kept) * mean**2)

    def _log_zero(self):
        return tf.math.log_sigmoid(self._zero_logits)

    def _log_other(self):
        return tf.math.log_sigmoid(-self._zero_logits)
