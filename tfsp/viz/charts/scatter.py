"""Scatter pictures: points coloured by class or by a scale, data beside samples of a model."""

import numpy as np

from tfsp import arguments
from tfsp.viz import checks, style

MAX_CLASSES = len(style.PALETTE) * len(style.MARKERS)
BESIDE = 24  # device pixels between axes and the legend beside them


def scatter_2d(
    points, samples=None, labels=None, titles=("data", "model samples"), max_points=10000
):
    """Two-dimensional data and samples of a model side by side, on the same axes limits.

    Args:
      points: [n, 2].
      samples: [m, 2], or None for the data alone.
      labels: [n] classes that colour the data, or None.
      titles: above the two panels.
      max_points: more points than this are thinned at random (the same ones each time).

    Returns:
      a `matplotlib.figure.Figure` with one or two axes.

    Raises:
      ValueError: for wrong shapes, named.
    """
    points = checks.as_matrix(points, "points", "[n, 2]", columns=2)
    panels = [points]
    if samples is not None:
        panels.append(checks.as_matrix(samples, "samples", "[m, 2]", columns=2))
    if labels is not None:
        labels = checks.as_labels(labels, len(points), of="points")
    max_points = arguments.integer("max_points", max_points)
    together = np.concatenate(panels)
    low, high = together.min(0), together.max(0)
    middle = (low + high) / 2
    half = 0.54 * (float((high - low).max()) or 1.0)  # a square with a margin of 4%
    with style.paper_style():
        figure = style.new_figure(2.5 * len(panels), 2.5, layout="constrained")
        axes_row = figure.subplots(1, len(panels), squeeze=False, sharex=True, sharey=True)[0]
        for index, (axes, panel) in enumerate(zip(axes_row, panels, strict=True)):
            kept = np.random.default_rng(0).permutation(len(panel))[:max_points]
            color = style.PALETTE[0] if index == 0 else style.PALETTE[6]
            if index == 0 and labels is not None:
                if is_scale(labels):
                    draw_points(
                        axes, panel[kept], labels[kept].astype(float), cmap=style.SEQUENTIAL
                    )
                else:
                    names = class_names_of(labels, None)
                    draw_classes(axes, panel[kept], labels[kept], names, annotate=None)
            else:
                draw_points(axes, panel[kept], color)
            axes.set_title(titles[index])
            axes.set_aspect("equal")
            axes.set_xlim(middle[0] - half, middle[0] + half)
            axes.set_ylim(middle[1] - half, middle[1] + half)
            axes.locator_params(nbins=5)
            axes.set_xlabel("$x_{0}$")
        axes_row[0].set_ylabel("$x_{1}$")
        return style.settle(figure)


def is_scale(labels):
    """Whether `labels` are values of a scale; strings never are."""
    if labels.dtype.kind not in "biuf":
        return False
    return bool(np.any(labels % 1)) or len(np.unique(labels)) > MAX_CLASSES


def class_names_of(labels, class_names):
    """Dict from each label that occurs, sorted, to its name."""
    found = np.unique(labels).tolist()
    if len(found) > MAX_CLASSES:
        raise ValueError(
            f"At most {MAX_CLASSES} classes can be distinguished. Received: {len(found)} different "
            "labels. Group them, or pass numbers without `class_names` for a colour bar."
        )
    if class_names is None:
        return {label: _text(label) for label in found}
    known = class_names if hasattr(class_names, "keys") else dict(enumerate(class_names))
    unnamed = [label for label in found if label not in known]
    if unnamed:
        raise ValueError(
            "`class_names` must name every label. Received: "
            f"{len(known)} names, none for {', '.join(map(repr, unnamed))}."
        )
    return {label: _text(known[label]) for label in found}


def _text(name):
    return name.decode() if isinstance(name, bytes) else str(name)  # TensorFlow strings: bytes


def draw_points(axes, points, color, marker="o", total=None, **keywords):
    """A scatter whose points shrink and thin out as the `total` on the axes becomes large."""
    count = total or len(points)
    return axes.scatter(
        points[:, 0],
        points[:, 1],
        c=color,
        s=float(np.clip(6000 / count, 2.5, 14)),
        alpha=float(np.clip(1500 / count, 0.5, 0.85)),
        marker=marker,
        linewidths=0,
        rasterized=count > 2000,  # thousands of vector circles make a slow document
        **keywords,
    )


def draw_classes(axes, points, labels, names, annotate):
    """One scatter per marker shape; with annotate="direct" also names at the medians."""
    from matplotlib import patheffects

    order = {label: index for index, label in enumerate(names)}
    index = np.array([order[label] for label in labels.tolist()])
    colors = np.array(style.PALETTE)
    size = len(style.PALETTE)
    for shape in range(-(-len(names) // size)):
        chosen = index // size == shape
        if chosen.any():
            shown = colors[index[chosen] % size]
            draw_points(axes, points[chosen], shown, style.MARKERS[shape], total=len(points))
    if annotate == "direct":
        halo = [patheffects.withStroke(linewidth=2.2, foreground="white")]
        for i, name in enumerate(names.values()):
            chosen = points[index == i]
            if len(chosen):
                x, y = np.median(chosen, axis=0)
                text = axes.text(x, y, name, ha="center", va="center", fontsize=8, weight="bold")
                text.set_path_effects(halo)


def class_legend(axes, names, extra=()):
    """A legend beside `axes`: classes in `names`, `extra` handles, in columns of at most twenty."""
    from matplotlib.lines import Line2D

    size = len(style.PALETTE)
    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            color=style.PALETTE[i % size],
            marker=style.MARKERS[i // size],
            markersize=4,
            markeredgewidth=0,
            label=name,
        )
        for i, name in enumerate(names.values())
    ]
    return axes.figure.legend(
        handles=[*handles, *extra],
        loc="center left",
        bbox_to_anchor=(1, 0.5),
        bbox_transform=axes.transAxes,
        ncols=-(-(len(handles) + len(extra)) // 20),
        handlelength=0.8,
        labelspacing=0.45,
        borderpad=0,
        borderaxespad=BESIDE * 72 / style.DPI / style.TICK_SIZE,  # in heights of its font
    )
