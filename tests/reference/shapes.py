"""Distances to plane curves and uniformity along them, from the curves' definitions."""

import numpy as np


def polygon(name):
    """Corners [n, 2] of the closed curve `name`, from geometry alone."""
    if name == "square":
        return np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])
    # A five-pointed star: inner corners where the lines through every second point cross.
    points = [np.array([np.sin(2 * np.pi * k / 5), np.cos(2 * np.pi * k / 5)]) for k in range(5)]
    corners = []
    for k in range(5):
        a, b = points[k], points[(k + 2) % 5]
        c, d = points[(k + 1) % 5], points[(k - 1) % 5]
        s, _ = np.linalg.solve(np.stack([b - a, c - d], axis=1), c - a)
        corners += [points[k], a + s * (b - a)]
    return np.array(corners)


def distance_to_polygon(points, corners):
    """[n] distances to the nearest side."""
    best = np.full(len(points), np.inf)
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        share = np.clip((points - a) @ (b - a) / np.sum((b - a) ** 2), 0, 1)
        best = np.minimum(best, np.linalg.norm(points - a - share[:, None] * (b - a), axis=1))
    return best


def nearest_side(points, corners):
    """[n] index of the nearest side."""
    distances = [
        distance_to_polygon(points, np.stack([a, b]))
        for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)
    ]
    return np.argmin(distances, axis=0)


def lemniscate_value(points):
    """(x^2 + y^2)^2 - (x^2 - y^2), zero on the curve, over the length of its gradient."""
    x, y = np.asarray(points, np.float64).T
    radius = x**2 + y**2
    value = radius**2 - (x**2 - y**2)
    gradient = np.stack([4 * x * radius - 2 * x, 4 * y * radius + 2 * y])
    return value, np.linalg.norm(gradient, axis=0)


def lemniscate_length(start, stop):
    """Arc length between two angles in [0, pi/4): the integral of d(phi) / sqrt(cos 2 phi)."""
    from scipy import integrate

    return integrate.quad(lambda phi: 1 / np.sqrt(np.cos(2 * phi)), start, stop)[0]
