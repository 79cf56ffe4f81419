"""Small images beyond the leaves of a tree, staggered so that they stay apart and legible."""

import dataclasses

import numpy as np

from tfsp.data import area
from tfsp.viz import checks, style

_MOST = 240  # images shown
_SMALLEST, _LARGEST = 28, 60  # device pixels
_COLUMNS = 4  # as a rule: images are made small enough for that, down to the smallest
_GAP = 3
_FRAME = 2


@dataclasses.dataclass
class Pictures:
    """Images ready to be placed.

    Attributes:
      images: [n, h, w, 3], pixels as on the page, for `leaves`.
      leaves: those whose images are shown, from first to last `[n]`.
      away: device pixels from the leaf to the middle of its image `[n]`; see `stagger`.
    """

    images: np.ndarray
    leaves: np.ndarray
    away: np.ndarray | None = None

    @property
    def size(self):
        """(width, height) of an image with its frame."""
        return np.array(self.images.shape[2:0:-1]) + 2 * _FRAME

    @property
    def reach(self):
        """Device pixels beyond the leaves that the images take."""
        return int(self.away.max() + self.size.max() * 0.71) + 1


def check(images, count):
    """`images` as an array [N, H, W, C] in [0, 1], one per leaf.

    Raises:
      ValueError: for a wrong shape or number of images.
    """
    images = checks.as_images(images, "leaf_images")
    if len(images) != count:
        raise ValueError(
            f"`leaf_images` must hold one image per leaf, {count}. Received: {len(images)} images."
        )
    return images


def prepare(images, order, limit):
    """Images at their size on the page for leaves that may stand along `limit` device pixels.

    Args:
      order: leaves from first to last `[N]`.

    Returns:
      `Pictures`, and the device pixels along which the leaves should stand.
    """
    stride = -(-len(order) // _MOST)
    leaves = order[::stride]
    target = int(np.clip(_COLUMNS * limit / len(leaves), _SMALLEST, _LARGEST))
    images = resize(images[leaves], target)
    pictures = Pictures(np.broadcast_to(images, (*images.shape[:3], 3)), leaves)
    needed = len(order) / stride * (pictures.size.max() + _GAP)
    return pictures, int(min(limit, np.ceil(needed)))


def resize(images, target):
    """The longer side enlarged by a whole factor to `target` at most, or averaged down to it."""
    longer = max(images.shape[1:3])
    if longer <= target:
        scale = target // longer
        return np.repeat(np.repeat(images, scale, 1), scale, 2)
    size = tuple(max(1, round(side * target / longer)) for side in images.shape[1:3])
    return area.area_average(images, size)


def stagger(pictures, tips, outward, gap):
    """Moves every image outward until it is clear of those before it: sets `away`.

    Args:
      tips: all leaves in device pixels `[N, 2]`.
      outward: unit vectors `[N, 2]`.
      gap: device pixels between a leaf and the nearest image.
    """
    tips, outward = tips[pictures.leaves], outward[pictures.leaves]
    size = pictures.size + _GAP
    # From the leaf to the middle of an image that just does not touch it, in any direction.
    first = gap + np.abs(outward) @ pictures.size / 2
    middles = np.empty_like(tips)
    pictures.away = np.empty(len(tips))
    for k in range(len(tips)):
        away = first[k]
        while True:
            middle = tips[k] + away * outward[k]
            # Half a pixel of tolerance: images are placed on whole pixels.
            if not np.any(np.all(np.abs(middles[:k] - middle) < size - 0.5, axis=1)):
                break
            away += size.max() if np.abs(outward[k]).max() == 1 else size.max() / 4
        middles[k], pictures.away[k] = middle, away


def draw(axes, pictures, tips, outward, colors, rule):
    """Draws images and the lines to them on the figure of `axes`, which must be laid out.

    Args:
      tips: the leaves in units of `axes` `[N, 2]`.
      outward: unit vectors on the page, away from the tree `[N, 2]`.
      colors: of the frames `[N]`, or None for no frames.
      rule: colour of the lines to the images.
    """
    from matplotlib import colors as named
    from matplotlib.collections import LineCollection

    figure, shown = axes.figure, pictures.leaves
    starts = axes.transData.transform(tips[shown])
    middles = starts + outward[shown] * pictures.away[:, None]
    ends = axes.transData.inverted().transform(middles)
    lines = LineCollection(
        np.stack([tips[shown], ends], 1), colors=rule, linewidths=0.4, clip_on=False, zorder=1
    )
    axes.add_collection(lines, autolim=False)

    # One canvas on whole device pixels, so that all images are equally sharp.
    width, height = pictures.size
    corners = np.round(middles - pictures.size / 2).astype(int)
    low, high = corners.min(0), corners.max(0) + pictures.size
    canvas = np.zeros((high[1] - low[1], high[0] - low[0], 4))
    for k, leaf in enumerate(shown):
        x, y = corners[k, 0] - low[0], high[1] - corners[k, 1] - height
        if colors is not None:
            canvas[y : y + height, x : x + width] = named.to_rgba(colors[leaf])
        inside = canvas[y + _FRAME : y + height - _FRAME, x + _FRAME : x + width - _FRAME]
        inside[..., :3], inside[..., 3] = pictures.images[k], 1.0
    place = style.place(figure.add_axes((0, 0, 1, 1)), *low, *(high - low))
    place.imshow(canvas, interpolation="none", aspect="auto")
    place.patch.set_visible(False)
    style.strip_axes(place)
