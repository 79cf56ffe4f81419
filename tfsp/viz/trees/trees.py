"""Trees with times: rectangular and circular phylograms, coloured by the classes of the leaves."""

import numpy as np

from tfsp import arguments
from tfsp.viz import style
from tfsp.viz.charts import scatter
from tfsp.viz.trees import tree_images, tree_layout, tree_text

_ORIENTATIONS = ("right", "down", "circle")
_MIXED = "#4a4a4a"  # branches above leaves of several classes; darker than the palette's greys
_RULE = "#d4d4d4"  # circles of equal time, lines from leaves to images

# Lengths in device pixels.
_PAGE = int(style.TEXT_WIDTH * style.DPI) - 3 * style.EDGE  # its edges, half of a tick's text
_SIDE_AXIS = 98  # ticks and name of the time axis on the left of the tree
_TEXT = 22  # from one leaf's text to the next
_TALLEST = 1500  # of a tree that lies
_RIM = 2200  # a circle's circumference


def tree(
    phylogeny,
    labels=None,
    class_names=None,
    leaf_images=None,
    orientation="right",
    time_power=1.0,
    max_leaf_text=50,
    title=None,
    classes=None,
    node_numbers=False,
):
    """A binary tree over its leaves, time on an axis from the root to the leaves.

    Of two subtrees the one of fewer leaves comes first, so equal trees look the same however their
    internal nodes are numbered, and no branches cross. A branch has the colour of the class below
    it where all leaves below agree, otherwise it is grey; it is the fainter the less support the
    clade below it has, where the tree says (`Phylogeny.support`).

    Args:
      phylogeny: a `tfsp.tmc.Phylogeny`, a `TreeSummary`, anything else with `parent` and `time`
        (what `tfsp.tmc.ops.sample_posterior` returns), or the pair (parent `[V]`, time `[V]`).
      labels: [N] classes of the leaves, integers or strings; or None.
      class_names: what to call the classes, as in `latent_map`.
      leaf_images: [N, H, W, C] in [0, 1], one per leaf; or None. They stand beyond the
        leaves, staggered so that none overlap, each joined to its leaf by a line. Up to 240 are
        shown; of more leaves, every second (third, ...) in the order of drawing has one.
      orientation: where the leaves are: "right", "down", or "circle" (root in the middle).
      time_power: time t stands at 1 - (1 - t)^time_power on the axis. 1 is linear; 0.5 draws the
        standard deviation that is left before the leaves; posterior trees of many leaves, which
        split late, want 0.25 to 0.5.
      max_leaf_text: up to this many leaves have their names, or numbers, beside them, where there
        are no images.
      title: text above.
      classes: all classes, which take colours and the legend's lines in sorted order; None takes
        those that occur in `labels`. The classes of a whole tree keep their
        colours in its parts.
      node_numbers: True writes its number beside every node, at the end of the branch that leads to
        it; or what each node is called there, `[V]`. (A leaf whose text says it already has no
        second one.) The drawing grows with the number of leaves, so that they can be read; of more
        than 1,400 leaves (700 in a circle) they get smaller: take a `suffix` that can be enlarged.

    Returns:
      a `matplotlib.figure.Figure`. The first axes hold the tree, in units of the time axis and of
      leaves (circle: the radius is the time axis); images are in a second one.

    Raises:
      ValueError: for arguments of the wrong shape or value, with the index and the value.
      TypeError: if `phylogeny` is not a tree.
    """
    if orientation not in _ORIENTATIONS:
        raise ValueError(
            f"`orientation` must be one of {', '.join(_ORIENTATIONS)}. Received: {orientation!r}."
        )
    phylogeny = tree_layout.as_phylogeny(phylogeny)
    time_power = arguments.number("time_power", time_power, "(0, inf)")
    max_leaf_text = arguments.integer("max_leaf_text", max_leaf_text, 0)
    numbers = tree_text.check_numbers(node_numbers, phylogeny.num_nodes)
    order, place, branch_class, names = tree_layout.arrange(phylogeny, labels, class_names, classes)
    count = phylogeny.num_leaves
    if leaf_images is not None:
        leaf_images = tree_images.check(leaf_images, count)
    text = ()
    if leaf_images is None and count <= max_leaf_text:
        text = phylogeny.names or [str(n) for n in range(count)]
    depth = tree_layout.depth(phylogeny.time, time_power)
    tips = tree_layout.project(np.ones(count), place[:count], orientation, count)
    outward = tree_layout.outward(tips, orientation)
    with style.paper_style():
        figure = style.new_figure(1, 1)
        axes = figure.add_axes((0, 0, 1, 1))
        extra = tree_layout.support_handles(phylogeny, _MIXED)
        legend = scatter.class_legend(axes, names or {}, extra) if names or extra else None
        pictures, limit = None, _limit(orientation, legend, leaf_images)
        if leaf_images is not None:
            pictures, limit = tree_images.prepare(leaf_images, order, limit)
        length, spacing = _sizes(orientation, count, limit, text, pictures, numbers)
        if pictures is not None:
            scale = {"right": (length, spacing), "down": (spacing, length)}
            pixels = tips * scale.get(orientation, length)
            tree_images.stagger(pictures, pixels, outward, tree_text.REACH)
        length = _lay_out(axes, orientation, length, spacing, count, text, pictures, legend)
        _draw_axis(axes, orientation, time_power, length)
        opacity = tree_layout.opacity(phylogeny)
        _draw_branches(axes, phylogeny.parent, depth, place, branch_class, orientation, opacity)
        _draw_leaves(axes, tips, branch_class[:count], spacing)
        if text:
            tree_text.draw_leaves(axes, tips, outward, text)
        if numbers is not None:
            said = [n < len(text) and text[n] == number for n, number in enumerate(numbers)]
            numbers = ["" if twice else n for n, twice in zip(numbers, said, strict=True)]
            points = tree_layout.project(depth, place, orientation, count)
            tree_text.draw_numbers(axes, points, numbers, phylogeny.root, orientation, spacing)
        if pictures is not None:
            colors = _colors(branch_class[:count]) if names else None
            tree_images.draw(axes, pictures, tips, outward, colors, _RULE)
        if title:
            axes.set_title(title)
        return style.settle(style.fit(figure))


def _width(legend):
    """Of a legend with the gap before it, in device pixels."""
    if legend is None:
        return 0
    renderer = legend.get_figure().canvas.get_renderer()
    return int(legend.get_window_extent(renderer).width) + scatter.BESIDE


def _limit(orientation, legend, images):
    """Device pixels along which leaves may stand."""
    if orientation == "down":
        return _PAGE - _SIDE_AXIS - _width(legend)
    if orientation == "right":
        return 1000 if images is None else _TALLEST
    return _RIM if images is None else 1700  # around the circle


def _sizes(orientation, count, limit, text, pictures, numbers):
    """Length of the time axis and distance between neighbouring leaves, in device pixels."""
    if text:
        limit = count * _TEXT
    elif pictures is None:
        if orientation == "right":  # two pixels for each of many leaves, while the page lasts
            limit = min(max(limit, 2 * count), _TALLEST)
        limit = min(limit, 30 * count)
    if numbers is not None:
        limit = max(limit, tree_text.room(count, orientation, _TEXT))
    breadth = max(limit, 260)
    if orientation == "circle":
        length = max(240, round(breadth / (2 * np.pi)))
        return length, (2 * np.pi - tree_layout.OPENING) * length / count
    return 560, breadth / count


def _lay_out(axes, orientation, length, spacing, count, text, pictures, legend):
    """Sizes the axes, in whole device pixels, and places the legend.

    Returns:
      length of the time axis, which fills the page if it lies ("right").
    """
    beyond = 12
    if text:
        widths = [style.text_width(axes.figure, words, style.TICK_SIZE) for words in text]
        beyond = tree_text.REACH + max(widths) + 4
    elif pictures is not None:
        beyond = pictures.reach
    breadth = round(spacing * count)
    if orientation == "circle":
        size = 2 * (length + beyond), 2 * (length + beyond)
        reach = 1 + beyond / length
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    elif orientation == "right":
        length = int(np.clip(_PAGE - beyond - _width(legend), 440, 860))
        size = length, breadth
        axes.set(xlim=(0, 1), ylim=(count - 0.5, -0.5))
        if legend is not None:
            legend.set_bbox_to_anchor((1 + beyond / length, 0.5), axes.transAxes)
    else:
        size = breadth, length
        axes.set(xlim=(-0.5, count - 0.5), ylim=(1, 0))
    style.place(axes, 0, 0, *size)
    return length


def _ticks(power, length):
    """Round times that stand far enough apart on an axis `length` pixels long."""
    wanted = [0, 1, 0.5, 0.25, 0.75]
    if power < 0.7:
        wanted = [0, 1, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.75]
    kept = []
    for time in wanted:
        if all(
            abs(tree_layout.depth(time, power) - tree_layout.depth(t, power)) * length > 58
            for t in kept
        ):
            kept.append(time)
    return sorted(kept)


def _draw_axis(axes, orientation, power, length):
    times = _ticks(power, length)
    places, texts = tree_layout.depth(times, power), [f"{time:g}" for time in times]
    style.strip_axes(axes)
    if orientation == "right":
        axes.set_xticks(places, texts)
        axes.set_xlabel("time", labelpad=2)
        axes.spines["bottom"].set_visible(True)
        axes.spines["bottom"].set_position(("outward", 3))
    elif orientation == "down":
        axes.set_yticks(places, texts)
        axes.set_ylabel("time", labelpad=2)
        axes.spines["left"].set_visible(True)
        axes.spines["left"].set_position(("outward", 3))
    else:
        from matplotlib import patches, patheffects

        halo = [patheffects.withStroke(linewidth=1.8, foreground="white")]
        for place, text in zip(places[1:], texts[1:], strict=True):
            ring = patches.Circle((0, 0), place, fill=False, lw=0.5, edgecolor=_RULE, zorder=0.5)
            axes.add_patch(ring)
            note = axes.text(
                place, 0, text, ha="center", va="center", fontsize=style.TICK_SIZE - 1, zorder=4
            )
            note.set_path_effects(halo)


def _colors(index):
    """Colours of classes `[n]`; -1 is mixed."""
    palette = np.array([*style.PALETTE, _MIXED])
    return palette[np.where(index < 0, len(style.PALETTE), index % len(style.PALETTE))]


def _draw_branches(axes, parent, depth, place, branch_class, orientation, opacity):
    """One line per branch: from the parent across to the child's place, then along time."""
    from matplotlib import colors
    from matplotlib.collections import LineCollection

    child = np.flatnonzero(parent >= 0)
    child = child[np.argsort(branch_class[child] >= 0, kind="stable")]  # mixed ones below
    above = parent[child]
    count = (len(parent) + 1) // 2
    steps = np.linspace(0, 1, 40 if orientation == "circle" else 2)  # arcs need many
    across = place[above, None] + steps * (place[child] - place[above])[:, None]
    along = np.broadcast_to(depth[above, None], across.shape)
    points = tree_layout.project(
        np.concatenate([along, depth[child, None]], 1),
        np.concatenate([across, place[child, None]], 1),
        orientation,
        count,
    )
    lines = LineCollection(
        points,
        colors=colors.to_rgba_array(_colors(branch_class[child]), opacity[child]),
        linewidths=float(np.clip(8 / np.sqrt(count), 0.3, 1.0)),
        capstyle="projecting",
        joinstyle="miter",
        clip_on=False,
        rasterized=count > 2000,
    )
    axes.add_collection(lines, autolim=False)


def _draw_leaves(axes, tips, leaf_class, spacing):
    size = len(style.PALETTE)
    diameter = float(np.clip(0.85 * spacing * 72 / style.DPI, 0.8, 3.6))
    for shape in np.unique(np.maximum(leaf_class, 0) // size).tolist():
        chosen = np.maximum(leaf_class, 0) // size == shape
        axes.scatter(
            *tips[chosen].T,
            c=_colors(leaf_class[chosen]),
            s=diameter**2,
            marker=style.MARKERS[shape],
            linewidths=0,
            clip_on=False,
            zorder=3,
            rasterized=len(tips) > 2000,
        )
