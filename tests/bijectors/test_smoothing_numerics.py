"""Smoothings in float32, at the extremes, in graphs; NaN, derivatives, errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from bijectors.smoothing_cases import CASES, OVERLAPPING, SPIKES, double, make
from tfsp.bijectors import smoothing

EXTREMES = (-1e4, -100.0, -30.0, -17.0, -3.0, 0.0, 0.5, 10.0, 30.0, 100.0, 1e4)
BETAS = (0.1, 0.5, 1.0, 3.0, 10.0, 30.0, 100.0)


def at_extremes(name, dtype):
    """The smoothing, rho and the watched parameters over all extremes at once, as a grid."""
    rho = (0, 1e-30, 1e-10, 1e-7, 1e-4, 0.1, 0.3, 0.5, 0.7, 0.9, 1 - 1e-4, 1 - 6e-8, 1)
    grid = np.meshgrid(*(np.float32(a) for a in (rho, EXTREMES, BETAS)), indexing="ij")
    rho, logits, beta = (tf.constant(a.ravel().astype(dtype)) for a in grid)
    settings = dict.fromkeys(CASES[name][0], beta)
    return rho, logits, beta, (lambda: smoothing.get(name)(logits, **settings))


@pytest.mark.parametrize("name", CASES)
def test_nan_is_not_hidden(name):
    for logits, value in ((np.nan, 0.3), (0.3, np.nan), (np.nan, 0.9)):
        ours = make(name, tf.constant([logits, 0.0]))
        value = tf.constant([value, 0.3])
        for result in (ours.forward(value), ours.log_prob(value)):
            np.testing.assert_array_equal(np.isnan(result), [True, False])


@pytest.mark.parametrize("name", CASES)
def test_float32_at_the_extremes(name):
    """rho up to 0 and 1, logits to +-1e4, beta 0.1 to 100: finite, and right where it can be."""
    results = {}
    for dtype in ("float32", "float64"):
        rho, logits, beta, build = at_extremes(name, dtype)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([rho, logits, beta])
            zeta = build().forward(rho)
        slopes = [tape.gradient(zeta, logits), tape.gradient(zeta, rho)]
        slopes += [tape.gradient(zeta, beta)] if CASES[name][0] else []
        place = tf.identity(zeta)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([place, logits, beta])
            ours = build()
            outputs = [ours.log_prob(place), ours.inverse(tf.identity(place))]
            outputs += [ours.posterior_logits(place)]
        for output in outputs:
            sources = [place, logits] + ([beta] if CASES[name][0] else [])
            outputs = [*outputs, *(g for g in tape.gradient(output, sources) if g is not None)]
        for value in [zeta, *slopes, *outputs]:
            assert np.all(np.isfinite(value)), (dtype, value)
        assert np.any(slopes[0] != 0)
        results[dtype] = zeta.numpy(), [s.numpy() for s in slopes], rho.numpy(), build()
    single, slopes, rho, _ = results["float32"]
    exact, exact_slopes, _, ours = results["float64"]
    shown = (single != 0) & (rho > 0) & (rho < 1) if name in SPIKES else (rho > 0) & (rho < 1)
    residual = ours.inverse(tf.constant(single.astype("float64"))).numpy() - rho
    resolved = shown if name != "power_function" else shown & (single < 0.5) & (exact > 1e-30)
    beta = at_extremes(name, "float64")[2].numpy()
    # zeta's own rounding times the density, which is at most about beta.
    assert resolved.sum() > 100
    assert np.all(np.abs(residual[resolved]) < 4e-7 * (1 + beta[resolved]))
    near = shown & (np.abs(single - exact) < 1e-5 * np.minimum(np.abs(exact), 1))
    assert near.sum() > 100
    for slope, wanted in zip(slopes, exact_slopes, strict=True):
        # Where a slope vanishes, for beta = 0.1 say, it is a difference of larger terms.
        atol = 1e-4 * np.abs(exact)
        assert np.all((np.abs(slope - wanted) - 1e-3 * np.abs(wanted) - atol)[near] <= 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_any_batch_graphs_and_xla(name):
    logits = np.random.default_rng(0).normal(size=(4, 3)).astype("float32") * 3
    rho = np.random.default_rng(1).uniform(size=(2, 4, 3)).astype("float32")

    def forward_and_gradient(logits, rho):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            zeta = make(name, logits).forward(rho)
        return zeta, tape.gradient(zeta, logits)

    expected = forward_and_gradient(tf.constant(logits), tf.constant(rho))
    assert expected[0].shape == (2, 4, 3)
    assert expected[1].shape == (4, 3)
    assert expected[0].dtype == tf.float32
    specs = [tf.TensorSpec([None, 3]), tf.TensorSpec([None, None, 3])]
    calls = [tf.function(forward_and_gradient, specs)]
    if name in ("ramps", "power_function", "spike_and_gaussian"):  # each what others have not
        calls.append(tf.function(forward_and_gradient, jit_compile=True))
    for call in calls:
        for wanted, other in zip(expected, call(logits, rho), strict=True):
            np.testing.assert_allclose(other, wanted, rtol=2e-4, atol=2e-5)
    ours = make(name, tf.constant(logits))
    assert ours.experimental_batch_shape() == (4, 3)
    zeta = tf.identity(ours.forward(rho))
    slope = ours.forward_log_det_jacobian(rho)
    np.testing.assert_allclose(slope, -ours.inverse_log_det_jacobian(zeta), rtol=1e-6)


@pytest.mark.parametrize("name", OVERLAPPING)
def test_second_derivatives_are_refused_rather_than_wrong(name):
    logits = tf.constant(0.5)
    with tf.GradientTape() as outer:
        outer.watch(logits)
        with tf.GradientTape() as inner:
            inner.watch(logits)
            zeta = make(name, logits).forward(tf.constant(0.3))
        slope = inner.gradient(zeta, logits)
    assert slope > 0
    with pytest.raises(LookupError, match="first derivatives only"):
        outer.gradient(slope, logits)


def test_parameters_may_be_weights():
    """Keras variables train through a smoothing made in the step that uses it."""
    weights = {key: keras.Variable(value, dtype="float32") for key, value in
               {"logits": 0.3, "beta": 4.0}.items()}  # fmt: skip
    for name in ("overlapping_exponential", "power_function", "spike_and_exponential"):
        with tf.GradientTape() as tape:
            zeta = smoothing.get(name)(**weights).forward(tf.constant([0.45, 0.7]))
        slopes = tape.gradient(zeta, [weight.value for weight in weights.values()])
        assert all(slope is not None and slope != 0 for slope in slopes)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf, [1.0, -2.0]])
def test_bad_parameters_are_refused(bad):
    for name, (settings, _) in CASES.items():
        for key in set(settings) - {"loc"}:
            with pytest.raises(ValueError, match=f"`{key}` must be positive and finite. Received"):
                make(name, 0.0, **{key: bad})


def test_bad_tensors_and_dtypes_are_refused():
    for bad, name in ((tf.constant([1, 0]), "int32"), (tf.constant(0.0, tf.float16), "float16")):
        with pytest.raises(TypeError, match=f"float32 or float64: cast them. Received: {name}"):
            smoothing.Ramps(bad)
    with pytest.raises(tf.errors.InvalidArgumentError, match="`beta` must be positive"):
        smoothing.PowerFunction(0.0, tf.constant([1.0, -1.0]), validate_args=True)
    assert smoothing.Ramps(0.0).dtype == tf.float32
    assert smoothing.PowerFunction(0.0, double(2.0)).forward(double(0.3)).dtype == tf.float64
