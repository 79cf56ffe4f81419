"""Targets in two dimensions beside the distributions that models have learned."""

import numpy as np

from tfsp import arguments
from tfsp.viz import checks, style
from tfsp.viz.charts.scatter import draw_points

_PANEL = 1.1  # inches
_KINDS = ("histogram", "scatter")


def distribution_grid(
    targets, samples, kind="histogram", bins=80, max_points=5000, margin=0.25, title=None
):
    """A row for each target, its data first and then the samples of each model.

    All panels of a row share their limits, those of the target with a margin; points beyond them
    are not drawn.

    Args:
      targets: dict from a target's name to points `[n, 2]`.
      samples: dict from a target's name to a dict from a model's name to points `[m, 2]`. Columns
        are the models in the order in which they occur; a model that a target lacks leaves a gap.
      kind: "histogram" (darker is denser, each panel on a scale of its own) or "scatter".
      bins: of a histogram, along each axis.
      max_points: of a scatter; more are thinned at random (the same ones each time).
      margin: around the target, as a share of its extent.
      title: text above.

    Returns:
      a `matplotlib.figure.Figure`, one axes for each panel, row by row.

    Raises:
      TypeError: if `targets` or `samples` is not a dict as described.
      ValueError: for points of the wrong shape or value (with the target and the model), or for
        samples of an unknown target.

    Source: Miao et al. 2022, Figures 4 and C.2.
    """
    if kind not in _KINDS:
        raise ValueError(f"`kind` must be one of {', '.join(_KINDS)}. Received: {kind!r}.")
    bins, max_points = (
        arguments.integer("bins", bins),
        arguments.integer("max_points", max_points),
    )
    panels, models = _read(targets, samples)
    columns, rows = 1 + len(models), len(panels)
    with style.paper_style():
        height = _PANEL * rows + 0.25 + (0.25 if title else 0)
        figure = style.new_figure(_PANEL * columns + 0.3, height, layout="constrained")
        figure.get_layout_engine().set(wspace=0.02, hspace=0.02)
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes_row, (target, row) in zip(grid, panels.items(), strict=True):
            middle, half = _window(row[None], margin)
            for axes, model in zip(axes_row, (None, *models), strict=True):
                points = row.get(model)
                if points is None:
                    axes.set_visible(False)
                    continue
                color = style.PALETTE[0] if model is None else style.PALETTE[6]
                if kind == "histogram":
                    _draw_histogram(axes, points, middle, half, bins, color)
                else:
                    kept = np.random.default_rng(0).permutation(len(points))[:max_points]
                    draw_points(axes, points[kept], color)
                axes.set_xlim(middle[0] - half, middle[0] + half)
                axes.set_ylim(middle[1] - half, middle[1] + half)
                axes.set_aspect("equal")
                axes.set_xticks([])
                axes.set_yticks([])
                axes.spines[["top", "right"]].set_visible(True)
            axes_row[0].set_ylabel(target)
        for axes, name in zip(grid[0], ("data", *models), strict=True):
            axes.set_visible(True)
            axes.set_title(name)
        if title:
            figure.suptitle(title, fontsize=9)
        return style.settle(figure)


def _read(targets, samples):
    """(dict target -> dict None or model -> points, names of the models in order)."""
    for name, value in (("targets", targets), ("samples", samples)):
        if not hasattr(value, "items") or not len(value):
            raise TypeError(
                f"`{name}` must be a dict with an entry for each target. Received: {value!r:.80}."
            )
    unknown = [target for target in samples if target not in targets]
    if unknown:
        raise ValueError(
            f"`samples` has targets that `targets` lacks: {', '.join(map(repr, unknown))}."
        )
    panels, models = {}, {}
    for target, points in targets.items():
        row = {None: checks.as_matrix(points, f"targets[{target!r}]", "[n, 2]", columns=2)}
        learned = samples.get(target, {})
        if not hasattr(learned, "items"):
            raise TypeError(
                f"samples[{target!r}] must be a dict from a model's name to points. Received: "
                f"{type(learned).__name__}."
            )
        for model, found in learned.items():
            name = f"samples[{target!r}][{model!r}]"
            row[str(model)] = checks.as_matrix(found, name, "[m, 2]", columns=2)
            models[str(model)] = None
        panels[str(target)] = row
    if not models:
        raise ValueError("`samples` holds no model.")
    return panels, list(models)


def _window(points, margin):
    """Centre `[2]` and half the side of a square around `points`."""
    low, high = points.min(0), points.max(0)
    half = (0.5 + max(0.0, float(margin))) * (float((high - low).max()) or 1.0)
    return (low + high) / 2, half


def _draw_histogram(axes, points, middle, half, bins, color):
    from matplotlib.colors import LinearSegmentedColormap

    edges = [np.linspace(m - half, m + half, bins + 1) for m in middle]
    counts, *_ = np.histogram2d(points[:, 0], points[:, 1], bins=edges)
    extent = (*edges[0][[0, -1]], *edges[1][[0, -1]])
    shades = LinearSegmentedColormap.from_list("paper", ["white", color, style.INK])
    # A root: thin regions, where a wrong topology shows, are not lost beside dense ones.
    image = np.sqrt(counts.T)
    # The densest hundredth is cut off, else one spike would blank out all the rest.
    filled = image[image > 0]
    top = float(np.quantile(filled, 0.99)) if filled.size else 1.0
    axes.imshow(
        image, origin="lower", extent=extent, cmap=shades, vmin=0.0, vmax=top, interpolation="none"
    )
