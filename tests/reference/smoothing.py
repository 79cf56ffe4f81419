"""Smoothed binary variables from their definitions: quadrature, bracketing, finite differences.

Every function takes numbers (float64). `name` is that of a smoothing; `settings` its parameters.
A spike's density is that of its continuous part, and its CDF jumps at 0.
"""

import math

from scipy import integrate, optimize

SPIKES = ("spike_and_exponential", "spike_and_slab", "spike_and_gaussian")


def density(name, zeta, z, **settings):
    """r(zeta|z) inside the support; of a spike's z = 0 the continuous part, which is 0."""
    if name in SPIKES and z == 0:
        return 0.0
    if name == "spike_and_gaussian":
        standard = (zeta - settings["loc"]) / settings["scale"]
        return math.exp(-(standard**2) / 2) / (settings["scale"] * math.sqrt(2 * math.pi))
    if not 0 <= zeta <= 1:
        return 0.0
    if name == "spike_and_slab":
        return 1.0
    if name == "ramps":
        return 2 * zeta if z else 2 * (1 - zeta)
    beta = settings["beta"]
    if name == "spike_and_exponential":
        return beta * math.exp(beta * zeta) / (math.exp(beta) - 1)
    if name == "overlapping_exponential":
        return math.exp(beta * (zeta - 1) if z else -beta * zeta) * beta / (1 - math.exp(-beta))
    if name == "power_function":
        return (1 - zeta if z else zeta) ** (1 / beta - 1) / beta
    raise ValueError(name)


def integral(name, low, high, z, power=0, **settings):
    """Integral of zeta^power r(zeta|z) over [low, high] by adaptive quadrature."""
    if name == "spike_and_gaussian":
        least = settings["loc"] - 40 * settings["scale"]
        low, high = max(low, least), min(high, settings["loc"] + 40 * settings["scale"])
        if high <= low:
            return 0.0
        points = sorted({min(max(settings["loc"], low), high)})
    elif name == "power_function":
        return _power_integral(low, high, z, power, **settings)
    else:
        low, high, points = max(low, 0.0), min(high, 1.0), None
        if high <= low:
            return 0.0

    def integrand(zeta):
        return zeta**power * density(name, zeta, z, **settings)

    return integrate.quad(
        integrand, low, high, points=points, epsabs=1e-13, epsrel=1e-13, limit=400
    )[0]


def _power_integral(low, high, z, power, beta):
    """With the singular end substituted away: distance = t^beta."""
    low, high = max(low, 0.0), min(high, 1.0)
    if high <= low:
        return 0.0
    far, near = (1 - low, 1 - high) if z else (high, low)

    def integrand(t):
        distance = t**beta
        zeta = 1 - distance if z else distance
        # density in t is density in the distance times beta t^(beta-1)
        jacobian = beta * t ** (beta - 1)
        return zeta**power * distance ** (1 / beta - 1) / beta * jacobian if t > 0 else 0.0

    ends = near ** (1 / beta), far ** (1 / beta)
    return integrate.quad(integrand, *ends, epsabs=1e-13, epsrel=1e-13, limit=400)[0]


def cdf(name, zeta, q, **settings):
    """P(zeta' <= zeta) of the mixture, right-continuous at the spike."""
    low = -math.inf if name == "spike_and_gaussian" else 0.0
    one = integral(name, low, zeta, 1, **settings)
    if name in SPIKES:
        zero = float(zeta >= 0)
    else:
        zero = integral(name, low, zeta, 0, **settings)
    return (1 - q) * zero + q * one


def quantile(name, rho, q, **settings):
    """The least zeta with cdf >= rho, by bracketing; exactly 0 on the spike's interval."""
    if name in SPIKES:
        top = cdf(name, 0.0, q, **settings)
        if top - (1 - q) <= rho <= top:
            return 0.0
    low, high = 0.0, 1.0
    if name == "spike_and_gaussian":
        low = settings["loc"] - 12 * settings["scale"]
        high = settings["loc"] + 12 * settings["scale"]
    return optimize.brentq(
        lambda zeta: cdf(name, zeta, q, **settings) - rho, low, high, xtol=1e-14, rtol=1e-14
    )


def quantile_slope(name, rho, logit, parameter, step=1e-4, **settings):
    """d quantile / d parameter by a central difference of fourth order; "logits" or a setting."""

    def at(shift):
        shifted = dict(settings)
        moved = logit
        if parameter == "logits":
            moved = logit + shift
        else:
            shifted[parameter] = settings[parameter] + shift
        return quantile(name, rho, 1 / (1 + math.exp(-moved)), **shifted)

    near, far = at(step) - at(-step), at(2 * step) - at(-2 * step)
    return (8 * near - far) / (12 * step)


def mean(name, q, power=1, **settings):
    """E[zeta^power] under the mixture; the spike at 0 adds nothing."""
    low, high = (-math.inf, math.inf) if name == "spike_and_gaussian" else (0.0, 1.0)
    one = integral(name, low, high, 1, power, **settings)
    zero = 0.0 if name in SPIKES else integral(name, low, high, 0, power, **settings)
    return (1 - q) * zero + q * one
