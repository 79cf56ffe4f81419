"""What a model draws along Gibbs chains of its discrete units."""

import numpy as np

from tfsp import arguments
from tfsp.viz import checks
from tfsp.viz.images import images, mosaic


def gibbs_chains(means, pad=None, gap=None, title=None, invert=False):
    """Successive states of Gibbs chains, from the top down, one group of columns for each chain.

    The images of one row in one group share the state of the discrete units: what differs among
    them comes from the latents below. Where the class stays the same over many rows, the prior has
    modes that the chain rarely leaves.

    Args:
      means: [num_rows, num_chains, num_draws, H, W, C], C = 1 or 3, means of x, cut to [0, 1], as
        `DiscreteVAE.sample_chains` returns them.
      pad: pixels between neighbours, see `tile`.
      gap: pixels between groups; by default a quarter of an image and the padding.
      title: text above.
      invert: draw 1 - means.

    Returns:
      a `matplotlib.figure.Figure` with one axes.

    Raises:
      ValueError: for a wrong shape, or values that cannot be drawn.


    Source: Rolfe 2017, arXiv:1609.02200, Figure 5.
    """
    means = checks.as_array(means, "means")
    if means.ndim != 6:
        raise ValueError(
            "`means` must have shape [num_rows, num_chains, num_draws, H, W, C], as "
            f"`model.sample_chains` returns them. Received: means.shape={means.shape}."
        )
    num_rows, num_chains, num_draws = means.shape[:3]
    flat = checks.as_images(means.reshape(-1, *means.shape[3:]), "means", clip=True)
    means = flat.reshape(means.shape)
    pad = images.default_pad(flat, pad)
    gap = means.shape[4] // 4 + pad if gap is None else arguments.integer("gap", gap, 0)
    shown = 1.0 - means if invert else means
    groups = []
    for chain in range(num_chains):
        group = shown[:, chain].reshape(num_rows * num_draws, *means.shape[3:])
        group = images.tile(group, num_rows, num_draws, pad)
        groups += [np.ones((len(group), gap, group.shape[2]), group.dtype), group]
    canvas = np.concatenate(groups[1:], axis=1)
    return mosaic.draw([mosaic.Block(canvas, means.shape[3:5], pad)], title)
