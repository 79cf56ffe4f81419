"""Mixtures of diagonal Gaussians whose density costs one matrix product."""

import math

import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow_probability.python.internal import prefer_static  # it has no public name

from tfsp import parameters
from tfsp.distributions.normal import stateless_normal
from tfsp.sample_shape import IntegerDraws

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

    Returns:
      `[..., K]`.
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
    width = prefer_static.dimension_size(weights, 1)
    flat = tf.reshape(features, [-1, width])  # one large product, not a batched one
    products = tf.matmul(flat, weights, transpose_b=True) + constant
    return tf.reshape(products, tf.concat([shape[:-1], tf.shape(constant)], axis=0))


class DiagonalGaussianMixture(IntegerDraws):
    """p(z) = sum_k softmax(logits)_k N(z; loc_k, diag(exp(log_variance_k))),  z: `[..., D]`.

    Much lighter than `tfd.MixtureSameFamily`: the density is one matrix product and a sample
    draws from the chosen component only.

    Args:
      logits: `[..., K]`, unnormalised log weights. Variables, here and below, are read whenever
        they are needed.
      loc: `[..., K, D]`.
      log_variance: `[..., K, D]`. With batch dimensions the density is a sum over differences
        instead of a matrix product.
      fast: compute the components in the dtype of the arguments (up to 1 nat off in float32
        for tight components: good enough for a training loss). By default they are computed in
        float64, whatever the dtype, and `log_prob` is right to the rounding of its result.

    Raises:
      ValueError: if the shapes do not fit.
    """

    def __init__(
        self,
        logits,
        loc,
        log_variance,
        fast=False,
        validate_args=False,
        name="DiagonalGaussianMixture",
    ):
        given = dict(locals())
        with tf.name_scope(name):
            self._loc = parameters.hold(loc, name="loc")
            dtype = self._loc.dtype
            self._logits = parameters.hold(logits, dtype, "logits")
            self._log_variance = parameters.hold(log_variance, dtype, "log_variance")
            _check_shapes(self._logits.shape, self._loc.shape, self._log_variance.shape)
            self._fast = fast
            super().__init__(
                dtype=dtype,
                reparameterization_type=tfd.NOT_REPARAMETERIZED,
                validate_args=validate_args,
                allow_nan_stats=True,
                parameters=given,
                name=name,
            )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        def logits_shape(sample_shape):
            return [*sample_shape[:-1], _known(num_classes)]

        def loc_shape(sample_shape):
            return [*sample_shape[:-1], _known(num_classes), sample_shape[-1]]

        return {
            "logits": parameters.real(1, shape_fn=logits_shape),
            "loc": parameters.real(2, shape_fn=loc_shape),
            "log_variance": parameters.real(2, shape_fn=loc_shape),
        }

    @property
    def logits(self):
        return self._logits

    @property
    def loc(self):
        return self._loc

    @property
    def log_variance(self):
        return self._log_variance

    @property
    def num_components(self):
        return self._loc.shape.with_rank_at_least(2)[-2]

    def _event_shape(self):
        return self._loc.shape.with_rank_at_least(2)[-1:].merge_with([None])

    def _event_shape_tensor(self):
        return tf.shape(self._loc)[-1:]

    def joint_log_prob(self, z):
        """log p(k) + log p(z | k) for every component: `[..., D]` -> `[..., K]`, nats."""
        z = tf.convert_to_tensor(z, self.dtype)
        compute = self.dtype if self._fast else tf.float64
        weights = tf.nn.log_softmax(tf.cast(self._logits, compute))
        held = (z, self._loc, self._log_variance)
        z, loc, log_variance = (tf.cast(value, compute) for value in held)
        if self.batch_shape.rank == 0:
            components = component_log_prob(z, loc, log_variance)
        else:
            normal = tfd.MultivariateNormalDiag(loc, tf.exp(0.5 * log_variance))
            components = normal.log_prob(z[..., tf.newaxis, :])
        return tf.cast(components + weights, self.dtype)

    def _log_prob(self, z):
        return tf.reduce_logsumexp(self.joint_log_prob(z), axis=-1)

    def _sample_n(self, n, seed=None):
        seeds = tfp.random.split_seed(seed, 2)
        logits, loc, log_variance = self._batched()
        batch = tf.shape(logits)[:-1]
        flat = tf.reshape(logits, [-1, prefer_static.dimension_size(logits, -1)])
        component = tf.transpose(tf.random.stateless_categorical(flat, n, seeds[0]))
        component = tf.reshape(component, tf.concat([[n], batch], axis=0))

        def chosen(parts):
            return _gather_component(parts, component)

        loc, scale = chosen(loc), tf.exp(0.5 * chosen(log_variance))
        return loc + scale * stateless_normal(tf.shape(loc), seeds[1], self.dtype)

    def _batched(self):
        """logits, loc and log_variance with all batch dimensions."""
        batch = self.batch_shape_tensor()
        held = ((self._logits, 1), (self._loc, 2), (self._log_variance, 2))
        return [
            tf.broadcast_to(part, tf.concat([batch, tf.shape(part)[-ndims:]], axis=0))
            for part, ndims in held
        ]

    def _mean(self):
        logits, loc, _ = self._batched()
        return tf.linalg.matvec(loc, tf.nn.softmax(logits), transpose_a=True)

    def _covariance(self):
        logits, loc, log_variance = self._batched()
        weights = tf.nn.softmax(logits)
        centred = loc - tf.linalg.matvec(loc, weights, transpose_a=True)[..., tf.newaxis, :]
        variance = tf.linalg.matvec(tf.exp(log_variance), weights, transpose_a=True)
        between = tf.matmul(centred, centred * weights[..., tf.newaxis], transpose_a=True)
        return tf.linalg.diag(variance) + between

    def _variance(self):
        return tf.linalg.diag_part(self._covariance())

    def _default_event_space_bijector(self):
        return tfp.bijectors.Identity(validate_args=self.validate_args)


def _known(num_classes):
    if num_classes is None:
        raise NotImplementedError(
            "The shape of a sample does not tell the number of components: pass `logits`, `loc` "
            "and `log_variance` (they may be `tf.Variable`s), or `num_classes` to "
            "`parameter_properties`."
        )
    return num_classes


def _gather_component(parts, component):
    """`[*batch, K, D]` and numbers of components `[n, *batch]` -> `[n, *batch, D]`."""
    flat = tf.reshape(parts, tf.concat([[-1], tf.shape(parts)[-2:]], axis=0))
    index = tf.reshape(component, tf.stack([tf.shape(component)[0], -1]))
    chosen = tf.gather(flat, tf.transpose(index), batch_dims=1)  # [T, n, D]
    shape = tf.concat([tf.shape(component), tf.shape(parts)[-1:]], axis=0)
    return tf.reshape(tf.transpose(chosen, [1, 0, 2]), shape)


def _check_shapes(logits, loc, log_variance):
    enough = all(shape.rank is None or shape.rank >= 2 for shape in (loc, log_variance))
    if not enough or not loc[-2:].is_compatible_with(log_variance[-2:]):
        raise ValueError(
            "`loc` and `log_variance` must both have shape [..., K, D]. Received: "
            f"loc.shape={loc}, log_variance.shape={log_variance}."
        )
    if logits.rank == 0 or not logits[-1:].is_compatible_with(loc[-2:-1]):
        raise ValueError(
            f"`logits` must have shape [..., {loc[-2]}], one entry per row of `loc`. Received: "
            f"logits.shape={logits}."
        )
