"""Binary variables made continuous: the marginal of zeta, with its binary z at hand."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import parameters
from tfsp.bijectors import smoothing as smoothings
from tfsp.bijectors.logistic import Logistic
from tfsp.distributions.measures import AtomAtZero
from tfsp.random import as_seed, fold_in
from tfsp.sample_shape import IntegerDraws

tfd = tfp.distributions


def open_uniform(shape, seed, dtype=tf.float32):
    """Uniform noise in (0, 1): never 0 or 1, and symmetric about 1/2.

    Args:
      shape: of the noise. seed: int32 `[2]`.
    """
    info = {tf.float32: 2.0**-24, tf.float64: 2.0**-53}
    dtype = tf.as_dtype(dtype)
    if dtype not in info:
        raise TypeError(f"`dtype` must be float32 or float64. Received: {dtype.name}.")
    # The generator gives multiples k of 2^-23 (or 2^-52), 0 included; k + 1/2 is exact, too.
    return tf.random.stateless_uniform(shape, seed, dtype=dtype, alg="philox") + info[dtype]


class SmoothedBinary(AtomAtZero, IntegerDraws):
    """q(zeta) = (1-q) r(zeta|z=0) + q r(zeta|z=1),  q = sigmoid(logits).  zeta: scalar event.

    Smoothings whose r(zeta|0) is a point mass at 0 ("spike_and_...") have densities with respect
    to Lebesgue measure plus a unit point mass at 0, so that `log_prob(0) = log(1-q)`; the CDF
    jumps by 1-q there.

    `sample` is the inverse CDF of uniform noise, with exact gradients with respect to `logits`
    and to the smoothing's parameters (first derivatives only for some).

    Args:
      logits: log q(z=1) - log q(z=0), `[...]`.
      smoothing: a name, see `tfsp.bijectors.smoothing.names()`.
      **settings: the smoothing's own parameters (`beta`; `loc` and `scale`), numbers or tensors
        that broadcast with `logits`. The first tensor gives the dtype; float32 if there is none.

    Raises:
      ValueError: for an unknown smoothing, a parameter that it does not take, or a number out of
        range.
      TypeError: if `logits` is neither float32 nor float64.

    Source: Rolfe 2017, arXiv:1609.02200; Vahdat et al. 2018, arXiv:1802.04920.
    """

    def __init__(
        self,
        logits,
        smoothing="overlapping_exponential",
        validate_args=False,
        name="SmoothedBinary",
        **settings,
    ):
        given = {
            "logits": logits,
            "smoothing": smoothing,
            "validate_args": validate_args,
            "name": name,
            **settings,
        }
        with tf.name_scope(name):
            spec = {**settings, "name": smoothing}
            context = {"logits": logits, "validate_args": validate_args}
            self._smoothing = smoothings.build(spec, **context)
            super().__init__(
                dtype=self._smoothing.dtype,
                reparameterization_type=tfd.FULLY_REPARAMETERIZED,
                validate_args=validate_args,
                allow_nan_stats=True,
                parameters=given,
                name=name,
            )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        # Which of the last three a smoothing takes is known to its instances alone.
        return {
            "logits": parameters.real(),
            "beta": parameters.positive(dtype, is_preferred=False),
            "loc": parameters.real(is_preferred=False),
            "scale": parameters.positive(dtype, is_preferred=False),
        }

    def __getattr__(self, name):
        """The smoothing's own parameters (`beta`; `loc` and `scale`), as tensors."""
        if name not in ("beta", "loc", "scale"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}.")
        return getattr(self._smoothing, name)

    @property
    def logits(self):
        return self._smoothing.logits

    @property
    def smoothing(self):
        """The bijector from uniform noise to zeta, a `tfsp.bijectors.smoothing.Smoothing`."""
        return self._smoothing

    def discrete_probability(self):
        """q = q(z=1)."""
        return self._smoothing.probs()

    def discrete_entropy(self):
        """The entropy of z, in nats, with gradients that do not vanish where q rounds to 1."""
        logits = self.logits
        return -(
            tf.sigmoid(logits) * tf.math.log_sigmoid(logits)
            + tf.sigmoid(-logits) * tf.math.log_sigmoid(-logits)
        )

    def posterior_logits(self, zeta):
        """log q(z=1|zeta) - log q(z=0|zeta), in nats; +-1e6 where zeta determines z."""
        return self._smoothing.posterior_logits(zeta)

    def joint_log_prob(self, zeta, z):
        """log q(z) + log r(zeta|z), in nats; z is 0 or 1."""
        zero, one = tf.math.log_sigmoid(-self.logits), tf.math.log_sigmoid(self.logits)
        chosen = tf.where(tf.cast(z, self.dtype) > 0.5, one, zero)
        return chosen + self._smoothing.component_log_prob(zeta, z)

    def sample_pair(self, n, seed=None):
        """Draws of (zeta, z): zeta as from `sample` with the same seed, then z given zeta.

        Args:
          n: number (or shape) of draws.
          seed: what `tfsp.random.as_seed` takes, as for `sample`.

        Returns:
          two tensors `[n, *batch_shape]`; z holds 0. and 1., and has no gradient.
        """
        seed = as_seed(seed)
        zeta = self.sample(n, seed=seed)
        if self._smoothing.is_spike:
            return zeta, tf.cast(tf.not_equal(zeta, 0.0), self.dtype)
        logits = tf.stop_gradient(self.posterior_logits(zeta))
        noise = open_uniform(tf.shape(logits), fold_in(seed, 1), self.dtype)
        return zeta, tf.cast(noise < tf.sigmoid(logits), self.dtype)

    def kl_discrete(self, other):
        """KL of the binary variables, KL(q(z) || p(z)), in nats per entry."""
        log_odds = tf.math.log_sigmoid(self.logits) - tf.math.log_sigmoid(other.logits)
        log_odds_not = tf.math.log_sigmoid(-self.logits) - tf.math.log_sigmoid(-other.logits)
        return tf.sigmoid(self.logits) * log_odds + tf.sigmoid(-self.logits) * log_odds_not

    def kl_smoothing(self, other):
        """E_q(z) KL(r(zeta|z) || r'(zeta|z)), in nats per entry: the last term of eq. (22).

        0 where both have the same smoothing parameters. The gradient with respect to `logits` is
        that of the enumeration of z: no term of it is sampled.

        Raises:
          ValueError: if `other` has another smoothing.
        """
        zero, one = (self._smoothing.component_kl(other.smoothing, z) for z in (0.0, 1.0))
        return tf.sigmoid(-self.logits) * zero + tf.sigmoid(self.logits) * one

    def kl_joint(self, other):
        """KL(q(zeta, z) || p(zeta, z)) in nats per entry, an upper bound of KL(q(zeta) || p(zeta)).

        The two are equal for spikes, where zeta determines z. `tfd.kl_divergence` gives it there,
        and refuses the others: the KL of their marginals has no closed form.
        """
        return self.kl_discrete(other) + self.kl_smoothing(other)

    def _sample_n(self, n, seed=None):
        shape = tf.concat([tf.reshape(n, [-1]), self.batch_shape_tensor()], axis=0)
        return self._smoothing.forward(open_uniform(shape, as_seed(seed), self.dtype))

    def _log_prob(self, zeta):
        return self._smoothing.log_prob(zeta)

    def _cdf(self, zeta):
        return self._smoothing.inverse(zeta)

    def _quantile(self, rho):
        return self._smoothing.forward(tf.convert_to_tensor(rho, self.dtype))

    def _mean(self):
        return tf.broadcast_to(self._smoothing.mean(), self.batch_shape_tensor())

    def _event_shape(self):
        return tf.TensorShape([])

    def _event_shape_tensor(self):
        return tf.constant([], tf.int32)

    def _default_event_space_bijector(self):
        low, _ = self._smoothing.support
        if low == 0.0:
            return Logistic(validate_args=self.validate_args)
        return tfp.bijectors.Identity(validate_args=self.validate_args)

    def _experimental_tangent_space(self, zeta):
        if self._smoothing.is_spike:
            return super()._experimental_tangent_space(zeta)
        return tfp.experimental.tangent_spaces.FullSpace()


@tfd.RegisterKL(SmoothedBinary, SmoothedBinary)
def _kl(a, b, name=None):
    if not a.smoothing.is_spike:
        raise NotImplementedError(
            f"KL(q(zeta) || p(zeta)) has no closed form for overlapping smoothings. Take "
            f"`kl_joint`, an upper bound, or the mean of a.log_prob(zeta) - b.log_prob(zeta) over "
            f"zeta = a.sample(n). Received: {a.smoothing.name!r}."
        )
    return a.kl_joint(b)
