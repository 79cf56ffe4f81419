"""Sylvester normalising flows: one step, and the orthogonal matrices that it needs."""

import functools
import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import arguments

tfb = tfp.bijectors


class Sylvester(tfb.Bijector):
    """z' = z + Q R tanh(R~ Q' z + b), a residual step through M <= D directions.

        log |det dz'/dz| = sum_m log(1 + tanh'(a_m) R_mm R~_mm),   a = R~ Q' z + b

    It is invertible where R_mm R~_mm > -1 for all m. The inverse has no closed form: with
    y = Q' z it solves y + R tanh(R~ y + b) = Q' z' from the last entry up, one monotone equation
    in one unknown after the other (bisection), and ends with a Newton step on all of them, which
    also carries the gradients. It costs some M * 30 times what the forward direction does.

    Args:
      q: `[..., D, M]`, orthonormal columns.
      r, r_tilde: `[..., M, M]`; their upper triangles are used, the rest is passed over.
      shift: `[..., M]`, b.
      validate_args: check the values too: Q'Q = 1 to 1e-3, R_mm R~_mm > -1.

    Call: event `[D]` -> `[D]`; batch dimensions broadcast.

    Raises: ValueError for shapes that do not fit or M > D.

    Source: van den Berg et al. 2018, arXiv:1803.05649, section 3.
    """

    def __init__(self, q, r, r_tilde, shift, validate_args=False, name="sylvester"):
        parameters = dict(locals())
        with tf.name_scope(name):
            self._q = tf.convert_to_tensor(q, name="q")
            self._r = tf.convert_to_tensor(r, self._q.dtype, name="r")
            self._r_tilde = tf.convert_to_tensor(r_tilde, self._q.dtype, name="r_tilde")
            self._shift = tf.convert_to_tensor(shift, self._q.dtype, name="shift")
            _check_shapes(self._q, self._r, self._r_tilde, self._shift)
            if validate_args:
                self._check_values()
            # Only the upper triangles count.
            self._r, self._r_tilde = _upper(self._r), _upper(self._r_tilde)
            super().__init__(
                forward_min_event_ndims=1,
                dtype=self._q.dtype,
                validate_args=validate_args,
                parameters=parameters,
                name=name,
            )

    @classmethod
    def _parameter_properties(cls, dtype):
        matrix = tfp.util.ParameterProperties(event_ndims=2)
        vector = tfp.util.ParameterProperties(event_ndims=1)
        return {"q": matrix, "r": matrix, "r_tilde": matrix, "shift": vector}

    def _forward(self, z):
        hidden = tf.tanh(self._activation(self._project(z)))
        return z + self._expand(hidden)

    def _forward_log_det_jacobian(self, z):
        slope = 1.0 - tf.tanh(self._activation(self._project(z))) ** 2
        diagonals = tf.linalg.diag_part(self._r) * tf.linalg.diag_part(self._r_tilde)
        return tf.reduce_sum(tf.math.log1p(slope * diagonals), axis=-1)

    def _inverse(self, z):
        target = self._project(z)
        y = tf.stop_gradient(
            _solve(*map(tf.stop_gradient, (target, self._r, self._r_tilde, self._shift)))
        )
        hidden = tf.tanh(self._activation(y))
        slope = tf.stop_gradient(1.0 - hidden**2)
        # The Jacobian of the system, 1 + R diag(tanh') R~, is upper triangular like R and R~.
        jacobian = tf.matmul(
            tf.stop_gradient(self._r) * slope[..., tf.newaxis, :], tf.stop_gradient(self._r_tilde)
        )
        jacobian += tf.eye(self._r.shape[-1], dtype=self.dtype)
        residual = y + tf.linalg.matvec(self._r, hidden) - target
        step = tf.linalg.triangular_solve(jacobian, residual[..., tf.newaxis], lower=False)
        y -= step[..., 0]
        return z - self._expand(tf.tanh(self._activation(y)))

    def _project(self, z):
        return tf.linalg.matvec(self._q, z, transpose_a=True)

    def _activation(self, y):
        return tf.linalg.matvec(self._r_tilde, y) + self._shift

    def _expand(self, hidden):
        return tf.linalg.matvec(self._q, tf.linalg.matvec(self._r, hidden))

    def _check_values(self):
        eye = tf.eye(self._q.shape[-1], dtype=self._q.dtype)
        gram = tf.matmul(self._q, self._q, transpose_a=True)
        tf.debugging.assert_near(
            gram + tf.zeros_like(eye),
            eye + tf.zeros_like(gram),
            rtol=0,
            atol=1e-3,
            message="The columns of `q` must be orthonormal: see `orthogonalise`, `householder`.",
        )
        tf.debugging.assert_greater(
            tf.linalg.diag_part(self._r) * tf.linalg.diag_part(self._r_tilde),
            -tf.ones([], self._q.dtype),
            message="The diagonals of `r` and `r_tilde` must have products above -1; otherwise "
            "the step is not invertible. Pass both through tanh.",
        )


def orthogonalise(matrix, num_steps=None):
    """The matrix with orthonormal columns that is nearest to `matrix`, by iteration.

        Q <- t Q (1 + (1 - t^2 Q'Q) / 2),   started at `matrix` over a bound of its singular values

    A singular value s goes to t s (3 - (t s)^2) / 2. The plain iteration has t = 1, and small
    values grow by a factor of 1.5 a step; with t^2 = 3 / (1 + l + l^2), where l is the smallest
    value left, all of [l, 1] stays in [l', 1] and l' is as large as can be: up to 2.6 l. In the
    end t goes to 1 and convergence is quadratic. The first l is the smallest from which
    `num_steps` steps come to 1, though never below the rounding of the dtype: 14 steps make
    Q'Q = 1 to 1e-5 (float32) for singular values down to 1/40,000 of the bound, which is up to
    sqrt(M) times the largest, 22 steps for those down to 1e-7.

    Smaller values are left short of 1, without a sign of it. With M = D they come up: a random
    matrix has one below 1/40,000 of the bound about once in 200 with D = 40, and log-determinants
    of `Sylvester` would then be wrong by up to some nats. With M <= D - 2 they hardly ever do.

    Args:
      matrix: `[..., D, M]`, M <= D, of full rank.
      num_steps: None takes 14, or 22 where M >= D - 1.

    Returns: the same shape.

    Raises: ValueError for M > D, or `num_steps` that is no positive integer.

    Source: Bjorck & Bowie 1971, as in van den Berg et al. 2018, arXiv:1803.05649; the scaling is
      the one that makes the cubic's values at l and 1 equal.
    """
    q = tf.convert_to_tensor(matrix)
    if q.shape[-1] > q.shape[-2]:
        raise ValueError(
            f"`matrix` must have at most as many columns as rows. Received: {tuple(q.shape)}."
        )
    if num_steps is None:
        num_steps = 22 if q.shape[-1] >= q.shape[-2] - 1 else 14
    num_steps = arguments.integer("num_steps", num_steps, meaning="steps of the iteration")
    # Two bounds of the largest singular value; the second is the better near a permutation.
    frobenius = tf.reduce_sum(q**2, axis=[-2, -1], keepdims=True)
    rows = tf.reduce_max(tf.reduce_sum(tf.abs(q), -1, keepdims=True), -2, keepdims=True)
    columns = tf.reduce_max(tf.reduce_sum(tf.abs(q), -2, keepdims=True), -1, keepdims=True)
    q *= tf.math.rsqrt(tf.minimum(frobenius, rows * columns))
    for t in _scalings(num_steps, q.dtype.as_numpy_dtype):
        q = 1.5 * t * q - 0.5 * t**3 * tf.matmul(q, tf.matmul(q, q, transpose_a=True))
    return q


@functools.lru_cache
def _scalings(num_steps, dtype):
    """t of each step, for singular values from the smallest l that the steps bring to 1."""

    def run(smallest):
        scalings = []
        for _ in range(num_steps):
            t = (3.0 / (1.0 + smallest + smallest**2)) ** 0.5
            smallest = t * smallest * (1.5 - 0.5 * (t * smallest) ** 2)
            scalings.append(t)
        return scalings, smallest

    # Values near 1 go down to l before they come up again: below the rounding nothing is left.
    low, high = math.log(np.finfo(dtype).eps), 0.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        done = run(math.exp(middle))[1] > 1.0 - 2e-6
        low, high = (low, middle) if done else (middle, high)
    return tuple(run(math.exp(high))[0])


def householder(vectors):
    """The product of reflections (1 - 2 v_1 v_1' / |v_1|^2) ... (1 - 2 v_H v_H' / |v_H|^2).

    Args: vectors: `[..., H, D]`; one of zeros counts as no reflection.
    Returns: `[..., D, D]`, orthogonal.

    Source: Tomczak & Welling 2016, arXiv:1611.09630.
    """
    vectors = tf.math.l2_normalize(tf.convert_to_tensor(vectors), axis=-1, epsilon=1e-24)
    product = tf.eye(vectors.shape[-1], dtype=vectors.dtype)
    for v in tf.unstack(vectors, axis=-2):
        product -= 2.0 * tf.linalg.matvec(product, v)[..., tf.newaxis] * v[..., tf.newaxis, :]
    return product


def _solve(target, r, r_tilde, shift):
    """y with y + R tanh(R~ y + b) = target, to the width of the dtype.  No gradients.

    Entry i, with those after it known, is the root of y_i + r_ii tanh(r~_ii y_i + ...) = c, which
    increases and lies within |r_ii| of c.
    """
    size = r.shape[-1]
    num_halvings = 56 if target.dtype == tf.float64 else 28
    target = target + tf.zeros_like(shift)  # all batch dimensions at once
    target += tf.zeros_like(r[..., 0]) + tf.zeros_like(r_tilde[..., 0])

    def entry(i, y, hidden):
        r_row, r_tilde_row = tf.gather(r, i, axis=-2), tf.gather(r_tilde, i, axis=-2)
        slope = tf.gather(r_tilde_row, i, axis=-1)
        height = tf.gather(r_row, i, axis=-1)
        # y and hidden still hold zeros at i and before it.
        offset = tf.reduce_sum(r_tilde_row * y, -1) + tf.gather(shift, i, axis=-1)
        c = tf.gather(target, i, axis=-1) - tf.reduce_sum(r_row * hidden, -1)

        def halve(_, low, high):
            middle = 0.5 * (low + high)
            above = middle + height * tf.tanh(slope * middle + offset) > c
            return _ + 1, tf.where(above, low, middle), tf.where(above, middle, high)

        start = (0, c - tf.abs(height), c + tf.abs(height))
        _, low, high = tf.while_loop(lambda k, *_: k < num_halvings, halve, start)
        root = 0.5 * (low + high)
        here = tf.one_hot(i, size, dtype=target.dtype)
        value = tf.tanh(slope * root + offset)
        return i - 1, y + root[..., tf.newaxis] * here, hidden + value[..., tf.newaxis] * here

    zeros = tf.zeros_like(target)
    _, y, _ = tf.while_loop(lambda i, *_: i >= 0, entry, (size - 1, zeros, zeros))
    return y


def _upper(matrix):
    """The upper triangle. By a mask: few runtimes of served models have `tf.linalg.band_part`."""
    mask = np.triu(np.ones(matrix.shape[-2:], bool))
    return tf.where(mask, matrix, tf.zeros_like(matrix))


def _check_shapes(q, r, r_tilde, shift):
    d, m = q.shape[-2:]
    if m > d or r.shape[-2:] != (m, m) or r_tilde.shape[-2:] != (m, m) or shift.shape[-1:] != (m,):
        raise ValueError(
            "`q` must have shape [..., D, M] with M <= D, `r` and `r_tilde` [..., M, M], `shift` "
            f"[..., M]. Received: q {tuple(q.shape)}, r {tuple(r.shape)}, r_tilde "
            f"{tuple(r_tilde.shape)}, shift {tuple(shift.shape)}."
        )
