"""The branches of a tree at several times, decoded: how the data descend from their mean."""

import numpy as np

from tfsp import arguments
from tfsp.viz import checks, style
from tfsp.viz.images import traversal
from tfsp.viz.trees import tree_images, tree_layout, tree_text

# Lengths in device pixels.
_PAGE = int(style.TEXT_WIDTH * style.DPI)
_SMALLEST, _LARGEST = 20, 84  # of an image
_GAP = 8
_LINE = "#9a9a9a"


def slices(
    phylogeny,
    leaves,
    decode_mean,
    times=None,
    subtree=None,
    max_branches=16,
    num_times=6,
    title=None,
    invert=False,
    node_numbers=False,
):
    """The expected locations of all branches at several times, decoded: a row for each time.

    An image stands over the images that descend from it, to which lines lead down.

    Args:
      phylogeny: as in `tree`, with its root at time 0.
      leaves: [N, D], their locations.
      decode_mean: function z [n, D] -> means [n, H, W, C], or a model with `decode`.
      times: increasing numbers in [0, 1], with at most 60 branches at the last; None takes
        `num_times` times at which the number of branches grows by about equal factors up to
        `max_branches` (at time 1, if the tree has no more leaves).
      subtree: None, or a node, to whose branches the picture is restricted. Locations are those
        given all leaves.
      max_branches, num_times: see `times`.
      title: text above.
      invert: draw 1 - means.
      node_numbers: True writes under each image the number of the node that its branch leads to; or
        what each node of the tree is called, `[V]`.

    Returns:
      a `matplotlib.figure.Figure` with one axes in device pixels, which holds the images as one
      canvas.

    Raises:
      ValueError: for wrong shapes or times, or too many branches.

    Source: Vikram et al. 2018, section 6.1, Figure 5.
    """
    from tfsp.tmc.density.slices import slice_locations

    phylogeny = tree_layout.as_phylogeny(phylogeny)
    leaves = checks.as_matrix(leaves, "leaves", "[N, D]")
    numbers = tree_text.check_numbers(node_numbers, phylogeny.num_nodes)
    if times is None:
        times = choose_times(phylogeny, subtree, max_branches, num_times)
    times = _check_times(times)
    cuts = [slice_locations(phylogeny, leaves, time, subtree) for time in times]
    columns, places = _places(phylogeny, times, cuts)
    means = traversal.decode(decode_mean, np.concatenate([cut.mean for cut in cuts]))
    means = 1.0 - means if invert else means
    texts = [f"$t$ = {_round(time, times)}" for time in times]
    with style.paper_style():
        figure = style.new_figure(1, 1)
        left = max(style.text_width(figure, text, 8) for text in texts) + 12
        fits = int(np.clip((_PAGE - left) // columns - _GAP, _SMALLEST, _LARGEST))
        means = tree_images.resize(means, fits)
        means = np.broadcast_to(means, (*means.shape[:3], 3))
        height, width = means.shape[1:3]
        step = (width + _GAP, height + max(26, height // 2))
        size = np.array([columns * step[0] - _GAP, (len(times) - 1) * step[1] + height])
        axes = style.place(figure.add_axes((0, 0, 1, 1)), 0, 0, *size)
        corners = _corners(cuts, places, step)
        axes.set_xlim(0, size[0])
        axes.set_ylim(size[1], 0)
        _draw_lines(axes, phylogeny, cuts, corners, width, height)
        _draw_images(axes, means, np.concatenate(corners), size)
        if numbers is not None:
            _draw_numbers(axes, cuts, corners, height, numbers)
        style.strip_axes(axes)
        for row, text in enumerate(texts):
            place = (-12, row * step[1] + height / 2)
            axes.text(*place, text, ha="right", va="center", fontsize=8, clip_on=False)
        if title:
            axes.set_title(title)
        return style.settle(style.fit(figure))


def choose_times(phylogeny, subtree=None, max_branches=16, num_times=6):
    """Times at which the number of branches grows by about equal factors up to `max_branches`.

    They lie midway between two splits; the last is 1 if all leaves exist by then.

    Returns:
      increasing floats, at most `num_times`.

    Raises:
      ValueError: for numbers out of range, or an unknown node.
    """
    from tfsp.tmc.density.slices import at_or_below

    phylogeny = tree_layout.as_phylogeny(phylogeny)
    max_branches = arguments.integer("max_branches", max_branches, 2)
    num_times = arguments.integer("num_times", num_times)
    top = phylogeny.root if subtree is None else subtree
    inside = at_or_below(phylogeny, top)
    inside[: phylogeny.num_leaves] = False
    splits = np.sort(phylogeny.time[inside])
    before = phylogeny.time[phylogeny.parent[top]] if phylogeny.parent[top] >= 0 else None
    # Between splits[k - 1] and splits[k] there are k + 1 branches; before the first, one.
    counts = np.arange(1 if before is not None else 2, min(max_branches, len(splits) + 1) + 1)
    if not len(counts):
        return [1.0]
    wanted = np.geomspace(counts[0], counts[-1], num_times).round().astype(int)
    times = []
    for k in np.unique(wanted).tolist():
        if k == len(splits) + 1:
            times.append(1.0)
        else:
            start = splits[k - 2] if k > 1 else before
            times.append(float((start + splits[k - 1]) / 2))
    return times


def _check_times(times):
    times = checks.as_array(times, "times").astype(np.float64)
    if times.ndim != 1 or np.any(np.diff(times) <= 0) or times[0] < 0 or times[-1] > 1:
        raise ValueError(
            f"`times` must be increasing numbers in [0, 1]. Received: {times.tolist()!r:.200}."
        )
    return times.tolist()


def _places(phylogeny, times, cuts):
    """Number of columns, and for each time the columns at which its branches stand `[k]`.

    Each branch of the last time has a column, in the order of the tree's drawing; an earlier one
    stands midway between the first and the last of those that descend from it.
    """
    for time, cut in zip(times, cuts, strict=True):
        if not len(cut.nodes):
            raise ValueError(
                f"At time {time:g} no branch of the subtree exists yet. Give later `times`."
            )
    _, place, _, _ = tree_layout.arrange(phylogeny)
    count = len(cuts[-1].nodes)
    if count > 60:
        raise ValueError(
            f"At time {times[-1]:g} the tree has {count} branches; at most 60 fit on a page. Give "
            "earlier `times`, a `subtree`, or a smaller `max_branches`."
        )
    rank = np.empty(count, int)
    rank[np.argsort(place[cuts[-1].nodes])] = np.arange(count)
    column = dict(zip(cuts[-1].nodes.tolist(), rank.tolist(), strict=True))
    places = []
    for cut in cuts:
        present = set(cut.nodes.tolist())
        below = {v: [] for v in present}
        for w, k in column.items():
            below[_climb(phylogeny, w, present)].append(k)
        places.append(np.array([(min(below[v]) + max(below[v])) / 2 for v in cut.nodes.tolist()]))
    return count, places


def _climb(phylogeny, node, present):
    """The branch of an earlier time, among `present`, that `node` descends from."""
    while node not in present:
        node = int(phylogeny.parent[node])
    return node


def _corners(cuts, places, step):
    """Upper left corners of the images of each row, device pixels `[k, 2]`."""
    return [
        np.stack([np.round(place * step[0]), np.full(len(place), row * step[1])], 1).astype(int)
        for row, (cut, place) in enumerate(zip(cuts, places, strict=True))
    ]


def _draw_lines(axes, phylogeny, cuts, corners, width, height):
    from matplotlib.collections import LineCollection

    lines = []
    for row in range(1, len(cuts)):
        above = {v: k for k, v in enumerate(cuts[row - 1].nodes.tolist())}
        for k, w in enumerate(cuts[row].nodes.tolist()):
            x0, y0 = corners[row - 1][above[_climb(phylogeny, w, above)]] + [width / 2, height]
            x1, y1 = corners[row][k] + [width / 2, 0]
            middle = (y0 + y1) / 2
            lines.append([(x0, y0), (x0, middle), (x1, middle), (x1, y1)])
    axes.add_collection(
        LineCollection(lines, colors=_LINE, linewidths=0.7, clip_on=False), autolim=False
    )


def _draw_images(axes, means, corners, size):
    canvas = np.zeros((size[1], size[0], 4))
    height, width = means.shape[1:3]
    for image, (x, y) in zip(means, corners, strict=True):
        canvas[y : y + height, x : x + width, :3] = image
        canvas[y : y + height, x : x + width, 3] = 1.0
    axes.imshow(
        canvas, interpolation="none", aspect="auto", extent=(0, size[0], size[1], 0), zorder=2
    )
    axes.set_xlim(0, size[0])
    axes.set_ylim(size[1], 0)


def _draw_numbers(axes, cuts, corners, height, numbers):
    """Under the left half of each image: lines lead down from its middle."""
    for cut, row in zip(cuts, corners, strict=True):
        for node, (x, y) in zip(cut.nodes.tolist(), row, strict=True):
            place = (x, y + height)
            tree_text.draw_number(axes, place, numbers[node], 4.0, va="top", offset=(0, -0.8))


def _round(time, times):
    """As few digits as keep the times apart, at least two."""
    for digits in range(2, 12):
        if len({f"{t:.{digits}f}" for t in times}) == len(times) and (
            time == 1 or f"{time:.{digits}f}" != f"{1:.{digits}f}"
        ):
            return f"{time:.{digits}f}"
    return repr(time)
