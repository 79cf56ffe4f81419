"""Hierarchical representations."""

import keras
import numpy as np
import tensorflow as tf

from tfsp import arguments
from tfsp.bijectors import AffineHierarchy, Hierarchy
from tfsp.mappings.base import Mapping, register
from tfsp.mappings.perceptron import Perceptron
from tfsp.mappings.sphere import check_sizes
from tfsp.random import check_seed, short_seed

_FORMS = ("network", "affine")


@register("hierarchy")
class HierarchyMapping(Mapping):
    """z = [z_0, z_1, ...], z_0 = y_0, z_i = NN_i(z_{i-1}, y_i): high levels shape low ones.

    Args:
      latent_dim: D.
      num_levels: into how many levels y is split, as evenly as possible (the first take what is
        over). The paper's Figure B.2 shows 5.
      sizes: dimensions of each level, with the sum D, in place of `num_levels`.
      hidden: widths of the hidden layers of each network. The paper does not name them.
      activation: a Keras activation name, of the hidden layers.
      form: "network", as in the paper, without an inverse; or "affine", where the network of
        z_{i-1} shifts and scales y_i (by factors from 1/e^2 to e^2): one to one.
      seed: int for the start of the networks; None takes one from Keras.

    Raises:
      ValueError: for fewer dimensions than levels, sizes that do not sum to D, or another `form`.

    Source: Miao et al. 2022 (InteL-VAE), appendix B.
    """

    capabilities = frozenset({"levels"})

    def __init__(
        self,
        latent_dim,
        num_levels=5,
        sizes=(),
        hidden=(128,),
        activation="relu",
        form="network",
        seed=None,
        **kwargs,
    ):
        super().__init__(latent_dim, **kwargs)
        sizes = check_sizes(sizes, latent_dim)
        num_levels = arguments.integer("num_levels", len(sizes) or num_levels)
        if num_levels > self.latent_dim:
            raise ValueError(
                f"Each of the {num_levels} levels needs a dimension. Received: "
                f"latent_dim={latent_dim}."
            )
        if form not in _FORMS:
            raise ValueError(f"`form` must be one of {_FORMS}. Received: {form!r}.")
        hidden = arguments.integers("hidden", hidden)
        keras.activations.get(activation)
        self.sizes = sizes or tuple(len(a) for a in np.array_split(range(latent_dim), num_levels))
        self.form = form
        self._config = dict(
            num_levels=num_levels,
            sizes=sizes,
            hidden=hidden,
            activation=activation,
            form=form,
            seed=check_seed(seed, optional=True),
        )
        self.networks = [
            Perceptron(
                above + (own if form == "network" else 0),
                own * (1 if form == "network" else 2),
                hidden,
                activation,
                short_seed(seed, i * (len(hidden) + 1)),
                dtype=self.variable_dtype,
            )
            for i, (above, own) in enumerate(zip(self.sizes[:-1], self.sizes[1:], strict=True), 1)
        ]

    @property
    def levels(self):
        """A slice of the last axis of z for each level, the highest first."""
        ends = np.cumsum(self.sizes).tolist()
        return [slice(end - size, end) for end, size in zip(ends, self.sizes, strict=True)]

    def bijector(self):
        if self.form == "affine":
            return AffineHierarchy([_conditioner(n) for n in self.networks], self.sizes)
        return Hierarchy([_step(network) for network in self.networks], self.sizes)

    @classmethod
    def example(cls):
        return cls(latent_dim=5, num_levels=3, hidden=(4,), seed=0)

    def get_config(self):
        return {**super().get_config(), **self._config}


def _step(network):
    return lambda above, own: network(tf.concat([above, own], axis=-1))


def _conditioner(network):
    def compute(above):
        shift, log_scale = tf.split(network(above), 2, axis=-1)
        return shift, 2.0 * tf.tanh(0.5 * log_scale)  # bounded: an exponential would overflow

    return compute
