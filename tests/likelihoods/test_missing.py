"""Missing entries are left out of every likelihood: as if their columns were not there."""

import numpy as np
import pytest
import tensorflow as tf

from tfsp import likelihoods

ROWS, SIZE = 6, 5
ABSENT = np.array([0, 1, 0, 1, 0], bool)
COUNTS = [name for name in likelihoods.names() if likelihoods.get(name).kind == "counts"]
SPECS = [
    *({"name": name} for name in likelihoods.names() if likelihoods.get(name).kind != "mixed"),
    *({"name": name, "library": "none"} for name in COUNTS),
    *({"name": name, "dispersion": "example"} for name in COUNTS if name != "poisson"),
    *(
        {"name": name, "scale": scale, "standardize": True}
        for name in ("gaussian", "laplace")
        for scale in ("feature", "pixel")
    ),
    {"name": "categorical", "num_levels": 3},
]


def data(likelihood, seed=0):
    """Rows that the likelihood may have, complete."""
    rng = np.random.default_rng(seed)
    if likelihood.kind == "counts":
        return rng.poisson(4.0, (ROWS, SIZE)).astype(float)
    if likelihood.kind == "discrete":
        top = likelihood.num_levels - 1
        return rng.integers(0, top + 1, (ROWS, SIZE)) / top
    if likelihood.unit_interval:
        return rng.random((ROWS, SIZE))
    return rng.normal(size=(ROWS, SIZE)) * [1e-3, 1.0, 50.0, 3.0, 2.0] + [2.0, -3.0, 1e4, 7.0, 0.0]


def make(spec, x, missing):
    likelihood = likelihoods.build({**spec, "missing": missing})
    likelihood.build(x.shape[1:])
    likelihood.adapt(x)
    return likelihood


def outputs_for(spec, seed=1):
    """Outputs of `SIZE` entries and of those that are there, `[S, B, ...]`."""
    number = likelihoods.build(spec).num_parameters
    whole = np.random.default_rng(seed).normal(size=(2, ROWS, number, SIZE))
    return (
        whole.reshape(2, ROWS, number * SIZE),
        whole[..., ~ABSENT].reshape(2, ROWS, number * (SIZE - ABSENT.sum())),
    )


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_log_prob_and_gradients_are_of_what_is_there(float64, spec):
    complete = data(likelihoods.build(spec))
    x = np.where(ABSENT, np.nan, complete)
    likelihood = likelihoods.build({**spec, "missing": True})
    likelihood.build((SIZE,))
    likelihood.adapt(complete)  # so that centers of the columns without a value are known
    smaller = make(spec, complete[:, ~ABSENT], False)
    whole, part = (tf.constant(outputs) for outputs in outputs_for(spec))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([whole, part])
        log_prob = likelihood.log_prob(x, whole, 1)
        expected = smaller.log_prob(complete[:, ~ABSENT], part, 1)
    assert log_prob.shape == (2, ROWS)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-10)
    number = likelihood.num_parameters
    gradient = tape.gradient(log_prob, whole).numpy().reshape(2, ROWS, number, SIZE)
    np.testing.assert_array_equal(gradient[..., ABSENT], 0.0)
    there = tape.gradient(expected, part).numpy().reshape(2, ROWS, number, -1)
    np.testing.assert_allclose(gradient[..., ~ABSENT], there, rtol=1e-8, atol=1e-12)
    for weight, same in zip(likelihood.trainable_weights, smaller.trainable_weights, strict=True):
        found, wanted = tape.gradient(log_prob, weight.value), tape.gradient(expected, same.value)
        if found.shape.rank:
            np.testing.assert_array_equal(tf.boolean_mask(found, ABSENT), 0.0)
            found = tf.boolean_mask(found, ~ABSENT)
        np.testing.assert_allclose(found, wanted, rtol=1e-8)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_without_a_missing_entry_nothing_changes(spec):
    x = data(likelihoods.build(spec)).astype("float32")
    with_mask, plain = make(spec, x, True), make(spec, x, False)
    whole = tf.constant(outputs_for(spec)[0], tf.float32)
    np.testing.assert_allclose(
        with_mask.log_prob(x, whole, 1), plain.log_prob(x, whole, 1), rtol=1e-5, atol=1e-5
    )
    seen = np.asarray(with_mask.encoder_input(tf.constant(x)))
    np.testing.assert_array_equal(seen[:, :SIZE], plain.encoder_input(tf.constant(x)))
    np.testing.assert_array_equal(seen[:, SIZE:], 1.0)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_rows_without_any_entry_and_extreme_outputs(spec):
    """log p is 0, and gradients are finite however far off the missing entry would be."""
    x = data(likelihoods.build(spec)).astype("float32")
    likelihood = make(spec, x, True)
    for size in (0.0, -80.0, 80.0):
        whole = size * tf.ones(outputs_for(spec)[0].shape)
        with tf.GradientTape() as tape:
            tape.watch(whole)
            log_prob = likelihood.log_prob(np.full_like(x, np.nan), whole, 1)
        np.testing.assert_array_equal(log_prob, 0.0)
        np.testing.assert_array_equal(tape.gradient(log_prob, whole), 0.0)
        x[:, 1] = np.nan
        # The missing entry alone far off, the others near.
        steep = tf.constant(np.where(np.arange(whole.shape[-1]) % SIZE == 1, size, 0.3), "float32")
        steep = tf.broadcast_to(steep, whole.shape)
        with tf.GradientTape() as tape:
            tape.watch(steep)
            log_prob = likelihood.log_prob(x, steep, 1)
        assert np.isfinite(log_prob).all()
        assert np.isfinite(tape.gradient(log_prob, steep)).all()


@pytest.mark.parametrize("shape", [(5,), (2, 3), (4, 3, 2)])
def test_encoders_see_zeros_and_a_mask(shape):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, *shape)) * 3.0 + 7.0
    absent = rng.random(x.shape) < 0.3
    holes = np.where(absent, np.nan, x)
    likelihood = make({"name": "gaussian", "standardize": True}, holes, True)
    center, unit = np.nanmean(holes, axis=0), np.nanstd(holes, axis=0)
    np.testing.assert_allclose(likelihood.center, center, rtol=1e-6)
    np.testing.assert_allclose(likelihood.unit, unit, rtol=1e-5)
    seen = likelihood.encoder_input(tf.constant(holes, tf.float32)).numpy()
    assert seen.shape == (50, *likelihood.encoder_shape(shape))
    expected = np.where(absent, 0.0, (holes - center) / unit)
    np.testing.assert_allclose(seen[..., : shape[-1]], expected, atol=1e-5)
    np.testing.assert_array_equal(seen[..., shape[-1] :], ~absent)


def test_totals_of_counts_are_of_what_is_there():
    x = np.array([[1.0, 2.0, np.nan], [4.0, np.nan, np.nan], [5.0, 3.0, 9.0]])
    likelihood = make({"name": "poisson"}, x, True)
    assert likelihood.typical_library.numpy() == 4.0
    outputs = tf.constant(np.log([[1.0, 3.0, 2.0]] * 3), tf.float32)
    means = likelihood.distribution_given(x, outputs, 1).mean()
    # The total is shared among the entries there; a missing one follows by its ratio to them.
    expected = [[0.75, 2.25, 1.5], [4.0, 12.0, 8.0], [17 / 6, 17 / 2, 17 / 3]]
    np.testing.assert_allclose(means, expected, rtol=1e-5)


def test_an_entry_that_is_never_there():
    x = np.array([[1.0, np.nan], [2.0, np.nan]])
    with pytest.raises(ValueError, match=r"2 examples without entry \[1\]"):
        make({"name": "gaussian", "standardize": True}, x, True)
    with pytest.raises(ValueError, match="must be finite"):
        make({"name": "gaussian", "standardize": True}, x, False)
    with pytest.raises(ValueError, match="must be finite"):
        make({"name": "gaussian", "standardize": True}, np.where(np.isnan(x), np.inf, x), True)
