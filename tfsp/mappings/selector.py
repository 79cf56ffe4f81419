"""Sparse representations."""

from collections.abc import Sequence
from typing import Any, Self

import keras
import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from tfsp import arguments
from tfsp.bijectors import DimensionSelector, selection_penalty
from tfsp.mappings.base import Mapping, register
from tfsp.mappings.perceptron import Perceptron
from tfsp.random import check_seed


@register("selector")
class SelectorMapping(Mapping):
    """z = y * DS(y): a network switches on the dimensions that count for each point.

    The loss gains sparsity_weight times `selection_penalty` (eq. 7): each point is to switch on
    few dimensions, different points different ones.

    Args:
      latent_dim: D.
      sparsity_weight: gamma >= 0. On Fashion-MNIST the paper says no more than that its FID is
        better than that of the VAE with gamma < 3; on CelebA it has 30 and 70.
      hidden: widths of the network's hidden layers. The paper does not name them.
      activation: a Keras activation name, of the hidden layers.
      seed: int for the start of the network; None takes one from Keras.

    Raises:
      ValueError: for a weight that is not a non-negative number, or widths that are not positive.

    Source: Miao et al. 2022 (InteL-VAE), section 6.3 and appendix C.3.
    """

    def __init__(
        self,
        latent_dim: int,
        sparsity_weight: float = 1.0,
        hidden: Sequence[int] = (128,),
        activation: Any = "relu",
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(latent_dim, **kwargs)
        sparsity_weight = arguments.number("sparsity_weight", sparsity_weight, "[0, inf)")
        hidden = arguments.integers("hidden", hidden)
        keras.activations.get(activation)
        self._config = dict(
            sparsity_weight=sparsity_weight,
            hidden=hidden,
            activation=activation,
            seed=check_seed(seed, optional=True),
        )
        self.sparsity_weight = sparsity_weight
        self.network = Perceptron(
            latent_dim, latent_dim, hidden, activation, seed, dtype=self.variable_dtype
        )

    def selection(self, y: tf.Tensor) -> tf.Tensor:
        """DS(y) in [0, 1]: how far each dimension is switched on, `[..., D]` -> `[..., D]`."""
        return tf.sigmoid(self.network(tf.cast(y, self.variable_dtype)))

    def bijector(self) -> tfb.Bijector:
        return DimensionSelector(self.selection)

    def regulariser(self, y: tf.Tensor) -> tf.Tensor:
        if not self.sparsity_weight:
            return super().regulariser(y)
        logits = self.network(tf.cast(y, self.variable_dtype))
        return self.sparsity_weight * selection_penalty(tf.math.log_sigmoid(logits))

    @classmethod
    def example(cls) -> Self:
        return cls(latent_dim=3, hidden=(4,), seed=0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._config}
