"""One map after another."""

from collections.abc import Sequence
from typing import Any, Self

import keras
import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from tfsp.mappings.base import Mapping, build, register


@register("chain")
class ChainMapping(Mapping):
    """Applies mappings in the order given, the first to y.

    Args:
      latent_dim: D, size of y.
      mappings: names, dicts `{"name": ..., **keywords}` or `Mapping`s. Each is made for the
        output of the one before it.

    Raises:
      ValueError: for an empty list, what is no mapping, and sizes that do not fit.
    """

    def __init__(self, latent_dim: int, mappings: Sequence[Any] = (), **kwargs: Any) -> None:
        super().__init__(latent_dim, **kwargs)
        if isinstance(mappings, str) or hasattr(mappings, "keys") or not list(mappings):
            raise ValueError(
                "`mappings` must be a list of at least one mapping, in the order in which they "
                f"are applied. Received: {mappings!r}."
            )
        self.mappings = []
        size = self.latent_dim
        for spec in mappings:
            if isinstance(spec, dict) and "class_name" in spec:  # from a saved model
                spec = keras.saving.deserialize_keras_object(spec)
            mapping = build(spec, latent_dim=size, dtype=self.variable_dtype)
            if not isinstance(mapping, Mapping):
                raise ValueError(
                    f"`mappings` must hold names, dicts or mappings. Received: {mapping!r}."
                )
            if mapping.latent_dim != size:
                raise ValueError(
                    f"The mapping {type(mapping).__name__} takes {mapping.latent_dim} dimensions, "
                    f"but {size} come to it."
                )
            self.mappings.append(mapping)
            size = mapping.output_dim
        self.output_dim = size

    def bijector(self) -> tfb.Bijector:
        # TFP's chain applies its last bijector first.
        return tfb.Chain([mapping.bijector() for mapping in reversed(self.mappings)])

    def shift(self) -> tf.Tensor | None:
        return self.mappings[0].shift()

    def regulariser(self, y: tf.Tensor) -> tf.Tensor:
        total = super().regulariser(y)
        for mapping in self.mappings:
            total += mapping.regulariser(y)
            y = mapping(y)
        return total

    @classmethod
    def example(cls) -> Self:
        return cls(latent_dim=2, mappings=["sectors", {"name": "circle", "epsilon": 0.1}])

    def get_config(self) -> dict[str, Any]:
        mappings = [keras.saving.serialize_keras_object(mapping) for mapping in self.mappings]
        return {**super().get_config(), "mappings": mappings}
