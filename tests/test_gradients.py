"""Gradients by hand: right wherever they are asked for, and gone with their graph."""

import gc
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.func_graph import FuncGraph

from tfsp import gradients

ROOT = pathlib.Path(__file__).parents[1]
# d/dx = 5 and 5 k, by hand alone: the tape's are 2 x and 1.
five_times = gradients.explicit(lambda upstream, value, x: [5.0 * upstream])(lambda x: x * x)


@gradients.explicit(lambda upstream, value, x, k: (5.0 * k * upstream, None), differentiable=False)
def scaled(x, k):
    return tf.identity(x)


def slope(function):
    def of(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x)

    return of


USES = {
    "plain": (five_times, 5.0),
    "two arguments": (lambda x: scaled(x, 3.0), 15.0),
    "within a function": (tf.function(five_times), 5.0),
    "a loop": (
        lambda x: tf.while_loop(lambda i, _: i < 2, lambda i, y: (i + 1, five_times(y)), (0, x))[1],
        25.0,
    ),
    "a condition": (lambda x: tf.cond(x > 0, lambda: five_times(x), lambda: x), 5.0),
}


@pytest.mark.parametrize("use", USES)
def test_the_gradient_is_the_one_by_hand(use):
    function, expected = USES[use]
    x = tf.constant(3.0)
    assert float(slope(function)(x)) == expected
    assert float(tf.function(slope(function))(x)) == expected
    assert float(slope(tf.function(function))(x)) == expected
    assert float(tf.function(slope(function), jit_compile=True)(x)) == expected
    assert float(tf.function(lambda x: tf.gradients(function(x), x)[0])(x)) == expected


def test_second_derivatives_are_the_tapes_of_it():
    cube = gradients.explicit(lambda upstream, value, x: [3 * x**2 * upstream])(lambda x: x**3)
    for of in (slope(slope(cube)), tf.function(slope(slope(cube)))):
        assert float(of(tf.constant(2.0))) == 12.0


def test_what_is_saved_and_loaded_has_the_tapes_gradient_or_says_that_it_has_none(tmp_path):
    module = tf.Module()
    spec = tf.TensorSpec([], tf.float32)
    module.square = tf.function(five_times, input_signature=[spec])
    module.scaled = tf.function(lambda x: scaled(x, 3.0), input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    assert float(slope(loaded.square)(tf.constant(3.0))) == 6.0
    with pytest.raises(LookupError, match="scaled has no gradient in a graph that was saved"):
        slope(loaded.scaled)(tf.constant(3.0))


def test_graphs_are_not_kept():
    def graphs():
        gc.collect()
        return sum(isinstance(thing, FuncGraph) for thing in gc.get_objects())

    def use():
        of = tf.function(slope(lambda x: five_times(x) + scaled(x, 2.0)))
        np.testing.assert_allclose(of(tf.constant(1.0)), 15.0)

    use()
    before = graphs()
    for _ in range(3):
        use()
    assert graphs() == before


def test_nothing_else_registers_gradients():
    """`tf.custom_gradient` in a graph keeps it for good: `gradients.explicit` takes its place."""
    users = {
        path.name for path in (ROOT / "tfsp").rglob("*.py") if "@tf.custom_grad" in path.read_text()
    }
    assert users == {"gradients.py"}
