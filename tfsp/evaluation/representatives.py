"""Points of the latent space that represent the data in a prior."""

import numpy as np

from tfsp.distributions import DiagonalGaussianMixture


def representatives(model):
    """The points that represent the data in the model's prior, `[M, D]` float32, or None.

    The inducing points of a prior that has them (`model.prior.inducing`; None until its tree has
    started), the posterior means of the VampPrior's pseudo-inputs, the means of any
    other mixture of Gaussians. None for a prior that has no such points.

    Args:
      model: a `StructuredVAE`, built.
    """
    prior = model.prior
    if "inducing_points" in prior.capabilities:
        return np.asarray(prior.inducing, np.float32) if prior.is_started() else None
    if not prior.is_density:
        return None
    try:
        mixture = prior.distribution()
    except NotImplementedError:  # a prior with a `log_prob` of its own
        return None
    if not isinstance(mixture, DiagonalGaussianMixture):
        return None
    return np.asarray(mixture.parameters["loc"], np.float32)
