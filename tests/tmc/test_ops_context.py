"""The TensorFlow ops where they are used: shapes, graphs, datasets, replicas, threads."""

import concurrent.futures

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsp.tmc import ops
from tmc.op_cases import calls, gradients, random_case

N, D = 5, 3
V = 2 * N - 1


@pytest.fixture(scope="module")
def case():
    return random_case(N, D, rows=11)


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
