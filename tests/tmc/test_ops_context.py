"""The TensorFlow ops where they are used, and the errors that they give."""

import concurrent.futures

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsp.tmc import ops
from tmc.op_cases import gradients, random_case

N, D = 5, 3
V = 2 * N - 1


@pytest.fixture(scope="module")
def case():
    return random_case(N, D, rows=11)


def calls(parent, time, leaves, z):
    """Every op with its values: name -> function of nothing."""
    variance = np.full_like(leaves, 0.1)
    return {
        "topology_log_prob": lambda: ops.topology_log_prob(parent),
        "time_log_prob": lambda: ops.time_log_prob(parent, time),
        "log_likelihood": lambda: ops.log_likelihood(parent, time, leaves),
        "expected_log_likelihood": lambda: ops.expected_log_likelihood(
            parent, time, leaves, variance
        ),
        "log_joint": lambda: ops.log_joint(parent, time, leaves),
        "node_posterior": lambda: ops.node_posterior(parent, time, leaves),
        "edge_variances": lambda: ops.edge_variances(parent, time),
        "edge_log_prob": lambda: ops.edge_log_prob(parent, time),
        "attachment_quadrature": lambda: ops.attachment_quadrature(parent, time),
        "predictive_log_prob": lambda: ops.predictive_log_prob(z, parent, time, leaves),
        "attachment": lambda: ops.attachment(z, parent, time, leaves),
        "sample_posterior": lambda: ops.sample_posterior(
            parent, time, leaves, num_moves=50, seed=0
        ),
    }


# --- Shapes -------------------------------------------------------------------------------------


def shapes_of(function, *specs):
    """The static shapes that a traced function sees, as a flat list of lists."""
    seen = []

    @tf.function(input_signature=specs)
    def traced(*args):
        out = tf.nest.flatten(function(*args))
        seen.append([x.shape.as_list() if x.shape.rank is not None else None for x in out])
        return out

    traced.get_concrete_function()
    return seen[-1]


def specs(num_nodes, num_leaves, dim):
    return (
        tf.TensorSpec([num_nodes], tf.int32),
        tf.TensorSpec([num_nodes], tf.float64),
        tf.TensorSpec([num_leaves, dim], tf.float64),
    )


def test_static_shapes_with_an_unknown_batch():
    tree = [*specs(V, N, D), tf.TensorSpec([None, D], tf.float64)]

    def shapes(function, *extra):
        return shapes_of(function, *tree, *extra)

    assert shapes(lambda p, t, s, z: ops.predictive_log_prob(z, p, t, s)) == [[None]]
    assert shapes(lambda p, t, s, z: ops.attachment(z, p, t, s)) == [[None, V]]
    assert shapes(lambda p, t, s, z: ops.node_posterior(p, t, s)) == [[V, D], [V]]
    assert shapes(lambda p, t, s, z: ops.log_joint(p, t, s)) == [[]]
    assert shapes(lambda p, t, s, z: ops.edge_variances(p, t)) == [[V], [V]]
    assert shapes(lambda p, t, s, z: ops.edge_log_prob(p, t)) == [[V]]
    assert shapes(lambda p, t, s, z: ops.attachment_quadrature(p, t)) == [[None]] * 5
    assert shapes(lambda p, t, s, z: ops.sample_posterior(p, t, s, num_moves=3, seed=0)) == [
        [V], [V], [], [4], [4],
    ]  # fmt: skip
    assert shapes(
        lambda p, t, s, z: gradients(
            lambda x, y: tf.reduce_sum(ops.predictive_log_prob(x, p, t, y)), z, s
        )
    ) == [[None, D], [N, D]]
    assert shapes(
        lambda p, t, s, z: gradients(lambda y: tf.reduce_sum(ops.node_posterior(p, t, y)[0]), s)
    ) == [[N, D]]


def test_static_shapes_with_an_unknown_tree():
    tree = specs(None, None, D)
    assert shapes_of(lambda p, t, s: ops.node_posterior(p, t, s), *tree) == [[None, D], [None]]
    assert shapes_of(lambda p, t, s: ops.log_likelihood(p, t, s), *tree) == [[]]
    z = tf.TensorSpec([4, None, D], tf.float64)
    assert shapes_of(lambda p, t, s, z: ops.predictive_log_prob(z, p, t, s), *tree, z) == [
        [4, None]
    ]
    assert shapes_of(lambda p, t, s, z: ops.attachment(z, p, t, s), *tree, z) == [[4, None, None]]
    assert shapes_of(lambda: ops.sample_prior(N, seed=0)) == [[V], [V]]
    number = tf.TensorSpec([], tf.int32)
    assert shapes_of(lambda n: ops.sample_prior(n, seed=0), number) == [[None], [None]]


def test_functions_with_unknown_shapes_give_the_values(case):
    parent, time, leaves, z = case
    tree = specs(None, None, None)

    @tf.function(input_signature=(*tree, tf.TensorSpec([None, D], tf.float64)))
    def traced(p, t, s, x):
        s = tf.ensure_shape(s, [None, D])
        return ops.predictive_log_prob(x, p, t, s), ops.attachment(x, p, t, s)

    for rows in (0, 1, 11):
        log_prob, attachment = traced(parent, time, leaves, z[:rows])
        np.testing.assert_array_equal(
            log_prob, ops.predictive_log_prob(z[:rows], parent, time, leaves)
        )
        np.testing.assert_array_equal(attachment, ops.attachment(z[:rows], parent, time, leaves))
        assert log_prob.shape == (rows,)
        assert attachment.shape == (rows, V)


@pytest.mark.parametrize("shape", [(D,), (1, D), (2, 3, D), (2, 1, 3, 1, D), (0, D), (2, 0, D)])
def test_leading_dimensions(case, shape):
    parent, time, leaves, z = case
    z = z[: int(np.prod(shape[:-1]))].reshape(shape)
    log_prob = ops.predictive_log_prob(z, parent, time, leaves)
    attachment = ops.attachment(z, parent, time, leaves)
    assert log_prob.shape == shape[:-1]
    assert attachment.shape == (*shape[:-1], V)
    flat = z.reshape(-1, D)
    expected = ops.predictive_log_prob(flat, parent, time, leaves)
    np.testing.assert_array_equal(np.reshape(log_prob, -1), expected)
    expected = ops.attachment(flat, parent, time, leaves)
    np.testing.assert_array_equal(np.reshape(attachment, (-1, V)), expected)


def test_eager_and_traced_values_are_the_same(case):
    def compare(name, function):
        eager, traced = tf.nest.flatten(function()), tf.nest.flatten(tf.function(function)())
        for a, b in zip(eager, traced, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=name)
        return len(eager)

    assert sum(compare(*item) for item in calls(*case).items()) >= 22


# --- Places -------------------------------------------------------------------------------------


@pytest.mark.parametrize("parallel", [None, 4])
def test_in_a_tf_data_map(case, parallel):
    parent, time, leaves, z = case
    data = tf.data.Dataset.from_tensor_slices(z).batch(4)
    data = data.map(
        lambda x: (
            ops.predictive_log_prob(x, parent, time, leaves),
            ops.attachment(x, parent, time, leaves),
            ops.sample_posterior(parent, time, leaves, num_moves=20, seed=1).time,
        ),
        num_parallel_calls=parallel,
    )
    log_prob, attachment, times = zip(*data.as_numpy_iterator(), strict=True)
    assert len(log_prob) == 3
    expected = ops.predictive_log_prob(z, parent, time, leaves)
    np.testing.assert_array_equal(np.concatenate(log_prob), expected)
    expected = ops.attachment(z, parent, time, leaves)
    np.testing.assert_array_equal(np.concatenate(attachment), expected)
    expected = ops.sample_posterior(parent, time, leaves, num_moves=20, seed=1).time
    for found in times:
        np.testing.assert_array_equal(found, expected)


class TreeDensity(keras.layers.Layer):
    """A layer that moves z towards a tree: its loss is -log p(z), the leaves are its weights."""

    def __init__(self, parent, time, leaves, **kwargs):
        super().__init__(**kwargs)
        self.supports_jit = False
        self.parent, self.time = parent, time
        self.leaves = self.add_weight(name="leaves", shape=leaves.shape, dtype="float32")
        self.leaves.assign(leaves)
        self.shift = self.add_weight(name="shift", shape=leaves.shape[1:], initializer="zeros")

    def call(self, x):
        z = x + tf.convert_to_tensor(self.shift)
        leaves = tf.convert_to_tensor(self.leaves)
        self.add_loss(-tf.reduce_mean(ops.predictive_log_prob(z, self.parent, self.time, leaves)))
        self.add_loss(-0.01 * tf.cast(ops.log_likelihood(self.parent, self.time, leaves), z.dtype))
        return z


def model_of(case):
    parent, time, leaves, _ = case
    layer = TreeDensity(parent, time, leaves)
    model = keras.Sequential([keras.Input((D,)), layer])
    model.compile(optimizer=keras.optimizers.SGD(0.02))
    return model, layer


def one_step_by_hand(case, x):
    parent, time, leaves, _ = case

    def loss(shift, s):
        log_prob = ops.predictive_log_prob(x + shift, parent, time, s)
        return -tf.reduce_mean(log_prob) - 0.01 * tf.cast(
            ops.log_likelihood(parent, time, s), tf.float32
        )

    inputs = np.zeros(D, "float32"), leaves.astype("float32")
    return [x - 0.02 * g for x, g in zip(inputs, gradients(loss, *inputs), strict=True)]


def test_in_keras_fit(case):
    x = (case[3][:8] + 1.0).astype("float32")
    model, layer = model_of(case)
    assert not model.supports_jit or not model.jit_compile
    model.fit(x, batch_size=8, epochs=1, verbose=0)
    shift, leaves = one_step_by_hand(case, x)
    np.testing.assert_allclose(layer.shift, shift, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.leaves, leaves, rtol=1e-5, atol=1e-6)
    history = model.fit(x, batch_size=8, epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0]


def mirrored():
    devices = [f"CPU:{i}" for i in range(2)]
    return tf.distribute.MirroredStrategy(
        devices, cross_device_ops=tf.distribute.ReductionToOneDevice()
    )


def test_under_a_mirrored_strategy(case):
    """Each replica computes its own rows, on its own device."""
    parent, time, leaves, z = case
    strategy = mirrored()
    data = tf.data.Dataset.from_tensor_slices(z[:8]).batch(8)
    (batch,) = strategy.experimental_distribute_dataset(data)

    @tf.function
    def run(x):
        def replica(x):
            by_z, by_leaves = gradients(
                lambda y, s: tf.reduce_sum(ops.predictive_log_prob(y, parent, time, s)), x, leaves
            )
            tree = ops.sample_posterior(parent, time, leaves, num_moves=20, seed=3)
            return ops.predictive_log_prob(x, parent, time, leaves), by_z, by_leaves, tree.time

        return strategy.run(replica, (x,))

    log_prob, by_z, by_leaves, times = (strategy.experimental_local_results(r) for r in run(batch))
    assert len(log_prob) == 2
    expected = ops.predictive_log_prob(z[:8], parent, time, leaves)
    np.testing.assert_array_equal(tf.concat(log_prob, 0), expected)
    np.testing.assert_array_equal(times[0], times[1])
    expected_z, expected_leaves = gradients(
        lambda y, s: tf.reduce_sum(ops.predictive_log_prob(y, parent, time, s)), z[:8], leaves
    )
    np.testing.assert_array_equal(tf.concat(by_z, 0), expected_z)
    np.testing.assert_allclose(sum(by_leaves), expected_leaves, rtol=1e-12, atol=1e-12)


def test_keras_fit_under_a_mirrored_strategy(case):
    x = (case[3][:8] + 1.0).astype("float32")
    strategy = mirrored()
    with strategy.scope():
        model, layer = model_of(case)
    model.fit(x, batch_size=8, epochs=1, verbose=0)
    shift, leaves = one_step_by_hand(case, x)
    np.testing.assert_allclose(layer.shift, shift, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.leaves, leaves, rtol=1e-5, atol=1e-6)


# --- Threads ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_together_equal_rows_alone(dtype):
    """A single row runs on one thread; many rows are spread over all of them."""
    parent, time, leaves, z = random_case(200, 20, rows=101)
    leaves, z = leaves.astype(dtype), z.astype(dtype)

    def all_of(x):
        x = tf.convert_to_tensor(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            log_prob = ops.predictive_log_prob(x, parent, time, leaves)
        return log_prob, tape.gradient(log_prob, x), ops.attachment(x, parent, time, leaves)

    together = all_of(z)
    for i in range(len(z)):
        for a, b in zip(together, all_of(z[i : i + 1]), strict=True):
            np.testing.assert_array_equal(a[i], b[0], err_msg=f"row {i}")


def test_gradient_to_leaves_does_not_depend_on_the_split():
    """Nodes are spread over threads; each node's sum runs over the rows in order."""
    parent, time, leaves, z = random_case(200, 20, rows=101)

    def run():
        return gradients(
            lambda s: tf.reduce_sum(ops.predictive_log_prob(z, parent, time, s)), leaves
        )[0]

    first = run()
    for _ in range(5):
        np.testing.assert_array_equal(run(), first)


def test_many_python_threads_at_once():
    parent, time, leaves, z = random_case(30, 8, rows=17)

    def work(i):
        tree = ops.sample_posterior(parent, time, leaves, num_moves=300, seed=i)
        log_prob = ops.predictive_log_prob(z, tree.parent, tree.time, leaves)
        slope = gradients(lambda s: ops.log_joint(tree.parent, tree.time, s), leaves)[0]
        return [np.asarray(x) for x in (*tree, log_prob, slope, *ops.sample_prior(50, seed=i))]

    expected = [work(i) for i in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for i, actual in enumerate(pool.map(work, [*range(8)] * 3)):
            for a, b in zip(actual, expected[i % 8], strict=True):
                np.testing.assert_array_equal(a, b)


# --- Errors -------------------------------------------------------------------------------------

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
    ("num_nodes", (0, 12), r"num_nodes\[0\] = 0 must lie in"),
    ("num_nodes", (24, 257), r"num_nodes\[1\] = 257 must lie in"),
    ("num_nodes", (-3, 12), r"num_nodes\[0\] = -3 must lie in"),
    ("num_nodes", (2**40, 12), "1099511627776"),
    ("num_nodes", (2.5, 12), "2.5"),
    ("num_nodes", (24, 12, 3), ""),
    ("num_nodes", 24, ""),
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
