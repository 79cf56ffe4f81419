"""What the Gaussian and the Laplace likelihood share: where location and scale come from."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfsp import arguments
from tfsp.likelihoods.base import Likelihood

_SCALES = ("fixed", "scalar", "pixel")
_LOCATIONS = ("linear", "sigmoid")
# A scale can shrink without bound where a pixel never varies; the density then has no maximum.
_LOG_SCALE_RANGE = (-5.0, 5.0)


class LocationScale(Likelihood):
    """A location-scale family with location from the decoder.

    Args:
      scale: "fixed" (always `initial_scale`), "scalar" (one learned number, started there) or
        "pixel" (the decoder predicts a log scale for each entry of x, added to the log of
        `initial_scale`).
      initial_scale: positive float, on the scale of x, which lies in [0, 1].
      location: "linear" (the decoder's output) or "sigmoid" (its sigmoid: inside [0, 1]).

    Log scales that are learned are kept in [-5, 5].

    Raises:
      ValueError: for another `scale` or `location`, or an `initial_scale` that is not positive, or
        outside that range though learned.
    """

    unit_interval = False

    def __init__(
        self,
        scale: str = "fixed",
        initial_scale: float = 1.0,
        location: str = "linear",
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
        self.scale = scale
        self.initial_scale = initial_scale
        self.location = location
        self.num_parameters = 2 if scale == "pixel" else 1
        self._log_scale = None
        if scale == "scalar":
            initial = float(np.log(initial_scale))
            self._log_scale = self.add_weight(
                name="log_scale",
                shape=(),
                initializer=lambda shape, dtype: tf.constant(initial, dtype),
                autocast=False,  # not in half precision inside a mixed model
            )

    def location_and_scale(
        self, outputs: tf.Tensor, raw_log_scale: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Location and scale `[..., *data_shape]` (the scale may broadcast)."""
        location = tf.sigmoid(outputs) if self.location == "sigmoid" else outputs
        if self.scale == "fixed":
            return location, tf.constant(self.initial_scale, location.dtype)
        if self.scale == "scalar":
            log_scale = tf.convert_to_tensor(self._log_scale)
        else:
            log_scale = raw_log_scale + np.log(self.initial_scale)
        return location, tf.exp(tf.clip_by_value(log_scale, *_LOG_SCALE_RANGE))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": self.scale,
            "initial_scale": self.initial_scale,
            "location": self.location,
        }
