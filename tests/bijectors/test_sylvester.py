"""Sylvester flow steps against dense Jacobians, and their orthogonal matrices."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfsp.bijectors import sylvester

tfd = tfp.distributions


def step(d=4, m=3, batch=(2,), seed=0, dtype=tf.float64, **kwargs):
    rng = np.random.default_rng(seed)
    q = np.linalg.qr(rng.normal(size=(*batch, d, m)))[0]
    r, r_tilde = rng.normal(size=(2, *batch, m, m))
    for matrix in (r, r_tilde):
        index = np.arange(m)
        matrix[..., index, index] = np.tanh(2 * rng.normal(size=(*batch, m)))
    shift = rng.normal(size=(*batch, m))
    return sylvester.Sylvester(*(tf.constant(a, dtype) for a in (q, r, r_tilde, shift)), **kwargs)


def by_hand(flow, z):
    """z' for one example, from the formula with its matrices written out."""
    q, r, r_tilde, shift = (np.asarray(flow.parameters[k]) for k in ("q", "r", "r_tilde", "shift"))
    a, b = q @ np.triu(r), np.triu(r_tilde) @ q.T
    return z + a @ np.tanh(b @ z + shift)


@pytest.mark.parametrize(("d", "m"), [(1, 1), (3, 1), (4, 3), (5, 5)])
def test_forward_and_log_det_against_the_dense_jacobian(d, m):
    flow = step(d, m, batch=())
    for z in np.random.default_rng(1).normal(size=(5, d)):
        z = tf.constant(z)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(z)
            out = flow.forward(z)
        np.testing.assert_allclose(out, by_hand(flow, z.numpy()), rtol=1e-12)
        sign, expected = np.linalg.slogdet(tape.jacobian(out, z, experimental_use_pfor=False))
        assert sign > 0
        log_det = flow.forward_log_det_jacobian(z, event_ndims=1)
        np.testing.assert_allclose(log_det, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("dtype", "atol"), [(tf.float64, 1e-12), (tf.float32, 2e-5)])
def test_inverse_undoes_forward(dtype, atol):
    flow = step(5, 4, batch=(3,), dtype=dtype)
    z = tf.random.stateless_normal([7, 3, 5], seed=[0, 1], dtype=dtype)
    out = flow.forward(z)
    back = flow.inverse(tf.identity(out))  # a copy, which TFP's cache does not know
    assert np.max(np.abs(out - z)) > 0.5
    np.testing.assert_allclose(back, z, rtol=0, atol=atol)
    np.testing.assert_allclose(
        flow.inverse_log_det_jacobian(tf.identity(out), event_ndims=1),
        -flow.forward_log_det_jacobian(z, event_ndims=1),
        rtol=0,
        atol=100 * atol,
    )


def test_gradients_of_the_inverse_against_finite_differences():
    flow = step(3, 2, batch=(2,))
    names = ("q", "r", "r_tilde", "shift")
    values = [tf.constant(flow.parameters[name]) for name in names]
    z = tf.constant(np.random.default_rng(2).normal(size=(2, 3)))

    def value(z, *given):
        return tf.reduce_sum(tf.sin(sylvester.Sylvester(*given).inverse(z)))

    inputs = [z, *values]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        total = value(*inputs)
    gradients = tape.gradient(total, inputs)
    rng = np.random.default_rng(3)
    for i, gradient in enumerate(gradients):
        direction = tf.constant(rng.normal(size=inputs[i].shape))
        ends = []
        for sign in (1, -1):
            moved = list(inputs)
            moved[i] = inputs[i] + sign * 1e-6 * direction
            ends.append(value(*moved))
        slope = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-6, atol=1e-8)


def test_a_flow_of_a_normal_integrates_to_one():
    base = tfd.MultivariateNormalDiag(tf.constant([0.3, -0.2], tf.float64), [0.7, 1.1])
    flow = tfd.TransformedDistribution(base, step(2, 2, batch=()))
    axis = np.linspace(-9, 9, 241)
    points = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    mass = np.sum(np.exp(flow.log_prob(tf.constant(points)))) * (axis[1] - axis[0]) ** 2
    np.testing.assert_allclose(mass, 1.0, atol=1e-6)
    z, log_prob = flow.experimental_sample_and_log_prob(5, seed=[0, 1])
    np.testing.assert_allclose(flow.log_prob(tf.identity(z)), log_prob, rtol=1e-9)


@pytest.mark.parametrize("shape", [(64, 5, 5), (64, 40, 32), (8, 3, 1)])
def test_iterative_orthogonalisation(shape):
    matrix = np.random.default_rng(0).normal(size=shape).astype("float32")
    condition = np.linalg.cond(matrix)
    matrix = matrix[condition < 1000]
    assert len(matrix) > 0.9 * shape[0]
    q = sylvester.orthogonalise(matrix).numpy()
    gram = np.swapaxes(q, -1, -2) @ q
    assert np.max(np.abs(gram - np.eye(shape[-1]))) < 1e-5
    u, _, vt = np.linalg.svd(matrix.astype(float), full_matrices=False)  # the nearest one
    np.testing.assert_allclose(q, u @ vt, atol=2e-3)


@pytest.mark.parametrize(("d", "m"), [(40, 40), (20, 19), (3, 3)])
def test_nearly_square_matrices_become_orthogonal_too(d, m):
    """Random ones as the model's, among them some with tiny singular values."""
    matrix = np.random.default_rng(0).normal(size=(2000, d, m)) + np.eye(d, m)
    q = sylvester.orthogonalise(matrix.astype("float32")).numpy()
    gram = np.swapaxes(q, -1, -2) @ q
    assert np.max(np.abs(gram - np.eye(m))) < 1e-5


def test_more_steps_are_for_smaller_singular_values():
    u, _, v = np.linalg.svd(np.random.default_rng(0).normal(size=(6, 4)), full_matrices=False)
    for num_steps, smallest in ((14, 4e-5), (22, 3e-7)):
        matrix = (u * [1.0, 0.5, 0.1, smallest] @ v).astype("float32")
        q = sylvester.orthogonalise(matrix, num_steps).numpy()
        np.testing.assert_allclose(q.T @ q, np.eye(4), atol=1e-5)
    with pytest.raises(ValueError, match="`num_steps` must be a positive integer: .*: 0"):
        sylvester.orthogonalise(matrix, 0)


def test_householder_products_are_orthogonal():
    vectors = np.random.default_rng(0).normal(size=(6, 4, 5))
    vectors[0, 1] = 0.0
    q = sylvester.householder(vectors)
    np.testing.assert_allclose(
        tf.matmul(q, q, transpose_a=True), np.tile(np.eye(5), (6, 1, 1)), atol=1e-12
    )
    expected = np.eye(5)
    for v in vectors[1]:
        expected = expected @ (np.eye(5) - 2 * np.outer(v, v) / (v @ v))
    np.testing.assert_allclose(q[1], expected, atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(q[0]), -1.0, rtol=1e-12)  # three reflections


@pytest.mark.slow
def test_it_compiles_with_gradients():
    @tf.function(jit_compile=True)
    def run(raw, z):
        with tf.GradientTape() as tape:
            tape.watch(raw)
            q = sylvester.orthogonalise(raw, num_steps=12)
            flow = sylvester.Sylvester(q, 0.3 * tf.eye(2), 0.4 * tf.eye(2), [0.1, 0.2])
            out = flow.forward(z)
            back = flow.inverse(tf.identity(out))
        return back, tape.gradient(out, raw)

    raw = tf.random.stateless_normal([3, 2], seed=[1, 1])
    z = tf.random.stateless_normal([4, 3], seed=[1, 2])
    back, gradient = run(raw, z)
    np.testing.assert_allclose(back, z, atol=1e-5)
    assert np.all(np.isfinite(gradient))
    assert np.any(gradient != 0)


@pytest.mark.parametrize(
    "shapes",
    [
        [(2, 3), (3, 3), (3, 3), (3,)],
        [(3, 2), (3, 3), (2, 2), (2,)],
        [(3, 2), (2, 2), (2, 1), (2,)],
        [(3, 2), (2, 2), (2, 2), (1,)],
    ],
)
def test_shapes_that_do_not_fit_are_refused(shapes):
    with pytest.raises(ValueError, match=r"`q` must have shape \[..., D, M\] with M <= D"):
        sylvester.Sylvester(*(np.zeros(shape) for shape in shapes))


def test_values_are_checked_when_asked():
    eye = tf.eye(2)
    sylvester.Sylvester(eye, eye, 0.5 * eye, [0.0, 0.0], validate_args=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="orthonormal"):
        sylvester.Sylvester(2 * eye, eye, eye, [0.0, 0.0], validate_args=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="products above -1"):
        sylvester.Sylvester(eye, 2 * eye, -eye, [0.0, 0.0], validate_args=True)
    with pytest.raises(ValueError, match="at most as many columns"):
        sylvester.orthogonalise(tf.zeros([2, 3]))
