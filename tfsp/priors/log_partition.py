"""log Z of a Boltzmann prior for reports: two estimates of different kinds that must agree."""

import math
import warnings
from typing import NamedTuple

from tfsp.random import fold_in

_TARGET = 0.05  # nats: of the standard error; the paper's own accuracy (appendix H.1)
_AGREE = 4.0  # standard errors of the difference; a right pair differs by more in 1 of 16,000
_SLACK = 0.02  # nats: AIS falls short by half its variance, which counts when errors are tiny
_ROUNDS = 3
_GROWTH = 4


class LogPartition(NamedTuple):
    """log Z of a prior and how it was found.

    log_z, standard_error: floats, nats; the error is 0 where log Z is exact.
    method: "independent units", "enumeration" or "BAR".
    estimates: dict name -> (log_z, standard_error) of "ais" and "bar"; empty where exact.
    agree: whether the two do, without a warning of either; True where exact.
    """

    log_z: float
    standard_error: float
    method: str
    estimates: dict
    agree: bool


def has_log_partition(prior):
    """Whether `prior` is known up to a constant that it stores (`BoltzmannPrior`)."""
    return hasattr(prior, "refresh_log_z")


def refresh_log_partition(prior, seed=0, num_chains=1000, num_temperatures=2000, num_rounds=1000):
    """Recomputes log Z, with care, and stores it in the prior.

    Exact without couplings, and by enumeration up to 20 units a side. Else by annealed importance
    sampling and, independently, by Bennett's acceptance ratio over tempered chains, whose value is
    the one taken. If they differ by more than 4 standard errors, an error is above 0.05 nats, or
    an estimate warns that it cannot be trusted, both start again with four times the temperatures
    and rounds, twice at most. What the last ones warn of is passed on. Should they differ even
    then, a warning says so and half their difference, if it is larger, is taken as the standard
    error.

    Args:
      prior: a built `BoltzmannPrior`.
      seed: of all draws.
      num_chains: of annealed importance sampling; a tenth of it for tempering, 10 at least.
      num_temperatures: of annealed importance sampling, at first.
      num_rounds: of tempering, kept ones, at first.

    Returns:
      `LogPartition`.

    Source: Rolfe 2017, arXiv:1609.02200, appendix H.1.
    """
    if prior.couplings is None:
        return LogPartition(float(prior.log_partition()), 0.0, "independent units", {}, True)
    if prior.machine().is_enumerable:
        log_z, error = prior.refresh_log_z("exact")
        return LogPartition(log_z, error, "enumeration", {}, True)
    for i in range(_ROUNDS):
        factor = _GROWTH**i
        with warnings.catch_warnings(record=True) as doubts:
            warnings.simplefilter("always")
            ais = prior.refresh_log_z(
                "ais",
                fold_in(seed, 2 * i),
                num_chains=num_chains,
                num_temperatures=factor * num_temperatures,
            )
            bar = prior.refresh_log_z(
                "bar",
                fold_in(seed, 2 * i + 1),
                num_chains=max(10, num_chains // 10),
                num_rounds=factor * num_rounds,
            )
        difference = abs(ais[0] - bar[0])
        close = difference <= _AGREE * math.hypot(ais[1], bar[1]) + _SLACK
        agree = close and not doubts
        if agree and max(ais[1], bar[1]) <= _TARGET:
            break
    log_z, error = bar
    for doubt in doubts:
        warnings.warn(doubt.message, stacklevel=2)
    if not close:
        warnings.warn(
            f"Two estimates of log Z disagree: {ais[0]:.3f} +- {ais[1]:.3f} by annealed importance "
            f"sampling, {bar[0]:.3f} +- {bar[1]:.3f} by Bennett's acceptance ratio. The second is "
            "taken, with half the difference as its error. Give `refresh_log_partition` more "
            "temperatures and rounds.",
            stacklevel=2,
        )
        error = max(error, difference / 2)
        prior.log_z_error.assign(error)
    return LogPartition(log_z, error, "BAR", {"ais": ais, "bar": bar}, agree)
