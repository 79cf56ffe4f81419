"""What the negative binomials share: the dispersion."""

from typing import Any

import tensorflow as tf

from tfsp.likelihoods.counts import CountLikelihood

_LOG_THETA_RANGE = (-20.0, 20.0)
_DISPERSIONS = ("feature", "example")


class DispersedCounts(CountLikelihood):
    """Counts with a variance mu + mu^2 / theta: what the negative binomials share.

    Args:
      dispersion: where theta > 0, the inverse dispersion, comes from: "feature" (one learned number
        for each entry of x, from 1) or "example" (its log is an output of the decoder, for each
        entry of each x).
      **kwargs: of `CountLikelihood`: library, typical_library, log1p.

    Logs of theta are kept in [-20, 20].

    Raises:
      ValueError: for another `dispersion`, and use before `build(data_shape)` with "feature".
    """

    def __init__(self, dispersion: str = "feature", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if dispersion not in _DISPERSIONS:
            raise ValueError(
                f"`dispersion` must be one of {_DISPERSIONS}. Received: {dispersion!r}."
            )
        self.dispersion = dispersion
        self.num_parameters = 1 if dispersion == "feature" else 2
        self.log_theta = None

    def build(self, data_shape: Any = None) -> None:
        """Makes theta of each entry of an x of this shape.

        Raises:
          ValueError: with dispersion="feature", without a shape or for another than before.
        """
        if self.dispersion == "feature":
            data_shape = self.shape_of_entries(data_shape)
            if self.log_theta is None:
                self.log_theta = self.add_weight(
                    name="log_theta", shape=data_shape, initializer="zeros", autocast=False
                )
        super().build(data_shape)

    def log_inverse_dispersion(self, *outputs: tf.Tensor) -> tf.Tensor:
        """log theta `[..., *data_shape]`, from the output of the decoder where there is one."""
        if self.dispersion == "example":
            (log_theta,) = outputs
        elif self.log_theta is None:
            raise ValueError(
                f"This {type(self).__name__} has not been built. Call "
                "`likelihood.build(data_shape)`; a model does so when it is built."
            )
        else:
            log_theta = tf.convert_to_tensor(self.log_theta)
        return tf.clip_by_value(log_theta, *_LOG_THETA_RANGE)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dispersion": self.dispersion}
