"""Distributions that TensorFlow Probability does not have, usable on their own."""

from tfsp.distributions.discretized_logistic import DiscretizedLogistic
from tfsp.distributions.gaussian_mixture import DiagonalGaussianMixture
from tfsp.distributions.normal import Normal, diagonal_normal

__all__ = ["DiagonalGaussianMixture", "DiscretizedLogistic", "Normal", "diagonal_normal"]
