"""Pictures as bytes: brought to a size that a page can hold."""

import numpy as np
from PIL import Image

SIDES = (128, 96, 64, 48, 32, 24, 16)  # pixels, of what is larger


def as_bytes(images):
    """Images in [0, 1] as uint8 `[n, H, W, C]`, C 1 or 3.

    Args:
      images: float `[n, H, W, C]`. What lies outside [0, 1] is cut off, NaN is 0; of two channels
        the first is kept, of more than three the first three.
    """
    images = np.asarray(images)
    images = images[..., :1] if images.shape[-1] < 3 else images[..., :3]
    if images.dtype == np.uint8:
        return np.ascontiguousarray(images)
    return np.round(np.clip(np.nan_to_num(images, posinf=1.0), 0.0, 1.0) * 255).astype(np.uint8)


def fitted(pictures, side):
    """Pictures of at most `side` pixels, their shape kept: uint8 `[n, h, w, C]`."""
    height, width = pictures.shape[1:3]
    if max(height, width) <= side:
        return pictures
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    resized = [
        np.asarray(Image.fromarray(_squeezed(each)).resize(size, Image.Resampling.LANCZOS))
        for each in pictures
    ]
    return np.stack(resized).reshape(len(pictures), size[1], size[0], -1)


def colours(pictures):
    """The mean colour of each picture: uint8 `[n, 3]`."""
    mean = np.round(pictures.mean(axis=(1, 2))).astype(np.uint8)
    return np.broadcast_to(mean, (len(mean), 3)) if mean.shape[1] == 1 else mean


def sheet(pictures, columns, pitch):
    """Pictures side by side, row after row: uint8 `[rows * pitch_y, columns * pitch_x, C]`.

    Args:
      pictures: uint8 `[n, h, w, C]`.
      columns: of the sheet.
      pitch: (y, x), pixels from one picture to the next; between them edges are continued, so that
        what a lossy codec mixes is alike.
    """
    number, height, width, channels = pictures.shape
    rows = -(-number // columns)
    below, right = pitch[0] - height, pitch[1] - width
    padded = np.pad(
        pictures, ((0, rows * columns - number), (0, below), (0, right), (0, 0)), "edge"
    )
    grid = padded.reshape(rows, columns, pitch[0], pitch[1], channels)
    return grid.swapaxes(1, 2).reshape(rows * pitch[0], columns * pitch[1], channels)


def _squeezed(array):
    return array[..., 0] if array.shape[-1] == 1 else array


def as_image(array):
    """A Pillow image of uint8 `[H, W, 1 or 3]`."""
    return Image.fromarray(np.ascontiguousarray(_squeezed(array)))
