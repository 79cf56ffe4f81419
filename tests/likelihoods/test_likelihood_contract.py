"""What every registered likelihood promises."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.statistics import mean_tolerance

from tfsp import likelihoods

DATA_SHAPE = (2, 1, 2)
COUNTS = [name for name in likelihoods.names() if likelihoods.get(name).kind == "counts"]
# Of mixed columns, which are no images: see `test_columns.py`.
ALONE = [name for name in likelihoods.names() if likelihoods.get(name).kind != "mixed"]
# Each registered name as it comes, and the options that change what is computed. Of counts with
# the total of x taken as given, entries are not independent: see `test_counts.py`.
SPECS = [
    *({"name": name, "library": "none"} if name in COUNTS else name for name in ALONE),
    *(
        {"name": name, "library": "none", "dispersion": "example"}
        for name in ("negative_binomial", "zero_inflated_negative_binomial")
    ),
    *(
        {"name": name, "scale": scale, "location": location, "initial_scale": 0.3}
        for name in ("gaussian", "laplace")
        for scale, location in [("scalar", "sigmoid"), ("pixel", "linear")]
    ),
    {"name": "categorical", "num_levels": 3},
]


def make(spec):
    likelihood = likelihoods.build(spec)
    likelihood.build(DATA_SHAPE)
    return likelihood


@pytest.fixture(params=SPECS, ids=str)
def likelihood(request):
    return make(request.param)


def outputs_for(likelihood, leading, seed=0, spread=1.0):
    shape = (*leading, *likelihood.output_shape(DATA_SHAPE))
    return tf.constant(spread * np.random.default_rng(seed).normal(size=shape), tf.float32)


def test_shapes_and_gradients(likelihood):
    outputs = outputs_for(likelihood, (3, 4))  # [S, B, ...]
    distribution = likelihood.distribution(outputs, data_rank=3)
    assert distribution.batch_shape == (3, 4)
    assert distribution.event_shape == DATA_SHAPE
    assert distribution.mean().shape == (3, 4, *DATA_SHAPE)
    x = distribution.sample(seed=[1, 2])
    assert x.shape == (3, 4, *DATA_SHAPE)
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        log_prob = likelihood.log_prob(x, outputs, data_rank=3)
    assert log_prob.shape == (3, 4)
    assert np.all(np.isfinite(log_prob))
    gradients = tape.gradient(log_prob, [outputs, *(v.value for v in likelihood.trainable_weights)])
    assert all(g is not None and np.all(np.isfinite(g)) for g in gradients)
    # Every decoder output has a say, that of the bounded log scales included.
    assert np.all(np.any(gradients[0] != 0, axis=(0, 1)))


def test_one_batch_of_data_meets_many_draws_of_outputs(likelihood):
    """x `[B, ...]` against outputs `[S, B, ...]`, and in a graph with an unknown batch."""
    outputs = outputs_for(likelihood, (3, 4))
    x = likelihood.distribution(outputs[0], data_rank=3).sample(seed=[1, 2])
    together = likelihood.log_prob(x, outputs, data_rank=3)
    one_by_one = [likelihood.log_prob(x, outputs[s], data_rank=3) for s in range(3)]
    np.testing.assert_allclose(together, one_by_one, rtol=1e-5)

    @tf.function
    def compiled(x, outputs):
        return likelihood.log_prob(x, outputs, data_rank=3)

    unknown = compiled.get_concrete_function(
        tf.TensorSpec((None, *DATA_SHAPE), tf.float32),
        tf.TensorSpec((None, None, *outputs.shape[2:]), tf.float32),
    )
    np.testing.assert_allclose(unknown(x, outputs), together, rtol=1e-5)


def test_the_entries_are_independent(likelihood):
    outputs = outputs_for(likelihood, (4,))
    whole = likelihood.distribution(outputs, data_rank=3)
    x = whole.sample(seed=[1, 2])
    parts = likelihood.distribution(outputs, data_rank=0).log_prob(x)
    assert parts.shape == (4, *DATA_SHAPE)
    np.testing.assert_allclose(
        likelihood.log_prob(x, outputs, data_rank=3), np.sum(parts, (1, 2, 3)), rtol=1e-5
    )


def test_mean_is_the_mean_of_samples(likelihood):
    distribution = likelihood.distribution(outputs_for(likelihood, (2,)), data_rank=3)
    draws = distribution.sample(10_000, seed=[3, 4]).numpy()
    # A right sampler fails with a probability of about 1e-6.
    difference = np.abs(draws.mean(axis=0) - distribution.mean())
    assert np.all(difference <= mean_tolerance(draws) + 1e-6)


def test_sampling_is_seeded(likelihood):
    distribution = likelihood.distribution(outputs_for(likelihood, (50,)), data_rank=3)
    draws = distribution.sample(seed=[1, 2])
    np.testing.assert_array_equal(draws, distribution.sample(seed=[1, 2]))
    assert not np.array_equal(draws, distribution.sample(seed=[1, 3]))


def test_discrete_likelihoods_are_probabilities_over_their_levels(likelihood):
    assert likelihood.kind in ("discrete", "counts", "continuous")
    if likelihood.kind == "continuous":
        # A density: bits per dimension differ from those of a probability by log2(256).
        bits = likelihood.bits_per_dimension(0.0, DATA_SHAPE)
        assert bits == pytest.approx(8.0)
        return
    if likelihood.kind == "counts":
        levels, top, spread = np.arange(3000), 1, 1.0  # the means are below 20
    else:
        top, spread = likelihood.num_levels - 1, 2.0
        levels = np.arange(likelihood.num_levels) / top
    outputs = outputs_for(likelihood, (5,), spread=spread)
    x = tf.constant(levels, tf.float32)[:, None, None, None, None] * tf.ones((5, *DATA_SHAPE))
    each = likelihood.distribution(outputs, data_rank=0).log_prob(x)
    np.testing.assert_allclose(tf.reduce_sum(tf.exp(each), axis=0), 1.0, rtol=1e-4)
    draws = likelihood.distribution(outputs, data_rank=3).sample(20, seed=[1, 2])
    codes = np.asarray(draws) * top
    np.testing.assert_allclose(codes, np.rint(codes), atol=1e-4)


def test_extreme_outputs_give_finite_densities_and_gradients(likelihood):
    for size in (15.0, 80.0):
        for sign in (-1, 1):
            outputs = sign * size * tf.ones_like(outputs_for(likelihood, (1,)))
            for value in (0.0, 1.0):
                x = tf.fill((1, *DATA_SHAPE), value)
                with tf.GradientTape() as tape:
                    tape.watch(outputs)
                    log_prob = likelihood.log_prob(x, outputs, data_rank=3)
                assert np.all(np.isfinite(log_prob)), (size, sign, value)
                assert np.all(np.isfinite(tape.gradient(log_prob, outputs))), (size, sign, value)
            mean = likelihood.distribution(outputs, data_rank=3).mean()
            assert np.all(np.isfinite(mean))


def test_config_round_trip(likelihood):
    config = likelihood.get_config()
    again = type(likelihood).from_config(json.loads(json.dumps(config)))
    again.build(DATA_SHAPE)
    assert json.dumps(again.get_config()) == json.dumps(config)
    outputs = outputs_for(likelihood, (4,))
    x = likelihood.distribution(outputs, data_rank=3).sample(seed=[1, 2])
    np.testing.assert_array_equal(
        again.log_prob(x, outputs, data_rank=3), likelihood.log_prob(x, outputs, data_rank=3)
    )
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(likelihood))
    assert type(copy) is type(likelihood)


@pytest.mark.parametrize(
    ("policy", "expected"), [("mixed_bfloat16", "float32"), ("float64", "float64")]
)
@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_densities_are_never_in_half_precision(spec, policy, expected):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        likelihood = make(spec)
    finally:
        keras.config.set_dtype_policy(before)
    half = tf.cast(outputs_for(likelihood, (4,)), "bfloat16")
    distribution = likelihood.distribution(half, data_rank=3)
    x = distribution.sample(seed=[1, 2])
    log_prob = likelihood.log_prob(tf.cast(x, "float32"), half, data_rank=3)
    assert {x.dtype, distribution.mean().dtype, log_prob.dtype} == {tf.as_dtype(expected)}
    assert all(w.dtype == expected for w in likelihood.weights)
    precise = likelihood.log_prob(x, tf.cast(half, expected), data_rank=3)
    np.testing.assert_allclose(log_prob, precise, rtol=1e-5)
