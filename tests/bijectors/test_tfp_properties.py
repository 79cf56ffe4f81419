"""The properties that TFP's own tests ask of every bijector, asked of every public one of ours.

TFP's harness (`bijector_properties_test`, `bijector_test_util`) is not in its wheel.
"""

import inspect
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from bijectors import cases
from bijectors.smoothing_cases import CASES as SMOOTHINGS
from tfsp import bijectors
from tfsp.bijectors import smoothing

tfb, tfd = tfp.bijectors, tfp.distributions
ABSTRACT = {"ForwardOnly", "Smoothing", "SpikeSmoothing"}


class Case(NamedTuple):
    """make: of `numbers` (which may be variables) and `others`. points: where to try it."""

    make: Any
    numbers: dict
    others: dict
    points: np.ndarray

    def tensors(self):
        return {key: tf.constant(value, tf.float64) for key, value in self.numbers.items()}

    def build(self, **changes):
        return self.make(**{**self.tensors(), **self.others, **changes})


def _matrices():
    rng = np.random.default_rng(0)
    upper = [np.triu(0.3 * rng.normal(size=(2, 2, 2))) for _ in range(2)]
    q = np.linalg.qr(rng.normal(size=(2, 3, 2)))[0]
    return {"q": q, "r": upper[0], "r_tilde": upper[1], "shift": rng.normal(size=(2, 2))}


def _plane(make, numbers=None, **others):
    return Case(make, numbers or {}, others, cases.points(2, 5))


INSIDE = np.array([0.11, 0.35, 0.6, 0.8, 0.97])
CASES = {
    "AffineHierarchy": Case(
        bijectors.AffineHierarchy,
        {},
        {"conditioners": [cases._conditioner], "sizes": [1, 2]},
        cases.points(3, 5),
    ),
    "DimensionSelector": _plane(bijectors.DimensionSelector, selector=cases._selector),
    "GluedCircles": _plane(bijectors.GluedCircles, epsilon=0.05),
    "Halves": Case(bijectors.Halves, {"offset": [[0.3], [-0.2]]}, {}, cases.points(1, 5)[:, None]),
    "Hierarchy": _plane(bijectors.Hierarchy, steps=[cases._step], sizes=[1, 1]),
    "Logistic": Case(bijectors.Logistic, {}, {}, cases.points(1, 5)),
    "Sectors": _plane(bijectors.Sectors, {"probs": [0.2, 0.5, 0.3]}),
    "SphereProjection": _plane(bijectors.SphereProjection, epsilon=0.05),
    "Sylvester": Case(
        bijectors.Sylvester,
        _matrices(),
        {"validate_args": True},
        cases.points(3, 10).reshape(5, 2, 3),
    ),
    **{
        name: Case(
            smoothing.get(name),
            # Of rho below 0.6 some spikes make 0.
            {"logits": [[0.9], [1.5]], **settings},
            {"validate_args": True},
            0.6 + 0.4 * INSIDE[:, None, None],
        )
        for name, (settings, _) in SMOOTHINGS.items()
    },
}
TWO_WAYS = [name for name in CASES if name not in ("DimensionSelector", "Hierarchy")]
WITH_NUMBERS = [name for name, case in CASES.items() if case.numbers]
two_ways = pytest.mark.parametrize("name", TWO_WAYS)


def test_every_public_bijector_has_an_example():
    public = {name: getattr(bijectors, name) for name in bijectors.__all__}
    public |= {name: getattr(smoothing, name) for name in smoothing.__all__}
    concrete = {
        thing
        for name, thing in public.items()
        if inspect.isclass(thing) and issubclass(thing, tfb.Bijector) and name not in ABSTRACT
    }
    assert concrete == {case.make for case in CASES.values()}
    assert {smoothing.get(name) for name in smoothing.names()} <= concrete


def _methods(bijector, x, y):
    """Results of all four directions, not from TFP's cache."""
    ndims = bijector.forward_min_event_ndims
    x = tf.identity(x)
    return (
        bijector.forward(x),
        bijector.inverse(tf.identity(y)),
        bijector.forward_log_det_jacobian(x, event_ndims=ndims),
        bijector.inverse_log_det_jacobian(tf.identity(y), event_ndims=ndims),
    )


def _points(case):
    x = tf.constant(case.points, tf.float64)
    return x, tf.identity(case.build().forward(x))


@two_ways
def test_both_ways_and_both_slopes(name):
    case = CASES[name]
    bijector = case.build()
    x, y = _points(case)
    _, inverse, slope, slope_back = _methods(bijector, x, y)
    np.testing.assert_allclose(bijector.forward(tf.identity(inverse)), y, rtol=1e-7)
    np.testing.assert_allclose(inverse, tf.broadcast_to(x, inverse.shape), rtol=1e-7, atol=1e-9)
    for value in (slope, slope_back):
        assert np.all(np.isfinite(value))
    np.testing.assert_allclose(slope, -slope_back, rtol=1e-7, atol=1e-9)
    # Against the dense Jacobian of each row.
    ndims = bijector.forward_min_event_ndims
    full = tf.broadcast_to(x, y.shape)
    size = y.shape[-1] if ndims else 1
    rows = tf.reshape(full, [-1, size])
    with tf.GradientTape() as tape:
        tape.watch(rows)
        mapped = tf.reshape(bijector.forward(tf.reshape(rows, full.shape)), [-1, size])
    dense = np.linalg.slogdet(tape.batch_jacobian(mapped, rows))[1].reshape(slope_back.shape)
    np.testing.assert_allclose(np.broadcast_to(slope, dense.shape), dense, rtol=1e-6, atol=1e-8)
    # More event dimensions: the sum of slopes.
    if ndims == 0:
        more = bijector.forward_log_det_jacobian(full, event_ndims=1)
        np.testing.assert_allclose(more, tf.reduce_sum(slope_back * -1.0, axis=-1), rtol=1e-6)
        assert bool(bijector._internal_is_increasing())
        uniform = tfd.Uniform(tf.constant(-9.0, tf.float64), 9.0)
        pushed = tfd.TransformedDistribution(uniform, bijector)
        np.testing.assert_allclose(pushed.cdf(y), (full + 9.0) / 18.0, rtol=1e-7)


@pytest.mark.parametrize("name", CASES)
def test_parameters_equality_copies_and_slices(name):
    case = CASES[name]
    tensors = case.tensors()
    bijector, twin = (case.make(**tensors, **case.others) for _ in range(2))
    assert bijector == twin
    assert hash(bijector) == hash(twin)
    properties = case.make.parameter_properties(dtype=tf.float64)
    assert set(case.numbers) == set(properties)
    assert set(properties) <= set(inspect.signature(case.make.__init__).parameters)
    x, y = _points(case)
    np.testing.assert_array_equal(bijector.copy(name="copied").forward(x), y)
    batch = bijector.experimental_batch_shape()
    np.testing.assert_array_equal(bijector.experimental_batch_shape_tensor(), batch)
    ndims = bijector.forward_min_event_ndims
    assert (
        tf.broadcast_static_shape(batch, y.shape[: y.shape.rank - ndims])
        == (y.shape[: y.shape.rank - ndims])
    )
    with pytest.raises(TypeError, match="not iterable"):
        iter(bijector)
    if batch.rank:
        part = bijector[1]
        assert part.experimental_batch_shape() == batch[1:]
        inner = x[:, min(1, x.shape[1] - 1)]
        np.testing.assert_allclose(part.forward(inner), y[:, 1], rtol=1e-10)


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, tf.Variable) for name in WITH_NUMBERS]
    + [(name, keras.Variable) for name in ("Halves", "Sylvester", "ramps")],
)
def test_variables_are_read_when_needed_and_have_gradients(name, kind):
    case = CASES[name]
    held = {key: kind(value) for key, value in case.tensors().items()}
    bijector = case.build(**held)
    x, y = _points(case)
    trained = bijector.trainable_variables
    assert len(trained) == len(held)
    # The way back from z has the slope of the side of 0 where z lies, wherever the tear was.
    for method in (0, 1, 2) if name == "Halves" else (0, 1, 2, 3):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(_methods(bijector, x, y)[method] ** 2)
        for slope in tape.gradient(total, trained):
            assert slope is not None
            assert np.all(np.isfinite(slope))
    if name == "Sylvester":  # its q must stay orthonormal
        held = {key: value for key, value in held.items() if key != "q"}
    changed = {
        key: tf.reverse(value, [0]) if key == "probs" else 0.9 * value
        for key, value in case.tensors().items()
        if key in held
    }
    for key, variable in held.items():
        variable.assign(changed[key])
    fresh = _methods(case.build(**changed), x, y)
    for ours, theirs in zip(_methods(bijector, x, y), fresh, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)
    assert not np.allclose(fresh[0], y)


@two_ways
def test_unknown_shapes_in_graphs(name):
    case = CASES[name]
    x, y = _points(case)
    # The number of sectors must be known.
    free = {} if name == "Sectors" else case.tensors()

    @tf.function(autograph=False)
    def graph(x, y, **numbers):
        return _methods(case.build(**numbers), x, y)

    unknown = {key: tf.TensorSpec(None, tf.float64) for key in ("x", "y", *free)}
    graph = graph.get_concrete_function(**unknown)
    for ours, theirs in zip(graph(x=x, y=y, **free), _methods(case.build(), x, y), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [None, [None, None, None], [2, None, 4]])
def test_orthogonal_matrices_of_unknown_sizes(shape):
    vectors = np.random.default_rng(0).normal(size=(2, 3, 4))
    spec = [tf.TensorSpec(shape, tf.float64)]
    product = tf.function(bijectors.householder, spec, autograph=False)(vectors)
    np.testing.assert_allclose(product, bijectors.householder(vectors), atol=1e-12)
    if shape == [2, None, 4]:
        return
    columns = np.swapaxes(vectors, 1, 2)
    found = tf.function(bijectors.orthogonalise, spec, autograph=False)(columns)
    gram = tf.matmul(found, found, transpose_a=True)
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(3), (2, 3, 3)), atol=1e-5)


def test_variables_of_wrong_values_are_refused_where_they_are_used():
    case = CASES["Sylvester"]
    q = tf.Variable(case.tensors()["q"])
    bijector = case.build(q=q)
    x, _ = _points(case)
    bijector.forward(x)
    q.assign(2.0 * q)
    with pytest.raises(tf.errors.InvalidArgumentError, match="orthonormal"):
        bijector.forward(x)
    beta = tf.Variable(2.0)
    ramp = smoothing.get("power_function")(0.3, beta, validate_args=True)
    beta.assign(-1.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="`beta` must be positive"):
        ramp.forward(0.3)


def test_the_logistic_function_keeps_finite_slopes_far_out():
    x = tf.constant([-1e4, -100.0, -88.8, 0.0, 88.8, 100.0, 1e4])
    logistic = bijectors.Logistic()
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = logistic.forward(x)
        slope = logistic.forward_log_det_jacobian(x, event_ndims=0)
    assert np.all(np.isfinite(tape.gradient(y, x)))
    np.testing.assert_allclose(slope, -np.logaddexp(0, -x) - np.logaddexp(0, x), rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(slope, x), np.tanh(-x.numpy() / 2), atol=1e-6)
