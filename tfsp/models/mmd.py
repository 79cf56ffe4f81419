"""Maximum mean discrepancy between two samples."""

import tensorflow as tf


def mmd_squared(x, y, scales, by_dimension=False):
    """Unbiased estimate of MMD^2(p, q) from draws of both, with inverse multiquadratic kernels.

        k(a, b) = sum_c c / (c + |a - b|^2)
        MMD^2 = mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_{i, j} k(x_i, y_j)

    It is 0 on average where p = q, and hence negative half of the time there.

    Args:
      x: `[n, D]`, draws of p.
      y: `[m, D]`, draws of q.
      scales: the positive numbers c, in squared units of x.
      by_dimension: add up the MMD^2 of the D marginals, each with the kernel in one dimension
        (Cauchy's), instead of that of the joint distributions.

    Returns:
      a scalar.

    Source: Gretton et al. 2012, eq. (3); the kernel: Tolstikhin et al. 2018, arXiv:1711.01558.
    """
    x, y = tf.convert_to_tensor(x), tf.convert_to_tensor(y)

    def kernel(a, b):
        # [n, m, D]: differences, for expanded squares lose all digits between close points.
        squares = (a[:, tf.newaxis] - b[tf.newaxis]) ** 2
        if not by_dimension:
            squares = tf.reduce_sum(squares, axis=-1, keepdims=True)
        return tf.reduce_sum(tf.add_n([c / (c + squares) for c in scales]), axis=-1)

    def mean_of_pairs(a):
        values = kernel(a, a)
        count = tf.cast(tf.shape(a)[0], values.dtype)
        off_diagonal = tf.reduce_sum(values) - tf.linalg.trace(values)
        # A batch of one has no pairs.
        return off_diagonal / tf.maximum(count * (count - 1.0), 1.0)

    return mean_of_pairs(x) + mean_of_pairs(y) - 2.0 * tf.reduce_mean(kernel(x, y))
