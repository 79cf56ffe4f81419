"""The contract of a mapping g: y -> z, and the registry."""

import keras
import tensorflow as tf

from tfsp.latent_layer import LatentLayer
from tfsp.registry import Registry

_REGISTRY = Registry("mapping")
register = _REGISTRY.register
get = _REGISTRY.get
names = _REGISTRY.names
build = _REGISTRY.build


class Mapping(LatentLayer):
    """A deterministic map of latents, y `[..., D]` -> z `[..., output_dim]`, perhaps with weights.

    A subclass defines `bijector(self)`. Numbers live in weights, TFP objects are made in the
    method: one made in the constructor would keep a snapshot of the weights. The gradient of z
    must be finite everywhere.

        @tfsp.mappings.register("stretch")
        class Stretch(tfsp.mappings.Mapping):
            def __init__(self, latent_dim, **kwargs):
                super().__init__(latent_dim, **kwargs)
                self.log_scale = self._constant("log_scale", np.zeros(latent_dim))

            def bijector(self):
                return tfb.Scale(log_scale=tf.convert_to_tensor(self.log_scale))

    Args:
      latent_dim: D, size of y, a positive integer.

    Attributes:
      output_dim: size of z; D unless the subclass sets another.
      capabilities: what can be asked of the mapping beyond the above, a set: "clusters"
        (`proportions()`, `component(y)`), "levels" (`sizes`).

    Raises:
      ValueError: if `latent_dim` is not a positive integer.

    Source: Miao et al. 2022 (InteL-VAE), section 4.
    """

    capabilities = frozenset()

    def __init__(self, latent_dim, **kwargs):
        super().__init__(latent_dim, **kwargs)
        self.output_dim = self.latent_dim

    def bijector(self):
        """g as a new `tfb.Bijector`: `forward` always, the rest where it exists."""
        raise NotImplementedError(f"{type(self).__name__} must define `bijector`.")

    def call(self, y):
        """z = g(y): `[..., latent_dim]` -> `[..., output_dim]`."""
        y = tf.cast(y, self.variable_dtype)
        if y.shape.rank == 0 or (y.shape.rank and y.shape[-1] != self.latent_dim):
            raise ValueError(
                f"This mapping was made for y of {self.latent_dim} dimensions. Received shape "
                f"{tuple(y.shape)}."
            )
        return self.bijector().forward(y)

    def shift(self):
        """What is added to the posterior means of y, `[D]`, or None: nothing.

        A map with a trained place (a tear) says here how far the place has gone since the start.
        Points then keep their side of it while it moves.
        """

    def regulariser(self, y):
        """What the training loss gains, already weighted: a scalar, from draws y `[..., B, D]`."""
        return tf.zeros([], self.variable_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.output_dim)

    def compute_output_spec(self, y):
        """See Keras's `Layer`, which takes outputs to be in half precision under a mixed policy."""
        return keras.KerasTensor(self.compute_output_shape(y.shape), self.variable_dtype)

    def build(self, input_shape=None):
        self.built = True
