"""The density of a new leaf as a finite mixture, and small posteriors of trees by enumeration.

The location of a leaf that leaves the edge above v at time t is found by conditioning on all the
others at once: its covariance with leaf n is 1 + t if n is below v, else that of v and n.
"""

import dataclasses
import math

import numpy as np
from reference import tmc
from scipy import optimize, special, stats

_LEGENDRE = special.roots_legendre(16)


@dataclasses.dataclass
class Rule:
    """Entries of the mixture: edge `[Q]` (its lower node), log_weight `[Q]` (their exponentials
    sum to one), weights `[Q, N]` (the mean is weights @ leaves), variance `[Q]`."""

    edge: np.ndarray
    log_weight: np.ndarray
    weights: np.ndarray
    variance: np.ndarray


def condition(parent, time, v, t):
    """Weights `[Q, N]` and variance `[Q]` of a new leaf on the edge above v at times `t` `[Q]`."""
    num_leaves = (len(parent) + 1) // 2
    cov = 1.0 + tmc.lca_times(parent, time)
    below = np.array([v in tmc.ancestors(parent, n) for n in range(num_leaves)])
    cross = np.where(below, 1.0 + np.asarray(t)[:, None], cov[v, :num_leaves])
    weights = np.linalg.solve(cov[:num_leaves, :num_leaves], cross.T).T
    return weights, 2.0 - np.sum(weights * cross, axis=1)


def _times(parent, time, v, y):
    return time[parent[v]] + (time[v] - time[parent[v]]) * special.expit(y)


def continuous(parent, time, floor=1e-3, a=2.0, b=2.0, bayes=False, added=0.0):
    """The density in continuous time, cut where the package cuts it: a `Rule` of many entries.

    Gauss-Legendre over 40 panels of y, the logit of the position on the edge; p(t given e) is
    normalised numerically. On a leaf's edge t ends where the variance is `floor` of that at its
    upper end. `added` is added to every variance.
    """
    num_leaves = (len(parent) + 1) // 2
    log_edge = tmc.bayes_log_weights(parent, time, a, b) if bayes else tmc.edge_log_prob(parent)
    parts = []
    for v in np.flatnonzero(np.asarray(parent) >= 0):
        start, length, end = time[parent[v]], time[v] - time[parent[v]], 50.0
        if v < num_leaves:
            top = condition(parent, time, v, [start])[1][0]

            def excess(y, v=v, top=top):
                return condition(parent, time, v, _times(parent, time, v, np.array([y])))[1] - (
                    floor * top
                )

            end = optimize.brentq(lambda y: excess(y)[0], -40.0, 40.0, xtol=1e-13)
        panels = np.linspace(-50.0, end, 41)
        half = 0.5 * np.diff(panels)
        y = (panels[:-1, None] + half[:, None] * (_LEGENDRE[0] + 1)).ravel()
        log_w = np.log((half[:, None] * _LEGENDRE[1]).ravel())
        log_x, log_rest = special.log_expit(y), special.log_expit(-y)
        if v < num_leaves:
            log_w += a * log_x + b * log_rest
        else:
            to_end = (1 - time[v]) + length * special.expit(-y)
            log_w += a * (log_x + log_rest) - a * np.log(to_end)
        weights, variance = condition(parent, time, v, start + length * special.expit(y))
        parts.append((np.full(len(y), v), log_edge[v] + log_w - special.logsumexp(log_w)))
        parts[-1] += (weights, variance + added)
    return _joined(parts)


def discrete(parent, time, num_nodes, floor=1e-3, a=2.0, b=2.0, bayes=False, added=0.0):
    """The package's own rule of few nodes as a `Rule`: see `tmc.quadrature_rule`."""
    log_edge = tmc.bayes_log_weights(parent, time, a, b) if bayes else tmc.edge_log_prob(parent)
    parts = []
    for v in np.flatnonzero(np.asarray(parent) >= 0):
        y, log_w = tmc.quadrature_rule(parent, time, v, num_nodes, floor, a, b)
        weights, variance = condition(parent, time, v, _times(parent, time, v, y))
        parts.append((np.full(len(y), v), log_edge[v] + log_w, weights, variance + added))
    return _joined(parts)


def _joined(parts):
    return Rule(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def below(rule, parent, node):
    """The entries on edges below `node` alone, their weights summing to one again."""
    keep = [node in tmc.ancestors(parent, v) and v != node for v in rule.edge]
    part = Rule(*(getattr(rule, f.name)[keep] for f in dataclasses.fields(rule)))
    part.log_weight -= special.logsumexp(part.log_weight)
    return part


def log_terms(z, leaves, rule):
    """log of each entry's share of p(z): z `[B, D]` -> `[B, Q]`."""
    mean = rule.weights @ leaves
    location = stats.norm.logpdf(np.asarray(z)[:, None], mean, np.sqrt(rule.variance)[:, None])
    return rule.log_weight + location.sum(axis=-1)


def log_prob(z, leaves, rule):
    """log p(z) `[B]`."""
    return special.logsumexp(log_terms(z, leaves, rule), axis=1)


def responsibilities(z, leaves, rule):
    """Posterior probability of each entry `[B, Q]`."""
    terms = log_terms(z, leaves, rule)
    return np.exp(terms - special.logsumexp(terms, axis=1, keepdims=True))


def projected_cdf(x, direction, leaves, rule):
    """P(direction . z <= x) for z from the mixture, `[n]`: every entry is isotropic."""
    direction = direction / np.linalg.norm(direction)
    mean, scale = rule.weights @ leaves @ direction, np.sqrt(rule.variance)
    return stats.norm.cdf(np.asarray(x)[:, None], mean, scale) @ np.exp(rule.log_weight)


def normal_kl(loc, scale):
    """KL(N(loc, diag(scale^2)) || N(0, I)) over the last axis, nats."""
    return np.sum(0.5 * (loc**2 + scale**2 - 1) - np.log(scale), axis=-1)


def kmeans(points, centres, rounds=200):
    """Lloyd's algorithm from `centres` until it stands still: centres `[K, D]`."""
    for _ in range(rounds):
        nearest = np.argmin(((points[:, None] - centres) ** 2).sum(-1), axis=1)
        new = np.array([points[nearest == k].mean(axis=0) for k in range(len(centres))])
        if np.array_equal(new, centres):
            break
        centres = new
    return centres


def three_leaf_trees(num_times=41, limit=9.0):
    """All three topologies times a grid of the one free time.

    Returns: a list of (parent, time); log prior mass of each with a = b = 2, summing to one.
    """
    y = np.linspace(-limit, limit, num_times)
    trees, log_mass = [], []
    for parent in tmc.all_topologies(3).values():
        inner = next(v for v in (3, 4) if parent[v] >= 0)
        for value in y:
            time = np.array([1.0, 1.0, 1.0, 0.0, 0.0])
            time[inner] = special.expit(value)
            trees.append((parent, time))
            # Beta(2, 2) in the logit: its density times the slope x (1 - x).
            log_mass.append(2 * special.log_expit(value) + 2 * special.log_expit(-value))
            log_mass[-1] += tmc.topology_log_prob(parent)
    log_mass = np.array(log_mass)
    return trees, log_mass - special.logsumexp(log_mass)


def posterior_of(trees, log_prior, leaves):
    """r(tree | leaves) over a finite set of trees, `[T]`."""
    log_mass = log_prior + [tmc.log_likelihood(*tree, leaves) for tree in trees]
    return np.exp(log_mass - special.logsumexp(log_mass))


def slope(function, x, step=1e-4):
    """Gradient of a scalar function of an array, entry by entry, by the five-point rule."""
    x = np.asarray(x, np.float64)
    out = np.empty_like(x)
    for i in np.ndindex(*x.shape):
        unit = np.zeros_like(x)
        unit[i] = step
        at = {k: function(x + k * unit) for k in (-2, -1, 1, 2)}
        out[i] = (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * step)
    return out


def sample_covariance(values, vectors):
    """Sum over c of (values_c - mean) vectors_c / (C - 1), C the length of both."""
    values = np.asarray(values, np.float64)
    weight = (values - math.fsum(values) / len(values)) / (len(values) - 1)
    return np.tensordot(weight, np.asarray(vectors), 1)
