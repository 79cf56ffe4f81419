"""Sprite sheets, read back picture by picture."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tfsp.explorer import pictures as pictures_of
from tfsp.explorer import sheets


def read(layout):
    """Pictures `[n, h, w, C]` of a layout, found as the page finds them, written anew here."""
    whole = []
    for uri in layout["sheets"]:
        head, text = uri.split(",", 1)
        assert head == f"data:image/{layout['codec']};base64"
        with Image.open(io.BytesIO(base64.b64decode(text))) as image:
            whole.append(np.asarray(image.convert("L" if layout["grey"] else "RGB")))
    position, taken = {}, set()
    for stride in layout["levels"]:
        for i in range(0, layout["number"], stride):
            if i not in taken:
                position[i] = len(taken)
                taken.add(i)
    (high, wide), (down, across) = layout["shape"], layout["pitch"]
    found = []
    for i in range(layout["number"]):
        sheet, within = divmod(position[i], layout["per_sheet"])
        row, column = divmod(within, layout["columns"])
        y, x = row * down, column * across
        found.append(whole[sheet][y : y + high, x : x + wide])
    return np.stack(found)


def smooth(number, side, channels, seed=0):
    """Pictures of a few waves: uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    waves = rng.uniform(0, 6, (number, channels, 2))
    value = np.sin(waves[..., 0, None, None] * x + waves[..., 1, None, None] * y)
    return np.moveaxis(127 + 120 * value, 1, -1).astype(np.uint8)


@pytest.mark.parametrize("shape", [(28, 28), (8, 11)])
def test_small_grey_pictures_are_kept_to_the_bit(shape):
    pictures = np.random.default_rng(0).integers(0, 256, (3000, *shape, 1), dtype=np.uint8)
    layout = sheets.make(pictures)
    assert layout["psnr"] is None
    assert layout["codec"] in ("png", "webp")
    assert len(layout["sheets"]) == -(-3000 // layout["per_sheet"])
    np.testing.assert_array_equal(read(layout), pictures[..., 0])


def test_colours_are_as_true_as_the_eye_sees():
    pictures = smooth(300, 50, 3)
    layout = sheets.make(pictures)
    assert layout["shape"] == [50, 50]
    assert layout["pitch"] == [64, 64]
    assert layout["psnr"] >= 38
    error = np.mean((read(layout).astype(float) - pictures) ** 2, axis=(1, 2, 3))
    # Of each picture, not of the sheet alone: nothing leaks from one into the next.
    assert (10 * np.log10(255**2 / error)).min() > 32


def test_the_smallest_of_the_true_ones_is_taken():
    pictures = smooth(100, 64, 3)
    layout = sheets.make(pictures)
    size = sum(map(len, layout["sheets"]))
    tried = {}
    sheet = pictures_of.sheet(pictures, layout["columns"], layout["pitch"])
    for codec in sheets._LOSSY:
        content = sheets._encoded(sheet, codec)
        tried[codec] = len(content), sheets._psnr(sheet, content)
    least = min(length for length, psnr in tried.values() if psnr >= 38)
    assert size <= 1.05 * least * 4 / 3 + 100


def test_pictures_shrink_where_they_would_not_fit():
    noise = np.random.default_rng(0).integers(0, 256, (600, 64, 64, 3), dtype=np.uint8)
    layout = sheets.make(noise, budget=150_000)
    assert max(layout["shape"]) < 64
    assert sum(map(len, layout["sheets"])) < 1.15 * 150_000 * 4 / 3


def test_large_pictures_keep_their_shape():
    layout = sheets.make(np.zeros((4, 200, 300, 3), np.uint8))
    assert layout["shape"] == [85, 128]


@pytest.mark.parametrize(
    ("number", "levels"), [(1, [1]), (2048, [1]), (10_000, [4, 1]), (100_000, [64, 16, 4, 1])]
)
def test_levels(number, levels):
    assert sheets.levels(number) == levels
    order = sheets.in_levels(number)
    np.testing.assert_array_equal(np.sort(order), np.arange(number))
    first = -(-number // levels[0])
    np.testing.assert_array_equal(order[:first], np.arange(0, number, levels[0]))


def test_bytes_of_intensities():
    x = np.array([0.0, 0.5, 1.0, -3.0, 7.0, np.nan, np.inf, 0.2]).reshape(1, 2, 2, 2)
    found = pictures_of.as_bytes(x)
    assert found.shape == (1, 2, 2, 1)  # of two channels the first
    assert found.ravel().tolist() == [0, 255, 255, 255]
    assert pictures_of.as_bytes(np.zeros((1, 2, 2, 5))).shape == (1, 2, 2, 3)


def test_mean_colours():
    grey = np.array([[[0, 100], [200, 100]]], np.uint8)[..., None]
    assert pictures_of.colours(grey).tolist() == [[100, 100, 100]]
    colour = np.zeros((1, 2, 2, 3), np.uint8)
    colour[..., 1] = 50
    assert pictures_of.colours(colour).tolist() == [[0, 50, 0]]
