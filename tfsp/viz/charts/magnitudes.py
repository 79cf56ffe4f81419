"""Which latent dimensions a class uses, and what moving one of them does."""

import numpy as np

from tfsp import arguments
from tfsp.viz import checks, style
from tfsp.viz.charts.scatter import class_names_of
from tfsp.viz.images import images, traversal

_LEFT, _ROW = 2.4, 0.85  # inches: the bars' width, a row's height


def class_magnitudes(
    codes,
    labels,
    decode_mean=None,
    classes=None,
    dims=None,
    class_names=None,
    steps=7,
    invert=False,
    title=None,
):
    """The average magnitude of each latent dimension for some classes, with a traversal for each.

    A traversal starts at the mean code of the class and moves one dimension between the 1st and
    the 99th percentile that it has over the codes of the class: farther out other classes lie.

    Args:
      codes: `[n, D]`, such as `model.encode(x)`.
      labels: `[n]`, integers or strings.
      decode_mean: function z `[n, D]` -> means `[n, H, W, C]`, or a model with `decode`; None
        draws the bars alone.
      classes: the labels shown; by default the first three.
      dims: the dimension moved for each class; by default the one whose magnitude most exceeds
        that of every other class.
      class_names: as in `latent_map`.
      steps: images in a traversal.
      invert: draw 1 - means.
      title: text above.

    Returns:
      a `matplotlib.figure.Figure` with one axes of bars for each class, and with a decoder one of
      images beside each.

    Raises:
      ValueError: for shapes that do not fit, or classes that do not occur.

    Source: Miao et al. 2022, Figure 8.
    """
    codes = checks.as_matrix(codes, "codes")
    labels = checks.as_labels(labels, len(codes))
    steps = arguments.integer("steps", steps, 2)
    found = np.unique(labels).tolist()
    names = class_names_of(labels, class_names)
    classes = found[:3] if classes is None else list(np.atleast_1d(classes).tolist())
    unknown = [label for label in classes if label not in found]
    if unknown or not classes:
        raise ValueError(
            f"`classes` must be labels that occur: {', '.join(map(str, found))}. Received: "
            f"{classes!r}."
        )
    sizes = np.stack([np.abs(codes[labels == label]).mean(axis=0) for label in found])
    chosen = [found.index(label) for label in classes]
    if dims is None:
        dims = [_own_dimension(sizes, index) for index in chosen]
    dims = traversal.check_dims(dims, codes.shape[1])
    if len(dims) != len(classes):
        raise ValueError(
            f"`dims` must hold one dimension for each of {len(classes)} classes. Received: {dims}."
        )
    strips = None
    if decode_mean is not None:
        strips = _strips(
            decode_mean, [codes[labels == label] for label in classes], dims, steps, invert
        )
    with style.paper_style():
        width = _LEFT + (0 if strips is None else _ROW * 0.6 * steps + 0.2)
        height = _ROW * len(classes) + 0.45 + (0.2 if title else 0)
        figure = style.new_figure(width, height, layout="constrained")
        ratios = [1] if strips is None else [_LEFT, width - _LEFT]
        grid = figure.subplots(len(classes), len(ratios), squeeze=False, width_ratios=ratios)
        for index, (label, row, dim) in enumerate(zip(classes, grid, dims, strict=True)):
            last = index == len(classes) - 1
            _draw_bars(row[0], sizes[chosen[index]], dim, float(sizes[chosen].max()), last)
            row[0].set_ylabel(names[label])
            if strips is not None:
                row[1].imshow(strips[index], cmap="gray", vmin=0, vmax=1, interpolation="none")
                style.strip_axes(row[1])
                row[1].set_title(f"moving $z_{{{dim}}}$", fontsize=style.TICK_SIZE, pad=2)
        if title:
            figure.suptitle(title, fontsize=9)
        return style.settle(figure)


def _own_dimension(sizes, index):
    """The dimension in which row `index` of `sizes` `[classes, D]` most exceeds all others."""
    others = np.delete(sizes, index, axis=0)
    return int(np.argmax(sizes[index] - (others.max(axis=0) if len(others) else 0.0)))


def _strips(decode_mean, codes, dims, steps, invert):
    """One array [H, W', C] or [H, W'] for each class, from its codes."""
    z = np.repeat(np.stack([part.mean(axis=0) for part in codes]), steps, axis=0)
    for index, (part, dim) in enumerate(zip(codes, dims, strict=True)):
        rows = slice(index * steps, (index + 1) * steps)
        z[rows, dim] = np.linspace(*np.quantile(part[:, dim], [0.01, 0.99]), steps)
    means = traversal.decode(decode_mean, z)
    means = 1.0 - means if invert else means
    tiles = [images.tile(part, rows=1) for part in np.split(means, len(codes))]
    return [tile[..., 0] if tile.shape[-1] == 1 else tile for tile in tiles]


def _draw_bars(axes, sizes, dim, top, last):
    colors = [style.PALETTE[6] if d == dim else style.PALETTE[0] for d in range(len(sizes))]
    axes.bar(np.arange(len(sizes)), sizes, width=0.8, color=colors)
    axes.set_xlim(-0.6, len(sizes) - 0.4)
    axes.set_ylim(0, 1.05 * top or 1.0)
    axes.locator_params(axis="y", nbins=3)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.tick_params(labelbottom=last)
    if last:
        axes.set_xlabel("latent dimension (mean $|z_d|$)")
