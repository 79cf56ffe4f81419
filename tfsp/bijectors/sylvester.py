"""Sylvester normalising flows: one step, and the orthogonal matrices that it needs."""

import functools
import math
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_probability import bijectors as tfb
from tensorflow_probability.python.internal import prefer_static  # it has no public name

from tfsp import arguments, parameters


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

    Variables are read whenever they are needed; their values are then checked, too.

    Call: event `[D]` -> `[D]`; batch dimensions broadcast.

    Raises:
      ValueError: for shapes that do not fit or M > D.

    Source: van den Berg et al. 2018, arXiv:1803.05649, section 3.
    """

    def __init__(
        self,
        q: Any,
        r: Any,
        r_tilde: Any,
        shift: Any,
        validate_args: bool = False,
        name: str = "sylvester",
    ) -> None:
        given = dict(locals())
        with tf.name_scope(name):
            self._held_q = parameters.hold(q, name="q")
            dtype = self._held_q.dtype
            self._held_r = parameters.hold(r, dtype, "r")
            self._held_r_tilde = parameters.hold(r_tilde, dtype, "r_tilde")
            self._held_shift = parameters.hold(shift, dtype, "shift")
            held = (self._held_q, self._held_r, self._held_r_tilde, self._held_shift)
            _check_shapes(*(part.shape for part in held))
            super().__init__(
                forward_min_event_ndims=1,
                dtype=dtype,
                validate_args=validate_args,
                parameters=given,
                name=name,
            )

    @classmethod
    def _parameter_properties(cls, dtype):
        # No bijector of TFP leads to orthonormal columns, and the number of them is free.
        columns = parameters.not_implied("the number of directions")
        unconstrained = dict(shape_fn=columns)
        return {
            "q": parameters.real(2, **unconstrained),
            "r": parameters.real(2, **unconstrained),
            "r_tilde": parameters.real(2, **unconstrained),
            "shift": parameters.real(1, **unconstrained),
        }

    @property
    def q(self) -> Any:
        return self._held_q

    @property
    def r(self) -> Any:
        return self._held_r

    @property
    def r_tilde(self) -> Any:
        return self._held_r_tilde

    @property
    def shift(self) -> Any:
        return self._held_shift

    @property
    def _q(self):
        return tf.convert_to_tensor(self._held_q)

    @property
    def _r(self):
        # Only the upper triangles count.
        return _upper(self._held_r)

    @property
    def _r_tilde(self):
        return _upper(self._held_r_tilde)

    @property
    def _shift(self):
        return tf.convert_to_tensor(self._held_shift)

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
        jacobian += tf.eye(prefer_static.dimension_size(jacobian, -1), dtype=self.dtype)
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

    def _parameter_control_dependencies(self, is_init):
        """Checks of those parameters that are due: tensors at first, variables at each use."""
        if not self.validate_args:
            return []
        checks = []
        if is_init != parameters.is_variable(self._held_q):
            gram = tf.matmul(self._q, self._q, transpose_a=True)
            checks.append(
                tf.debugging.assert_near(
                    gram,
                    tf.broadcast_to(tf.eye(tf.shape(gram)[-1], dtype=gram.dtype), tf.shape(gram)),
                    rtol=0,
                    atol=1e-3,
                    message="The columns of `q` must be orthonormal: see `orthogonalise`, "
                    "`householder`.",
                )
            )
        if is_init != any(map(parameters.is_variable, (self._held_r, self._held_r_tilde))):
            checks.append(
                tf.debugging.assert_greater(
                    tf.linalg.diag_part(self._r) * tf.linalg.diag_part(self._r_tilde),
                    -tf.ones([], self.dtype),
                    message="The diagonals of `r` and `r_tilde` must have products above -1; "
                    "otherwise the step is not invertible. Pass both through tanh.",
                )
            )
        return [check for check in checks if check is not None]


def orthogonalise(matrix: Any, num_steps: int | None = None) -> tf.Tensor:
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
      num_steps: None takes 14, or 22 where M >= D - 1 or the sizes are unknown.

    Returns:
      the same shape.

    Raises:
      ValueError: for M > D, or `num_steps` that is no positive integer.

    Source: Bjorck & Bowie 1971, as in van den Berg et al. 2018, arXiv:1803.05649; the scaling is
      the one that makes the cubic's values at l and 1 equal.
    """
    q = tf.convert_to_tensor(matrix)
    columns, rows = q.shape[-1], q.shape[-2]
    if None not in (columns, rows) and columns > rows:
        raise ValueError(
            f"`matrix` must have at most as many columns as rows. Received: {q.shape}."
        )
    if num_steps is None:
        sure = None in (columns, rows) or columns >= rows - 1
        num_steps = 22 if sure else 14
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


def householder(vectors: Any) -> tf.Tensor:
    """The product of reflections (1 - 2 v_1 v_1' / |v_1|^2) ... (1 - 2 v_H v_H' / |v_H|^2).

    Args:
      vectors: `[..., H, D]`; one of zeros counts as no reflection.

    Returns:
      `[..., D, D]`, orthogonal.

    Source: Tomczak & Welling 2016, arXiv:1611.09630.
    """
    vectors = tf.math.l2_normalize(tf.convert_to_tensor(vectors), axis=-1, epsilon=1e-24)
    size = prefer_static.dimension_size(vectors, -1)

    def reflect(product, v):
        return product - 2.0 * tf.linalg.matvec(product, v)[..., tf.newaxis] * v[..., tf.newaxis, :]

    product = tf.eye(size, dtype=vectors.dtype)
    if vectors.shape[-2] is not None:
        return functools.reduce(reflect, tf.unstack(vectors, vectors.shape[-2], axis=-2), product)
    product = tf.broadcast_to(product, tf.concat([tf.shape(vectors)[:-2], [size, size]], axis=0))
    count = tf.shape(vectors)[-2]

    def one_more(i, product):
        return i + 1, reflect(product, tf.gather(vectors, i, axis=-2))

    shapes = (tf.TensorShape([]), tf.TensorShape(None))
    return tf.while_loop(lambda i, _: i < count, one_more, (0, product), shape_invariants=shapes)[1]


def _solve(target, r, r_tilde, shift):
    """y with y + R tanh(R~ y + b) = target, to the width of the dtype.  No gradients.

    Entry i, with those after it known, is the root of y_i + r_ii tanh(r~_ii y_i + ...) = c, which
    increases and lies within |r_ii| of c.
    """
    size = prefer_static.dimension_size(r, -1)
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
    if matrix.shape.rank is None or None in matrix.shape[-2:]:
        return tf.linalg.band_part(matrix, 0, -1)
    mask = np.triu(np.ones(matrix.shape[-2:], bool))
    return tf.where(mask, matrix, tf.zeros_like(matrix))


def _check_shapes(q, r, r_tilde, shift):
    d, m = q[-2], q[-1]
    square, vector = [m, m], [m]
    wide = None not in (d, m) and m > d
    parts = ((q, [d, m]), (r, square), (r_tilde, square), (shift, vector))
    fits = all(shape[-len(end) :].is_compatible_with(end) for shape, end in parts)
    ranks = all(shape.rank is None or shape.rank >= len(end) for shape, end in parts)
    if wide or not fits or not ranks:
        raise ValueError(
            "`q` must have shape [..., D, M] with M <= D, `r` and `r_tilde` [..., M, M], `shift` "
            f"[..., M]. Received: q {q}, r {r}, r_tilde {r_tilde}, shift {shift}."
        )
