"""Examples of every map, and the checks that all of them share."""

import numpy as np
import tensorflow as tf

from tfsp import bijectors


def _selector(y):
    return tf.sigmoid(2.0 * tf.reverse(y, [-1]))


def _step(above, own):
    return tf.tanh(own + tf.reduce_sum(above, -1, keepdims=True)) + own


def _conditioner(above):
    total = tf.reduce_sum(above, -1, keepdims=True)
    return tf.tanh(total) * [1.0, -1.0], tf.sin(total) * [0.5, 1.0]


# name -> (make, size of y)
INVERTIBLE = {
    "sphere": (lambda: bijectors.SphereProjection(0.05), 3),
    "circle": (lambda: bijectors.SphereProjection(0.05), 2),
    "one hole": (lambda: bijectors.GluedCircles(1, 0.05), 2),
    "two holes": (lambda: bijectors.GluedCircles(2, 0.05), 2),
    "five holes": (lambda: bijectors.GluedCircles(5, 0.05), 2),
    "two sectors": (lambda: bijectors.Sectors(2), 2),
    "ten sectors": (lambda: bijectors.Sectors(10, rotation=1.0, strength=2.0), 2),
    "unequal sectors": (lambda: bijectors.Sectors(probs=[0.5, 0.3, 0.2]), 2),
    "one wide sector": (lambda: bijectors.Sectors(probs=[0.2, 0.7, 0.1], exponent=0.5), 2),
    "nearly all": (lambda: bijectors.Sectors(probs=[0.01, 0.98, 0.01], exponent=1.0), 2),
    "halves": (lambda: bijectors.Halves(0.3), 1),
    "affine hierarchy": (lambda: bijectors.AffineHierarchy([_conditioner], [1, 2]), 3),
    "blocks": (
        lambda: bijectors.blockwise(
            [bijectors.Sectors(3), bijectors.SphereProjection(0.05)], [2, 2], 5
        ),
        5,
    ),
}
FORWARD_ONLY = {
    "selector": (lambda: bijectors.DimensionSelector(_selector), 3),
    "hierarchy": (lambda: bijectors.Hierarchy([_step, _step], [1, 2, 1]), 4),
}
ALL = {**INVERTIBLE, **FORWARD_ONLY}


def points(size, n=200, seed=0, spread=1.5):
    return np.random.default_rng(seed).normal(size=(n, size)) * spread


def value_and_jacobian(function, y):
    with tf.GradientTape() as tape:
        tape.watch(y)
        z = function(y)
    return z, tape.batch_jacobian(z, y)


def sector_borders(probs, rotation=0.0):
    """Angles of the rays between sectors."""
    return rotation - np.pi * probs[0] + 2 * np.pi * np.cumsum([0.0, *probs[:-1]])
