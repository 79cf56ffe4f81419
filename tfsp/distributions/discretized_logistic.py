"""The logistic distribution over pixel levels (Salimans et al. 2017, arXiv:1701.05517)."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import arguments, parameters, shapes
from tfsp.distributions.measures import Discrete
from tfsp.sample_shape import IntegerDraws

tfd = tfp.distributions


class DiscretizedLogistic(Discrete, IntegerDraws):
    """A logistic variable rounded to the nearest of `num_levels` values 0, 1/(L-1), ..., 1.

        P(x = k/(L-1)) = sigmoid(b_k) - sigmoid(a_k),   b_k, a_k = (x +- 1/(2(L-1)) - loc) / scale

    with a_0 = -inf and b_{L-1} = +inf, so that the L probabilities sum to 1.

    Args:
      loc: `[...]`, centre on the scale of x, where pixels lie in [0, 1].
      log_scale: `[...]`, log of the logistic's scale. The first of the two that is a tensor gives
        the dtype; float32 if none is.
      num_levels: L, at least 2. Default 256.
      validate_args: check that values whose probability is asked for lie in [0, 1].

    Stable in float32: sigmoid(b) - sigmoid(a) = sigmoid(b) sigmoid(-a) (1 - exp(a - b)), an
    identity, has no cancellation, since a - b does not depend on x.

    Source: Salimans et al. 2017, eq. (2), with one component.
    """

    def __init__(
        self, loc, log_scale, num_levels=256, validate_args=False, name="DiscretizedLogistic"
    ):
        given = dict(locals())
        self._num_levels = arguments.integer("num_levels", num_levels, 2)
        with tf.name_scope(name):
            dtype = parameters.common_dtype(loc, log_scale, default=None)
            self._loc = parameters.hold(loc, dtype, "loc")
            self._log_scale = parameters.hold(log_scale, self._loc.dtype, "log_scale")
            super().__init__(
                dtype=self._loc.dtype,
                reparameterization_type=tfd.NOT_REPARAMETERIZED,
                validate_args=validate_args,
                allow_nan_stats=True,
                parameters=given,
                name=name,
            )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"loc": parameters.real(), "log_scale": parameters.real()}

    @property
    def loc(self):
        return self._loc

    @property
    def log_scale(self):
        return self._log_scale

    @property
    def num_levels(self):
        return self._num_levels

    def _event_shape(self):
        return tf.TensorShape([])

    def _event_shape_tensor(self):
        return tf.constant([], tf.int32)

    def _log_prob(self, x):
        half = 0.5 / (self._num_levels - 1)
        x = tf.round(tf.convert_to_tensor(x, self.dtype) / (2 * half)) * (2 * half)
        loc, inverse_scale = tf.convert_to_tensor(self._loc), tf.exp(-self._log_scale)
        upper = (x + half - loc) * inverse_scale
        lower = (x - half - loc) * inverse_scale
        # log sigmoid(+inf) = 0 at the two ends; each end bin takes the whole tail.
        log_below = tf.where(x > 1 - half, tf.zeros_like(upper), tf.math.log_sigmoid(upper))
        log_above = tf.where(x < half, tf.zeros_like(lower), tf.math.log_sigmoid(-lower))
        # log(1 - exp(-u)). TFP's `log1mexp` has NaN gradients for very small u.
        width = tf.math.log(-tf.math.expm1(-2 * half * inverse_scale))
        inside = (x >= half) & (x <= 1 - half)
        return log_below + log_above + tf.where(inside, width, tf.zeros_like(width))

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], self.batch_shape_tensor()], axis=0)
        tiny = tf.constant(1e-7, self.dtype)
        uniform = tf.random.stateless_uniform(
            shape, tfp.random.sanitize_seed(seed), minval=tiny, maxval=1 - tiny, dtype=self.dtype
        )
        logistic = tf.math.log(uniform) - tf.math.log1p(-uniform)
        x = self._loc + tf.exp(self._log_scale) * logistic
        top = self._num_levels - 1
        return tf.round(tf.clip_by_value(x, 0.0, 1.0) * top) / top

    def _mean(self):
        """Exact: E[x] = sum_{k=1}^{L-1} P(x >= k/(L-1)) / (L-1), added up level by level."""
        top = self._num_levels - 1
        loc, inverse_scale = tf.convert_to_tensor(self._loc), tf.exp(-self._log_scale)

        def add(k, total):
            threshold = (tf.cast(k, self.dtype) - 0.5) / top
            return k + 1, total + tf.sigmoid((loc - threshold) * inverse_scale)

        zero = tf.zeros_like(self._loc + self._log_scale)
        _, total = tf.while_loop(
            lambda k, _: k <= top, add, (tf.constant(1), zero), maximum_iterations=top
        )
        return shapes.known(total, self.batch_shape) / top

    def _mode(self):
        # The level nearest to the centre, or an end, which holds a whole tail.
        shape = self.batch_shape_tensor()
        top = self._num_levels - 1
        nearest = tf.round(tf.clip_by_value(self._loc, 0.0, 1.0) * top) / top
        nearest = tf.broadcast_to(nearest, shape)
        candidates = tf.stack([nearest, tf.zeros_like(nearest), tf.ones_like(nearest)])
        best = tf.argmax(self._log_prob(candidates), axis=0)
        chosen = tf.one_hot(best, 3, axis=0, dtype=self.dtype)
        return tf.reduce_sum(candidates * chosen, axis=0)

    def _default_event_space_bijector(self):
        return None  # no smooth map leads to separate levels

    def _sample_control_dependencies(self, x):
        if not self.validate_args:
            return []
        message = "Pixels must lie in [0, 1]."
        zero, one = tf.zeros([], self.dtype), tf.ones([], self.dtype)
        return [
            tf.debugging.assert_greater_equal(x, zero, message),
            tf.debugging.assert_less_equal(x, one, message),
        ]
