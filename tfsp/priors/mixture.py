"""Gaussian mixture prior."""

import numpy as np

from tfsp import arguments
from tfsp.distributions import DiagonalGaussianMixture
from tfsp.priors.base import Prior, register
from tfsp.random import check_seed, generator


@register("mixture")
class MixturePrior(Prior):
    """p(z) = sum_k pi_k N(z; loc_k, diag(scale_k^2)).

    Without `loc` and `scale` the components start wide and overlapping, with variance 3/4 around
    random places of variance 1/4 per dimension: the mixture as a whole starts with the variance
    of the standard normal. (Narrow components far apart train worse: 3 nats after 8 epochs of
    MNIST with 200 components, the other way round.)

    Args:
      latent_dim: D.
      num_components: K, at least 1.
      learned: whether weights, locations and scales are trained. Otherwise they stay as given.
      loc: optional `[K, D]`, start (or fixed) locations.
      scale: optional float or `[K, D]`, positive, start (or fixed) scales.
      weights: optional `[K]`, positive, start (or fixed) weights; they are normalised.
      seed: int, for the random locations.
      learned_weights: False keeps the weights as given (equal, unless `weights` says otherwise)
        while locations and scales are trained.

    Raises:
      ValueError: for K < 1, shapes that do not fit, scales or weights that are not positive.
    """

    def __init__(
        self,
        latent_dim,
        num_components=500,
        learned=True,
        loc=None,
        scale=None,
        weights=None,
        seed=0,
        learned_weights=True,
        **kwargs,
    ):
        super().__init__(latent_dim, **kwargs)
        num_components = arguments.integer("num_components", num_components)
        shape = (num_components, self.latent_dim)
        self._config = dict(
            num_components=num_components,
            learned=learned,
            learned_weights=learned_weights,
            loc=None if loc is None else np.asarray(loc, float).tolist(),
            scale=None if scale is None else np.asarray(scale, float).tolist(),
            weights=None if weights is None else np.asarray(weights, float).tolist(),
            seed=check_seed(seed, optional=True),
        )
        if loc is None:
            loc = 0.5 * generator(seed, optional=True).standard_normal(shape)
        loc = np.asarray(loc, float)
        if loc.shape != shape:
            raise ValueError(
                f"`loc` must have shape [num_components, latent_dim] = {shape}. "
                f"Received: {loc.shape}."
            )
        scale = np.asarray(np.sqrt(0.75) if scale is None else scale, float)
        if scale.shape not in ((), shape) or not np.all(scale > 0):
            raise ValueError(
                f"`scale` must be positive, a number or an array of shape {shape}. "
                f"Received: shape={scale.shape}, smallest={scale.min()}."
            )
        weights = np.ones(num_components) if weights is None else np.asarray(weights, float)
        if weights.shape != shape[:1] or not np.all(weights > 0):
            raise ValueError(
                f"`weights` must hold {num_components} positive numbers. Received: {weights}."
            )
        self.logits = self._constant(
            "logits", np.log(weights / weights.sum()), learned and learned_weights
        )
        self.loc = self._constant("loc", loc, learned)
        log_variance = np.broadcast_to(2 * np.log(scale), shape)
        self.log_variance = self._constant("log_variance", log_variance, learned)

    def distribution(self, training=False):
        return DiagonalGaussianMixture(
            self.logits.value, self.loc.value, self.log_variance.value, fast=training
        )

    @classmethod
    def example(cls):
        return cls(latent_dim=2, num_components=3)

    def get_config(self):
        return {**super().get_config(), **self._config}
