"""Levels of latents in which the higher influence the lower, not the other way round."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from tfsp import arguments
from tfsp.bijectors import checks
from tfsp.bijectors.forward_only import ForwardOnly


class Hierarchy(ForwardOnly):
    """z = [z_0, ..., z_L]: z_0 = y_0 and z_i = step_i(z_{i-1}, y_i).

    Args:
      steps: L functions (z_{i-1} `[..., sizes[i-1]]`, y_i `[..., sizes[i]]`) ->
        z_i `[..., sizes[i]]`, from the second level down.
      sizes: L + 1 positive integers, the size of each level; y and z have their sum.

    Raises:
      ValueError: where the numbers of steps and sizes do not fit, or a size is not positive.
      NotImplementedError: by `inverse` and the log-determinants.

    Source: Miao et al. 2022 (InteL-VAE), appendix B. The paper leaves z_0 open.
    """

    reason = (
        "its levels are computed by free networks. `AffineHierarchy`, whose levels are shifted and "
        "scaled, has both"
    )

    def __init__(
        self,
        steps: Sequence[Callable[[tf.Tensor], tf.Tensor]],
        sizes: Sequence[int],
        name: str = "hierarchy",
    ) -> None:
        parameters = dict(locals())
        self.sizes = _check_levels("steps", steps, sizes)
        self.steps = tuple(steps)
        super().__init__(parameters, name)

    def _forward(self, y):
        parts = tf.split(checks.floating(y, sum(self.sizes)), self.sizes, axis=-1)
        levels = [parts[0]]
        for step, part in zip(self.steps, parts[1:], strict=True):
            levels.append(step(levels[-1], part))
        return tf.concat(levels, axis=-1)


class AffineHierarchy(tfb.Bijector):
    """As `Hierarchy`, with z_i = y_i exp(a_i) + b_i, (b_i, a_i) = conditioner_i(z_{i-1}).

    One to one; log |det| = sum_i sum(a_i), nats.

    Args:
      conditioners: L functions z_{i-1} -> (shift b_i, log scale a_i), each `[..., sizes[i]]`.
      sizes: L + 1 positive integers.

    Raises:
      ValueError: as `Hierarchy`.
    """

    def __init__(
        self,
        conditioners: Sequence[Callable[[tf.Tensor], Any]],
        sizes: Sequence[int],
        name: str = "affine_hierarchy",
    ) -> None:
        parameters = dict(locals())
        self.sizes = _check_levels("conditioners", conditioners, sizes)
        self.conditioners = tuple(conditioners)
        super().__init__(forward_min_event_ndims=1, parameters=parameters, name=name)

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}

    def _levels(self, y):
        """z_i of each level, and the log scales of all but the first."""
        parts = tf.split(checks.floating(y, sum(self.sizes)), self.sizes, axis=-1)
        levels, log_scales = [parts[0]], []
        for conditioner, part in zip(self.conditioners, parts[1:], strict=True):
            shift, log_scale = conditioner(levels[-1])
            levels.append(part * tf.exp(log_scale) + shift)
            log_scales.append(log_scale)
        return levels, log_scales

    def _conditions(self, z):
        levels = tf.split(checks.floating(z, sum(self.sizes)), self.sizes, axis=-1)
        return levels, [c(above) for c, above in zip(self.conditioners, levels[:-1], strict=True)]

    def _forward(self, y):
        return tf.concat(self._levels(y)[0], axis=-1)

    def _inverse(self, z):
        levels, conditions = self._conditions(z)
        parts = levels[:1]
        for level, (shift, log_scale) in zip(levels[1:], conditions, strict=True):
            parts.append((level - shift) * tf.exp(-log_scale))
        return tf.concat(parts, axis=-1)

    def _forward_log_det_jacobian(self, y):
        return _sum_of_all(self._levels(y)[1], y)

    def _inverse_log_det_jacobian(self, z):
        return -_sum_of_all([log_scale for _, log_scale in self._conditions(z)[1]], z)


def _sum_of_all(log_scales, y):
    total = tf.zeros_like(y[..., 0])
    for log_scale in log_scales:
        total += tf.reduce_sum(log_scale, axis=-1)
    return total


def _check_levels(name, functions, sizes):
    sizes = arguments.integers("sizes", sizes, meaning="the size of each level")
    if len(functions) != len(sizes) - 1:
        raise ValueError(
            f"`{name}` must hold one function for each level but the first. Received: "
            f"{len(functions)} for {len(sizes)} levels."
        )
    return sizes
