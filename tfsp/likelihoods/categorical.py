"""Categorical likelihood over pixel levels."""

from typing import Any

import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfsp import arguments, parameters
from tfsp.distributions.measures import Discrete
from tfsp.likelihoods.base import Likelihood, register
from tfsp.sample_shape import IntegerDraws


class _Levels(Discrete, IntegerDraws):
    """Categorical over the values 0, 1/(L-1), ..., 1; logits `[..., L]`, x `[...]` float."""

    def __init__(self, logits, name="Levels"):
        given = dict(locals())
        self._categorical = tfd.Categorical(logits=logits)
        self._top = logits.shape[-1] - 1
        super().__init__(
            dtype=logits.dtype,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=given,
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"logits": parameters.real(1)}

    def probs_parameter(self):
        """Probabilities of the levels, `[..., L]`."""
        # Not `tf.nn.softmax`: on a CPU it takes five axes at most.
        return tf.exp(tf.nn.log_softmax(self._categorical.logits_parameter()))

    def _event_shape(self):
        return tf.TensorShape([])

    def _event_shape_tensor(self):
        return tf.constant([], tf.int32)

    def _default_event_space_bijector(self):
        return None  # no smooth map leads to separate levels

    def _log_prob(self, x):
        level = tf.cast(tf.round(x * self._top), tf.int32)
        return self._categorical.log_prob(level)

    def _sample_n(self, n, seed=None):
        return tf.cast(self._categorical.sample(n, seed=seed), self.dtype) / self._top

    def _mean(self):
        values = tf.linspace(tf.zeros([], self.dtype), tf.ones([], self.dtype), self._top + 1)
        return tf.linalg.matvec(self.probs_parameter(), values)

    def _mode(self):
        return tf.cast(self._categorical.mode(), self.dtype) / self._top


@register("categorical")
class Categorical(Likelihood):
    """p(x = k/(L-1)) = softmax(outputs)_k for L levels; x is rounded to the nearest level.

    Args:
      num_levels: L, at least 2. Default 256.

    Raises:
      ValueError: unless `num_levels` is an integer of at least 2.
    """

    kind = "discrete"

    def __init__(self, num_levels: int = 256, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_levels = self.num_parameters = arguments.integer("num_levels", num_levels, 2)

    def distribution(self, outputs: tf.Tensor, data_rank: int) -> tfd.Distribution:
        # One reshape instead of a split into 256 tensors; the order stays level-major.
        outputs = tf.cast(outputs, self.variable_dtype)
        channels = outputs.shape[-1] // self.num_levels
        shape = tf.concat([tf.shape(outputs)[:-1], [self.num_levels, channels]], axis=0)
        logits = tf.linalg.matrix_transpose(tf.reshape(outputs, shape))
        return tfd.Independent(_Levels(logits), reinterpreted_batch_ndims=data_rank)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_levels": self.num_levels}
