"""Smoothings of a binary variable: bijectors from uniform noise rho to zeta, given q(z=1).

    zeta = get("overlapping_exponential")(logits, beta=8.0).forward(rho)

All of them are independent per entry and found by name: `get(name)`, `names()`.
"""

from tfsp.bijectors.smoothing.base import Smoothing, build, get, names, register
from tfsp.bijectors.smoothing.overlapping_exponential import OverlappingExponential
from tfsp.bijectors.smoothing.power_function import PowerFunction
from tfsp.bijectors.smoothing.ramps import Ramps
from tfsp.bijectors.smoothing.spike import SpikeSmoothing
from tfsp.bijectors.smoothing.spike_and_exponential import SpikeAndExponential
from tfsp.bijectors.smoothing.spike_and_gaussian import SpikeAndGaussian
from tfsp.bijectors.smoothing.spike_and_slab import SpikeAndSlab

__all__ = [
    "OverlappingExponential",
    "PowerFunction",
    "Ramps",
    "Smoothing",
    "SpikeAndExponential",
    "SpikeAndGaussian",
    "SpikeAndSlab",
    "SpikeSmoothing",
    "build",
    "get",
    "names",
    "register",
]
