"""Categories that a model has found: samples of each, their shares, and densities on the line."""

import numpy as np

from tfsp import arguments
from tfsp.viz import checks, style
from tfsp.viz.images import images, mosaic

_MOST_COLUMNS = 20  # of samples of a category, by default
_PANEL = (1.35, 1.25)  # inches, of a histogram
_NAMED = 20  # bars that are named one by one
_ABOVE_DATA = 1.6  # top of the histograms, in heights of the data's highest bar


def samples_per_category(
    means,
    weights=None,
    order=None,
    rows=None,
    max_categories=10,
    pad=None,
    title=None,
    invert=False,
):
    """Samples of each category, a block for each, with its number and its share beside it.

    Args:
      means: [K, n, H, W, C], C = 1 or 3, means of x for n draws from each category, cut to [0, 1],
        as `CPVAE.sample_categories` returns them.
      weights: [K], the shares q(c) of the categories, non-negative; scaled to sum 1. None leaves
        them out.
      order: the categories to draw, in order, numbers from 0 to K - 1. None takes the
        `max_categories` with the largest shares, the largest first; without `weights` the first.
      rows: of each block; None takes as many as keep to 20 images a row.
      max_categories: of the choice that `order` leaves open.
      pad, title, invert: see `image_grid`.

    Returns:
      a `matplotlib.figure.Figure` with one axes for each category.

    Raises:
      ValueError: for a wrong shape, values that cannot be drawn, or unknown categories.


    Source: Lavda et al. 2020 (CP-VAE), Figure 7.
    """
    means = checks.as_array(means, "means")
    if means.ndim != 5:
        raise ValueError(
            "`means` must have shape [K, n, H, W, C], n images of each category, as "
            f"`model.sample_categories` returns them. Received: means.shape={means.shape}."
        )
    num_categories, count = means.shape[:2]
    flat = checks.as_images(means.reshape(-1, *means.shape[2:]), "means", clip=True)
    means = flat.reshape(means.shape)
    shares = None if weights is None else _shares(weights, num_categories)
    if order is None:
        largest = range(num_categories) if shares is None else np.argsort(-shares, kind="stable")
        order = list(largest)[: arguments.integer("max_categories", max_categories)]
    order = _categories(order, num_categories)
    rows = -(-count // _MOST_COLUMNS) if rows is None else arguments.integer("rows", rows)
    blocks = []
    for k in order:
        labels = [""] * rows
        labels[(rows - 1) // 2] = f"{k}" if shares is None else f"{k}  ({shares[k]:.1%})"
        blocks.append(images.block(means[k], rows, None, pad, invert, row_labels=labels))
    return mosaic.draw(blocks, title)


def histograms(truth, samples, bins=80, columns=4, margin=0.25, title=None):
    """Densities of data on the line, and of what models draw, a panel for each.

    All panels share bins and axes. The data's density is outlined in those of the models. What lies
    beyond the limits is counted in the corner; bars that are much higher than the data's highest
    are cut off at the top.

    Args:
      truth: [n] or [n, 1], data.
      samples: dict from a model's name to its draws, [m] or [m, 1].
      bins: number of bins between the limits, those of the data with a margin.
      columns: panels in a row.
      margin: of the range of the data, added on either side.
      title: text above.

    Returns:
      a `matplotlib.figure.Figure`, an axes for the data and one for each model.

    Raises:
      TypeError: if `samples` is not a dict.
      ValueError: for data that are not one-dimensional.


    Source: Lavda et al. 2020 (CP-VAE), Figure 3.
    """
    from matplotlib import patheffects

    truth = _on_the_line(truth, "truth")
    if not hasattr(samples, "items") or not len(samples):
        raise TypeError(
            "`samples` must be a dict from a model's name to its draws, of one model or more. "
            f"Received: {samples!r:.80}."
        )
    drawn = {
        str(name): _on_the_line(values, f"samples[{name!r}]") for name, values in samples.items()
    }
    bins, columns = arguments.integer("bins", bins), arguments.integer("columns", columns)
    margin = arguments.number("margin", margin, "[0, inf)")
    low, high = float(truth.min()), float(truth.max())
    room = margin * (high - low) or 0.5 * (high == low)
    edges = np.linspace(low - room, high + room, bins + 1)
    data = _density(truth, edges)
    panels = {"data": truth, **drawn}
    halo = [patheffects.withStroke(linewidth=1.8, foreground="white")]
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    with style.paper_style():
        size = columns * _PANEL[0], rows * _PANEL[1] + (0.25 if title else 0.0)
        figure = style.new_figure(*size, layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for index, (axes, (name, values)) in enumerate(
            zip(grid.flat, panels.items(), strict=False)
        ):
            color = style.PALETTE[6 if index else 0]
            axes.stairs(_density(values, edges), edges, fill=True, color=color, linewidth=0)
            if index:
                axes.stairs(data, edges, color=style.INK, linewidth=0.6)
            beyond = np.mean((values < edges[0]) | (values > edges[-1]))
            if beyond > 0:
                text = f"{beyond:.1%} beyond" if beyond >= 0.001 else "<0.1% beyond"
                place = dict(ha="right", va="top", fontsize=6, transform=axes.transAxes)
                axes.text(0.99, 0.97, text, **place, path_effects=halo)
            axes.set_title(name)
            if index + columns >= len(panels):  # nothing below it
                axes.set_xlabel("$x$")
                axes.tick_params(labelbottom=True)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        grid[0, 0].set_xlim(edges[0], edges[-1])
        grid[0, 0].set_ylim(0, _ABOVE_DATA * data.max())
        for axes in grid[:, 0]:
            axes.set_ylabel("density")
        if title:
            figure.suptitle(title, fontsize=9)
        return style.settle(figure)


def category_usage(weights, threshold=None, title=None):
    """Shares of the categories, the largest first, on a logarithmic scale.

    Categories below the threshold are grey: the model has pruned them. A share of 0 has no bar.

    Args:
      weights: [K], q(c), non-negative; scaled to sum 1.
      threshold: a share; None takes 1 / (10 K), a tenth of an even share.
      title: text above; None states how many are above the threshold.

    Returns:
      a `matplotlib.figure.Figure` with one axes.

    Raises:
      ValueError: for negative weights, or a threshold outside (0, 1].


    Source: Lavda et al. 2020 (CP-VAE), eq. (14) and Figure 4.
    """
    from matplotlib.ticker import MaxNLocator

    shares = _shares(weights)
    count = len(shares)
    threshold = 0.1 / count if threshold is None else threshold
    threshold = arguments.number("threshold", threshold, "(0, 1]", "a share")
    order = np.argsort(-shares, kind="stable")
    used = shares[order] >= threshold
    if title is None:
        title = f"{int(used.sum())} of {count} categories used"
    with style.paper_style():
        figure = style.new_figure(3.6, 2.0, layout="constrained")
        axes = figure.subplots()
        colors = np.where(used, style.PALETTE[0], style.PALETTE[3])
        axes.bar(np.arange(count), shares[order], width=0.8, color=colors, linewidth=0)
        for height, text, look in ((threshold, "threshold", "--"), (1 / count, "even", ":")):
            axes.axhline(height, color=style.INK, linewidth=0.6, linestyle=look, label=text)
        axes.set_yscale("log")
        positive = shares[shares > 0].min()
        least = max(min(positive, threshold) / 2, threshold / 1000)
        axes.set_ylim(least, 5 * max(shares.max(), threshold))  # with room for the legend
        axes.set_xlim(-0.7, count - 0.3)
        if count <= _NAMED:
            axes.set_xticks(np.arange(count), [str(k) for k in order])
            axes.set_xlabel("category")
        else:
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
            axes.set_xlabel("categories by share")
        axes.set_ylabel("$q(c)$")
        axes.set_title(title)
        axes.legend(loc="upper right")
        return style.settle(figure)


def _shares(weights, count=None):
    """`weights` as shares `[K]` of sum 1."""
    weights = checks.as_array(weights, "weights").astype(np.float64)
    wanted = f"({count},), one for each category" if count else "[K]"
    if weights.ndim != 1 or (count and len(weights) != count):
        raise ValueError(
            f"`weights` must have shape {wanted}. Received: weights.shape={weights.shape}."
        )
    if weights.min() < 0 or weights.sum() <= 0:
        raise ValueError(
            "`weights` must be non-negative, and not all 0. Received values from "
            f"{weights.min():g} to {weights.max():g}."
        )
    return weights / weights.sum()


def _categories(order, count):
    chosen = np.asarray(order)
    whole = chosen.ndim == 1 and len(chosen) and chosen.dtype.kind in "iu"
    if not whole or chosen.min() < 0 or chosen.max() >= count:
        raise ValueError(
            f"`order` must hold categories, integers from 0 to {count - 1}. Received: {order!r}."
        )
    return chosen.tolist()


def _on_the_line(values, name):
    values = checks.as_array(values, name).astype(np.float64)
    if values.ndim not in (1, 2) or (values.ndim == 2 and values.shape[1] != 1):
        raise ValueError(
            f"`{name}` must have shape [n] or [n, 1], one-dimensional data. Received: "
            f"{name}.shape={values.shape}."
        )
    return values.reshape(-1)


def _density(values, edges):
    """Heights of the bars, of area 1 together with what lies beyond the edges."""
    return np.histogram(values, edges)[0] / (len(values) * np.diff(edges))
