"""Slow area averaging in whole numbers, straight from the definition."""

import numpy as np


def area_average(image, height, width):
    """Exact mean of a piecewise constant image over a grid of rectangles.

    Lengths along an axis of `rows` cells cut into `height` parts are counted in units of
    1 / height: a part is `rows` units long, a cell `height` units.

    Args: image: integers [H, W].
    Returns: float64 [height, width].
    """
    rows, columns = image.shape
    out = np.empty((height, width))
    for i in range(height):
        for j in range(width):
            total = 0
            for y in range(rows):
                dy = min((i + 1) * rows, (y + 1) * height) - max(i * rows, y * height)
                if dy <= 0:
                    continue
                for x in range(columns):
                    dx = min((j + 1) * columns, (x + 1) * width) - max(j * columns, x * width)
                    if dx > 0:
                        total += dy * dx * int(image[y, x])
            out[i, j] = total / (rows * columns)
    return out
