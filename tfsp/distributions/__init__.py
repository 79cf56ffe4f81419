"""Distributions that TensorFlow Probability does not have, usable on their own."""

from tfsp.distributions.boltzmann import BoltzmannMachine
from tfsp.distributions.brownian_leaves import BrownianLeaves
from tfsp.distributions.discretized_logistic import DiscretizedLogistic
from tfsp.distributions.gaussian_mixture import DiagonalGaussianMixture
from tfsp.distributions.normal import Normal, correlated_normal, diagonal_normal
from tfsp.distributions.smoothed_binary import SmoothedBinary
from tfsp.distributions.spike_and_slab import SpikeAndSlab
from tfsp.distributions.tmc import TMC, Tree

__all__ = [
    "TMC",
    "BoltzmannMachine",
    "BrownianLeaves",
    "DiagonalGaussianMixture",
    "DiscretizedLogistic",
    "Normal",
    "SmoothedBinary",
    "SpikeAndSlab",
    "Tree",
    "correlated_normal",
    "diagonal_normal",
]
