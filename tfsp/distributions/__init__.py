"""Distributions that TensorFlow Probability does not have, usable on their own."""

from tfsp.distributions.discretized_logistic import DiscretizedLogistic
from tfsp.distributions.gaussian_mixture import DiagonalGaussianMixture
from tfsp.distributions.normal import Normal, diagonal_normal
from tfsp.distributions.tmc import TMC, BrownianLeaves, Tree

__all__ = [
    "TMC",
    "BrownianLeaves",
    "DiagonalGaussianMixture",
    "DiscretizedLogistic",
    "Normal",
    "Tree",
    "diagonal_normal",
]
