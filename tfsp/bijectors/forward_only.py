"""Maps that cannot be undone."""

from typing import Any

from tensorflow_probability import bijectors as tfb


class ForwardOnly(tfb.Bijector):
    """A map with `forward` alone. Its pushforward can be sampled, but has no density to show.

    A subclass defines `_forward` and `reason`, which ends the message of the
    NotImplementedError that `inverse` and the log-determinants raise.
    """

    reason = "it is not injective"

    def __init__(self, parameters: dict[str, Any], name: str) -> None:
        super().__init__(forward_min_event_ndims=1, parameters=parameters, name=name)

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}

    def _refuse(self, what):
        raise NotImplementedError(
            f"{type(self).__name__} has no {what}: {self.reason}. Its pushforward can be sampled "
            "(`forward` of draws); a bound on log p(x) needs densities before the map alone."
        )

    def _inverse(self, z):
        self._refuse("inverse")

    def _forward_log_det_jacobian(self, y):
        self._refuse("log-determinant")

    def _inverse_log_det_jacobian(self, z):
        self._refuse("log-determinant")
