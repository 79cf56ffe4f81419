"""What the Gaussian and the Laplace likelihood share: where location and scale come from."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfsp import arguments
from tfsp.likelihoods.base import Likelihood

_SCALES = ("fixed", "scalar", "feature", "pixel")
_LOCATIONS = ("linear", "sigmoid")
# A scale can shrink without bound where a pixel never varies; the density then has no maximum.
_LOG_SCALE_RANGE = (-5.0, 5.0)


class LocationScale(Likelihood):
    """A location-scale family with location from the decoder.

    With `standardize` the model sees (x - center) / unit in place of x, by each entry's mean and
    standard deviation over up to 20,000 training examples, and answers in x's own units: data,
    means, draws and log p(x) (in nats with respect to x) are raw. center and unit are weights that
    are not trained, saved and served with the model; `fit` and `train_on_batch` set them at their
    start, or `adapt(x)` by hand. For tables, whose columns are in units of their own.

    Args:
      scale: "fixed" (always `initial_scale`), "scalar" (one learned number, started there),
        "feature" (one for each entry of x) or "pixel" (the decoder predicts a log scale for each
        entry of each x, added to the log of `initial_scale`).
      initial_scale: positive float, in the units of x, or of the standardised x.
      location: "linear" (the decoder's output) or "sigmoid" (its sigmoid: inside [0, 1]).
      standardize: see above. Goes with location="linear".
      **kwargs: of `Likelihood`: missing.

    Log scales that are learned are kept in [-5, 5].

    Attributes:
      center, unit: with `standardize` weights `[*data_shape]`, NaN until they are known. The unit
        of an entry that never varies is 1.

    Raises:
      ValueError: for another `scale` or `location`, an `initial_scale` that is not positive, or
        outside that range though learned, and a sigmoid of standardised data.
    """

    unit_interval = False

    def __init__(
        self,
        scale: str = "fixed",
        initial_scale: float = 1.0,
        location: str = "linear",
        standardize: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if scale not in _SCALES:
            raise ValueError(f"`scale` must be one of {_SCALES}. Received: {scale!r}.")
        if location not in _LOCATIONS:
            raise ValueError(f"`location` must be one of {_LOCATIONS}. Received: {location!r}.")
        initial_scale = arguments.number("initial_scale", initial_scale, "(0, inf)")
        low, high = np.exp(_LOG_SCALE_RANGE)
        if scale != "fixed" and not low <= initial_scale <= high:
            raise ValueError(
                f"A scale that is learned stays between {low:.4f} and {high:.0f}, and so must "
                f"`initial_scale`. Received: {initial_scale!r}."
            )
        if standardize and location != "linear":
            raise ValueError(
                "`standardize` goes with location='linear': standardised data lie on both sides of "
                f"0. Received: location={location!r}."
            )
        self.scale = scale
        self.standardize = bool(standardize)
        self.initial_scale = initial_scale
        self.location = location
        self.num_parameters = 2 if scale == "pixel" else 1
        self._log_scale: Any = None
        self.center: Any = None
        self.unit: Any = None
        if scale == "scalar":
            self._log_scale = self._weight("log_scale", (), np.log(initial_scale), trainable=True)

    def build(self, data_shape: Any = None) -> None:
        """Makes the weights that each entry of an x of this shape has.

        Raises:
          ValueError: without a shape where there are such weights, or for another than before.
        """
        if self.scale == "feature" or self.standardize:
            self._build_entries(self.shape_of_entries(data_shape))
        super().build(data_shape)

    def _build_entries(self, shape):
        if self.built:
            return
        if self.scale == "feature":
            start = np.log(self.initial_scale)
            self._log_scale = self._weight("log_scale", shape, start, trainable=True)
        if self.standardize:
            self.center, self.unit = (
                self._weight(name, shape, np.nan, trainable=False) for name in ("center", "unit")
            )

    def _weight(self, name, shape, start, trainable):
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=lambda shape, dtype: tf.fill(shape, tf.constant(start, dtype)),
            trainable=trainable,
            aggregation="none" if trainable else "only_first_replica",
            autocast=False,  # not in half precision inside a mixed model
        )

    @property
    def wants_data(self) -> bool:
        """Whether center and unit are to be set and have not been."""
        return self.standardize and (self.unit is None or bool(np.isnan(self.unit.numpy()).any()))

    def adapt(self, x: Any) -> None:
        """Sets center and unit from data.

        Args:
          x: array `[n, *data_shape]`.

        Raises:
          ValueError: for values that are not finite (with `missing` but for NaN), and for entries
            that are missing in all examples.
        """
        if not self.standardize:
            return
        x = np.asarray(x, np.float64)
        self.build(x.shape[1:])
        if not (np.isfinite(x) | (np.isnan(x) & self.missing)).all():
            raise ValueError("Data must be finite to be standardised. Received NaN or infinity.")
        never = np.argwhere(np.isnan(x).all(axis=0))
        if len(never):
            raise ValueError(
                f"Data cannot be standardised where no example has a value. Received: {len(x)} "
                f"examples without entry {never[0].tolist()}. Leave it out."
            )
        center, unit = np.nanmean(x, axis=0), np.nanstd(x, axis=0)
        # What is left of equal numbers is the rounding of their mean.
        constant = unit <= 1e-7 * np.abs(center)
        self.center.assign(center)
        self.unit.assign(np.where(constant, 1.0, unit))

    def scaled(self, x: tf.Tensor) -> tf.Tensor:
        """(x - center) / unit with `standardize`, else x."""
        if not self.standardize:
            return x
        center, unit = self._center_and_unit()
        return (tf.cast(x, self.variable_dtype) - center) / unit

    def fill_value(self) -> Any:
        """The center with `standardize`, else 0."""
        return self._center_and_unit()[0] if self.standardize else 0.0

    def advice(self, values: np.ndarray) -> str | None:
        """Of a scale of 1 that stays beside data on [0, 1], of which it sees next to nothing."""
        wide = self.scale == "fixed" and self.initial_scale == 1.0 and not self.standardize
        if not wide or values.min() < 0 or values.max() > 1:
            return None
        return (
            f"The likelihood {type(self).__name__} has a fixed scale of 1, as wide as the range of "
            "these data on [0, 1], so that the latents will tell little of them. Have the scale "
            "learned, scale='scalar', or give `initial_scale`, such as 0.1."
        )

    def _center_and_unit(self):
        if tf.executing_eagerly() and self.wants_data:
            raise ValueError(
                f"The likelihood {type(self).__name__}(standardize=True) has seen no data. Call "
                "`fit`, or `model.likelihood.adapt(x)` with an array of examples."
            )
        return tf.convert_to_tensor(self.center), tf.convert_to_tensor(self.unit)

    def location_and_scale(
        self, outputs: tf.Tensor, raw_log_scale: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Location and scale `[..., *data_shape]` (the scale may broadcast)."""
        location = tf.sigmoid(outputs) if self.location == "sigmoid" else outputs
        scale = self._scale(location.dtype, raw_log_scale)
        if not self.standardize:
            return location, scale
        center, unit = self._center_and_unit()
        return center + unit * location, unit * scale

    def _scale(self, dtype, raw_log_scale):
        if self.scale == "fixed":
            return tf.constant(self.initial_scale, dtype)
        if self.scale == "pixel":
            log_scale = raw_log_scale + np.log(self.initial_scale)
        else:
            log_scale = tf.convert_to_tensor(self._log_scale)
        return tf.exp(tf.clip_by_value(log_scale, *_LOG_SCALE_RANGE))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": self.scale,
            "initial_scale": self.initial_scale,
            "location": self.location,
            "standardize": self.standardize,
        }
