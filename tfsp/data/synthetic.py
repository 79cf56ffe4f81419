"""Unlimited two-dimensional sets: circle, square, star, infinity sign, two Gaussians.

Fresh points as often as they are asked for, all within about [-1.2, 1.2]. The curves have no
labels; the labels of "two_gaussians" are the components.

Source: Miao et al. 2022, "On Incorporating Inductive Biases into VAEs", appendix C.4 and Figure 4.
The paper shows its sets and prints no formulas; the sizes here are ours.
"""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfsp import arguments
from tfsp.data.sources import GeneratedSet, Request, register

_SIZES = {"train": 10_000, "validation": 10_000, "test": 10_000}
_CENTRES = ((-1.0, 0.0), (1.0, 0.0))
_INNER = math.sin(math.pi / 10) / math.sin(3 * math.pi / 10)  # of a star drawn in one stroke


@register("circle")
def circle(request: Request, noise: float = 0.05) -> GeneratedSet:
    """The unit circle, uniform by angle, with Gaussian noise of standard deviation `noise`."""
    del request

    def curve(seed, count):
        angle = 2 * math.pi * tf.random.stateless_uniform([count], seed, alg="philox")
        return tf.stack([tf.cos(angle), tf.sin(angle)], axis=-1)

    return _curve("the unit circle", curve, noise)


@register("square")
def square(request: Request, noise: float = 0.05) -> GeneratedSet:
    """The outline of the square with corners (±1, ±1), uniform by length, with Gaussian noise."""
    del request
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float64)
    return _curve("the outline of [-1, 1]^2", _along(corners), noise)


@register("star")
def star(request: Request, noise: float = 0.05) -> GeneratedSet:
    """The outline of a five-pointed star in the unit circle, uniform by length, with noise.

    The inner corners lie where the sides of a star drawn in one stroke cross, .382 from the
    centre; one point stands at (0, 1).
    """
    del request
    angles = math.pi / 2 + np.arange(10) * math.pi / 5
    radii = np.where(np.arange(10) % 2, _INNER, 1.0)
    corners = radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return _curve("the outline of a five-pointed star", _along(corners), noise)


@register("infinity")
def infinity(request: Request, noise: float = 0.05) -> GeneratedSet:
    """Bernoulli's lemniscate (x² + y²)² = x² - y², uniform by length, with Gaussian noise."""
    del request
    # A polygon of so many sides that it keeps within 4e-6 of the curve.
    t = np.arange(2048) * (2 * math.pi / 2048)
    points = np.stack([np.cos(t), np.sin(t) * np.cos(t)], axis=-1) / (1 + np.sin(t)[:, None] ** 2)
    return _curve("Bernoulli's lemniscate", _along(points), noise)


@register("two_gaussians")
def two_gaussians(request: Request, noise: float = 0.2, proportion: float = 0.5) -> GeneratedSet:
    """Gaussians of standard deviation `noise` around (-1, 0) and (1, 0), labelled 0 and 1.

    `proportion` in [0, 1] is the probability of the second.
    """
    del request
    return two_clusters(_CENTRES, noise, proportion, _SIZES)


def two_clusters(
    centres: Sequence[Sequence[float]], noise: float, proportion: float, sizes: dict[str, int]
) -> GeneratedSet:
    """A `GeneratedSet` of points around two centres `[2, D]`, labelled 0 and 1.

    Args:
      noise: standard deviation.
      proportion: probability of the second.
      sizes: of the parts.

    Raises:
      ValueError: for a negative `noise`, or a `proportion` outside [0, 1].
    """
    noise = arguments.number("noise", noise, "[0, inf)")
    proportion = arguments.number("proportion", proportion, "[0, 1]")
    dim = len(centres[0])

    def draw(seed, count):
        which, where = tf.unstack(tf.random.experimental.stateless_split(seed, 2, alg="philox"))
        uniform = tf.random.stateless_uniform([count], which, alg="philox")
        label = tf.cast(uniform < proportion, tf.int32)
        return tf.gather(tf.constant(centres), label) + noise * _normal(where, count, dim), label

    places = " and ".join(str(centre) if dim > 1 else f"{centre[0]:g}" for centre in centres)
    source = (
        f"Gaussians of standard deviation {noise:g} at {places}, shares {1 - proportion:g} and "
        f"{proportion:g}"
    )
    return GeneratedSet(draw, (dim,), 2, source, sizes)


def _curve(name, curve, noise):
    """A `GeneratedSet` of points of `curve(seed, count)` -> [count, 2] with noise, unlabelled."""
    noise = arguments.number("noise", noise, "[0, inf)")

    def draw(seed, count):
        place, shift = tf.unstack(tf.random.experimental.stateless_split(seed, 2, alg="philox"))
        points = curve(place, count) + noise * _normal(shift, count)
        return points, tf.zeros([count], tf.int32)

    return GeneratedSet(draw, (2,), None, f"{name}, noise of standard deviation {noise:g}", _SIZES)


def _along(corners):
    """Function (seed, count) -> points uniform by length on the closed polygon of `corners`."""
    following = np.roll(corners, -1, axis=0)
    ends = np.cumsum(np.linalg.norm(following - corners, axis=-1))

    def draw(seed, count):
        uniform = tf.random.stateless_uniform([count], seed, dtype=tf.float64, alg="philox")
        length = uniform * ends[-1]
        side = tf.minimum(tf.searchsorted(tf.constant(ends), length, side="right"), len(ends) - 1)
        before = tf.gather(tf.constant(np.concatenate([[0.0], ends[:-1]])), side)
        after = tf.gather(tf.constant(ends), side)
        share = ((length - before) / (after - before))[:, tf.newaxis]
        start, end = tf.gather(tf.constant(corners), side), tf.gather(tf.constant(following), side)
        return tf.cast(start + share * (end - start), tf.float32)

    return draw


def _normal(seed, count, dim=2):
    return tf.random.stateless_normal([count, dim], seed, alg="philox")
