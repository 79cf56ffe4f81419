"""What a map of the plane does to a Gaussian."""

import numpy as np

from tfsp import arguments
from tfsp.random import generator
from tfsp.viz import checks, style
from tfsp.viz.charts.scatter import MAX_CLASSES, draw_points


def mapping_planes(mapping, components=None, num_points=4000, seed=0, titles=None, title=None):
    """Draws of N(0, I) in the plane of y, and where a map g takes them, in the same colours.

    Colours are the clusters of y where the map has some, else the angle of y. A ring of y, an
    isoline of the Gaussian's density, is drawn in both.

    Args:
      mapping: function y `[n, 2]` -> z `[n, 2]`, or anything with `forward(y)`, such as a
        bijector.
      components: function y `[n, 2]` -> integers `[n]` that names the cluster of each y; None takes
        `mapping.component` where there is one.
      num_points: draws.
      seed: of the draws.
      titles: above the two panels; by default "y" and "z = g(y)".
      title: text above both.

    Returns:
      a `matplotlib.figure.Figure` with two axes.

    Raises:
      TypeError: if `mapping` is not a function.
      ValueError: for results of wrong shapes, or more clusters than can be distinguished.

    Source: Miao et al. 2022, Figure 5.
    """
    forward = getattr(mapping, "forward", mapping)
    if not callable(forward):
        raise TypeError(
            "`mapping` must be a function y [n, 2] -> z [n, 2], or have `forward(y)`. Received: "
            f"{type(mapping).__name__}."
        )
    if components is None:
        components = getattr(mapping, "component", None)
    num_points = arguments.integer("num_points", num_points)
    titles = ("$y$", "$z = g(y)$") if titles is None else tuple(titles)
    if len(titles) != 2:
        raise ValueError(f"`titles` must be two texts. Received: {titles!r}.")
    y = generator(seed).normal(size=(num_points, 2)).astype(np.float32)
    turn = np.linspace(0, 2 * np.pi, 721)
    ring = 1.5 * np.stack([np.cos(turn), np.sin(turn)], axis=-1).astype(np.float32)
    z, ring_z = (_apply(forward, points) for points in (y, ring))
    colors, ring_colors = _colors(components, y), _colors(components, ring)
    with style.paper_style():
        figure = style.new_figure(5.0, 2.6 + (0.2 if title else 0), layout="constrained")
        panels = ((y, ring), (z, ring_z))
        for axes, (points, line), name in zip(figure.subplots(1, 2), panels, titles, strict=True):
            draw_points(axes, points, **colors)
            # Dots instead of a line: where the map tears the ring, none bridges the gap.
            axes.scatter(*line.T, s=1.2, linewidths=0, **_dark(ring_colors))
            axes.set_title(name)
            axes.set_aspect("equal", adjustable="datalim")
            axes.locator_params(nbins=5)
        if title:
            figure.suptitle(title, fontsize=9)
        return style.settle(figure)


def _apply(forward, points):
    z = checks.as_array(forward(points), "mapping(y)")
    if z.shape != points.shape:
        raise ValueError(
            "`mapping` must take y [n, 2] to z [n, 2]. Received: "
            f"y.shape={points.shape}, z.shape={z.shape}. Maps of other sizes cannot be drawn."
        )
    return z


def _colors(components, points):
    """Keywords of a scatter: a colour for each cluster, or one for each angle."""
    if components is None:
        angle = np.arctan2(points[:, 1], points[:, 0])
        return dict(color=angle, cmap="twilight", vmin=-np.pi, vmax=np.pi)
    index = checks.as_labels(np.asarray(components(points)), len(points), "components", "y")
    if index.dtype.kind not in "iu":
        raise ValueError(f"`components` must give integers. Received: dtype {index.dtype}.")
    if index.max() - index.min() >= MAX_CLASSES:
        raise ValueError(
            f"At most {MAX_CLASSES} clusters can be distinguished. Received: {index.max() + 1}."
        )
    return dict(color=np.array(style.PALETTE)[index % len(style.PALETTE)])


def _dark(colors):
    """The ring's keywords: ink where clusters have flat colours, else the colours of the angle."""
    if "cmap" not in colors:
        return dict(c=style.INK)
    return {("c" if key == "color" else key): value for key, value in colors.items()}
