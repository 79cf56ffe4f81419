"""Tolerances of sampling tests from a stated false-alarm rate."""

import numpy as np
from scipy import stats


def frequency_tolerance(num_samples, cells, failure=1e-6):
    """Largest deviation of `cells` observed frequencies, by Hoeffding and a union bound.

    A right sampler exceeds it with probability below `failure`.
    """
    return np.sqrt(np.log(2 * cells / failure) / (2 * num_samples))


def mean_tolerance(draws, failure=1e-6):
    """Largest deviation of each mean over axis 0 of independent `draws` `[n, ...]`.

    By the central limit theorem with the draws' own standard deviation and a union bound over
    the means: a right sampler exceeds it with a probability of about `failure`.
    """
    draws = np.asarray(draws, np.float64)
    cells = max(1, int(np.prod(draws.shape[1:])))
    deviations = stats.norm.isf(failure / (2 * cells))
    return deviations * draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
