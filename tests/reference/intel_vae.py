"""InteL-VAE's maps and terms, point by point from the paper's definitions."""

import math

import numpy as np
from scipy import ndimage


def circle(y, epsilon):
    """y / (||y|| + epsilon) of one vector."""
    return np.asarray(y, float) / (math.dist(y, np.zeros(len(y))) + epsilon)


def two_holes(y, epsilon):
    """Eq. (5) with its square root ended before the last term, of one point of the plane."""
    x1, x2 = circle(y, epsilon)
    return np.array([x1, x2 * (math.sqrt(4 / 3 - (1 - abs(x1)) ** 2) - 1 / math.sqrt(3))])


def _distance_to_ray(y, angle):
    """Distance of y to {t (cos, sin): t >= 0}, by the nearest t."""
    direction = np.array([math.cos(angle), math.sin(angle)])
    t = max(0.0, float(np.dot(y, direction)))
    return math.dist(y, t * direction)


def sectors(y, probs, strength, exponent, rotation=0.0):
    """Eq. (6) of one point: (z, sector, distance). The first sector's middle is at `rotation`.

    The sector is sought by trying each in turn, its distance by the nearest of its two rays.
    """
    y = np.asarray(y, float)
    edge = rotation - math.pi * probs[0]
    angle = math.atan2(y[1], y[0])
    for k, p in enumerate(probs):
        width = 2 * math.pi * p
        if (angle - edge) % (2 * math.pi) < width:
            distance = min(_distance_to_ray(y, edge), _distance_to_ray(y, edge + width))
            middle = edge + width / 2
            push = strength * distance**exponent
            return y + push * np.array([math.cos(middle), math.sin(middle)]), k, distance
        edge += width
    raise AssertionError("the sectors do not cover the plane")


def entropy(v):
    """H(v) below eq. (7), of one positive vector."""
    total = math.fsum(v)
    return -math.fsum(x / total * math.log(x / total) for x in v)


def selection_penalty(selections):
    """Eq. (7) of one batch `[M, D]`."""
    each = math.fsum(entropy(v) for v in selections) / len(selections)
    return each - entropy(np.mean(selections, axis=0))


def count_holes(points, limit, cells, least=1):
    """Bounded parts of the plane that a curve through `points` `[n, 2]` encloses.

    The cells of a grid over [-limit, limit]^2 that hold at least `least` points are walls; of the
    connected parts of the others (no corner crossing), those that do not reach the rim count, if
    they are larger than one cell in a thousand.
    """
    counts, _, _ = np.histogram2d(*np.transpose(points), bins=cells, range=[[-limit, limit]] * 2)
    labels, number = ndimage.label(counts < least)
    rim = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    sizes = np.bincount(labels.ravel(), minlength=number + 1)
    inner = [k for k in range(1, number + 1) if k not in rim and sizes[k] > cells**2 / 1000]
    return len(inner)


def normal_kl(loc, scale):
    """KL(N(loc, diag scale^2) || N(0, I)), nats."""
    loc, scale = np.asarray(loc, float), np.asarray(scale, float)
    return float(np.sum(0.5 * (scale**2 + loc**2 - 1) - np.log(scale)))


def discrete_kl(q, p):
    """KL of two vectors of probabilities, nats; cells where q is 0 count nothing."""
    q, p = np.asarray(q, float), np.asarray(p, float)
    held = q > 0
    return float(np.sum(q[held] * (np.log(q[held]) - np.log(p[held]))))
