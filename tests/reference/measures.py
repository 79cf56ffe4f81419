"""Measures of samples and codes, by loops over their definitions."""

import itertools
import math

import numpy as np


def energy_distance(first, second, unbiased):
    """2 E|X-Y| - E|X-X'| - E|Y-Y'| by loops over pairs."""

    def mean(a, b, same):
        total, count = 0.0, 0
        for i, j in itertools.product(range(len(a)), range(len(b))):
            if same and unbiased and i == j:
                continue
            total += math.dist(a[i], b[j])
            count += 1
        return total / count

    between = mean(first, second, False)
    return 2 * between - mean(first, first, True) - mean(second, second, True)


def expected_distance(variance, dim, shift=0.0):
    """E|N(m, variance I)| in `dim` dimensions, |m| = shift, by quadrature or in closed form.

    With no shift sqrt(2 variance) Gamma((d + 1) / 2) / Gamma(d / 2); else a folded normal (d = 1)
    or a Rice (d = 2) mean.
    """
    from scipy import special

    scale = math.sqrt(variance)
    if shift == 0:
        ratio = math.exp(math.lgamma((dim + 1) / 2) - math.lgamma(dim / 2))
        return math.sqrt(2) * scale * ratio
    if dim == 1:
        t = shift / scale
        folded = math.sqrt(2 / math.pi) * math.exp(-(t**2) / 2) + t * math.erf(t / math.sqrt(2))
        return scale * folded
    # E|N(m, s^2 I)| = s sqrt(pi / 2) L_{1/2}(-t^2 / 2), a generalised Laguerre function.
    t = shift / scale
    ratio = math.exp(math.lgamma((dim + 1) / 2) - math.lgamma(dim / 2))
    return scale * math.sqrt(2) * ratio * special.hyp1f1(-0.5, dim / 2, -(t**2) / 2)


def gaussian_energy_distance(shift, variance1, variance2, dim):
    """Between N(0, variance1 I) and N(m, variance2 I), |m| = shift."""
    return (
        2 * expected_distance(variance1 + variance2, dim, shift)
        - expected_distance(2 * variance1, dim)
        - expected_distance(2 * variance2, dim)
    )


def frechet_distance(mean1, covariance1, mean2, covariance2):
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) by scipy's matrix root."""
    from scipy import linalg

    root = linalg.sqrtm(np.asarray(covariance1) @ np.asarray(covariance2)).real
    shift = np.asarray(mean1) - np.asarray(mean2)
    return float(shift @ shift + np.trace(covariance1 + covariance2 - 2 * root))


def hoyer(code):
    """Hoyer's sparsity of one code, a list of numbers."""
    size = len(code)
    sum_abs = sum(abs(v) for v in code)
    norm = math.sqrt(sum(v * v for v in code))
    return (math.sqrt(size) - sum_abs / norm) / (math.sqrt(size) - 1)
