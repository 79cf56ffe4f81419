"""The exponential distribution cut to [0, 1], rising or falling; stable for beta in (0, inf).

falling: r(zeta) = beta exp(-beta zeta) / (1 - exp(-beta))
rising:  r(zeta) = beta exp(-beta (1 - zeta)) / (1 - exp(-beta)),  its mirror image
"""

import tensorflow as tf


def log_expm1(beta: tf.Tensor) -> tf.Tensor:
    """log(exp(beta) - 1), without overflow."""
    return beta + tf.math.log(-tf.math.expm1(-beta))


def falling_log_prob(zeta: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
    """log r(zeta) of the falling form, in nats."""
    return tf.math.log(-beta / tf.math.expm1(-beta)) - beta * zeta


def rising_log_prob(zeta: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
    """log r(zeta) of the rising form, in nats."""
    return falling_log_prob(1.0 - zeta, beta)


def falling_cdf(zeta: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
    """Probability of values up to `zeta` under the falling form."""
    return tf.math.expm1(-beta * zeta) / tf.math.expm1(-beta)


def rising_cdf(zeta: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
    """Probability of values up to `zeta` under the rising form."""
    return tf.exp(-beta * (1.0 - zeta)) * falling_cdf(zeta, beta)


def falling_quantile(u: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
    """u in (0, 1). Which form is accurate depends on the half."""
    low = -tf.math.log1p(tf.minimum(u, 0.5) * tf.math.expm1(-beta))
    upper = tf.maximum(u, 0.5)
    high = -tf.math.log(1.0 - upper + upper * tf.exp(-beta))
    return tf.where(u < 0.5, low, high) / beta


def rising_quantile(u: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
    """u in (0, 1]. = log(1 + u (exp(beta) - 1)) / beta, accurate for small u, no overflow."""
    return tf.math.softplus(tf.math.log(u) + log_expm1(beta)) / beta


def falling_mean(beta: tf.Tensor) -> tf.Tensor:
    """1/beta - 1/(exp(beta) - 1); by its series where the two cancel."""
    small = tf.minimum(beta, 0.3)
    series = 0.5 - small / 12.0 + small**3 / 720.0
    large = tf.maximum(beta, 0.3)
    exact = 1.0 / large + tf.exp(-large) / tf.math.expm1(-large)
    return tf.where(beta < 0.3, series, exact)


def kl(beta: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """KL between two falling (or two rising) ones, in nats."""
    ratio = tf.math.expm1(-other) / tf.math.expm1(-beta)
    value = tf.math.log(beta / other * ratio) + (other - beta) * falling_mean(beta)
    return tf.maximum(value, tf.zeros([], beta.dtype))
