"""The picture "traversal"."""

import numpy as np

from tfsp import viz
from tfsp.pictures.registry import register


@register("traversal", needs=("images",), place=6)
def of_subject(subject):
    """What the latents control, one varied at a time.

    For a latent of two dimensions a grid of quantiles of the standard normal, otherwise one row for
    each of the most active dimensions; for an InteL-VAE in y. For a discrete VAE see levels.
    """
    model = subject.model
    if "gibbs_chains" in model.capabilities:
        return None
    decode, codes = subject.inner
    if codes.shape[1] == 2:
        return viz.traversal_grid(decode, pad=1)
    categories = model.num_categories if "category_priors" in model.capabilities else 0
    varied = codes.shape[1] - categories  # z, not c
    most_active = np.argsort(-codes[:, :varied].var(axis=0))[:8]
    return viz.traversal_rows(decode, codes[0], dims=[int(d) for d in most_active])
