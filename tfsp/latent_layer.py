"""What the parts of a model that work on latents, priors and mappings, have in common."""

from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from tfsp import arguments, notebook, precision

LATENT_DIM = 40  # of a model for which neither the user nor a prior says another


class LatentLayer(keras.layers.Layer):
    """A layer over latents of a known size that makes its weights in its constructor.

    Args:
      latent_dim: D, a positive integer.

    Raises:
      ValueError: if `latent_dim` is not a positive integer, and for a dtype of half precision.
    """

    def __init__(self, latent_dim: int, **kwargs: Any) -> None:
        # What a density or a representation depends on is never computed in half precision,
        # whatever the networks use.
        kwargs.setdefault("dtype", keras.config.dtype_policy().variable_dtype)
        precision.require_whole(kwargs["dtype"], type(self).__name__)
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        self.latent_dim = arguments.integer("latent_dim", latent_dim)

    def get_build_config(self) -> None:
        return None  # weights are made in the constructor, or by the model that holds this

    @classmethod
    def example(cls) -> Self:
        """A tiny instance, ready for use, for the contract tests."""
        return cls(latent_dim=2)

    def _repr_html_(self) -> str:
        settings = notebook.listing({"settings": notebook.settings(self.get_config())})
        return notebook.card(type(self).__name__, settings, notebook.weights(self.weights))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "latent_dim": self.latent_dim}

    def _constant(self, name, value, trainable=True, **kwargs):
        """A weight that starts at `value`."""
        # Held as NumPy: a tensor made while Keras traces the model would belong to that graph.
        value = np.asarray(value)
        return self.add_weight(
            name=name,
            shape=value.shape,
            initializer=lambda shape, dtype: tf.constant(value, dtype),
            trainable=trainable,
            autocast=False,  # Keras would hand it out in half precision inside a mixed model
            **kwargs,
        )
