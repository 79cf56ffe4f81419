"""The posterior over binary units: groups, each given x and the zeta of the groups before it."""

import itertools

import keras
import numpy as np
import tensorflow as tf

from tfsp import arguments
from tfsp.networks import ConditionalMLP, L1BatchNorm
from tfsp.random import as_seed

_BOUNDS = (2.0, 3.0)


class HierarchicalPosterior(keras.layers.Layer):
    """q(z, zeta | x) = prod_j q(z_j | zeta_<j, x) r(zeta_j | z_j), one network for each group j.

    Groups are consecutive units, as equal in size as can be, the left side of the machine first:
    two groups are its two sides, four are two halves of the left and two of the right, and one or
    an odd number of groups holds units of both. (The paper does not say which it takes.)

    Args:
      num_units: n.
      num_groups: k, between 1 and n.
      context_size: F, size of x as the networks see it.
      num_parameters: numbers that a network gives for each unit; the first are logits.
      hidden, activation, batch_norm, bias_before_norm: of the networks, see `ConditionalMLP`. With
        `batch_norm` the logits are normalised as well, with a scale in [2, 3] (appendix H.2).
      bounded: whether the first parameters are logits, to be normalised so.

    Raises:
      ValueError: unless 1 <= num_groups <= num_units.

    Source: Rolfe 2017, arXiv:1609.02200, eq. (10), appendix H.
    """

    def __init__(
        self,
        num_units,
        num_groups,
        context_size,
        num_parameters=1,
        hidden=(),
        activation="relu",
        batch_norm=False,
        bias_before_norm=False,
        bounded=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        num_groups = arguments.integer("num_groups", num_groups, 1, num_units, "groups of units")
        edges = np.round(np.linspace(0, num_units, num_groups + 1)).astype(int).tolist()
        self.num_units = num_units
        self.num_parameters = num_parameters
        self.slices = [slice(*edge) for edge in itertools.pairwise(edges)]
        self.groups = np.repeat(np.arange(num_groups), np.diff(edges))
        self.networks, self.norms = [], []
        normalised = batch_norm and bounded
        for part in self.slices:
            self.networks.append(
                ConditionalMLP(
                    num_parameters * (part.stop - part.start),
                    context_size,
                    part.start,
                    hidden,
                    activation,
                    batch_norm,
                    output_bias=bias_before_norm or not normalised or num_parameters > 1,
                    bias_before_norm=bias_before_norm,
                    dtype=self.dtype_policy,
                )
            )
            if normalised:
                self.norms.append(L1BatchNorm(_BOUNDS, dtype=self.variable_dtype))

    def build(self, input_shape=None):
        for network in self.networks:
            network.build()
        for part, norm in zip(self.slices, self.norms, strict=False):
            norm.build((None, part.stop - part.start))
        self.built = True

    def unfold(self, context, step, training=False):
        """Goes down the hierarchy.

        Args:
          context: x, `[B, F]`.
          step: function (slice of the units, parameters) -> zeta_j `[..., B, n_j]`, with
            parameters a tuple of `num_parameters` tensors `[..., B, n_j]`.

        Returns:
          (tuple of parameters, zeta), each `[..., B, n]`.
        """
        parameters, zetas = [], []
        for j, part in enumerate(self.slices):
            before = tf.concat(zetas, axis=-1) if zetas else None
            outputs = self.networks[j](context, before, training=training)
            outputs = tf.split(outputs, self.num_parameters, axis=-1)
            if self.norms:
                outputs[0] = self.norms[j](outputs[0], training=training)
            zeta = step(part, tuple(outputs))
            # The first group is the same for all draws.
            parameters.append([_like(output, zeta) for output in outputs])
            zetas.append(zeta)
        joined = (tf.concat(group, axis=-1) for group in zip(*parameters, strict=True))
        return tuple(joined), tf.concat(zetas, axis=-1)

    def draw(self, quantile, context, num_samples, seed, training=False):
        """Draws S times: (parameters, zeta, rho), each `[S, B, n]` (parameters a tuple of such).

        Args:
          quantile: function (rho, *parameters) -> zeta, the inverse CDF of q(zeta_j | zeta_<j, x).
          num_samples: S.
          seed: see `tfsp.random.as_seed`.
        """
        shape = [num_samples, tf.shape(context)[0], self.num_units]
        rho = open_uniform(shape, seed, self.variable_dtype)

        def step(part, parameters):
            return quantile(rho[..., part], *parameters)

        parameters, zeta = self.unfold(context, step, training)
        return parameters, zeta, rho


def open_uniform(shape, seed, dtype):
    """Uniform on (0, 1), both ends excluded."""
    u = tf.random.stateless_uniform(shape, as_seed(seed), dtype=dtype, alg="philox")
    return tf.clip_by_value(u, 2.0**-24, 1.0 - 2.0**-24)


def _like(output, zeta):
    return (
        output if output.shape.rank == zeta.shape.rank else tf.broadcast_to(output, tf.shape(zeta))
    )
