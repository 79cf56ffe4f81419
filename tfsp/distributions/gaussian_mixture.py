"""Mixtures of diagonal Gaussians whose density costs one matrix product."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp.distributions.normal import stateless_normal

tfd = tfp.distributions


def component_log_prob(z, loc, log_variance):
    """log N(z; loc_k, diag(exp(log_variance_k))) for every component, in nats.

    The square is expanded, so that all components cost one product of a `[n, 2D]` with a
    `[2D, K]` matrix:

        log N_k(z) = z^2 . (-P_k/2) + z . (P_k m_k) - (m_k^2 . P_k + sum log(2 pi v_k)) / 2

    with precisions P = exp(-log_variance). The expansion cancels: its rounding error is about
    eps * max_k |z - c|^2 . P_k, with c the mean of the locations, which is taken off first.
    That is up to 1 nat in float32 for tight, spread components (more where the device multiplies
    in TF32), and below 1e-8 nats in float64.

    Args:
      z: `[..., D]`.
      loc, log_variance: `[K, D]`, same dtype as `z`.

    Returns: `[..., K]`.
    """
    centre = tf.reduce_mean(loc, axis=0)
    z, loc = z - centre, loc - centre
    precision = tf.exp(-log_variance)
    weights = tf.concat([-0.5 * precision, loc * precision], axis=-1)
    constant = -0.5 * tf.reduce_sum(
        loc**2 * precision + log_variance + math.log(2 * math.pi), axis=-1
    )
    features = tf.concat([z**2, z], axis=-1)
    shape = tf.shape(features)
    flat = tf.reshape(features, [-1, 2 * loc.shape[-1]])  # one large product, not a batched one
    products = tf.matmul(flat, weights, transpose_b=True) + constant
    return tf.reshape(products, tf.concat([shape[:-1], tf.shape(constant)], axis=0))


class DiagonalGaussianMixture(tfd.Distribution):
    """p(z) = sum_k softmax(logits)_k N(z; loc_k, diag(exp(log_variance_k))),  z: `[..., D]`.

    Much lighter than `tfd.MixtureSameFamily`: the density is one matrix product and a sample
    draws from the chosen component only.

    Args:
      logits: `[K]`, unnormalised log weights.
      loc: `[K, D]`.
      log_variance: `[K, D]`.
      fast: compute the components in the dtype of the arguments (up to 1 nat off in float32
        for tight components: good enough for a training loss). By default they are computed in
        float64, whatever the dtype, and `log_prob` is right to the rounding of its result.

    Raises: ValueError if the shapes do not fit.
    """

    def __init__(self, logits, loc, log_variance, fast=False, name="DiagonalGaussianMixture"):
        parameters = dict(locals())
        with tf.name_scope(name):
            self._loc = tf.convert_to_tensor(loc, name="loc")
            self._logits = tf.convert_to_tensor(logits, self._loc.dtype, name="logits")
            self._log_variance = tf.convert_to_tensor(log_variance, self._loc.dtype)
        if self._loc.shape.rank != 2 or self._log_variance.shape != self._loc.shape:
            raise ValueError(
                "`loc` and `log_variance` must both have shape [K, D]. Received: "
                f"loc.shape={tuple(self._loc.shape)}, "
                f"log_variance.shape={tuple(self._log_variance.shape)}."
            )
        if self._logits.shape != self._loc.shape[:1]:
            raise ValueError(
                f"`logits` must have shape [{self._loc.shape[0]}], one entry per row of `loc`. "
                f"Received: logits.shape={tuple(self._logits.shape)}."
            )
        self._fast = fast
        super().__init__(
            dtype=self._loc.dtype,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    @property
    def num_components(self):
        return self._loc.shape[0]

    def _event_shape(self):
        return self._loc.shape[1:]

    def _event_shape_tensor(self):
        return tf.shape(self._loc)[1:]

    def _batch_shape(self):
        return tf.TensorShape([])

    def _batch_shape_tensor(self):
        return tf.constant([], tf.int32)

    def joint_log_prob(self, z):
        """log p(k) + log p(z | k) for every component: `[..., D]` -> `[..., K]`, nats."""
        z = tf.convert_to_tensor(z, self.dtype)
        compute = self.dtype if self._fast else tf.float64
        weights = tf.nn.log_softmax(tf.cast(self._logits, compute))
        components = component_log_prob(
            tf.cast(z, compute), tf.cast(self._loc, compute), tf.cast(self._log_variance, compute)
        )
        return tf.cast(components + weights, self.dtype)

    def _log_prob(self, z):
        return tf.reduce_logsumexp(self.joint_log_prob(z), axis=-1)

    def _sample_n(self, n, seed=None):
        seeds = tfp.random.split_seed(seed, 2)
        component = tf.random.stateless_categorical(self._logits[tf.newaxis], n, seeds[0])[0]
        noise = stateless_normal([n, self._loc.shape[1]], seeds[1], self.dtype)
        scale = tf.exp(0.5 * tf.gather(self._log_variance, component))
        return tf.gather(self._loc, component) + scale * noise

    def _mean(self):
        return tf.linalg.matvec(self._loc, tf.nn.softmax(self._logits), transpose_a=True)

    def _covariance(self):
        weights = tf.nn.softmax(self._logits)
        centred = self._loc - self._mean()
        within = tf.linalg.diag(
            tf.linalg.matvec(tf.exp(self._log_variance), weights, transpose_a=True)
        )
        return within + tf.matmul(centred, centred * weights[:, tf.newaxis], transpose_a=True)

    def _default_event_space_bijector(self):
        return tfp.bijectors.Identity()
