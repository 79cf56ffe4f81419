"""What the levels of a hierarchical representation control."""

import numpy as np

from tfsp import arguments
from tfsp.viz import checks
from tfsp.viz.images import images, mosaic, traversal


def level_traversals(
    decode_mean,
    codes,
    level_sizes,
    start=0,
    dims=None,
    steps=9,
    pad=None,
    title=None,
    invert=False,
    symbol="z",
):
    """One dimension of each level moved, the others as in one code; the top level comes first.

    The dimension moves in equal steps between the 1st and the 99th percentile that it has over the
    codes. Whether lower levels follow a higher one depends on what is moved: with codes y and
    `decode_mean` = decoder(g(y)) they do, with z and the decoder alone they stay.

    Args:
      decode_mean: function `[n, D]` -> means `[n, H, W, C]`, or a model with `decode`.
      codes: `[n, D]`, levels side by side, the top level first.
      level_sizes: dimensions of each level; their sum is D.
      start: which code the traversal starts from.
      dims: one dimension for each level, counted from 0 over all levels; by default the one of the
        level that varies most over the codes.
      steps: images in a row.
      pad: image pixels between neighbours, see `images.tile`.
      title: text above.
      invert: draw 1 - means.
      symbol: what the labels call a code, such as "y" where y moves.

    Returns:
      a `matplotlib.figure.Figure` with one axes.

    Raises:
      ValueError: for sizes that do not sum to D, dimensions outside their level, or means that are
        not images.

    Source: Miao et al. 2022, appendix B, Figure B.2.
    """
    codes = checks.as_matrix(codes, "codes")
    steps = arguments.integer("steps", steps, 2)
    start = arguments.integer("start", start, 0, len(codes) - 1, "a row of `codes`")
    sizes = list(arguments.integers("level_sizes", np.atleast_1d(level_sizes)))
    if sum(sizes) != codes.shape[1]:
        raise ValueError(
            f"`level_sizes` must sum to the {codes.shape[1]} dimensions of `codes`. Received: "
            f"{sizes}, which sum to {sum(sizes)}."
        )
    ends = np.cumsum(sizes)
    if dims is None:
        spread = codes.std(axis=0)
        bounds = zip(ends - sizes, ends, strict=True)
        dims = [int(low + spread[low:high].argmax()) for low, high in bounds]
    dims = traversal.check_dims(dims, codes.shape[1])
    levels = np.searchsorted(ends, dims, side="right").tolist()
    if levels != list(range(len(sizes))):
        raise ValueError(
            f"`dims` must hold one dimension of each of the {len(sizes)} levels, in order. "
            f"Received: {dims}, of the levels {levels}."
        )
    z = np.tile(codes[start], (len(dims), steps, 1))
    for row, dim in enumerate(dims):
        z[row, :, dim] = np.linspace(*np.quantile(codes[:, dim], [0.01, 0.99]), steps)
    means = traversal.decode(decode_mean, z.reshape(-1, codes.shape[1]))
    names = [f"level {level + 1}, ${symbol}_{{{dim}}}$" for level, dim in enumerate(dims)]
    block = images.block(
        means,
        len(dims),
        steps,
        pad,
        invert,
        row_labels=names,
        x_label="from the 1st to the 99th percentile",
    )
    return mosaic.draw([block], title)
