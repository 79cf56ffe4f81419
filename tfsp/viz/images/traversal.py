"""What a decoder draws as one or two latent dimensions move and the others stay."""

import numpy as np

from tfsp import arguments
from tfsp.viz import checks
from tfsp.viz.images import images, mosaic

_MAX_TICKS = 12
_CHUNK = 256  # latents decoded at once, so that memory does not grow with the grid


def decoder_mean(model):
    """The map z [n, D] -> means [n, H, W, C] of `model`, for the functions of this file.

    Args:
      model: has `decode(z)`, a distribution with `mean()`; or is such a function already.

    Returns:
      a function of a float32 array.

    Raises:
      TypeError: if `model` is neither.
    """
    if hasattr(model, "decode"):
        return lambda z: model.decode(z).mean()
    if callable(model):
        return model
    raise TypeError(
        "`decode_mean` must be a function z [n, D] -> means [n, H, W, C], or a model with "
        f"`decode(z)`. Received: {type(model).__name__}."
    )


def positions(count, span, quantile):
    """The values a latent dimension takes, increasing and symmetric about 0, [count].

    Args:
      count: how many; a single one is 0.
      span: the last value; the first is -span.
      quantile: equal steps of the standard normal's distribution function (each step is as
        probable under N(0, 1) as any other), else equal steps of z.
    """
    from scipy.special import ndtr, ndtri

    if not quantile:
        return np.linspace(-span, span, count) if count > 1 else np.zeros(1)
    # Lower half only, then mirrored: the distribution function near 1 would lose the digits.
    lower = ndtri(np.linspace(ndtr(-span), ndtr(span), count)[: count // 2])
    return np.concatenate([lower, np.zeros(count % 2), -lower[::-1]])


def traversal_grid(
    decode_mean,
    grid_size=15,
    latent_dim=None,
    base=None,
    dims=(0, 1),
    span=2.0,
    quantile=True,
    pad=0,
    title=None,
    invert=False,
):
    """The means decoded over a plane of the latent space.

    The first of `dims` grows to the right, the second upwards.

    Args:
      decode_mean: function z [n, D] -> means [n, H, W, C], or a model with `decode`.
      grid_size: images per side.
      latent_dim: D; by default that of the model, else 2.
      base: [D], the values of the dimensions that stay; zeros by default.
      dims: two different dimensions, counted from 0; the axis labels use the same numbers.
      span: the dimensions run over [-span, span], in units of z.
      quantile: equal steps in probability under N(0, 1) instead of equal steps in z.
      pad: image pixels between neighbours.
      title: text above.
      invert: draw 1 - means.

    Returns:
      a `matplotlib.figure.Figure` with one axes.

    Raises:
      ValueError: for wrong arguments or means that are not images.

    Source: Kingma & Welling 2014, arXiv:1312.6114, Figure 4 (quantiles of the normal).
    """
    grid_size = arguments.integer("grid_size", grid_size)
    if latent_dim is None:
        latent_dim = getattr(decode_mean, "latent_dim", 2)
    latent_dim = arguments.integer("latent_dim", latent_dim, 2)
    span = arguments.number("span", span, "(0, inf)")
    base = np.zeros(latent_dim) if base is None else checks.as_array(base, "base")
    if base.shape != (latent_dim,):
        raise ValueError(
            f"`base` must have shape ({latent_dim},), one value per latent dimension. Received: "
            f"base.shape={base.shape}, latent_dim={latent_dim}."
        )
    pair = check_dims(dims, latent_dim)
    if len(pair) != 2 or pair[0] == pair[1]:
        raise ValueError(f"`dims` must be two different dimensions. Received: {dims!r}.")
    across, up = pair
    values = positions(grid_size, span, quantile)
    z = np.tile(base, (grid_size, grid_size, 1))
    z[:, :, across] = values
    z[:, :, up] = values[::-1, None]  # the top row has the largest value
    means = decode(decode_mean, z.reshape(-1, latent_dim))
    ticks = _ticks(values)
    block = images.block(
        means,
        grid_size,
        grid_size,
        pad,
        invert,
        column_labels=ticks,
        row_ticks={grid_size - 1 - index: text for index, text in ticks.items()},
        x_label=f"$z_{{{across}}}$",
        y_label=f"$z_{{{up}}}$",
    )
    return mosaic.draw([block], title)


def traversal_rows(
    decode_mean, codes, dims=None, span=3.0, steps=9, pad=None, title=None, invert=False
):
    """One latent dimension per row, moved from -span to span, the others as in the code.

    Args:
      decode_mean: function z [n, D] -> means [n, H, W, C], or a model with `decode`.
      codes: [D], where to start; or [n, D], a block of rows for each code.
      dims: the dimensions to move, counted from 0; all by default.
      span: the dimension is set to values in equal steps over [-span, span], in units of z.
      steps: images per row.
      pad: image pixels between neighbours, see `images.tile`.
      title: text above.
      invert: draw 1 - means.

    Returns:
      a `matplotlib.figure.Figure` with one axes per code.

    Raises:
      ValueError: for wrong arguments or means that are not images.
    """
    codes = checks.as_array(codes, "codes")
    codes = checks.as_matrix(codes[None] if codes.ndim == 1 else codes, "codes", "[D] or [n, D]")
    span = arguments.number("span", span, "(0, inf)")
    steps = arguments.integer("steps", steps)
    latent_dim = codes.shape[1]
    dims = check_dims(range(latent_dim) if dims is None else dims, latent_dim)
    values = positions(steps, span, quantile=False)
    z = np.tile(codes[:, None, None, :], (1, len(dims), steps, 1))
    for row, dim in enumerate(dims):
        z[:, row, :, dim] = values
    means = decode(decode_mean, z.reshape(-1, latent_dim))
    names = [f"$z_{{{dim}}}$" for dim in dims]
    blocks = []
    for index, part in enumerate(np.split(means, len(codes))):
        last = index == len(codes) - 1
        blocks.append(
            images.block(
                part,
                len(dims),
                steps,
                pad,
                invert,
                row_labels=names,
                column_labels=_ticks(values) if last else None,
                x_label="value of the latent dimension" if last else None,
            )
        )
    return mosaic.draw(blocks, title)


def check_dims(dims, latent_dim):
    """`dims` as a non-empty list of ints in [0, latent_dim)."""
    dims = [dims] if isinstance(dims, (int, np.integer)) else list(dims)
    wrong = [
        d
        for d in dims
        if isinstance(d, bool) or not isinstance(d, (int, np.integer)) or not 0 <= d < latent_dim
    ]
    if wrong or not dims:
        raise ValueError(
            f"`dims` must be integers from 0 to {latent_dim - 1}, as there are {latent_dim} "
            f"latent dimensions. Received: {dims}."
        )
    return [int(d) for d in dims]


def decode(decode_mean, z):
    """Means [n, H, W, C] of `z` [n, D], decoded in chunks."""
    function = decoder_mean(decode_mean)
    z = z.astype(np.float32)
    parts = []
    for start in range(0, len(z), _CHUNK):
        chunk = z[start : start + _CHUNK]
        means = checks.as_images(function(chunk), "decode_mean(z)", clip=True)
        if len(means) != len(chunk):
            raise ValueError(
                "`decode_mean` must return one image per latent. Received: "
                f"z.shape={chunk.shape}, decode_mean(z).shape={means.shape}."
            )
        parts.append(means)
    return np.concatenate(parts)


def _ticks(values):
    """Index -> text of the places to name: all of a few, else evenly spaced, both ends among them.

    Only where their number allows no even spacing, the quarters nearest to it.
    """
    last = len(values) - 1
    parts = [n for n in range(1, _MAX_TICKS) if last % n == 0]
    if last == 0:
        chosen = [0]
    elif last < _MAX_TICKS or max(parts) > 1:
        chosen = range(0, last + 1, last // max(parts))
    else:
        quarter = round(last / 4)
        chosen = sorted({0, quarter, last - quarter, last})
    texts = {}
    for index in chosen:
        value = round(float(values[index]), 2) + 0.0  # + 0.0: no "-0"
        texts[index] = f"{value:g}".replace("-", "\N{MINUS SIGN}")
    return texts
