"""The errors of the TensorFlow ops."""

import numpy as np
import pytest
import tensorflow as tf

from tfsp.tmc import ops
from tmc.op_cases import calls, random_case

N, D = 5, 3
V = 2 * N - 1


ERRORS = (tf.errors.InvalidArgumentError, ValueError)


def tree():
    """parent = [4, 4, 3, -1, 3]: leaves 0..2, root 3."""
    return np.array([4, 4, 3, -1, 3], np.int32), np.array([1, 1, 1, 0, 0.5])


def changed(array, index, value):
    out = np.array(array)
    out[index] = value
    return out


PARENT, TIME = tree()
BAD_PARENTS = {
    "cycle": ([4, 4, 5, 6, -1, 6, 5], r"cycle.*parent\[\d\] = \d"),
    "itself": (changed(PARENT, 4, 4), r"parent\[4\] = 4"),
    "two roots": (changed(PARENT, 4, -1), r"two: parent\[3\] = -1 and parent\[4\] = -1"),
    "no root": (changed(PARENT, 3, 4), "root"),
    "three children": (changed(PARENT, 2, 4), r"Node 4 .*parent\[0\].*parent\[2\]"),
    "leaf with children": (changed(PARENT, 2, 1), r"parent\[2\] = 1 is a leaf"),
    "leaf as root": ([-1, 3, 3, 4, 3], r"parent\[0\] = -1|Node 3"),
    "too large": (changed(PARENT, 1, 5), r"parent\[1\] = 5 must lie in \[3, 5\)"),
    "huge": (changed(PARENT, 1, 2**31 - 1), r"parent\[1\] = 2147483647"),
    "negative": (changed(PARENT, 1, -2), r"parent\[1\] = -2"),
    "lowest": (changed(PARENT, 1, -(2**31)), r"parent\[1\] = -2147483648"),
    "even": (PARENT[:4], "odd number. Received 4"),
    "empty": (PARENT[:0], "odd number. Received 0|not.*empty"),
    "matrix": (PARENT[None], r"rank|vector"),
    "scalar": (PARENT[3], r"rank|vector"),
}
BAD_TIMES = {
    "not increasing": (changed(TIME, 4, 0.0), r"time\[4\] = 0 below its parent's time\[3\] = 0"),
    "later than a leaf": (changed(TIME, 4, 1.5), r"time\[\d\] = 1 below its parent's.*= 1.5"),
    "leaf not at 1": (changed(TIME, 1, 0.9), r"time\[1\] = 0.9.* must be 1"),
    "leaf just not at 1": (changed(TIME, 1, np.nextafter(1, 0)), r"time\[1\] = 0.9999999999999998"),
    "root not at 0": (changed(TIME, 3, 0.1), r"time\[3\] = 0.1.* must be 0"),
    "NaN": (changed(TIME, 4, np.nan), r"time\[4\] = nan must be finite"),
    "inf": (changed(TIME, 0, np.inf), r"time\[0\] = inf must be finite"),
    "-inf": (changed(TIME, 4, -np.inf), r"time\[4\] = -inf must be finite"),
    "too short": (TIME[:3], "shape|length|equal"),
    "too long": (np.append(TIME, 1.0), "shape|length|equal"),
    "empty": (TIME[:0], "shape|length|equal"),
    "matrix": (TIME[:, None], "rank|shape"),
}
LEAVES = np.arange(6.0).reshape(3, 2)
BAD_LEAVES = {
    "NaN": (changed(LEAVES, (1, 0), np.nan), r"leaves\[1, 0\] = nan must be finite"),
    "inf": (changed(LEAVES, (2, 1), -np.inf), r"leaves\[2, 1\] = -inf must be finite"),
    "too few": (LEAVES[:2], r"3|rows|Dimension"),
    "too many": (np.zeros((4, 2)), r"3|rows|Dimension"),
    "vector": (LEAVES[:, 0], "rank|matrix"),
    "rank 3": (LEAVES[None], "rank|matrix"),
    "empty": (LEAVES[:0], r"3|rows|Dimension"),
}
Z = np.zeros((4, 2))


def fails(function, match):
    """In eager mode, and traced: at trace time from the shapes, or when it runs."""
    with pytest.raises(ERRORS, match=match):
        function()
    with pytest.raises(ERRORS, match=match):
        tf.function(function, autograph=False)()


@pytest.mark.parametrize("name", BAD_PARENTS)
def test_bad_parents(name):
    parent, match = BAD_PARENTS[name]
    parent = np.asarray(parent, np.int32)
    fails(lambda: ops.topology_log_prob(parent), match)
    time, leaves = np.ones(parent.size or 1), np.zeros(((parent.size + 1) // 2, 2))
    if parent.ndim == 1 and parent.size:
        for function in list(calls(parent, time, leaves, np.zeros((4, 2))).values())[1:]:
            fails(function, match)


@pytest.mark.parametrize("name", BAD_TIMES)
def test_bad_times(name):
    time, match = BAD_TIMES[name]
    for op, function in calls(PARENT, time, LEAVES, Z).items():
        if op != "topology_log_prob":
            fails(function, match)


@pytest.mark.parametrize("name", BAD_LEAVES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bad_leaves(name, dtype):
    leaves, match = BAD_LEAVES[name]
    leaves = leaves.astype(dtype)
    fails(lambda: ops.log_likelihood(PARENT, TIME, leaves), match)
    fails(lambda: ops.log_joint(PARENT, TIME, leaves), match)
    fails(lambda: ops.node_posterior(PARENT, TIME, leaves), match)
    fails(lambda: ops.sample_posterior(PARENT, TIME, leaves, num_moves=3, seed=0), match)
    z = Z.astype(dtype)
    fails(lambda: ops.predictive_log_prob(z, PARENT, TIME, leaves), match)
    fails(lambda: ops.attachment(z, PARENT, TIME, leaves), match)


def test_leaves_without_columns():
    leaves = np.zeros((3, 0))
    fails(lambda: ops.log_likelihood(PARENT, TIME, leaves), "column")
    fails(lambda: ops.node_posterior(PARENT, TIME, leaves), "column")
    fails(lambda: ops.sample_posterior(PARENT, TIME, leaves, num_moves=3, seed=0), "column")


@pytest.mark.parametrize("shape", [(4, 3), (4, 1), (4, 0), (2,)[:0]])
def test_bad_points(shape):
    z = np.zeros(shape)
    for function in (ops.predictive_log_prob, ops.attachment):
        with pytest.raises(ERRORS, match="z must|Dimension|columns|column|reshape"):
            function(z, PARENT, TIME, LEAVES)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_points_that_are_not_finite_stay_in_their_rows(dtype):
    """NaN gives NaN, never a number that looks like one; infinity has density 0."""
    parent, time, leaves, z = random_case(N, D, rows=11)
    leaves, z = leaves.astype(dtype), z.astype(dtype)
    expected = ops.predictive_log_prob(z, parent, time, leaves).numpy()
    z[3, 1], z[7, 0] = np.nan, np.inf
    for with_gradients in (True, False):
        log_prob = ops.predictive_log_prob(z, parent, time, leaves, gradients=with_gradients)
        others = np.delete(log_prob, [3, 7])
        np.testing.assert_array_equal(others, np.delete(expected, [3, 7]))
        assert log_prob[7] == -np.inf
        assert np.isnan(log_prob[3])


@pytest.mark.parametrize("dtype", ["float16", "int32", "int64", "complex64", "str", "bool"])
def test_wrong_types_of_leaves_and_points(dtype):
    leaves, z = LEAVES.astype(dtype), Z.astype(dtype)
    for function in (
        lambda: ops.log_likelihood(PARENT, TIME, leaves),
        lambda: ops.node_posterior(PARENT, TIME, leaves),
        lambda: ops.predictive_log_prob(z, PARENT, TIME, LEAVES),
        lambda: ops.attachment(z, PARENT, TIME, LEAVES),
    ):
        with pytest.raises((TypeError, ValueError, *ERRORS, tf.errors.UnimplementedError)):
            function()


@pytest.mark.parametrize("parent", [
    PARENT.astype(np.int64) + np.array([2**32, 0, 0, 0, 0]),
    PARENT + np.array([0.5, 0, 0, 0, 0]),
    PARENT.astype(np.float32),
    PARENT.astype(str),
])  # fmt: skip
def test_parents_are_never_rounded_or_wrapped(parent):
    for function in (
        lambda: ops.topology_log_prob(parent),
        lambda: ops.edge_log_prob(parent, TIME),
    ):
        with pytest.raises((TypeError, *ERRORS)):
            function()


def test_int64_parents_are_taken():
    expected = ops.topology_log_prob(PARENT)
    np.testing.assert_array_equal(ops.topology_log_prob(PARENT.astype(np.int64)), expected)
    np.testing.assert_array_equal(ops.topology_log_prob(PARENT.tolist()), expected)


@pytest.mark.parametrize("which", ["concentration1", "concentration0"])
@pytest.mark.parametrize("value", [0.0, -1.0, 1e5, np.nan, np.inf])
def test_bad_concentrations(which, value):
    match = f"{which} = .* must lie in"
    options = {which: value}
    for function in (
        lambda: ops.time_log_prob(PARENT, TIME, **options),
        lambda: ops.log_joint(PARENT, TIME, LEAVES, **options),
        lambda: ops.edge_log_prob(PARENT, TIME, **options),
        lambda: ops.attachment_quadrature(PARENT, TIME, **options),
        lambda: ops.predictive_log_prob(Z, PARENT, TIME, LEAVES, **options),
        lambda: ops.attachment(Z, PARENT, TIME, LEAVES, **options),
        lambda: ops.sample_posterior(PARENT, TIME, LEAVES, num_moves=3, seed=0, **options),
        lambda: ops.sample_prior(3, seed=0, **options),
    ):
        fails(function, match)


@pytest.mark.parametrize(("option", "value", "match"), [
    ("num_nodes", (0, 12), r"num_nodes\[0\]` must be an integer from 1 to 256.*: 0"),
    ("num_nodes", (24, 257), r"num_nodes\[1\]` must be an integer from 1 to 256.*: 257"),
    ("num_nodes", (-3, 12), r"num_nodes\[0\]` must be an integer from 1 to 256.*: -3"),
    ("num_nodes", (2**40, 12), "1099511627776"),
    ("num_nodes", (2.5, 12), "2.5"),
    ("num_nodes", (24, 12, 3), "must hold two numbers of nodes"),
    ("num_nodes", 24, "must be a list of integers.*: 24"),
    ("variance_floor", 0.0, "variance_floor = 0 must lie in"),
    ("variance_floor", 1.0, "variance_floor = 1 must lie in"),
    ("variance_floor", np.nan, "variance_floor = -?nan must lie in"),
    ("added_variance", -0.5, "added_variance = -0.5 must be finite"),
    ("added_variance", np.inf, "added_variance = inf must be finite"),
    ("edge_weights", "posterior", "posterior"),
    ("edge_weights", "", ""),
    ("concentration", 1.0, "Unknown option 'concentration'"),
])  # fmt: skip
def test_bad_options(option, value, match):
    for function in (
        lambda **o: ops.predictive_log_prob(Z, PARENT, TIME, LEAVES, **o),
        lambda **o: ops.attachment(Z, PARENT, TIME, LEAVES, **o),
        lambda **o: ops.attachment_quadrature(PARENT, TIME, **o),
    ):
        with pytest.raises((TypeError, *ERRORS), match=match):
            function(**{option: value})


@pytest.mark.parametrize(("option", "value", "match"), [
    ("num_moves", -1, "num_moves = -1 must not be negative"),
    ("num_moves", -(2**63), "must not be negative"),
    ("num_moves", [3], "rank|scalar"),
    ("num_moves", 1.5, "1.5|integer|num_moves"),
    ("num_moves", np.nan, "num_moves"),
    ("mixture", (1.0, 1.0, 1.0), "3|mixture"),
    ("mixture", (0.0, 0.0, 0.0, 0.0), "mixture must have a positive, finite sum"),
    ("mixture", (1.0, -1.0, 1.0, 1.0), r"mixture\[1\] = -1"),
    ("mixture", (1.0, 1.0, np.nan, 1.0), r"mixture\[2\] = -?nan"),
    ("mixture", (1.0, 1.0, 1.0, np.inf), r"mixture\[3\] = inf"),
    ("mixture", 1.0, "rank|mixture"),
    ("leaf_variance", [0.1, -0.1, 0.1], r"leaf_variance\[1\] = -0.1"),
    ("leaf_variance", [0.1, 0.1, np.nan], r"leaf_variance\[2\] = -?nan"),
    ("leaf_variance", [0.1, 0.1], "leaf_variance"),
    ("leaf_variance", [[0.1, 0.1, 0.1]], "rank|leaf_variance"),
    ("leaf_variance", [], "leaf_variance"),
    ("seed", [1, 2, 3], "seed"),
    ("seed", 0.5, "seed"),
])  # fmt: skip
def test_bad_sampler_options(option, value, match):
    options = dict(num_moves=3, seed=0)
    options[option] = value
    with pytest.raises((TypeError, *ERRORS), match=match):
        ops.sample_posterior(PARENT, TIME, LEAVES, **options)


@pytest.mark.parametrize("num_leaves", [0, -1, 2**31 - 1, 2**33 + 3, 2.7, [3], np.nan])
def test_bad_numbers_of_leaves(num_leaves):
    with pytest.raises((TypeError, *ERRORS)):
        ops.sample_prior(num_leaves, seed=0)


@pytest.mark.parametrize("variance", [
    np.full((3, 1), 0.1),  # would be broadcast over the columns
    np.full(2, 0.1),
    np.float64(0.1),
    np.full((2, 2), 0.1),
    changed(np.full((3, 2), 0.1), (1, 0), -0.1),
    changed(np.full((3, 2), 0.1), (1, 0), np.nan),
])  # fmt: skip
def test_bad_variances_of_the_expected_log_likelihood(variance):
    fails(lambda: ops.expected_log_likelihood(PARENT, TIME, LEAVES, variance), "variance")
