"""Continuous densities p(zeta) = sum_z p(z) r(zeta | z) of a Boltzmann machine (DVAE#).

All is up to the constant -log Z of the machine, in nats. -E(z) = a'l + b'r + l'Wr.

Source: Vahdat, Andriyash & Macready 2018, arXiv:1805.07445, section 3 (Gaussian integral; the
generalised overlapping version and its mean-field approximation).
"""

import math

import tensorflow as tf

from tfsp.distributions.normal import stateless_normal


def spectral_bound(weights):
    """An upper bound on the largest singular value of `[L, R]`, smooth in W.

    At most min(L, R)^(1/64) times too large: 7% for 64 + 64 units.

    (sum_i s_i^64)^(1/64) >= max_i s_i, by squaring W'W five times.
    """
    norm2 = tf.reduce_sum(weights**2)
    is_zero = norm2 <= 0.0
    norm = tf.sqrt(tf.where(is_zero, tf.ones_like(norm2), norm2))
    short = weights if weights.shape[0] <= weights.shape[1] else tf.transpose(weights)
    scaled = tf.where(is_zero, tf.eye(*short.shape, dtype=weights.dtype), short / norm)
    power = tf.matmul(scaled, scaled, transpose_b=True)  # eigenvalues (s / norm)^2, trace 1
    log_scale = tf.zeros([], weights.dtype)
    for _ in range(5):
        power = tf.matmul(power, power)
        trace = tf.linalg.trace(power)
        power = power / trace
        log_scale = 2.0 * log_scale + tf.math.log(trace)
    # trace((W'W / norm^2)^32) = exp(log_scale); each squaring doubled what was split off before.
    bound = norm * tf.exp(log_scale / 64.0)
    return tf.where(is_zero, tf.zeros_like(bound), bound)


class GaussianIntegral:
    """r(zeta | z) = N(z, P^-1) with P = [[c, W], [W', c]], c = spectral bound of W + beta.

    Then z'Wz cancels and, since z_i^2 = z_i, z is summed out unit by unit:

        log sum_z exp(-E(z)) r(zeta | z) = 1/2 log |P| - n/2 log 2 pi - 1/2 zeta' P zeta
                                           + sum_i softplus(b_i + (P zeta)_i - c / 2)

    Args:
      weights: `[L, R]`. bias: `[L + R]`, left side first.
      beta: the least precision of r, positive.
    """

    def __init__(self, weights, bias, beta):
        self.weights, self.bias = weights, bias
        self.precision = spectral_bound(weights) + tf.cast(beta, weights.dtype)

    def unnormalized_log_prob(self, zeta):
        """`[..., n]` -> `[...]`: log p(zeta) + log Z."""
        size = self.bias.shape[0]
        field = self._times_precision(zeta)
        log_normaliser = 0.5 * self._log_det() - 0.5 * size * math.log(2.0 * math.pi)
        logits = self.bias + field - 0.5 * self.precision
        return log_normaliser + tf.reduce_sum(tf.nn.softplus(logits) - 0.5 * zeta * field, axis=-1)

    def posterior_logits(self, zeta):
        """Logits of p(z_i = 1 | zeta): the units are independent given zeta."""
        return self.bias + self._times_precision(zeta) - 0.5 * self.precision

    def sample(self, z, seed):
        """A draw of r(zeta | z) for each z `[..., n]`."""
        left, right = self.weights.shape
        c = self.precision
        matrix = tf.concat(
            [
                tf.concat([c * tf.eye(left, dtype=c.dtype), self.weights], axis=1),
                tf.concat([tf.transpose(self.weights), c * tf.eye(right, dtype=c.dtype)], axis=1),
            ],
            axis=0,
        )
        factor = tf.linalg.cholesky(matrix)
        noise = stateless_normal(tf.shape(z), seed, c.dtype)
        columns = tf.transpose(tf.reshape(noise, [-1, left + right]))
        columns = tf.linalg.triangular_solve(factor, columns, lower=True, adjoint=True)
        return z + tf.reshape(tf.transpose(columns), tf.shape(z))

    def _times_precision(self, zeta):
        left, right = tf.split(zeta, self.weights.shape, axis=-1)
        coupled = [
            _times(right, self.weights, 1),
            _times(left, self.weights, 0),
        ]
        return self.precision * zeta + tf.concat(coupled, axis=-1)

    def _log_det(self):
        left, right = self.weights.shape
        short = self.weights if left <= right else tf.transpose(self.weights)
        gram = tf.matmul(short, short, transpose_b=True)
        c = self.precision
        inner = c * tf.eye(min(left, right), dtype=c.dtype) - gram / c
        return max(left, right) * tf.math.log(c) + tf.linalg.logdet(inner)


def mean_field(weights, field_left, field_right, num_sweeps=10):
    """The mean-field bound on log sum_z exp(f_L'l + f_R'r + l'Wr), and its left means.

    Each side in turn takes its best means given the other; this never lowers the bound. Three
    starts are tried, the units' own fields, all left units off, and all on, and the best is kept.

        bound = H(m) + f_L'm + sum_j softplus(f_R + m'W)_j,   m the means of the left side

    Args:
      weights: `[L, R]`. field_left: `[..., L]`. field_right: `[..., R]`.
      num_sweeps: updates of both sides.

    Returns:
      (bound `[...]`, nats, never above the true value; logits of m `[..., L]`). The means count as
      constants: at their fixed point the bound does not change with them.
    """
    fixed_left, fixed_right = tf.stop_gradient(field_left), tf.stop_gradient(field_right)
    fixed = tf.stop_gradient(weights)
    means = tf.stack([tf.sigmoid(fixed_left), tf.zeros_like(fixed_left), tf.ones_like(fixed_left)])
    for _ in range(num_sweeps):
        right = tf.sigmoid(fixed_right + _times(means, fixed, 0))
        logits = fixed_left + _times(right, fixed, 1)
        means = tf.sigmoid(logits)
    logits = tf.stop_gradient(logits)
    bounds = _left_bound(weights, field_left, field_right, logits)
    best = tf.argmax(tf.stop_gradient(bounds), axis=0)
    chosen = tf.one_hot(best, 3, axis=0, dtype=bounds.dtype)
    return (
        tf.reduce_sum(chosen * bounds, axis=0),
        tf.reduce_sum(chosen[..., tf.newaxis] * logits, axis=0),
    )


def left_score(weights, field_left, field_right, left):
    """log sum_r exp(f_L'l + f_R'r + l'Wr): the right side summed out, `[...]`."""
    right = tf.nn.softplus(field_right + _times(left, weights, 0))
    return tf.reduce_sum(left * field_left, axis=-1) + tf.reduce_sum(right, axis=-1)


def _left_bound(weights, field_left, field_right, logits):
    means = tf.sigmoid(logits)
    entropy = tf.reduce_sum(tf.nn.softplus(logits) - means * logits, axis=-1)
    return entropy + left_score(weights, field_left, field_right, means)


def _times(x, matrix, axis):
    """The last axis of x `[..., k]` summed with an axis of a matrix: `[..., m]`.

    One product of matrices: `tf.matmul` of TensorFlow 2.21 has been seen to crash on a CPU.
    """
    return tf.tensordot(x, matrix, [[-1], [axis]])
