"""Tables of mixed columns: densities, draws, what encoders see, and how kinds are decided."""

import itertools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.statistics import mean_tolerance
from scipy import special, stats

from tfsp import likelihoods

NAMES = ["age", "sex", "colour", "visits", "size", "blood"]
KINDS = {
    "colour": "categorical",
    "visits": "poisson",
    "blood": {"name": "categorical", "num_levels": 4},
}
OUTPUTS = 1 + 1 + 3 + 1 + 1 + 4


def table(number=40, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack(
        [
            rng.normal(50.0, 9.0, number),
            rng.integers(0, 2, number),
            np.arange(number) % 3,
            rng.poisson(3.0, number),
            rng.normal(1e4, 1e-1, number),
            rng.integers(0, 3, number),
        ],
        axis=1,
    )


def make(x=None, kinds=KINDS, names=NAMES, **settings):
    likelihood = likelihoods.build({"name": "columns", "kinds": kinds, "names": names, **settings})
    likelihood.adapt(table() if x is None else x)
    return likelihood


def split(outputs):
    """Outputs of each kind in the order in which kinds first occur, by name."""
    cuts = np.split(outputs, np.cumsum([2, 1, 3, 1]), axis=-1)
    return dict(zip(("real", "sex", "colour", "visits", "blood"), cuts, strict=True))


def reference_log_prob(x, outputs, scales):
    """Column by column with SciPy, in nats with respect to raw values."""
    own, fitted = split(outputs), table()
    total = 0.0
    for i, place in enumerate((0, 4)):
        center, unit = fitted[:, place].mean(), fitted[:, place].std()
        location = center + unit * own["real"][..., i]
        total = total + stats.norm.logpdf(x[..., place], location, unit * scales[i])
    total = total + stats.bernoulli.logpmf(x[..., 1], special.expit(own["sex"][..., 0]))
    for name, place in (("colour", 2), ("blood", 5)):
        log_probs = own[name] - special.logsumexp(own[name], axis=-1, keepdims=True)
        codes = x[..., place].astype(int)
        total = total + np.take_along_axis(log_probs, codes[..., None], axis=-1)[..., 0]
    return total + stats.poisson.logpmf(x[..., 3], np.exp(own["visits"][..., 0]))


def test_log_prob_is_the_sum_over_columns(float64):
    likelihood = make()
    assert likelihood.output_shape((6,)) == (OUTPUTS,)
    x, outputs = table(7, 1), np.random.default_rng(2).normal(size=(3, 7, OUTPUTS))
    likelihood.parts[0]._log_scale.assign(np.log([0.3, 2.0]))
    expected = reference_log_prob(np.broadcast_to(x, (3, 7, 6)), outputs, (0.3, 2.0))
    outputs = tf.constant(outputs)
    np.testing.assert_allclose(likelihood.log_prob(x, outputs, 1), expected, rtol=1e-9)
    for distribution in (
        likelihood.distribution(outputs, 1),
        likelihood.distribution_given(x, outputs, 1),
    ):
        assert (distribution.batch_shape, distribution.event_shape) == ((3, 7), (6,))
        np.testing.assert_allclose(distribution.log_prob(x), expected, rtol=1e-9)


def test_missing_entries_are_left_out(float64):
    likelihood = make(missing=True)
    rng = np.random.default_rng(3)
    x, outputs = table(20, 1), rng.normal(size=(20, OUTPUTS))
    absent = rng.random(x.shape) < 0.4
    # One column at a time: the others are those of a row that is complete.
    outputs = tf.Variable(outputs)
    with tf.GradientTape() as tape:
        log_prob = likelihood.log_prob(np.where(absent, np.nan, x), outputs, 1)
    alone = [
        reference_log_prob(x, outputs.numpy(), (1.0, 1.0))
        - likelihood.log_prob(np.where(np.arange(6) == d, np.nan, x), outputs, 1)
        for d in range(6)
    ]
    expected = np.sum(np.where(absent.T, 0.0, alone), axis=0)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-8, atol=1e-8)
    gradient = split(tape.gradient(log_prob, outputs).numpy())
    places = {"sex": [1], "colour": [2] * 3, "visits": [3], "real": [0, 4], "blood": [5] * 4}
    for name, columns in places.items():
        np.testing.assert_array_equal(gradient[name] == 0, absent[:, columns])


def test_probabilities_of_all_codes_sum_to_one(float64):
    x = np.stack([np.arange(30) % 2, np.arange(30) % 3, np.arange(30) % 4], axis=1)
    likelihood = make(x, ["bernoulli", "categorical", "categorical"], None)
    assert [block.top for block in likelihood.blocks] == [None, 2, 3]
    cells = np.array(list(itertools.product(range(2), range(3), range(4))), float)
    outputs = 2.0 * tf.constant(np.random.default_rng(0).normal(size=(5, 1, 8)))
    log_prob = likelihood.log_prob(cells, outputs, 1)
    np.testing.assert_allclose(np.exp(log_prob).sum(axis=1), 1.0, rtol=1e-12)


def test_draws_means_and_modes_are_in_raw_units():
    likelihood = make()
    outputs = np.random.default_rng(4).normal(size=(2, OUTPUTS))
    own = split(outputs)
    distribution = likelihood.distribution(tf.constant(outputs, tf.float32), 1)
    number = 20_000
    draws = distribution.sample(number, seed=[1, 2]).numpy()
    np.testing.assert_array_equal(draws, distribution.sample(number, seed=[1, 2]))
    whole = draws[..., [1, 2, 3, 5]]
    np.testing.assert_array_equal(whole, np.rint(whole))
    likelihood.require(draws.reshape(-1, 6))  # each a value that its column may have
    mean = np.asarray(distribution.mean())
    numbers = [0, 1, 3, 4]
    # A right sampler fails with a probability of about 1e-6.
    draws = draws.astype(float)
    difference = np.abs(draws.mean(axis=0) - mean)[:, numbers]
    assert np.all(difference <= mean_tolerance(draws)[:, numbers] + 1e-3)
    for name, place in (("colour", 2), ("blood", 5)):
        probs = special.softmax(own[name], axis=-1)
        found = np.stack([(draws[..., place] == k).mean(axis=0) for k in range(probs.shape[-1])], 1)
        # Hoeffding with a union bound: as seldom.
        assert np.abs(found - probs).max() < np.sqrt(np.log(2 * 14 / 1e-6) / (2 * number))
        np.testing.assert_array_equal(mean[:, place], probs.argmax(axis=-1))
        np.testing.assert_array_equal(distribution.mode()[:, place], probs.argmax(axis=-1))
    assert np.isin(distribution.mode()[:, 1], (0, 1)).all()
    # Statistics are what averages over codes are made of, and give the same for one code.
    again = likelihood.expected(likelihood.statistics(distribution))
    np.testing.assert_allclose(again, mean, rtol=1e-6)


@pytest.mark.parametrize("missing", [False, True])
def test_encoders_see_one_hot_categories_and_standardised_numbers(missing):
    likelihood = make(missing=missing)
    x = table()
    absent = np.random.default_rng(5).random(x.shape) < (0.3 if missing else 0.0)
    seen = likelihood.encoder_input(tf.constant(np.where(absent, np.nan, x), tf.float32)).numpy()
    assert seen.shape[1:] == likelihood.encoder_shape((6,))
    standard = (x - x.mean(axis=0)) / x.std(axis=0)
    expected = np.concatenate(
        [
            np.where(absent, 0, standard)[:, [0, 4]],
            np.where(absent, 0, x)[:, [1]],
            np.eye(3)[x[:, 2].astype(int)] * ~absent[:, [2]],
            np.log1p(np.where(absent, 0, x))[:, [3]],
            np.eye(4)[x[:, 5].astype(int)] * ~absent[:, [5]],
            *([~absent] if missing else []),
        ],
        axis=1,
    )
    np.testing.assert_allclose(seen, expected, atol=1e-2)
    # Float32 of 1e4 +- .1 is coarse; without that column the match is close.
    rest = np.delete(np.arange(seen.shape[1]), 1)
    np.testing.assert_allclose(seen[:, rest], expected[:, rest], atol=1e-5)


def test_between_codes_both_share_the_one():
    likelihood = make(np.arange(9)[:, None] % 3, ["categorical"], None)
    code = tf.Variable([[0.25], [1.5], [2.0]])
    with tf.GradientTape() as tape:
        seen = likelihood.encoder_input(code)
        total = tf.reduce_sum(seen * [1.0, 2.0, 3.0])
    np.testing.assert_allclose(seen, [[0.75, 0.25, 0], [0, 0.5, 0.5], [0, 0, 1]], atol=1e-6)
    assert np.all(tape.gradient(total, code)[:2] == 1.0)  # a pseudo-input of it can learn


def test_kinds_are_decided_from_data_and_kept():
    x = table()
    likelihood = likelihoods.Columns(categories={"colour": ("b", "g", "r"), "5": 3}, names=NAMES)
    # Without data nothing is known of the other columns.
    assert likelihood.shape_needs_data
    with pytest.raises(ValueError, match=r"adapt\(x\)"):
        likelihood.build((6,))
    x[0, 1] = np.nan
    likelihood = likelihoods.Columns(
        categories={"colour": ("b", "g", "r"), "5": 3}, names=NAMES, missing=True
    )
    likelihood.adapt(x)
    assert not likelihood.wants_data
    kinds = [spec["name"] for spec in likelihood.get_config()["kinds"]]
    assert kinds == ["gaussian", "bernoulli", "categorical", "gaussian", "gaussian", "categorical"]
    # Sizes of steps and data of another kind change nothing any more.
    again = likelihoods.Columns.from_config(json.loads(json.dumps(likelihood.get_config())))
    assert not again.shape_needs_data
    assert again.wants_data
    again.build((6,))
    assert json.dumps(again.get_config()) == json.dumps(likelihood.get_config())
    again.adapt(x + [0.0, 0.5, 0.0, 0.0, 0.0, 0.0])
    assert again.get_config() == likelihood.get_config()
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(likelihood))
    assert copy.blocks == likelihood.blocks
    two = likelihoods.Columns(names=["a"], categories={"a": ["no", "yes"]})
    assert [type(part) for part in two.parts] == [likelihoods.Bernoulli]


@pytest.mark.parametrize(
    ("kinds", "names"),
    [
        (["gaussian", "bernoulli", {"name": "categorical", "num_levels": 3}], None),
        ({"a": "gaussian", "b": "bernoulli", "c": {"name": "categorical", "num_levels": 3}}, None),
        ({"c": {"name": "categorical", "num_levels": 3}}, ("a", "b", "c")),
        ({2: {"name": "categorical", "num_levels": 3}}, None),
        ({"2": "categorical"}, None),
    ],
)
def test_kinds_by_place_and_by_name(kinds, names):
    likelihood = make(np.array([[0.5, 0, 0], [9.0, 1, 1], [2.0, 1, 2]]), kinds, names)
    found = likelihood.get_config()["kinds"]
    assert [spec["name"] for spec in found] == ["gaussian", "bernoulli", "categorical"]
    assert found[0] == {"name": "gaussian", "scale": "feature", "standardize": True}
    assert found[2]["num_levels"] == 3


def test_settings_of_a_kind():
    """Columns of equal settings share a likelihood; defaults can be set otherwise."""
    counts = {"name": "poisson", "library": "observed"}
    raw = {"name": "gaussian", "standardize": False, "scale": "fixed", "initial_scale": 2.0}
    x = np.random.default_rng(0).poisson(4.0, (9, 4))
    likelihood = make(x, [counts, raw, counts, "negative_binomial"], None)
    assert [block.places for block in likelihood.blocks] == [(0, 2), (1,), (3,)]
    outputs = tf.constant(np.random.default_rng(1).normal(size=(9, 4)), tf.float32)
    means = likelihood.distribution_given(x, outputs, 1).mean()
    np.testing.assert_allclose(
        tf.gather(means, [0, 2], axis=1).numpy().sum(1), x[:, [0, 2]].sum(1), rtol=1e-5
    )
    np.testing.assert_allclose(means[:, 1], outputs[:, 2])
    np.testing.assert_allclose(means[:, 3], np.exp(outputs[:, 3]), rtol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float64"])
def test_densities_are_never_in_half_precision(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        likelihood = make()
    finally:
        keras.config.set_dtype_policy(before)
    expected = "float64" if policy == "float64" else "float32"
    half = tf.cast(np.random.default_rng(0).normal(size=(40, OUTPUTS)), "bfloat16")
    distribution = likelihood.distribution(half, 1)
    log_prob = likelihood.log_prob(table(), half, 1)
    assert {log_prob.dtype, distribution.mean().dtype, distribution.dtype} == {
        tf.as_dtype(expected)
    }
    assert all(w.dtype == expected for w in likelihood.weights)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (1, 2.0, r"Column 1 \('sex'\) .*Bernoulli .*0 and 1. Received: 2 in row 3"),
        (2, 3.0, r"Column 2 \('colour'\) .*codes 0, ..., 2. Received: 3"),
        (2, 0.5, "codes 0, ..., 2. Received: 0.5"),
        (3, -1.0, "must hold counts"),
        (5, 4.0, "codes 0, ..., 3"),
    ],
)
def test_values_that_a_column_cannot_have(place, value, said):
    likelihood, x = make(), table()
    likelihood.require(x)
    x[3, place] = value
    with pytest.raises(ValueError, match=said):
        likelihood.require(x)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (dict(kinds=["gaussian", "normal"]), "Unknown likelihood: 'normal'"),
        (dict(kinds=["gaussian", {"scale": "fixed"}]), "Column 1 must be .* key 'name'"),
        (dict(kinds=["columns"]), "cannot be 'columns' itself"),
        (dict(kinds=[{"name": "gaussian", "width": 2}]), "does not take 'width'"),
        (dict(kinds="gaussian"), "`kinds` must be a list"),
        (dict(kinds={"b": "gaussian"}, names=["a"]), "names that no column has: 'b'. Columns: 'a'"),
        (dict(categories={"b": 3}), "not named, see `names`"),
        (dict(kinds=["gaussian"] * 3), "This likelihood is of 3 columns. Received: 2"),
        (dict(kinds={"2": "gaussian"}), "which are 2. Received: 3"),
        (dict(names=["a"]), "which are 2. Received: 1"),
        (dict(kinds=["gaussian", "categorical"]), "Column 1 is categorical.*Received: 0.5"),
    ],
)
def test_errors(settings, said):
    with pytest.raises(ValueError, match=said):
        likelihoods.Columns(**settings).adapt(np.array([[0.1, 0.5], [0.3, 0.7]]))


def test_shapes_that_are_no_table():
    likelihood = make()
    with pytest.raises(ValueError, match=r"of tables.*Received: an array of shape \(2, 3, 4\)"):
        likelihoods.Columns().adapt(np.zeros((2, 3, 4)))
    with pytest.raises(ValueError, match="of 6 columns. Received: 5"):
        likelihood.output_shape((5,))
    with pytest.raises(ValueError, match=r"shape \(D,\)"):
        likelihood.output_shape((6, 1))
