"""How much of the latent space is in use."""

import numpy as np

from tfsp.measures.examples import points
from tfsp.measures.registry import register


@register("active_units", example=lambda rng: points(rng, 9))
def active_units(codes, threshold=0.01):
    """Number of latent dimensions whose code varies over the data: Var_x(E[z_d | x]) > threshold.

    Args:
      codes: `[n, D]`, posterior means.
      threshold: in squared units of z.

    Raises:
      ValueError: unless `codes` is `[n, D]` with n >= 2.

    Source: Burda et al. 2016, arXiv:1509.00519, section 5.2 (threshold 0.01).
    """
    codes = np.asarray(codes, float)
    if codes.ndim != 2 or len(codes) < 2:
        raise ValueError(
            f"`codes` must be [n, D] with at least two rows. Received: shape {codes.shape}."
        )
    return int(np.sum(codes.var(axis=0) > threshold))
