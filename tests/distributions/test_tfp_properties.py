"""The properties that TFP's own tests ask of every distribution, asked of every public one of ours.

TFP's harness (`distribution_properties_test`, `hypothesis_testlib`) is not in its wheel.
"""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from reference.statistics import mean_tolerance

from distributions.property_cases import CASES, identical, parts, sliced
from tfsp import distributions, tmc

tfd = tfp.distributions
every = pytest.mark.parametrize("name", CASES)
SEED = (3, 4)


def test_every_public_distribution_has_an_example():
    public = {getattr(distributions, name) for name in distributions.__all__} - {distributions.Tree}
    attachments = {getattr(tmc, name) for name in tmc.__all__}
    public |= {c for c in attachments if inspect.isclass(c) and issubclass(c, tfd.Distribution)}
    assert public == {case.make for case in CASES.values()}


@every
def test_parameters_shapes_and_copies(name):
    case = CASES[name]
    distribution = case.build(validate_args=True) if case.is_class else case.build()
    draws = distribution.sample(3, seed=SEED)
    log_prob = distribution.log_prob(draws)
    assert distribution.batch_shape == log_prob.shape[1:]
    np.testing.assert_array_equal(distribution.batch_shape_tensor(), log_prob.shape[1:])
    for draw, event in zip(parts(draws), parts(distribution.event_shape_tensor()), strict=True):
        assert draw.shape == [3, *distribution.batch_shape, *event]
    assert not np.any(parts(distribution.is_scalar_event())[0]) or draws.shape == log_prob.shape
    if case.is_class:
        taken = inspect.signature(case.make.__init__).parameters
        properties = case.make.parameter_properties(dtype=case.dtypes[0])
        assert set(case.numbers) <= set(properties)
        variadic = any(p.kind is p.VAR_KEYWORD for p in taken.values())
        assert variadic or set(properties) <= set(taken)
    copied = distribution.copy(name="copied")
    assert copied.parameters == {**distribution.parameters, "name": "copied"}
    np.testing.assert_allclose(copied.log_prob(draws), log_prob, rtol=1e-6)
    composite = tfp.experimental.as_composite(distribution)
    passed = tf.function(lambda d, x: d.log_prob(x), autograph=False)(composite, draws)
    np.testing.assert_allclose(passed, log_prob, rtol=1e-5, atol=1e-5)


@every
def test_types(name):
    case = CASES[name]
    for dtype in case.dtypes:
        distribution = case.build(dtype)
        draws = distribution.sample(2, seed=SEED)
        assert tuple(d.dtype for d in parts(draws)) in [(dtype,), (tf.int32, tf.float64)]
        assert distribution.log_prob(draws).dtype == dtype


@every
def test_slices_have_slices_of_the_log_probabilities(name):
    distribution = CASES[name].build()
    with pytest.raises(TypeError, match="not iterable"):
        iter(distribution)
    draws = distribution.sample(3, seed=SEED)
    log_prob = distribution.log_prob(draws).numpy()
    batched = [0, (..., slice(0, 1)), slice(None, None, -1), (tf.newaxis, Ellipsis)]
    for key in batched if distribution.batch_shape.rank else [Ellipsis]:
        part = distribution[key]
        expected = log_prob[(slice(None), *(key if isinstance(key, tuple) else (key,)))]
        assert part.batch_shape == expected.shape[1:]
        np.testing.assert_allclose(
            part.log_prob(sliced(distribution, draws, key)), expected, rtol=1e-4, atol=1e-5
        )
        assert parts(part.sample(2, seed=SEED))[0].shape[1 : 1 + part.batch_shape.rank] == (
            part.batch_shape
        )


def test_no_batches_of_machines():
    with pytest.raises(ValueError, match=r"shape \[L, R\]"):
        CASES["BoltzmannMachine"].build()[tf.newaxis]


def _read_again(value, kind):
    """A parameter that is read when needed, and a function that changes it."""
    if value.dtype.is_integer or kind is tf.Variable:
        variable = tf.Variable(value)
        return variable, variable.assign
    if kind is keras.Variable:
        variable = keras.Variable(value)
        return variable, variable.assign
    variable = tf.Variable(value - 0.5)
    half = tf.constant(0.5, value.dtype)
    return tfp.util.DeferredTensor(variable, lambda v: v + half), lambda new: variable.assign(
        new - half
    )


OTHER_KINDS = ("DiagonalGaussianMixture", "Normal", "SmoothedBinary, ramps", "SpikeAndSlab", "TMC")


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, tf.Variable) for name in CASES]
    + [(n, kind) for n in OTHER_KINDS for kind in (keras.Variable, tfp.util.DeferredTensor)],
)
def test_variables_are_read_when_needed_and_have_gradients(name, kind):
    case = CASES[name]
    tensors = case.tensors()
    held = {key: _read_again(value, kind) for key, value in tensors.items()}
    distribution = case.build(**{key: variable for key, (variable, _) in held.items()})
    draws = case.build().sample(3, seed=SEED)
    trained = distribution.trainable_variables
    assert len(trained) == len(held)
    slopes = [key for key in held if case.slopes is None or key in case.slopes]
    with tf.GradientTape() as tape:
        log_prob = distribution.log_prob(draws)
    found = tape.gradient(log_prob, trained)
    assert sum(g is not None and np.any(g != 0) for g in found) == len(slopes)
    assert all(g is None or np.all(np.isfinite(g)) for g in found)
    # A change that keeps what is positive positive, and trees trees.
    changed = {key: case.change(key, value) for key, value in tensors.items()}
    for key, (_, assign) in held.items():
        assign(changed[key])
    fresh = case.build(**changed)
    np.testing.assert_allclose(
        distribution.log_prob(draws), fresh.log_prob(draws), rtol=1e-4, atol=1e-5
    )
    assert not np.allclose(fresh.log_prob(draws), log_prob)
    identical(distribution.sample(3, seed=SEED), fresh.sample(3, seed=SEED), 1e-5)


@every
def test_one_seed_one_draw(name):
    distribution = CASES[name].build()
    draws = distribution.sample([2, 1], seed=SEED)
    identical(draws, distribution.sample([2, 1], seed=SEED), 0)
    both, log_prob = distribution.experimental_sample_and_log_prob([2, 1], seed=SEED)
    identical(both, draws, 1e-6)
    broken = tf.nest.map_structure(tf.identity, draws)  # TFP would find the cached noise
    np.testing.assert_allclose(log_prob, distribution.log_prob(broken), rtol=1e-4, atol=1e-5)


@every
def test_numbers_of_draws_are_integers(name):
    distribution = CASES[name].build()
    if type(distribution) is tfd.Independent:  # TFP's own, but for its base
        distribution = distribution.distribution
    for wrong in (2.5, 2.0, -1, True, (2, 1.5), np.float32(2), "2", np.array([2.0])):
        for draw in (distribution.sample, distribution.experimental_sample_and_log_prob):
            with pytest.raises(ValueError, match=r"^`sample_shape.*a non-negative integer"):
                draw(wrong, seed=SEED)
    for shape, sizes in ((3, [3]), ((2, 1), [2, 1]), ((), []), (tf.constant(2), [2])):
        drawn = parts(distribution.sample(shape, seed=SEED))[0].shape
        assert drawn[: len(sizes)] == sizes
        assert len(drawn) == len(sizes) + len(parts(distribution.sample(seed=SEED))[0].shape)


def _unknown(value):
    return tf.nest.map_structure(lambda t: tf.TensorSpec(None, t.dtype), value)


def _results(distribution, shape, value):
    shapes = distribution.batch_shape_tensor(), distribution.event_shape_tensor()
    return distribution.sample(shape, seed=SEED), distribution.log_prob(value), shapes


@every
def test_unknown_shapes_in_graphs(name):
    """Parameters, values and sample shapes whose ranks a graph does not know."""
    case = CASES[name]
    distribution = case.build()
    draws = distribution.sample(3, seed=SEED)
    # The sizes of a machine's two sides must be known.
    free = {} if name == "BoltzmannMachine" else case.tensors()

    def everything(shape, value, **numbers):
        return _results(case.build(**numbers), shape, value)

    shape = tf.TensorSpec(None, tf.int32)
    graph = tf.function(everything, autograph=False)
    graph = graph.get_concrete_function(shape, _unknown(draws), **_unknown(free))
    sampled, log_prob, shapes = graph(tf.constant([3]), draws, **free)
    identical(sampled, draws, 1e-5)
    np.testing.assert_allclose(log_prob, distribution.log_prob(draws), rtol=1e-5, atol=1e-5)
    identical(shapes, _results(distribution, 3, draws)[2], 0)


@pytest.mark.parametrize(
    "name", ["BoltzmannMachine", "DiagonalGaussianMixture", "DiscretizedLogistic", "SpikeAndSlab"]
)
def test_xla(name):
    case = CASES[name]

    @tf.function(jit_compile=True, autograph=False)
    def compiled():
        draws = case.build().sample(3, seed=SEED)
        return draws, case.build().log_prob(draws)

    draws, log_prob = compiled()
    assert draws.shape[1:] == case.build().batch_shape + case.build().event_shape
    np.testing.assert_allclose(log_prob, case.build().log_prob(draws), rtol=1e-3, atol=1e-3)


@every
def test_statistics_have_the_shapes_and_values_of_the_draws(name):
    """Means and variances against draws; false alarm 1e-6 each."""
    distribution = CASES[name].build()
    batch, event = distribution.batch_shape, distribution.event_shape
    if isinstance(event, tuple):  # a tree
        return
    draws = distribution.sample(2_000, seed=SEED).numpy().astype(np.float64)
    shapes = {"mean": batch + event, "variance": batch + event, "mode": batch + event}
    shapes |= {"stddev": batch + event, "entropy": batch}
    if event.rank == 1:
        shapes["covariance"] = batch + event + event
    found = {}
    for statistic, shape in shapes.items():
        try:
            found[statistic] = getattr(distribution, statistic)()
        except NotImplementedError:
            continue
        assert found[statistic].shape == shape, statistic
    assert "mean" in found
    error = np.abs(draws.mean(axis=0) - found["mean"])
    assert np.all(error <= mean_tolerance(draws) + 1e-6)
    if "variance" in found:
        squares = (draws - found["mean"].numpy()) ** 2
        error = np.abs(squares.mean(axis=0) - found["variance"])
        assert np.all(error <= mean_tolerance(squares) + 1e-6)
    if "entropy" in found:
        log_prob = distribution.log_prob(tf.cast(draws, distribution.dtype)).numpy()
        error = np.abs(log_prob.mean(axis=0) + found["entropy"])
        assert np.all(error <= mean_tolerance(log_prob) + 1e-6)
