"""A small example of every public distribution, for what TFP asks of all of them."""

import inspect
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from reference import tmc as reference_tmc

from tfsp import distributions, tmc
from tfsp.bijectors import smoothing

PARENT, TIME = reference_tmc.random_tree(np.random.default_rng(0), 4)
OTHER_PARENT, OTHER_TIME = reference_tmc.random_tree(np.random.default_rng(1), 4)
LEAVES = np.random.default_rng(2).normal(size=(2, 4, 3))
FACTORS = [[[1.0, 0.0], [0.5, 2.0]], [[0.7, 0.0], [-0.4, 1.1]]]


class Case(NamedTuple):
    """How to make a distribution.

    make: a class, or a function that returns a distribution.
    numbers: its parameters that may be variables, by name.
    others: its other arguments.
    slopes: names among `numbers` that `log_prob` has gradients to; None for all.
    dtypes: of `numbers`.
    discrete: whether `log_prob` is the log of a probability (everywhere).
    """

    make: Any
    numbers: dict
    others: dict = MappingProxyType({})
    slopes: tuple | None = None
    dtypes: tuple = (tf.float32, tf.float64)
    discrete: bool = False

    def tensors(self, dtype=None):
        """`numbers` as tensors of a type (int32 stays)."""
        dtype = self.dtypes[0] if dtype is None else dtype
        return {
            key: tf.constant(value, tf.int32 if np.asarray(value).dtype.kind == "i" else dtype)
            for key, value in self.numbers.items()
        }

    def build(self, dtype=None, **changes):
        return self.make(**{**self.tensors(dtype), **self.others, **changes})

    @property
    def is_class(self):
        return inspect.isclass(self.make)

    @staticmethod
    def change(key, value):
        """Another value of a parameter: what is positive stays so, and trees stay trees."""
        if key == "parent":
            return value
        if key == "time":
            return tf.where(value < 1.0, 0.9 * value, value)
        return 1.2 * value


def _smoothed(name):
    numbers = {"logits": [[0.3], [-1.2]]}
    known = {"beta": [2.5, 4.0, 3.0], "loc": [0.3, -0.1, 0.5], "scale": 0.8}
    settings = smoothing.get(name).parameter_properties()
    numbers.update({key: value for key, value in known.items() if key in settings})
    return Case(distributions.SmoothedBinary, numbers, {"smoothing": name})


TREE = {"parent": PARENT, "time": TIME}
FOREST = {"parent": np.stack([PARENT, OTHER_PARENT]), "time": np.stack([TIME, OTHER_TIME])}
NATIVE = dict(dtypes=(tf.float64,))

CASES = {
    "BoltzmannMachine": Case(
        distributions.BoltzmannMachine,
        {"weights": [[0.5, -1.0, 0.3]], "bias_left": [0.2], "bias_right": [0.1, -0.4, 0.7]},
        discrete=True,
    ),
    "BrownianLeaves": Case(
        distributions.BrownianLeaves, TREE, {"dim": 3}, slopes=("time",), **NATIVE
    ),
    "BrownianLeaves, two trees": Case(
        distributions.BrownianLeaves, FOREST, {"dim": 3}, slopes=("time",), **NATIVE
    ),
    "Attachment": Case(
        tmc.Attachment,
        {**TREE, "leaves": LEAVES[0]},
        {"num_nodes": (6, 3)},
        slopes=("leaves",),
        **NATIVE,
    ),
    "Attachment, two trees": Case(
        tmc.Attachment, {**FOREST, "leaves": LEAVES}, slopes=("leaves",), **NATIVE
    ),
    "Attachment, plain": Case(
        tmc.Attachment, {**TREE, "leaves": LEAVES}, {"native": False}, slopes=("leaves",), **NATIVE
    ),
    "DiagonalGaussianMixture": Case(
        distributions.DiagonalGaussianMixture,
        {
            "logits": [0.3, -0.5, 0.1],
            "loc": [[1.0, 2.0], [0.0, -1.0], [3.0, 0.5]],
            "log_variance": [[0.1, -0.5], [0.0, 0.2], [-1.0, 0.4]],
        },
    ),
    "DiagonalGaussianMixture, batch": Case(
        distributions.DiagonalGaussianMixture,
        {
            "logits": [[0.3, -0.5, 0.1], [1.0, 0.2, -0.3]],
            "loc": [[[1.0, 2.0], [0.0, -1.0], [3.0, 0.5]]],
            "log_variance": [[0.1, -0.5], [0.0, 0.2], [-1.0, 0.4]],
        },
    ),
    "DiscretizedLogistic": Case(
        distributions.DiscretizedLogistic,
        {"loc": [[0.2], [0.9]], "log_scale": [-1.0, -2.0, -0.5]},
        {"num_levels": 16},
        discrete=True,
    ),
    "Normal": Case(distributions.Normal, {"loc": [[0.2], [0.9]], "scale": [1.0, 2.0, 0.5]}),
    "SpikeAndSlab": Case(
        distributions.SpikeAndSlab, {"logits": [[0.3], [-1.0]], "loc": [1.0, -0.5], "scale": 0.7}
    ),
    "TMC": Case(
        distributions.TMC,
        {"concentration1": 1.5, "concentration0": 0.8},
        {"num_leaves": 4},
        **NATIVE,
    ),
    "TMC, batch": Case(
        distributions.TMC,
        {"concentration1": [1.5, 0.8], "concentration0": 0.8},
        {"num_leaves": 4},
        **NATIVE,
    ),
    "correlated_normal": Case(
        distributions.correlated_normal, {"loc": [0.5, -1.0], "scale_tril": FACTORS}
    ),
    "diagonal_normal": Case(
        distributions.diagonal_normal, {"loc": [[0.2, 1.0], [0.9, -1.0]], "scale": [1.0, 2.0]}
    ),
    **{f"SmoothedBinary, {name}": _smoothed(name) for name in smoothing.names()},
}


def parts(value):
    """The tensors of a value or a sample as a tuple (a tree has two)."""
    return tuple(tf.nest.flatten(value))


def identical(ours, theirs, rtol):
    for a, b in zip(parts(ours), parts(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


def sliced(distribution, draws, key):
    """Those entries of draws `[n, *batch, *event]` that belong to `distribution[key]`."""
    key = key if isinstance(key, tuple) else (key,)
    key = key if Ellipsis in key else (*key, Ellipsis)

    def entries(draw, event):
        return draw.numpy()[(slice(None), *key, *[slice(None)] * event.rank)]

    return tf.nest.map_structure(entries, draws, distribution.event_shape)
