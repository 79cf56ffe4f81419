"""Slow references for the measures of codes: retrieval, neighbours' labels, logistic regression."""

from fractions import Fraction

import numpy as np


def precisions_of_query(codes, labels, query):
    """P_1..P_R of one query by walking its ranking; codes at the same distance come together."""
    others = [i for i in range(len(codes)) if i != query]
    distance = {i: float(np.sum((codes[i] - codes[query]) ** 2)) for i in others}
    precisions, seen, hits = [], 0, 0
    for value in sorted(set(distance.values())):
        together = [i for i in others if distance[i] == value]
        new = sum(labels[i] == labels[query] for i in together)
        seen, hits = seen + len(together), hits + new
        precisions += [hits / seen] * new
    return precisions


def averaged_curve(codes, labels, num_levels):
    """(mean average precision, curve `[num_levels]`, queries used), by loops over everything."""
    levels = [Fraction(j, num_levels - 1) for j in range(num_levels)]
    averages, curves = [], []
    for query in range(len(codes)):
        precisions = precisions_of_query(codes, labels, query)
        if not precisions:
            continue
        averages.append(np.mean(precisions))
        total = len(precisions)
        curve = []
        for level in levels:  # the first place whose recall is no less than the level
            place = next(k for k in range(total) if Fraction(k + 1, total) >= level)
            curve.append(precisions[place])
        curves.append(curve)
    return np.mean(averages), np.mean(curves, axis=0), len(curves)


def nearest_labels(points, codes, labels, k):
    """Majority of the k nearest; of classes with equal votes that of the nearest code."""
    result = []
    for point in points:
        order = sorted(range(len(codes)), key=lambda i: np.linalg.norm(codes[i] - point))[:k]
        votes = [int(labels[i]) for i in order]
        most = max(votes.count(v) for v in votes)
        result.append(next(v for v in votes if votes.count(v) == most))
    return np.array(result)


def logistic_regression(codes, labels, penalty, steps=4_000):
    """(W `[D, K]`, b `[K]`) by accelerated gradient descent on the penalised likelihood."""
    n, classes = len(codes), np.unique(labels)
    x = np.concatenate([codes, np.ones((n, 1))], axis=1)
    target = (labels[:, None] == classes).astype(float)
    weight = np.array([penalty] * codes.shape[1] + [0.0])[:, None]
    step = 1.0 / (0.5 * np.linalg.eigvalsh(x.T @ x).max() + penalty)
    w = previous = np.zeros((x.shape[1], len(classes)))
    for t in range(steps):
        ahead = w + t / (t + 3) * (w - previous)
        logits = x @ ahead
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        previous, w = w, ahead - step * (x.T @ (p - target) + weight * ahead)
    return w[:-1], w[-1]
