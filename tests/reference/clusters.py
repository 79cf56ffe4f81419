"""Measures of clusters by enumeration, and of the KL's parts by quadrature."""

import itertools
import math
from collections import Counter

import numpy as np
from scipy import stats


def best_matching_accuracy(labels, categories):
    """Share right under the best injective map between classes and categories: all are tried."""
    classes, found = sorted(set(labels)), sorted(set(categories))
    counts = Counter(zip(labels, categories, strict=True))
    if len(classes) <= len(found):
        maps = (
            list(zip(classes, p, strict=True)) for p in itertools.permutations(found, len(classes))
        )
    else:
        maps = (
            list(zip(p, found, strict=True)) for p in itertools.permutations(classes, len(found))
        )
    return max(sum(counts[pair] for pair in pairs) for pairs in maps) / len(labels)


def normalised_mutual_information(labels, categories):
    """2 I / (H + H) from the definitions."""
    n = len(labels)
    joint, first, second = (
        Counter(zip(labels, categories, strict=True)),
        Counter(labels),
        Counter(categories),
    )
    information = sum(
        c / n * math.log(c * n / (first[a] * second[b])) for (a, b), c in joint.items()
    )
    entropies = [-sum(c / n * math.log(c / n) for c in m.values()) for m in (first, second)]
    return 2 * information / sum(entropies)


def kl_parts(pi, loc, scale, log_prior, grid):
    """The terms of eq. (13) of CP-VAE for n posteriors over (z, c), z one-dimensional.

    Args:
      pi: q(c|x_i), `[n, K]`. loc, scale: of q(z|x_i), `[n]`.
      log_prior: function z `[g]` -> log p(z|c) `[g, K]`.
      grid: `[g]`, even steps, beyond which nothing lies.

    Returns: dict in nats.
    """
    n, num_categories = pi.shape
    step = grid[1] - grid[0]
    q_z = np.stack([stats.norm.pdf(grid, loc[i], scale[i]) for i in range(n)])  # [n, g]
    each = pi[:, None, :] * q_z[:, :, None]  # q(z, c | x_i): [n, g, K]
    joint = each.mean(axis=0)  # q(z, c): [g, K]
    shares = pi.mean(axis=0)
    log_p = log_prior(grid)

    def integral(weights, values):
        return step * np.sum(np.where(weights > 0, weights * values, 0.0))

    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.mean([integral(e, np.log(e) - np.log(joint)) for e in each])
        marginal = integral(joint, np.log(joint) - np.log(shares) - log_p)
        total = np.mean([integral(e, np.log(e) - log_p + math.log(num_categories)) for e in each])
        category = np.sum(np.where(shares > 0, shares * np.log(shares * num_categories), 0.0))
        of_category = np.mean(np.sum(np.where(pi > 0, pi * np.log(pi / shares), 0.0), axis=1))
    return dict(
        mutual_information=information,
        marginal_kl=marginal,
        category_kl=category,
        category_information=of_category,
        total=total,
    )
