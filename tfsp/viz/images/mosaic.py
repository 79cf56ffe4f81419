"""Blocks of tiled images on a figure, so that one image pixel covers whole device pixels.

Saved at the figure's own resolution, every pixel of every image has the same size and no edge is
blurred; a grid squeezed into axes of arbitrary size shows uneven rows and false textures.
"""

import dataclasses

import numpy as np

from tfsp.viz import style

_CONTENT = int(style.TEXT_WIDTH * style.DPI)  # device pixels: the width aimed at
_HEIGHT = int(8.0 * style.DPI)  # the height aimed at, that of a page
_CELL = int(0.75 * style.DPI)  # the largest image


@dataclasses.dataclass
class Block:
    """One tiled array and the texts beside it.

    Attributes:
      image: [H', W', C] in [0, 1].
      cell: (height, width) of one image in it, in image pixels.
      pad: image pixels between neighbours.
      row_labels: one text per row, or None. They stand to the left of the rows.
      column_labels: dict column -> text under it, or None.
      row_ticks: dict row -> text, set like an axis (small, with tick marks), or None.
      x_label, y_label: axis labels, or None.
    """

    image: np.ndarray
    cell: tuple
    pad: int
    row_labels: list | None = None
    column_labels: dict | None = None
    row_ticks: dict | None = None
    x_label: str | None = None
    y_label: str | None = None


def draw(blocks, title=None):
    """A figure with `blocks` below one another.

    Args:
      blocks: list of `Block`, equally wide; only the last may have texts below it.
      title: text above, or None.

    Returns:
      a `matplotlib.figure.Figure` with one axes per block, in order.
    """
    with style.paper_style():
        figure = style.new_figure(1, 1)
        scale, y = _scale(blocks), 0
        for block in blocks:
            height, width = (side * scale for side in block.image.shape[:2])
            _draw_block(
                style.place(figure.add_axes((0, 0, 1, 1)), 0, y - height, width, height), block
            )
            y -= height + max(12, block.cell[0] * scale // 3)
        if title:
            figure.axes[0].set_title(title)
        return style.fit(figure)


def _scale(blocks):
    """Device pixels per image pixel: the most that keeps the page and the largest image."""
    width = blocks[0].image.shape[1]
    height = sum(block.image.shape[0] for block in blocks)
    fits = min(_CONTENT // width, _HEIGHT // height, _CELL // max(blocks[0].cell))
    return max(1, fits)  # below one, detail would be lost: the figure grows instead


def _draw_block(axes, block):
    image = block.image[..., 0] if block.image.shape[-1] == 1 else block.image
    axes.imshow(
        image,
        cmap="gray",
        vmin=0.0,
        vmax=1.0,
        interpolation="none",
        aspect="auto",
        extent=(0, image.shape[1], image.shape[0], 0),
    )
    style.strip_axes(axes)
    height, width = block.cell
    if block.row_labels:
        for row, text in enumerate(block.row_labels):
            axes.annotate(
                text,
                (0, row * (height + block.pad) + height / 2),
                xytext=(-14 * 72 / style.DPI, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                fontsize=8,
                annotation_clip=False,
            )
    if block.column_labels:
        centres = [c * (width + block.pad) + width / 2 for c in block.column_labels]
        axes.set_xticks(centres, list(block.column_labels.values()))
    if block.row_ticks:
        centres = [r * (height + block.pad) + height / 2 for r in block.row_ticks]
        axes.set_yticks(centres, list(block.row_ticks.values()))
    if block.x_label:
        axes.set_xlabel(block.x_label, labelpad=2)
    if block.y_label:
        axes.set_ylabel(block.y_label, labelpad=3)
