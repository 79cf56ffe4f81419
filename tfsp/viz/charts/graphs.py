"""The learned structure of a Graph VAE: its graph, and how the gates came to it.

Both pictures give an edge the same colour, which depends on its two nodes alone.
"""

import numpy as np

from tfsp.viz import checks, style
from tfsp.viz.charts import curves

_BESIDE = 0.85  # inches between neighbouring nodes
_RADIUS, _SMALLEST = 0.2, 0.13  # inches, of a node; of a node whose KL is 0
_UNSEEN = 0.05  # gates with a mean up to this are not drawn
_MOST_NODES = 20  # more of them are drawn smaller, with no text beside them
_DASHES = ("-", (0, (4, 1.2)), (0, (1, 1)), (0, (5, 1, 1, 1)))
_MOST_NAMES = 45  # curves that a legend can hold


def latent_graph(graph, node_kl=None, title=None):
    """The nodes of a Graph VAE on a circle, node N on top, and the edges between them.

    Width and opacity of an edge show the mean of its gate; dashed edges are below 1/2, and those
    up to 0.05 are left out.

    Args:
      graph: a `tfsp.priors.LatentGraph`, or an array `[N, N]` of gate means in [0, 1] that is zero
        unless i > j, [i, j] being the edge from node i + 1 to node j + 1.
      node_kl: `[N]`, nats (`GraphVAE.node_kl`); the nodes' areas are in proportion to it.
      title: text above.

    Returns:
      a `matplotlib.figure.Figure` with one axes.

    Raises:
      ValueError: for arrays of other shapes or values out of range.

    Source: He et al. 2019, Figure 3b.
    """
    means = _gate_means(graph)
    count = len(means)
    radius = np.full(count, _RADIUS)
    if node_kl is not None:
        node_kl = _node_kl(node_kl, count)
        radius = np.maximum(1.5 * _RADIUS * np.sqrt(node_kl / (node_kl.max() or 1)), _SMALLEST)
    scale = min(1.0, _MOST_NODES / count)
    place, radius = scale * _places(count), scale * radius
    with style.paper_style():
        figure = style.new_figure(1, 1)
        axes = figure.add_axes((0, 0, 1, 1))
        _lay_out(axes, place, radius)
        for i, j in np.argwhere(means > _UNSEEN).tolist():
            _draw_edge(axes, place[[i, j]], radius[[i, j]], means[i, j], (i, j))
        _draw_nodes(axes, place, radius, 8 * scale)
        noted = node_kl is not None and count <= _MOST_NODES
        if noted:
            _draw_notes(axes, place, radius, [f"{value:.1f} nats" for value in node_kl])
        if title:
            axes.set_title(title, pad=16 if noted and count > 1 else 6)  # above the node on top
        return style.settle(style.fit(figure))


def gate_curves(history, title=None):
    """The means of the gates over epochs, each edge in the colour it has in `latent_graph`.

    Args:
      history: dict from name to a list with one value per epoch, the `History` of `fit` or the
        path of a log file, with `gate_i_j` for the edge from node i to node j.
      title: text above.

    Returns:
      a `matplotlib.figure.Figure` with one axes. Epochs count from 1. Above 45 gates there is no
      legend.

    Raises:
      ValueError: if `history` holds no gates, or is not a history.

    Source: He et al. 2019, Figure 3a.
    """
    epochs, series = curves.read(history)
    found = {}
    for name, values in series.items():
        prefix, *numbers = name.split("_")
        if prefix == "gate" and len(numbers) == 2 and all(n.isdecimal() for n in numbers):
            i, j = (int(n) - 1 for n in numbers)
            found[i, j] = values
    if not found:
        raise ValueError(
            "`history` must hold the means of gates, gate_i_j for the edge from node i to node j, "
            "as training of a 'graph_vae' with structure='learned' logs them. Received: "
            f"{', '.join(list(series)[:8])}."
        )
    edges = sorted(found, key=lambda edge: (_order(*edge), edge))
    named = len(edges) <= _MOST_NAMES
    with style.paper_style():
        figure = style.new_figure(style.TEXT_WIDTH if named else 3.6, 2.4, layout="constrained")
        axes = figure.subplots()
        for i, j in edges:
            axes.plot(
                epochs,
                found[i, j],
                **_look(i, j),
                lw=1.2 if named else 0.5,
                marker="o" if len(epochs) == 1 else None,
                markersize=3,
                label=f"{i + 1} \N{RIGHTWARDS ARROW} {j + 1}",
            )
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlabel("epoch")
        axes.set_ylabel("mean of the gate")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.margins(x=0.02)
        if named:
            columns = -(-len(edges) // 15)
            figure.legend(loc="outside right center", ncols=columns, handlelength=2.0)
        if title:
            axes.set_title(title)
        return style.settle(figure)


def _gate_means(graph):
    """Gate means, float [N, N]."""
    means = checks.as_matrix(getattr(graph, "gate_mean", graph), "graph", "[N, N]")
    if means.shape[0] != means.shape[1]:
        raise ValueError(
            "`graph` must be a LatentGraph or have shape [N, N]. Received: "
            f"graph.shape={means.shape}."
        )
    if means.min() < 0 or means.max() > 1 or np.triu(means).any():
        raise ValueError(
            "`graph` must hold means of gates in [0, 1] and be zero unless i > j: [i, j] is the "
            "edge from node i + 1 to node j + 1, and parents have the larger number."
        )
    return means.astype(float)


def _node_kl(node_kl, count):
    array = checks.as_array(node_kl, "node_kl").astype(float)
    if array.shape != (count,) or array.min() < 0:
        raise ValueError(
            f"`node_kl` must hold {count} non-negative numbers, one for each node. Received: "
            f"node_kl.shape={array.shape}, smallest {array.min():g}."
        )
    return array


def _order(i, j):
    """A number for each edge that does not depend on how many nodes there are."""
    return i * (i - 1) // 2 + j


def _look(i, j):
    """Colour and dashes of the edge from i to j, counted from 0."""
    turn, color = divmod(_order(i, j), len(style.PALETTE))
    return {"color": style.PALETTE[color], "linestyle": _DASHES[turn % len(_DASHES)]}


def _places(count):
    """Where the nodes stand, inches [N, 2]: on a circle, node N on top, the others clockwise.

    No edge then passes behind a node, however many there are. (The circle of
    `networkx.circular_layout` starts on the right, and is in single precision.)
    """
    if count == 1:
        return np.zeros((1, 2))
    circle = _BESIDE / (2 * np.sin(np.pi / count))
    angles = np.pi / 2 - 2 * np.pi * np.arange(count)[::-1] / count
    return circle * np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def _lay_out(axes, place, radius):
    """Axes around the nodes, whose unit is the inch."""
    reach = radius[:, None] + 0.02  # with the line around the node
    low, high = (place - reach).min(axis=0), (place + reach).max(axis=0)
    size = np.ceil((high - low) * style.DPI)
    high = low + size / style.DPI
    style.place(axes, 0, 0, *size).set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    style.strip_axes(axes)
    axes.patch.set_visible(False)


def _draw_notes(axes, place, radius, notes):
    """A text outside each node, on the side that is away from the middle of the circle."""
    distance = np.linalg.norm(place, axis=1, keepdims=True)
    way = np.where(distance > 0, place / np.maximum(distance, 1e-9), [1.0, 0.0])
    sides = np.sign(way) * (np.abs(way) > 0.3)
    for point, side, note in zip(place + way * (radius[:, None] + 0.04), sides, notes, strict=True):
        across = {-1: "right", 0: "center", 1: "left"}[side[0]]
        up = {-1: "top", 0: "center", 1: "bottom"}[side[1]]
        axes.text(*point, note, ha=across, va=up, fontsize=style.TICK_SIZE)


def _draw_edge(axes, ends, radii, mean, edge):
    from matplotlib import patches

    axes.add_patch(
        patches.FancyArrowPatch(
            *ends,
            arrowstyle="-|>,head_length=4,head_width=2",
            shrinkA=72 * radii[0],
            shrinkB=72 * radii[1] + 1,
            lw=0.4 + 1.2 * mean,
            alpha=0.25 + 0.75 * mean,
            color=_look(*edge)["color"],
            linestyle="-" if mean > 0.5 else (0, (3, 2)),
            capstyle="butt",
            joinstyle="miter",
            zorder=1,
        )
    )


def _draw_nodes(axes, place, radius, size):
    from matplotlib import patches

    for n, (x, y) in enumerate(place):
        axes.add_patch(
            patches.Circle((x, y), radius[n], facecolor="white", edgecolor=style.INK, lw=0.8)
        )
        axes.text(x, y, f"$z_{{{n + 1}}}$", ha="center", va="center", fontsize=size, zorder=4)
