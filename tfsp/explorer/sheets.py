"""Sprite sheets: many pictures in one file, in the format that is smallest and true enough."""

import base64
import io
import math
from typing import NamedTuple

import numpy as np
from PIL import Image, features

from tfsp.explorer import pictures as pictures_of

_SIDE = 1024  # pixels, of a sheet, about
_SMALL = 48  # pixels: smaller pictures in grey are kept to the bit
_BLOCK = 16  # pixels that a lossy codec mixes
_FULL_COLOUR = 85  # quality of a JPEG from which on colours are as sharp as brightness
_TRUE = 38.0  # dB, the peak signal-to-noise ratio at which the eye sees no difference
_OVERVIEW = 2048  # pictures that a view of all shows, about
_BUDGET = 27_000_000  # bytes of all sheets of a page; base64 makes 36 MB of them
_EACH = 2700  # bytes that a picture may take in any case: sheets of very many stand beside the page


class Codec(NamedTuple):
    """A format of pictures with its setting; `quality` 0 keeps every bit."""

    name: str
    quality: int

    @property
    def mime(self):
        """The media type of its files."""
        return f"image/{self.name}"


_LOSSLESS = (Codec("png", 0), Codec("webp", 0))
# The finest first; each is tried at each size of the pictures until all sheets fit.
_LOSSY = tuple(Codec(name, q) for q in (92, 85, 75, 60) for name in ("webp", "jpeg"))


def levels(number):
    """Strides of the levels in which pictures stand in sheets: ints, each a quarter of the last.

    A view of many pictures shows every 64th, say: these stand together, so that few sheets are to
    be decoded; then those of every 16th that are left, and so on up to all.
    """
    power = max(0, round(math.log(number / _OVERVIEW, 4))) if number else 0
    return [4**each for each in range(power, -1, -1)]


def in_levels(number):
    """The order of `number` pictures in their sheets, ints `[number]`; see `levels`."""
    parts, before = [], None
    for stride in levels(number):
        rows = np.arange(0, number, stride)
        parts.append(rows if before is None else rows[rows % before != 0])
        before = stride
    return np.concatenate(parts)


def make(pictures, budget=None):
    """Sprite sheets of pictures, as the page takes them.

    Small grey pictures are kept to the bit as long as they fit, as PNG or WebP, whichever is
    smaller. Of others each quality of WebP and JPEG is measured on one sheet, and of those that are
    true enough (38 dB) the smallest is taken, or the truest where none is; where all sheets would
    be too large together, pictures get less true first and smaller then.

    Args:
      pictures: uint8 `[n, H, W, C]`, C 1 or 3.
      budget: bytes that all sheets may take together; None takes 27 million, and 2,700 a picture
        where that is more.

    Returns:
      dict that JSON can hold: shape [h, w] of a picture in the sheets, pitch [y, x], columns,
      per_sheet, number, levels (see `levels`), codec, psnr (dB of the measured sheet, None where
      every bit is kept), grey (bool), sheets (data URIs).
    """
    number = len(pictures)
    budget = max(_BUDGET, _EACH * number) if budget is None else budget
    largest = max(pictures.shape[1:3])
    sides = [largest] if largest <= pictures_of.SIDES[0] else []
    sides += [side for side in pictures_of.SIDES if side < largest]
    grey = pictures.shape[-1] == 1 and largest <= _SMALL
    plan = None
    for side in sides:
        plan = _plan(pictures, side, grey, budget)
        if plan.bytes <= budget:
            break
    fitted = pictures_of.fitted(pictures, max(plan.shape))[in_levels(number)]
    columns, per_sheet, pitch = _layout(plan.shape, plan.codec)
    found = []
    for start in range(0, number, per_sheet):
        part = pictures_of.sheet(fitted[start : start + per_sheet], columns, pitch)
        text = base64.b64encode(_encoded(part, plan.codec)).decode()
        found.append(f"data:{plan.codec.mime};base64,{text}")
    return {
        "shape": list(plan.shape),
        "pitch": list(pitch),
        "columns": columns,
        "per_sheet": per_sheet,
        "number": number,
        "levels": levels(number),
        "grey": pictures.shape[-1] == 1,
        "codec": plan.codec.name,
        "psnr": plan.psnr,
        "sheets": found,
    }


class _Plan(NamedTuple):
    codec: Codec
    shape: tuple
    bytes: float
    psnr: float | None


def _plan(pictures, side, grey, budget):
    """How pictures of at most `side` pixels are best written, by one sheet of them."""
    _, per_sheet, _ = _layout(pictures.shape[1:3], _LOSSY[0])
    # A sample over all of them: neighbours are alike, and compress better than a sample does.
    some = np.unique(np.linspace(0, len(pictures) - 1, min(len(pictures), per_sheet)).astype(int))
    sample = pictures_of.fitted(pictures[some], side)
    shape = sample.shape[1:3]
    scale = len(pictures) / len(sample)
    tried = []
    for codec in _available(_LOSSLESS if grey else _LOSSY):
        columns, _, pitch = _layout(shape, codec)
        whole = pictures_of.sheet(sample, columns, pitch)
        content = _encoded(whole, codec)
        psnr = None if codec.quality == 0 else _psnr(whole, content)
        tried.append(_Plan(codec, shape, len(content) * scale, psnr))
    if grey:
        best = min(tried, key=lambda plan: plan.bytes)
        return best if best.bytes <= budget else _plan(pictures, side, False, budget)
    true = [plan for plan in tried if plan.psnr >= _TRUE]
    best = min(true, key=lambda plan: plan.bytes) if true else max(tried, key=lambda p: p.psnr)
    if best.bytes <= budget:
        return best
    fitting = [plan for plan in tried if plan.bytes <= budget]
    return max(fitting, key=lambda p: p.psnr) if fitting else min(tried, key=lambda p: p.bytes)


def _available(codecs):
    return [codec for codec in codecs if codec.name != "webp" or features.check("webp")]


def _layout(shape, codec):
    """(columns, pictures in a sheet, pitch) of pictures of a shape."""
    block = _BLOCK if codec.quality else 1
    pitch = tuple(-(-size // block) * block for size in shape)
    columns, rows = (max(1, _SIDE // size) for size in pitch[::-1])
    return columns, columns * rows, pitch


def _encoded(array, codec):
    stream, image = io.BytesIO(), pictures_of.as_image(array)
    if codec.name == "png":
        image.save(stream, "PNG", optimize=True)
    elif codec.name == "jpeg":
        image.save(stream, "JPEG", quality=codec.quality, subsampling=_colour(codec))
    elif codec.quality:
        image.save(stream, "WEBP", quality=codec.quality, method=2)
    else:
        image.save(stream, "WEBP", lossless=True, quality=60, method=4)
    return stream.getvalue()


def _colour(codec):
    """Of JPEG: whether colours are kept at the full number of pixels (0), or at a quarter (2)."""
    return 0 if codec.quality >= _FULL_COLOUR else 2


def _psnr(array, content):
    """Peak signal-to-noise ratio in dB of what a codec has made of a sheet."""
    with Image.open(io.BytesIO(content)) as image:
        decoded = np.asarray(image.convert("RGB" if array.shape[-1] == 3 else "L"), np.float64)
    error = np.mean((decoded.reshape(array.shape) - array) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-4)))
