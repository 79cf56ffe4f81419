"""What every smoothing of a binary variable shares, and the registry of smoothings."""

import inspect
import math
import numbers
from typing import Any, Self

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow_probability import bijectors as tfb

from tfsp import parameters
from tfsp.registry import Registry

_REGISTRY = Registry("smoothing")
register = _REGISTRY.register
get = _REGISTRY.get
names = _REGISTRY.names
build = _REGISTRY.build


class Smoothing(tfb.Bijector):
    """From rho in (0, 1) to zeta: the inverse CDF of q(zeta) = (1-q) r(zeta|0) + q r(zeta|1).

    Here q = q(z=1) = sigmoid(logits) for a binary z, and r(zeta|z) smooths it. With rho uniform,
    zeta = forward(rho) is a draw of q(zeta) whose gradient with respect to `logits` and to the
    smoothing's own parameters is exact: d zeta / d theta = -(dF/d theta) / f. `inverse` is the
    CDF F, and `log_prob`, the same as `inverse_log_det_jacobian`, the log of its slope f.

    Entries are independent, event shape `[]`; all arguments broadcast. rho at 0 or 1 itself, and
    logits and parameters as extreme as float32 holds, give finite values and gradients.

    A smoothing is a *spike* (`is_spike`) if r(zeta|0) is all at zeta = 0: then z = 1[zeta != 0].
    See `SpikeSmoothing` for what densities and inverses mean there.

    A subclass defines, on the inside of its support, pairs for z = 0 and z = 1:
    `_component_log_probs(zeta)`, `_component_cdfs(zeta)`, `_component_quantiles(rho)`,
    `_component_means()` and `_component_kls(other)`; and `_forward(rho)`. Its attribute `positive`
    names those of its own parameters that must be positive.

    Args:
      logits: log q(z=1) - log q(z=0), `[...]`.
      settings: dict of the smoothing's own parameters, numbers or tensors that broadcast with
        `logits`. The first of all these that is a tensor gives the dtype; float32 if none is.
        Variables are read whenever they are needed.
      given: all arguments of the subclass's constructor, by name.

    Raises:
      ValueError: a number that must be positive is not, or is not finite. (Tensors that must be
        positive are looked at under `validate_args`, and raise InvalidArgumentError.)
      TypeError: `logits` is neither float32 nor float64.

    Source: Rolfe 2017, arXiv:1609.02200, section 2 and appendix A.
    """

    is_spike = False
    support = (0.0, 1.0)
    positive: tuple[str, ...] = ()

    def __init__(
        self,
        logits: Any,
        settings: dict[str, Any],
        given: dict[str, Any],
        validate_args: bool = False,
        name: str | None = None,
    ) -> None:
        dtype = parameters.common_dtype(logits, *settings.values())
        if dtype not in (tf.float32, tf.float64):
            raise TypeError(
                f"`logits` and the parameters must be float32 or float64: cast them. Received: "
                f"{dtype.name}."
            )
        with tf.name_scope(name):
            self._held_logits = parameters.hold(logits, dtype, name="logits")
            self._held_settings = {
                key: _held(key, value, dtype, key in self.positive, validate_args)
                for key, value in settings.items()
            }
            super().__init__(
                forward_min_event_ndims=0,
                dtype=dtype,
                validate_args=validate_args,
                parameters=given,
                name=name,
            )

    @classmethod
    def _parameter_properties(cls, dtype):
        taken = set(inspect.signature(cls.__init__).parameters) - {"self", "validate_args", "name"}
        return {
            key: parameters.positive(dtype) if key in cls.positive else parameters.real()
            for key in sorted(taken)
        }

    @classmethod
    def _is_increasing(cls):
        return True

    @property
    def logits(self) -> Any:
        """log q(z=1) - log q(z=0), as a tensor."""
        return tf.convert_to_tensor(self._held_logits)

    @property
    def settings(self) -> dict[str, Any]:
        """The smoothing's own parameters as a dict of tensors."""
        return {key: self._setting(key) for key in self._held_settings}

    @property
    def _logits(self):
        return self.logits

    def _setting(self, key):
        value = self._held_settings[key]
        if parameters.is_variable(value) and self.validate_args and key in self.positive:
            return _assert_positive(key, tf.convert_to_tensor(value))
        return tf.convert_to_tensor(value)

    def probs(self) -> tf.Tensor:
        """q = q(z=1), with its gradient."""
        return tf.sigmoid(self._logits)

    def log_prob(self, zeta: Any) -> tf.Tensor:
        """log q(zeta), in nats; -inf outside the support. For spikes: see `SpikeSmoothing`."""
        zeta = self._as_floating(zeta)
        zero, one = self._log_weights()
        log_r0, log_r1 = self._component_log_probs(self._inside(zeta))
        return self._outside_to(tfp.math.log_add_exp(zero + log_r0, one + log_r1), zeta)

    def component_log_prob(self, zeta: Any, z: Any) -> tf.Tensor:
        """log r(zeta|z), in nats; -inf outside the support. z: 0 or 1, any dtype, broadcasts."""
        zeta = self._as_floating(zeta)
        pair = self._component_log_probs(self._inside(zeta))
        return self._outside_to(self._pick(pair, z), zeta)

    def component_cdf(self, zeta: Any, z: Any) -> tf.Tensor:
        """The CDF of r(zeta|z)."""
        return self._pick(self._component_cdfs(self._clip(self._as_floating(zeta))), z)

    def component_quantile(self, rho: Any, z: Any) -> tf.Tensor:
        """The inverse CDF of r(zeta|z): with uniform rho a draw of zeta for a known z."""
        return self._pick(self._component_quantiles(self._as_floating(rho)), z)

    def component_mean(self, z: Any) -> tf.Tensor:
        """E[zeta | z]."""
        return self._pick(self._component_means(), z)

    def mean(self) -> tf.Tensor:
        """E[zeta] under q(zeta)."""
        zero, one = self._component_means()
        return tf.sigmoid(-self._logits) * zero + tf.sigmoid(self._logits) * one

    def component_kl(self, other: Self, z: Any) -> tf.Tensor:
        """KL(r(zeta|z) || r'(zeta|z)) in nats, r' of another smoothing of the same class.

        Raises:
          ValueError: if `other` is of another class.
        """
        if type(other) is not type(self):
            raise ValueError(
                f"The KL of components has a closed form between smoothings of one class only: "
                f"expected {type(self).__name__}. Received: {type(other).__name__}."
            )
        return self._pick(self._component_kls(other), z)

    def posterior_logits(self, zeta: Any) -> tf.Tensor:
        """log q(z=1|zeta) - log q(z=0|zeta), in nats.

        At the ends of the support finite, by the nearest numbers inside. For spikes +-1e6
        stands for +-inf (`CERTAIN`): its sigmoid is exactly 0 or 1.
        """
        log_r0, log_r1 = self._component_log_probs(self._inside(self._as_floating(zeta)))
        return self._logits + log_r1 - log_r0

    def _inverse(self, zeta):
        zero, one = self._component_cdfs(self._clip(zeta))
        return tf.sigmoid(-self._logits) * zero + tf.sigmoid(self._logits) * one

    def _inverse_log_det_jacobian(self, zeta):
        return self.log_prob(zeta)

    def _component_kls(self, other):
        """Of smoothings without parameters of their own."""
        nothing = tf.zeros([], self.dtype)
        return nothing, nothing

    def _as_floating(self, value):
        return tf.convert_to_tensor(value, self.dtype)

    def _log_weights(self):
        """log q(z=0) and log q(z=1): neither saturates, whatever the logits."""
        return tf.math.log_sigmoid(-self._logits), tf.math.log_sigmoid(self._logits)

    def _clip(self, zeta):
        return tf.clip_by_value(zeta, *(tf.constant(end, self.dtype) for end in self.support))

    def _inside(self, zeta):
        """zeta moved off the ends of [0, 1], where logs of zeta and 1 - zeta are infinite."""
        low, high = ends(self.dtype)
        return tf.clip_by_value(zeta, low, high)

    def _outside_to(self, value, zeta):
        outside = (zeta < self.support[0]) | (zeta > self.support[1])
        value = tf.where(outside, tf.constant(-math.inf, self.dtype), value)
        return tf.where(tf.math.is_nan(zeta), zeta, value)

    def _pick(self, pair, z):
        z = tf.cast(z, self.dtype)
        return tf.where(z > 0.5, pair[1], pair[0])


def ends(dtype: tf.DType) -> tuple[float, float]:
    """A number next to 0, whose inverse times 1e3 is finite, and the largest below 1: floats."""
    info = np.finfo(tf.as_dtype(dtype).as_numpy_dtype)
    return 1024.0 * float(info.tiny), float(1.0 - info.epsneg)


def largest_log(dtype: tf.DType) -> float:
    """A little below the log of the largest number: exp of it times 1e3 is finite."""
    return float(np.log(np.finfo(tf.as_dtype(dtype).as_numpy_dtype).max)) - 8.0


def _held(name, value, dtype, positive, validate_args):
    """`value` as a tensor or a variable, checked where it can be read without running a graph."""
    plain = isinstance(value, numbers.Real | np.ndarray | list | tuple)
    if plain and not tf.is_tensor(value):
        array = np.asarray(value, np.float64)
        if not np.all(np.isfinite(array)) or (positive and not np.all(array > 0)):
            wanted = "positive and finite" if positive else "finite"
            raise ValueError(f"`{name}` must be {wanted}. Received: {value!r}.")
    value = parameters.hold(value, dtype, name=name)
    if validate_args and positive and not parameters.is_variable(value):
        return _assert_positive(name, value)
    return value


def _assert_positive(name, value):
    check = tf.debugging.assert_positive(value, f"`{name}` must be positive.")
    with tf.control_dependencies([check]):
        return tf.identity(value)
