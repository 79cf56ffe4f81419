"""Words beside the leaves of a drawn tree, and numbers beside its nodes."""

import numpy as np

from tfsp.viz import style

REACH = 14  # device pixels from a leaf to its text or image
_LARGEST, _SMALLEST = 6.0, 1.0  # points, of a node's number
_SHARE = 0.55  # of the space of a leaf: a node stands half a leaf from its children at least
_LEAVES = {"right": 30_000, "down": 30_000, "circle": 16_000}  # device pixels, at most


def check_numbers(node_numbers, num_nodes):
    """What stands beside the nodes, texts `[V]`, or None for nothing.

    Args:
      node_numbers: False; True for the nodes' own numbers; or what each is called, `[V]`.

    Raises:
      ValueError: for anything else.
    """
    if node_numbers is None or isinstance(node_numbers, bool | np.bool_):
        return [str(v) for v in range(num_nodes)] if node_numbers else None
    if isinstance(node_numbers, str) or not hasattr(node_numbers, "__len__"):
        raise ValueError(
            f"`node_numbers` must be True, False, or what each of the {num_nodes} nodes is called. "
            f"Received: {node_numbers!r}."
        )
    if len(node_numbers) != num_nodes:
        raise ValueError(
            f"`node_numbers` must name each of the {num_nodes} nodes. Received: "
            f"{len(node_numbers)} names."
        )
    return [str(number) for number in node_numbers]


def room(count, orientation, text_step):
    """Device pixels along which `count` leaves must stand for the numbers to be legible."""
    return min(count * text_step, _LEAVES[orientation])


def draw_leaves(axes, tips, outward, text):
    """Words beyond the leaves.  tips: `[N, 2]` in units of `axes`; outward: unit vectors."""
    for tip, (x, y), words in zip(tips, outward, text, strict=True):
        flipped = x < -1e-9  # readable on the left of a circle, too
        axes.annotate(
            words,
            tip,
            xytext=(REACH * 72 / style.DPI * x, REACH * 72 / style.DPI * y),
            textcoords="offset points",
            rotation=np.degrees(np.arctan2(y, x)) + 180 * flipped,
            rotation_mode="anchor",
            ha="right" if flipped else "left",
            va="center_baseline",
            fontsize=style.TICK_SIZE,
            annotation_clip=False,
        )


def draw_numbers(axes, points, numbers, root, orientation, spacing):
    """The number of each node at the end of the branch that leads to it; see `draw_number`.

    Args:
      points: `[V, 2]` in units of `axes`.
      numbers: texts `[V]`; an empty one draws nothing.
      root: which node is the root.
      orientation: of the tree.
      spacing: device pixels between neighbouring leaves.
    """
    size = float(np.clip(_SHARE * spacing * 72 / style.DPI, _SMALLEST, _LARGEST))
    for v, (point, number) in enumerate(zip(points, numbers, strict=True)):
        if not number:
            continue
        look = dict(ha="right", va="bottom", offset=(-1.2, 0.6))
        if orientation == "down":
            look = dict(ha="right", va="bottom", offset=(-1.0, 1.0))
        if orientation == "circle" and v != root:
            along = point / np.linalg.norm(point)
            flipped = along[0] < -1e-9
            normal = np.array([-along[1], along[0]]) * (-1 if flipped else 1)
            look = dict(
                ha="left" if flipped else "right",
                va="bottom",
                offset=-1.2 * along + 0.4 * normal,
                rotation=np.degrees(np.arctan2(along[1], along[0])) + 180 * flipped,
            )
        if v == root:  # within the drawing
            look = {
                "right": dict(ha="left", va="bottom", offset=(1.2, 0.6)),
                "down": dict(ha="left", va="top", offset=(1.0, -1.0)),
                "circle": dict(ha="left", va="center", offset=(1.5, 0.0)),
            }[orientation]
        draw_number(axes, point, number, size, **look)


def draw_number(axes, point, number, size, ha="left", va="bottom", offset=(0, 0), rotation=0.0):
    """A number on a white edge, so that it can be read over lines and points."""
    from matplotlib import patheffects

    text = axes.annotate(
        number,
        point,
        xytext=tuple(offset),
        textcoords="offset points",
        rotation=rotation,
        rotation_mode="anchor",
        ha=ha,
        va=va,
        fontsize=size,
        annotation_clip=False,
        zorder=6,
    )
    edge = patheffects.withStroke(linewidth=size / 4, foreground="white")
    text.set_path_effects([edge])
