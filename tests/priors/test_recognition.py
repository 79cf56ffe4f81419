"""The recognition network of LORACs: its bound, parts, gradients, blocks."""

import collections
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import recognition, tmc
from reference.statistics import mean_tolerance
from scipy import integrate, special, stats

from tfsp.priors.recognition import NUM_SCALARS, Recognition, log_normalizer
from tfsp.random import SeedStream
from tfsp.tmc import ops

Case = collections.namedtuple("Case", "z parent time leaves")


def case(num_leaves=5, dim=2, rows=3, seed=0):
    """A random tree, a Brownian motion on it, points near its nodes."""
    rng = np.random.default_rng([seed, num_leaves, dim])
    parent, time = tmc.random_tree(rng, num_leaves)
    nodes = tmc.sample_leaves(rng, parent, time, dim)
    z = nodes[rng.integers(len(nodes), size=rows)] + 0.4 * rng.normal(size=(rows, dim))
    return Case(z, parent, time, nodes[:num_leaves])


def network(dim=2, dtype="float64", spread=0.5, **kwargs):
    """A small network whose weights, the zeros at the start too, are all moved."""
    layer = Recognition(**{"hidden": (6, 5), "seed": 0, "dtype": dtype, **kwargs})
    layer.build((None, dim))
    rng = np.random.default_rng(1)
    for weight in layer.trainable_weights:
        weight.assign(weight + spread * rng.normal(size=weight.shape))
    return layer


def root_of(parent):
    return int(np.flatnonzero(parent < 0)[0])


@pytest.mark.parametrize(
    ("num_leaves", "a", "b", "edge_weights"),
    [
        (2, 2.0, 2.0, "prior"),
        (5, 2.0, 2.0, "prior"),
        (5, 1.3, 3.1, "bayes"),
        (7, 0.6, 2.0, "prior"),
    ],
)
def test_weights_match_dense_algebra(num_leaves, a, b, edge_weights):
    """Draw by draw, under the same noise: log w, the bound and q*(e)."""
    example = case(num_leaves)
    layer = network(concentration1=a, concentration0=b, edge_weights=edge_weights)
    loc, scale = (p.numpy() for p in layer.stick_parameters(*example))
    assert np.ptp(loc) > 0.5  # the network is no constant
    assert np.ptp(scale) > 0.1
    for seed, added in enumerate((0.0, 0.0, 0.3)):
        keywords = dict(seed=seed, added_variance=added)
        draw = layer.draw(*example, **keywords)
        expected = recognition.log_weights(
            *example, draw.logit.numpy(), loc, scale, a, b, edge_weights == "bayes", added
        )
        np.testing.assert_allclose(draw.log_weight, expected, rtol=1e-8, atol=1e-8)
        total = special.logsumexp(expected, axis=1)
        np.testing.assert_allclose(layer.bound(*example, **keywords), total, rtol=1e-8)
        edges = layer.edge_log_prob(*example, **keywords).numpy()
        np.testing.assert_allclose(edges, expected - total[:, None], atol=1e-7)
        np.testing.assert_allclose(np.exp(edges).sum(axis=1), 1.0, rtol=1e-12)
        assert np.all(edges[:, root_of(example.parent)] == -np.inf)


def test_the_noise_is_standard_normal():
    """Sticks' logits, standardised, by Kolmogorov and Smirnov: one false alarm in a million."""
    example = case(rows=1)
    layer = network()
    many = example._replace(z=np.repeat(example.z, 2000, axis=0))
    loc, scale = layer.stick_parameters(*many)
    logit = layer.draw(*many, seed=4).logit
    edge = example.parent >= 0
    noise = ((logit - loc) / scale).numpy()[:, edge]
    assert stats.kstest(noise.ravel(), "norm").pvalue > 1e-6
    assert np.abs(np.corrcoef(noise.T) - np.eye(edge.sum())).max() < 0.13  # 5.8 deviations


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_the_bound_is_below_the_exact_density(spread):
    """Its mean over draws against fine quadrature: a false alarm in one of a million."""
    example, draws = case(rows=4), 3000
    exact = tmc.predictive_log_prob(*example)
    layer = network(spread=spread)
    many = example._replace(z=np.repeat(example.z, draws, axis=0))
    bound = layer.bound(*many, seed=0).numpy().reshape(4, draws)
    tolerance = mean_tolerance(bound.T)
    gap = exact - bound.mean(axis=1)
    assert np.all(gap > -tolerance)
    assert np.all(tolerance < 0.25)
    assert np.all(gap < 3.0)
    # It is stochastic, and single draws do lie above: the bound holds in the mean.
    assert np.all(bound.max(axis=1) > exact)


def test_perfect_recognition_has_no_variance():
    """With the exact posterior of t in q's place, w_e is one number: p(e) p(z | e)."""
    example = case()
    layer = network()
    loc, scale = (p.numpy() for p in layer.stick_parameters(*example))
    per_edge = tmc.edge_log_terms(*example)
    weights = np.full((4, *per_edge.shape), -np.inf)
    spread_of_layer = []
    draws = [layer.draw(*example, seed=seed) for seed in range(4)]
    for v in np.flatnonzero(example.parent >= 0):
        start, end = example.time[example.parent[v]], example.time[v]
        for n, z in enumerate(example.z):
            y = np.array([d.logit[n, v] for d in draws])
            t = start + special.expit(y) * (end - start)
            q = [
                recognition.stick_log_density(
                    example.parent, example.time, v, s, loc[n, v], scale[n, v]
                )
                for s in t
            ]
            log_w = np.array([d.log_weight[n, v] for d in draws])
            spread_of_layer.append(np.ptp(log_w))
            perfect = recognition.time_log_posterior(z, *example[1:], v, t)
            weights[:, n, v] = log_w + q - perfect
    np.testing.assert_allclose(weights, np.broadcast_to(per_edge, weights.shape), atol=1e-6)
    assert np.mean(spread_of_layer) > 0.1  # not so with the network's own q
    np.testing.assert_allclose(
        special.logsumexp(weights, axis=2),
        np.broadcast_to(tmc.predictive_log_prob(*example), (4, 3)),
        atol=1e-6,
    )


def test_the_split_first_layer_is_one_network():
    """Against a dense network on the joined inputs, from the reference's means and variances."""
    example = case(4, 3)
    _, parent, time, leaves = example
    layer = network(3, hidden=(7, 5, 6))
    mean, _ = tmc.node_posterior(parent, time, leaves)
    lower = np.flatnonzero(parent >= 0)
    upper = parent[lower]
    cavity = tmc.cavities(parent, time, leaves)[1].astype(np.float64)[lower]
    upward = tmc.messages(parent, time, leaves)["variance"].astype(np.float64)[lower]
    length = time[lower] - time[upper]
    message = upward + length
    logs = np.log([length, 1 - time[upper], cavity, message])
    scalars = np.stack([time[upper], time[lower], *logs], axis=1)
    assert scalars.shape[1] == NUM_SCALARS
    means = np.concatenate([mean[upper], mean[lower]], axis=1)
    weights = [w.numpy() for w in layer.trainable_weights]
    out = recognition.network(example.z, means, scalars, weights[::2], weights[1::2])
    loc, scale = layer.stick_parameters(*example)
    # Smooth limits: loc within 30, log scale within 3.
    expected = 30 * np.tanh(out[..., 0] / 30)
    np.testing.assert_allclose(loc.numpy()[:, lower], expected, rtol=1e-9)
    expected = np.exp(3 * np.tanh(out[..., 1] / 3))
    np.testing.assert_allclose(scale.numpy()[:, lower], expected, rtol=1e-9)
    root = root_of(parent)
    assert np.all(loc[:, root] == 0)
    assert np.all(scale[:, root] == 1)


def test_gradients_match_finite_differences():
    example = case()
    layer = network()
    z, leaves = tf.Variable(example.z), tf.Variable(example.leaves)
    variables = [z, leaves, *(w.value for w in layer.trainable_weights)]
    mix = tf.constant([1.0, -0.7, 0.4], tf.float64)

    @tf.function
    def value():
        bound = layer.bound(z, example.parent, example.time, leaves, seed=3, added_variance=0.01)
        return tf.reduce_sum(mix * bound)

    with tf.GradientTape() as tape:
        result = value()
    gradients = tape.gradient(result, variables)
    assert len(variables) == 8
    for variable, gradient in zip(variables, gradients, strict=True):
        start, step = variable.numpy(), 1e-5
        numeric = np.empty(start.shape)
        for index in np.ndindex(*start.shape):
            ends = []
            for sign in (1, -1):
                moved = start.copy()
                moved[index] += sign * step
                variable.assign(moved)
                ends.append(value().numpy())
            numeric[index] = (ends[0] - ends[1]) / (2 * step)
        variable.assign(start)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-7)
        assert np.abs(numeric).max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tracing", "tape_inside"), [("eager", True), ("fixed", True), ("open", False)]
)
def test_blocks_of_rows_change_nothing(tracing, tape_inside):
    """7 rows, 12 edges, width 6: four blocks of two rows, the last padded; gradients too."""
    example = case(7, rows=7)
    z, leaves = tf.constant(example.z), tf.constant(example.leaves)
    spec = tf.TensorSpec([None if tracing == "open" else 7, 2], tf.float64)
    results = []
    for max_entries in (2**25, 150):
        layer = network(max_entries=max_entries)

        def bound(z, leaves, layer=layer):
            # In a condition, as a prior that starts later calls it.
            return tf.cond(
                tf.reduce_sum(z) > -1e9,
                lambda: layer.bound(z, example.parent, example.time, leaves, seed=0),
                lambda: tf.zeros(tf.shape(z)[0], z.dtype),
            )

        def with_gradients(z, leaves, layer=layer, bound=bound):
            with tf.GradientTape() as tape:
                tape.watch([z, leaves])
                value = bound(z, leaves)
            weights = [w.value for w in layer.trainable_weights]
            return [value, *tape.gradient(value, [z, leaves, *weights])]

        if tracing != "eager" and tape_inside:
            with_gradients = tf.function(with_gradients, input_signature=[spec, spec])
        elif tracing != "eager":
            with_gradients.__defaults__ = (
                layer,
                tf.function(bound, input_signature=[spec, tf.TensorSpec([7, 2], tf.float64)]),
            )
        results.append(with_gradients(z, leaves))
    for whole, blocks in zip(*results, strict=True):
        assert np.abs(whole).max() > 0
        np.testing.assert_allclose(blocks, whole, rtol=1e-10, atol=1e-12)


def test_float32_on_a_tree_with_short_edges():
    """The network in float32, the densities not: against float64 with the same weights."""
    rng = np.random.default_rng(0)
    parent, time = tmc.random_tree(rng, 60)
    centres = rng.normal(size=(6, 8))
    leaves = (centres[rng.integers(6, size=60)] + 0.03 * rng.normal(size=(60, 8))).astype("float32")
    state = ops.sample_posterior(parent, time, leaves, num_moves=50_000, seed=0)
    assert np.sort(1 - state.time)[60] < 1e-3  # the shortest leaf's edge
    z = (leaves[:20] + 0.03 * rng.normal(size=(20, 8))).astype("float32")
    results, weights = [], None
    for dtype in ("float32", "float64"):
        layer = network(8, dtype, spread=0.1, hidden=(32, 32))
        weights = weights or layer.get_weights()  # another dtype starts with other numbers
        layer.set_weights(weights)
        with tf.GradientTape() as tape:
            points = tf.constant(z, dtype)
            tape.watch(points)
            args = (points, state.parent, state.time, leaves.astype(dtype))
            bound = layer.bound(*args, seed=0)
        assert bound.dtype == dtype
        results.append((bound.numpy(), tape.gradient(bound, points).numpy()))
    (single, slope), (double, true_slope) = results
    np.testing.assert_allclose(single, double, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(slope, true_slope, rtol=2e-2, atol=1e-3 * np.abs(true_slope).max())


def test_extreme_outputs_and_points_stay_finite():
    """Loc and scale at their limits, a point on a leaf, one far away: finite, gradients too."""
    example = case(dim=3)
    z = np.concatenate([example.leaves[:1], 1e3 * np.ones((1, 3)), np.zeros((1, 3))])
    for sign in (-1, 1):
        layer = network(3)
        layer.layer_weights[-1].assign([sign * 1e6, 1e6])
        leaves = tf.constant(example.leaves)
        z = tf.constant(z)
        with tf.GradientTape() as tape:
            tape.watch([z, leaves])
            bound = layer.bound(z, example.parent, example.time, leaves, seed=1)
        weights = [w.value for w in layer.trainable_weights]
        for value in [bound, *tape.gradient(bound, [z, leaves, *weights])]:
            assert np.all(np.isfinite(value))


def test_training_tightens_the_bound():
    example = case(6, dim=20, rows=40)
    exact = tmc.predictive_log_prob(*example, num=801).mean()
    layer = Recognition(hidden=(16, 16), seed=0, dtype="float64")
    layer.build((None, 20))
    optimizer = keras.optimizers.Adam(0.02)
    optimizer.build(layer.trainable_variables)
    stream = SeedStream(0)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(layer.bound(*example, seed=stream))
        gradients = tape.gradient(loss, [w.value for w in layer.trainable_weights])
        optimizer.apply(gradients, layer.trainable_variables)

    many = example._replace(z=np.repeat(example.z, 100, axis=0))
    before = exact - layer.bound(*many, seed=0).numpy().mean()
    for _ in range(200):
        step()
    after = exact - layer.bound(*many, seed=0).numpy().mean()
    assert 0 < after < 0.5 * before


@pytest.mark.parametrize("a", [0.3, 0.5, 1.0, 2.0, 3.7, 20.0, 150.0])
def test_time_normalizer(a):
    """Against scipy's 2F1, and near kappa = 1 against `quad`; in closed form for a = 2."""
    delta = np.array([1e-9, 1e-3, 0.1, 0.7, 2.0, 5.0])
    kappa = -np.expm1(-delta)
    expected = special.betaln(a, a) + np.log(special.hyp2f1(a, a, 2 * a, kappa))
    actual = log_normalizer(delta, a).numpy()
    if a < 100:  # scipy's series overflows beyond
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-9)
    for d, value in [*zip(delta, actual, strict=True), (25.0, log_normalizer([25.0], a)[0])]:

        def log_term(s, d=d):
            return a * (special.log_expit(d / 2 + s) + special.log_expit(d / 2 - s))

        # Even; in pieces, that `quad` may see the flat top and both scales of its end.
        pieces = [
            0,
            0.3 / np.sqrt(a),
            d / 2 + 1 / np.sqrt(a),
            d / 2 + 3 / a + 3,
            d / 2 + 60 / a + 9,
        ]
        total = sum(
            integrate.quad(lambda s: np.exp(log_term(s) - log_term(0.0)), lo, hi, epsrel=1e-12)[0]
            for lo, hi in itertools.pairwise(pieces)
        )
        np.testing.assert_allclose(value, np.log(2 * total) + log_term(0.0), rtol=0, atol=3e-10)
    if a == 2.0:
        c = np.array([0.5, 1.0, 4.0, 12.0, 18.0])
        closed = 2 * c + np.log((c * np.cosh(c) - np.sinh(c)) / (2 * np.sinh(c) ** 3))
        np.testing.assert_allclose(log_normalizer(2 * c, 2.0), closed, rtol=0, atol=1e-13)


def test_configuration_and_weights_survive():
    example = case()
    layer = network(hidden=[6, 5], concentration1=1.5, edge_weights="bayes")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert isinstance(again, Recognition)
    assert again.get_config() == layer.get_config()
    assert again.built  # Keras keeps the shape it was built with
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again.bound(*example, seed=0), layer.bound(*example, seed=0))
    assert not np.allclose(again.bound(*example, seed=0), again.bound(*example, seed=1))
    fresh = Recognition(hidden=(4,), seed=0, dtype="float64")
    assert fresh.bound(*example, seed=0).shape == (3,)  # built by its first call
    assert [tuple(w.shape) for w in fresh.trainable_weights] == [(12, 4), (4,), (4, 2), (2,)]


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"hidden": ()}, "`hidden` must name at least one layer. Received: \\(\\)"),
        ({"hidden": (5, 0)}, r"`hidden\[1\]` must be a positive integer: .*Received: 0"),
        ({"hidden": 500}, "`hidden` must be a list of integers: widths.*Received: 500"),
        ({"concentration1": 0}, "`concentration1` must be a positive number. Received: 0"),
        ({"concentration0": np.inf}, "`concentration0` must be a positive number"),
        ({"edge_weights": "even"}, "`edge_weights` must be 'prior' or 'bayes'. Received: 'even'"),
        ({"max_entries": 0}, "`max_entries` must be a positive integer. Received: 0"),
    ],
)
def test_bad_arguments(keywords, message):
    with pytest.raises(ValueError, match=message):
        Recognition(**keywords)


def test_bad_calls():
    z, parent, time, leaves = case()
    layer = network()
    with pytest.raises(ValueError, match="`z` must be \\[B, D\\]"):
        layer.bound(z[0], parent, time, leaves)
    with pytest.raises(ValueError, match="built for D = 2.*\\(5, 3\\)"):
        layer.bound(z, parent, time, np.zeros((5, 3)))
    with pytest.raises(ValueError, match="one leaf has no edge"):
        layer.bound(z, np.array([-1], np.int32), np.ones(1), leaves[:1])
    with pytest.raises(tf.errors.InvalidArgumentError, match="time"):
        layer.bound(z, parent, 1 - time, leaves)
