"""log p(x) by importance sampling, in memory that does not grow with the number of samples."""

import tensorflow as tf

from tfsp import arguments
from tfsp.random import as_seed, fold_in


def importance_log_prob(model, x, num_samples, chunk_size=100, seed=None):
    """Estimates log p(x) = log 1/S sum_s w_s,  log w_s = log p(x, z_s) - log q(z_s | x).

    A lower bound on average, and closer with larger S (Burda et al. 2016, arXiv:1509.00519,
    theorem 1). The weights are drawn `chunk_size` at a time and only their sums are kept.

    Args:
      model: anything with `log_weights(x, num_samples, seed)` -> `[S, B]`.
      x: `[B, ...]`.
      num_samples: S, an int, or an int32 scalar tensor (in graphs that decide late).
      chunk_size: how many are drawn at once for each example.
      seed: None, an int, an int32 pair or a `SeedStream`. Chunk i draws from seed and i.

    Returns:
      dict of `[B]`: "log_prob", the estimate, nats; "variance", its Monte Carlo variance, to first
      order (E[w^2]/E[w]^2 - 1) / S, nats^2; "effective_sample_size", (sum w)^2 / sum w^2, between
      1 and S. Where it is small, the variance is itself underestimated.

    Raises:
      ValueError: if `num_samples` or `chunk_size` is not a positive integer.
    """
    static = not tf.is_tensor(num_samples)
    if static:
        num_samples = arguments.integer("num_samples", num_samples)
    chunk_size = arguments.integer("chunk_size", chunk_size)
    seed = as_seed(seed)
    x = tf.convert_to_tensor(x)

    def add_chunk(i, size, log_sum, log_sum_squares):
        log_weights = model.log_weights(x, size, seed=fold_in(seed, i))
        return (
            _log_add(log_sum, tf.reduce_logsumexp(log_weights, axis=0)),
            _log_add(log_sum_squares, tf.reduce_logsumexp(2.0 * log_weights, axis=0)),
        )

    full, rest = num_samples // chunk_size, num_samples % chunk_size
    nothing = tf.fill([tf.shape(x)[0]], tf.constant(float("-inf"), model.variable_dtype))
    sums = (nothing, nothing)
    if not static or full:
        _, *sums = tf.while_loop(
            lambda i, *_: i < full,
            lambda i, *sums: (i + 1, *add_chunk(i, chunk_size, *sums)),
            (tf.constant(0), *sums),
        )
    if static and rest:
        sums = add_chunk(full, rest, *sums)
    elif not static:
        sums = tf.cond(rest > 0, lambda: add_chunk(full, rest, *sums), lambda: tuple(sums))
    log_sum, log_sum_squares = sums
    total = tf.cast(num_samples, log_sum.dtype)
    ess = tf.exp(2.0 * log_sum - log_sum_squares)
    return {
        "log_prob": log_sum - tf.math.log(total),
        "variance": tf.maximum(1.0 / ess - 1.0 / total, 0.0),
        "effective_sample_size": ess,
    }


def _log_add(a, b):
    # logaddexp that takes -inf on either side without a NaN.
    top = tf.maximum(a, b)
    safe = tf.where(tf.math.is_inf(top), tf.zeros_like(top), top)
    return safe + tf.math.log(tf.exp(a - safe) + tf.exp(b - safe))
