"""Grids of images: data, reconstructions above which stand their originals, prior samples."""

import math

import numpy as np

from tfsp import arguments
from tfsp.viz import checks
from tfsp.viz.images import mosaic


def tile(images, rows=None, columns=None, pad=None, pad_value=1.0, clip=False):
    """Images side by side in one array, filled row by row.

    Image i has its upper left corner at ((i // columns) * (H + pad), (i % columns) * (W + pad)).
    There is padding between images only, none around them.

    Args:
      images: [n, H, W, C] in [0, 1], C = 1 or 3.
      rows, columns: the layout; what is left out follows from n, nearly square if both are.
      pad: pixels between neighbours; by default a sixteenth of the width, at least 1.
      pad_value: grey level in [0, 1] of padding and of empty cells.
      clip: cut values to [0, 1] instead of refusing them, for the means of a decoder.

    Returns:
      [H', W', C] with H' = rows * H + (rows - 1) * pad and W' likewise. TensorBoard's
      `tf.summary.image` takes it as `tile(...)[None]`.

    Raises:
      ValueError: for a wrong shape, values outside [0, 1], or too few cells.
    """
    images = checks.as_images(images, clip=clip)
    return _tile(images, rows, columns, pad, pad_value)


def _tile(images, rows=None, columns=None, pad=None, pad_value=1.0):
    count, height, width, channels = images.shape
    rows, columns = layout(count, rows, columns)
    pad = default_pad(images, pad)
    pad_value = arguments.number("pad_value", pad_value, "[0, 1]")
    step_down, step_right = height + pad, width + pad
    # Each image with the padding below and to its right, then the last of both cut away.
    cells = np.full((rows * columns, step_down, step_right, channels), pad_value, images.dtype)
    cells[:count, :height, :width] = images
    cells = cells.reshape(rows, columns, step_down, step_right, channels)
    canvas = cells.swapaxes(1, 2).reshape(rows * step_down, columns * step_right, channels)
    return canvas[: rows * step_down - pad, : columns * step_right - pad]


def layout(count, rows=None, columns=None):
    """(rows, columns) of a grid for `count` images; see `tile`.

    Raises:
      ValueError: for fewer cells than images.
    """
    if rows is not None:
        rows = arguments.integer("rows", rows)
    if columns is not None:
        columns = arguments.integer("columns", columns)
    if columns is None:
        columns = -(-count // rows) if rows else math.isqrt(count - 1) + 1
    if rows is None:
        rows = -(-count // columns)
    if rows * columns < count:
        raise ValueError(
            f"The grid needs a cell per image. Received: rows={rows}, columns={columns}, which "
            f"is {rows * columns} cells, for {count} images. Leave `rows` out or pass "
            f"images[:{rows * columns}]."
        )
    return rows, columns


def default_pad(images, pad=None):
    """`pad` checked, or a sixteenth of the width of `images` [n, H, W, C], at least 1."""
    if pad is None:
        return max(1, images.shape[2] // 16)
    return arguments.integer("pad", pad, 0)


def block(images, rows=None, columns=None, pad=None, invert=False, **texts):
    """Checked images [n, H, W, C] as a `mosaic.Block`; `texts` are its labels."""
    pad = default_pad(images, pad)
    shown = 1.0 - images if invert else images
    array = _tile(shown, rows, columns, pad)
    return mosaic.Block(array, images.shape[1:3], pad, **texts)


def image_grid(images, rows=None, columns=None, pad=None, title=None, invert=False):
    """A grid of images.

    Args:
      images: [n, H, W, C] in [0, 1], C = 1 or 3.
      rows, columns, pad: see `tile`.
      title: text above the grid.
      invert: draw 1 - images: ink stored as 1 becomes black on white.

    Returns:
      a `matplotlib.figure.Figure` with one axes.

    Raises:
      ValueError: for a wrong shape, flat data, values outside [0, 1], or too few cells.
    """
    images = checks.as_images(images)
    return mosaic.draw([block(images, rows, columns, pad, invert)], title)


def reconstructions(images, means, columns=10, pad=None, title=None, invert=False):
    """Originals above their reconstructions, in labelled pairs of rows.

    Args:
      images: [n, H, W, C] in [0, 1], C = 1 or 3.
      means: [n, H, W, C], the decoder's means, cut to [0, 1]; or a model, whose
        `reconstruct(images)` is called.
      columns: images per row; more images make further pairs of rows.
      pad: pixels between neighbours, see `tile`.
      title: text above.
      invert: draw 1 - images.

    Returns:
      a `matplotlib.figure.Figure` with one axes per pair of rows.

    Raises:
      ValueError: for wrong or differing shapes, flat data, or values that cannot be drawn.
    """
    images = checks.as_images(images)
    columns = arguments.integer("columns", columns)
    if hasattr(means, "reconstruct"):
        means = means.reconstruct(images)
    means = checks.as_images(means, "means", clip=True)
    if means.shape != images.shape:
        raise ValueError(
            "`images` and `means` must have one shape, a reconstruction per image. Received: "
            f"images.shape={images.shape}, means.shape={means.shape}."
        )
    count = len(images)
    columns = min(columns, count)
    blocks = []
    for start in range(0, count, columns):
        part = slice(start, start + columns)
        missing = columns - len(images[part])
        # A short last pair is filled with paper, which `invert` must leave white.
        blank = np.full((missing, *images.shape[1:]), 0.0 if invert else 1.0, images.dtype)
        pair = np.concatenate([images[part], blank, means[part], blank])
        names = ["data", "reconstruction"]
        blocks.append(block(pair, 2, columns, pad, invert, row_labels=names))
    return mosaic.draw(blocks, title)


def samples_beside(samples, rows=3, columns=16, pad=None, title=None, invert=False):
    """Samples of several models, a labelled block for each, one below the other.

    Args:
      samples: dict from a model's name to means of x `[n, H, W, C]`, cut to [0, 1], with n at least
        `rows * columns`; the first ones are drawn.
      rows, columns: of each block.
      pad, title, invert: see `image_grid`.

    Returns:
      a `matplotlib.figure.Figure` with one axes for each model.

    Raises:
      TypeError: if `samples` is not a dict.
      ValueError: for too few samples or wrong images.

    Source: Miao et al. 2022 (InteL-VAE), Figure 6.
    """
    rows, columns = arguments.integer("rows", rows), arguments.integer("columns", columns)
    if not hasattr(samples, "items") or not len(samples):
        raise TypeError(
            "`samples` must be a dict from a model's name to images, of one model or more. "
            f"Received: {samples!r:.80}."
        )
    blocks = []
    for name, means in samples.items():
        means = checks.as_images(means, f"samples[{name!r}]", clip=True)
        if len(means) < rows * columns:
            raise ValueError(
                f"rows={rows} and columns={columns} need {rows * columns} samples of each model. "
                f"Received: {len(means)} of {name!r}."
            )
        labels = [""] * rows
        labels[rows // 2] = str(name)
        means = means[: rows * columns]
        blocks.append(block(means, rows, columns, pad, invert, row_labels=labels))
    return mosaic.draw(blocks, title)


def prior_samples(
    means,
    rows=None,
    columns=None,
    pad=None,
    title="Samples from the prior",
    invert=False,
    num_samples=100,
    seed=0,
):
    """A grid of samples of a model.

    Args:
      means: [n, H, W, C], the means of x given latents drawn from the prior, cut to [0, 1]; or a
        model, whose `sample(num_samples, seed=seed)` is called.
      rows, columns, pad: see `tile`.
      title: text above the grid, None for none.
      invert: draw 1 - means.
      num_samples, seed: used if `means` is a model.

    Returns:
      a `matplotlib.figure.Figure` with one axes.

    Raises:
      ValueError: for a wrong shape, flat data, values that cannot be drawn, too few cells.
    """
    if hasattr(means, "sample"):
        means = means.sample(arguments.integer("num_samples", num_samples), seed=seed)
    means = checks.as_images(means, "means", clip=True)
    return mosaic.draw([block(means, rows, columns, pad, invert)], title)
