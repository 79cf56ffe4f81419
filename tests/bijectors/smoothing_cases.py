"""Examples of every smoothing, and what their tests share."""

import math

import tensorflow as tf

from tfsp.bijectors import smoothing

# name -> (its parameters, places inside the support)
CASES = {
    "overlapping_exponential": ({"beta": 5.0}, (0.03, 0.4, 0.5, 0.9)),
    "power_function": ({"beta": 2.5}, (0.01, 0.4, 0.5, 0.97)),
    "ramps": ({}, (0.03, 0.4, 0.5, 0.9)),
    "spike_and_exponential": ({"beta": 3.0}, (0.03, 0.4, 0.5, 0.9)),
    "spike_and_gaussian": ({"loc": 0.4, "scale": 1.3}, (-3.0, -0.2, 0.3, 2.0)),
    "spike_and_slab": ({}, (0.03, 0.4, 0.5, 0.9)),
}
SPIKES = [name for name in CASES if name.startswith("spike")]
OVERLAPPING = [name for name in CASES if not name.startswith("spike")]


def double(values):
    return tf.constant(values, tf.float64)


def sigmoid(logit):
    return 1 / (1 + math.exp(-logit))


def make(name, logits, **settings):
    return smoothing.get(name)(logits, **{**CASES[name][0], **settings})
