"""The contract of a likelihood, and the registry."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfsp import precision
from tfsp.registry import Registry

_REGISTRY = Registry("likelihood")
register = _REGISTRY.register
get = _REGISTRY.get
names = _REGISTRY.names
build = _REGISTRY.build


class OwnDraw(NamedTuple):
    """S draws of a latent variable that is a likelihood's own, for a batch; in nats.

    Attributes:
      name: of its KL among the parts of a model's KL.
      likelihood: p(x | latents, these draws): its `log_prob` and `distribution_given` are as those
        of a `Likelihood`, for decoder outputs `[..., S, B, *output_shape]`.
      kl: `[B]`, KL(q || p) of it.
      log_ratio: `[S, B]`, log p - log q of the draws.
    """

    name: str
    likelihood: Any
    kl: tf.Tensor
    log_ratio: tf.Tensor


class Likelihood(keras.layers.Layer):
    """p(x | decoder output), for x of any shape `[..., *data_shape]`.

    The decoder outputs `num_parameters` numbers for each entry of x, side by side on the last
    axis: for data `[H, W, C]` its output is `[H, W, C * num_parameters]`, the first C being the
    first parameter of every channel.

    A subclass sets `num_parameters` and `kind` and defines `pixel_distribution`.

    With `missing` entries of x may be NaN, those that are missing. They are left out: log p(x) is
    that of the others, which is the marginal, as entries are independent given z; and an encoder
    sees x with 0 on its scale in their place, beside 1 where x is there and 0 where it is not.

    Args:
      missing: see above. Without it NaN is an error.

    Attributes:
      num_parameters: decoder outputs per entry of x.
      kind: "discrete" (x takes `num_levels` values, log p is a probability), "counts" (x is 0, 1,
        2, ..., floating or of an integer dtype, log p is a probability), "continuous" (a density
        with respect to x, on [0, 1] or in units of its own) or "mixed" (a density of some entries,
        a probability of others). Bits per dimension and checks of data need to know.
      num_levels: number of values of a discrete x; a continuous x counts as 256 levels.
      unit_interval: whether x must lie in [0, 1].
    """

    num_parameters: int = 1
    kind: str = "continuous"
    num_levels: int = 256
    unit_interval: bool = True

    def __init__(self, missing: bool = False, **kwargs: Any) -> None:
        # Densities are never computed in half precision, whatever the networks use.
        kwargs.setdefault("dtype", keras.config.dtype_policy().variable_dtype)
        precision.require_whole(kwargs["dtype"], type(self).__name__)
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        self.missing = bool(missing)
        self._entries: tuple[int, ...] | None = None

    def pixel_distribution(self, *parameters: tf.Tensor) -> tfd.Distribution:
        """Distribution of each entry of x, from `num_parameters` tensors `[..., *data_shape]`."""
        raise NotImplementedError(f"{type(self).__name__} must define `pixel_distribution`.")

    def output_shape(self, data_shape: Sequence[int]) -> tuple[int, ...]:
        """Output shape of a decoder for data of this shape (both without batch)."""
        return (*data_shape[:-1], data_shape[-1] * self.num_parameters)

    def describe_outputs(self, data_shape: Sequence[int]) -> str:
        """What a decoder's outputs are, for errors."""
        return (
            f"{self.num_parameters} parameter(s) of the likelihood {type(self).__name__} for each "
            f"entry of data of shape {tuple(data_shape)}"
        )

    def distribution(self, outputs: tf.Tensor, data_rank: int) -> tfd.Distribution:
        """Distribution over x from decoder outputs `[..., *output_shape]`.

        Args:
          outputs: the decoder's outputs.
          data_rank: number of axes of one x; these are the event.
        """
        outputs = tf.cast(outputs, self.variable_dtype)
        parameters = tf.split(outputs, self.num_parameters, axis=-1)
        return tfd.Independent(
            self.pixel_distribution(*parameters), reinterpreted_batch_ndims=data_rank
        )

    def distribution_given(self, x: Any, outputs: tf.Tensor, data_rank: int) -> tfd.Distribution:
        """As `distribution`, for an x that is known `[..., *data_shape]`.

        The same, unless x tells what the decoder does not, such as its total count.
        """
        return self.distribution(outputs, data_rank)

    def log_prob(self, x: Any, outputs: tf.Tensor, data_rank: int) -> tf.Tensor:
        """log p(x | outputs) in nats, summed over the entries of x that are there: `[...]`."""
        x = tf.cast(x, self.variable_dtype)
        return self.log_prob_under(self.distribution_given(x, outputs, data_rank), x, data_rank)

    def log_prob_under(self, distribution: tfd.Distribution, x: Any, data_rank: int) -> tf.Tensor:
        """log p of the entries of x that are there under a `tfd.Independent` over all: `[...]`."""
        x = tf.cast(x, self.variable_dtype)
        if not self.missing:
            return distribution.log_prob(x)
        # A density of NaN has NaN in its gradient, whatever `tf.where` makes of its value.
        each = distribution.distribution.log_prob(self.filled(x))
        each = tf.where(is_missing(x), tf.zeros([], each.dtype), each)
        return tf.reduce_sum(each, axis=list(range(-data_rank, 0)))

    def infer(self, x: tf.Tensor, num_samples: Any, seed: Any) -> OwnDraw | None:
        """Draws of a latent variable that is the likelihood's own, given x; None: it has none.

        Models call it and take its part of the bound and of importance weights into theirs.

        Args:
          x: `[B, *data_shape]`.
          num_samples: S, as many as the model draws of its latents.
          seed: see `tfsp.random.as_seed`; the model's latents may have been drawn with it.
        """
        return None

    def encoder_input(self, x: tf.Tensor) -> tf.Tensor:
        """What an encoder sees of x `[..., *data_shape]`: `[..., *encoder_shape(data_shape)]`."""
        if not self.missing:
            return self.scaled(x)
        seen = self.scaled(self.filled(x))
        return tf.concat([seen, tf.cast(~is_missing(x), seen.dtype)], axis=-1)

    def encoder_shape(self, data_shape: Sequence[int]) -> tuple[int, ...]:
        """Shape of `encoder_input` of data of this shape (both without batch)."""
        return (*data_shape[:-1], data_shape[-1] * (2 if self.missing else 1))

    def scaled(self, x: tf.Tensor) -> tf.Tensor:
        """x, of which nothing is missing, on the scale that suits an encoder: x itself if none."""
        return x

    def filled(self, x: tf.Tensor) -> tf.Tensor:
        """x with a value that it might have, 0 where encoders see it, for each missing entry."""
        if not self.missing:
            return x
        return tf.where(is_missing(x), tf.cast(self.fill_value(), x.dtype), x)

    def fill_value(self) -> Any:
        """What `filled` puts: a number, or a tensor that broadcasts against x."""
        return 0.0

    def statistics(self, distribution: tfd.Distribution) -> tf.Tensor:
        """Of p(x | z), what is averaged over z to tell what x is to be expected: the mean."""
        return distribution.mean()

    def expected(self, statistics: tf.Tensor) -> tf.Tensor:
        """The x `[..., *data_shape]` that averages of `statistics` tell."""
        return statistics

    @property
    def shape_needs_data(self) -> bool:
        """Whether `adapt` has to be called before a model is built: shapes come from data."""
        return False

    @property
    def wants_data(self) -> bool:
        """Whether `adapt` has to be called before x can be drawn; `fit` does it."""
        return False

    def adapt(self, x: Any) -> None:
        """Sets what comes from data.

        Args:
          x: array `[n, *data_shape]`.
        """

    def require(self, values: np.ndarray) -> None:
        """Raises ValueError for values of x that cannot be, and that `kind` does not tell of.

        Args:
          values: finite array `[n, *data_shape]`; 0 stands for what is missing.
        """

    def advice(self, values: np.ndarray) -> str | None:
        """What to tell a user who trains on these values of x, an array; None if all is well."""

    def bits_per_dimension(self, log_prob: Any, data_shape: Sequence[int]) -> Any:
        """-log2 p(x) per entry of x, from `log_prob` in nats.

        A density on [0, 1] is brought to the scale of 256 levels of width 1 by adding log2(256)
        per entry, so that it can be set beside a probability over levels. Of x in other units, such
        as a table's, that number means nothing.
        """
        per_dimension = -log_prob / (math.prod(data_shape) * math.log(2.0))
        if self.kind == "continuous":
            per_dimension = per_dimension + math.log2(self.num_levels)
        return per_dimension

    def build(self, data_shape: Any = None) -> None:
        """Makes the weights that depend on the shape of one x."""
        self.built = True

    def shape_of_entries(self, data_shape: Any) -> tuple[int, ...]:
        """`data_shape` as the shape of weights that each entry of x has, the same every time.

        Raises:
          ValueError: if it is None, or another than before.
        """
        name = type(self).__name__
        if data_shape is None:
            raise ValueError(
                f"This {name} has a number for each entry of x. Build it with the shape of one x: "
                "`likelihood.build(data_shape)`."
            )
        shape = tuple(data_shape)
        if self._entries is not None and self._entries != shape:
            raise ValueError(
                f"This {name} was built for data of shape {self._entries}. Received: {shape}. Make "
                "another."
            )
        self._entries = shape
        return shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "missing": self.missing}


def is_missing(x: tf.Tensor) -> tf.Tensor:
    """Where x is NaN, bool. By a comparison: not all runtimes of served models have `IsNan`."""
    return tf.not_equal(x, x)
