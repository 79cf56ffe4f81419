"""One image file to an array: TensorFlow for plain PNG and JPEG, Pillow for all else.

Colours come out as Pillow shows them: palettes looked up, turned as EXIF says, what is transparent
laid over a background, CMYK turned to RGB; of several frames the first. TensorFlow reads the rest:
its JPEG decoder differs from Pillow's by a grey level here and there, and it keeps all 16 bits of
a PNG, of which Pillow drops the lower ones where there are colours.
"""

import dataclasses
import io
import pathlib
import re
import warnings
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image, ImageColor, ImageOps

from tfsp import arguments
from tfsp.data.arrays import ROUNDING

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
_PNG_DEPTH, _PNG_COLOUR = 24, 25  # bytes of the header
_WITH_ALPHA = (4, 6)  # PNG's numbers of grey and RGB with an alpha channel
_ORIENTATION = 0x0112  # EXIF's tag
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG's markers: a header of pixels
_METADATA = 0xE1  # that of EXIF and XMP
_MAY_TURN = (b"eXIf", b"Raw profile type exif", b"XML:com.adobe.xmp")  # a PNG's orientation
# What in a PNG is more than pixels: one colour or palette entries transparent, or an orientation.
PNG_SPECIAL = (b"tRNS", *_MAY_TURN)
_TIFF_BITS, _TIFF_ZERO = 258, 262  # tags: bits of each channel; 0 where zero is white


@dataclasses.dataclass(frozen=True)
class Options:
    """How the images of a folder are read; see `folder.from_folder`."""

    background: Any = "white"  # (red, green, blue) once it is made
    errors: str = "raise"
    bit_depth: int | None = None

    def __post_init__(self) -> None:
        if self.errors not in ("raise", "skip"):
            raise ValueError(f"`errors` must be 'raise' or 'skip'. Received: {self.errors!r}.")
        if self.bit_depth is not None:
            arguments.integer("bit_depth", self.bit_depth, 8, 16)
        object.__setattr__(self, "background", _colour(self.background))


def _colour(value):
    """(red, green, blue) of 0..255 from a name, "#rrggbb", or three numbers."""
    try:
        colour = ImageColor.getrgb(value) if isinstance(value, str) else tuple(value)
        colour = tuple(arguments.integer("background", part, 0, 255) for part in colour)
    except (TypeError, ValueError):
        colour = ()
    if len(colour) != 3:
        raise ValueError(
            "`background` must be the name of a colour, such as 'black', or '#rrggbb', or three "
            f"integers from 0 to 255. Received: {value!r}."
        )
    return colour


class UnreadableImageError(ValueError):
    """A file that holds no image that can be read; the message is the reason alone."""


def read_image(path: pathlib.Path, background: tuple[int, int, int]) -> tuple[np.ndarray, int]:
    """The image in a file.

    Args:
      path: pathlib.Path.
      background: (red, green, blue) of 0..255.

    Returns:
      [H, W, 1] or [H, W, 3], uint8, or uint16 of files of 16 bits, or float32 in [0, 1] of files of
      floats; uint16 keeps its alpha channel, as [H, W, 2] or [H, W, 4], for `weighted`; and the
      number of frames that the file has.

    Raises:
      UnreadableImageError: if it is no image that can be read, with the reason.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableImageError(f"{error.strerror or error}") from error
    if not content:
        raise UnreadableImageError("the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of metadata that it does not understand
            return _decode(content, background)
    except (MemoryError, UnreadableImageError):
        raise
    except tf.errors.OpError as error:
        reason = re.sub(r"\{\{.*?\}\}\s*", "", str(error).splitlines()[0])
        raise UnreadableImageError(reason) from error
    except Image.UnidentifiedImageError as error:
        raise UnreadableImageError("its content is of no known image format") from error
    except Exception as error:  # a damaged file shows as nearly any kind of error
        raise UnreadableImageError(f"{type(error).__name__}: {error}") from error


def _decode(content, background):
    if content.startswith(PNG) and len(content) > _PNG_COLOUR:
        if content[_PNG_DEPTH] == 16:
            image = _with_clear_colour(tf.io.decode_png(content, dtype=tf.uint16).numpy(), content)
            return _turned(image, _png_orientation(content)), 1
        special = any(chunk in content for chunk in PNG_SPECIAL)
        plain = content[_PNG_COLOUR] not in _WITH_ALPHA and not special
    else:
        plain = content.startswith(JPEG) and _is_plain_jpeg(content)
    if plain:
        return tf.io.decode_image(content, expand_animations=False).numpy(), 1
    with Image.open(io.BytesIO(content)) as image:
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        image.seek(0)
        maxval = image.tile[0].args[-1] if image.format == "PPM" and image.tile else None
        image.load()
        zero_is_white = image.format == "TIFF" and _tiff_zero_is_white(image)
        pixels = _with_pillow(image, background)
    if pixels.dtype == np.uint16 and isinstance(maxval, int) and maxval < 65535:
        values = np.rint(pixels * (maxval / 65535))  # Pillow has stretched them to 65535
        return (values / maxval).astype(np.float32), frames
    if zero_is_white:
        pixels = (1 if pixels.dtype == np.float32 else np.uint16(65535)) - pixels
    return pixels, frames


def _tiff_zero_is_white(image):
    """Whether Pillow leaves it to us to invert a TIFF, as it does of more than 8 bits.

    Raises:
      UnreadableImageError: for colours of more than 8 bits, of which it keeps the upper 8.
    """
    bits = max(image.tag_v2.get(_TIFF_BITS, (1,)))
    if bits <= 8:
        return False
    if image.mode != "F" and not image.mode.startswith("I"):
        raise UnreadableImageError(
            f"it is a TIFF with {bits} bits for each of several channels ({image.mode}), of which "
            "only the upper 8 could be read; convert it to a 16-bit PNG, or to 8 bits"
        )
    return image.tag_v2.get(_TIFF_ZERO) == 0


@dataclasses.dataclass(frozen=True)
class JpegHeader:
    """Size and kind of a JPEG; `turnable` is whether it has metadata that may turn it."""

    height: int
    width: int
    channels: int
    turnable: bool

    def orientation(self, file: Any) -> int:
        """1 to 8, as EXIF or XMP say; `file` is a path or an open file."""
        if not self.turnable:
            return 1
        try:
            with Image.open(file) as image:
                return image.getexif().get(_ORIENTATION, 1) or 1
        except Exception:  # damaged: TensorFlow shall say how
            return 1


def jpeg_header(content: bytes) -> JpegHeader | None:
    """The header of a JPEG of 8 bits from its first bytes, or None if they do not tell it.

    Pillow tells the same, in ten times as long.
    """
    place, turnable = 2, False
    while place + 9 < len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:  # filling
            place += 1
            continue
        if marker in _FRAMES:
            height, width = (content[place + i] << 8 | content[place + i + 1] for i in (5, 7))
            if content[place + 4] != 8 or not height or not width:
                return None
            return JpegHeader(height, width, content[place + 9], turnable)
        if marker in (0xD9, 0xDA):  # the end, or pixels without a frame
            return None
        turnable = turnable or marker == _METADATA
        place += 2 + (content[place + 2] << 8 | content[place + 3])
    return None


def _is_plain_jpeg(content):
    """Whether it is grey or RGB and stands upright; TensorFlow reads neither CMYK nor EXIF."""
    header = jpeg_header(content)
    if header is None:  # damaged: TensorFlow shall say how
        return True
    return header.channels in (1, 3) and header.orientation(io.BytesIO(content)) == 1


def _with_pillow(image, background):
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        return _sixteen_bits(np.asarray(image))
    if image.mode == "F":
        return _floats(np.asarray(image))
    if image.has_transparency_data:
        grey = image.mode in ("1", "L", "LA", "La") and len(set(background)) == 1
        behind = Image.new("RGBA", image.size, background)
        image = Image.alpha_composite(behind, image.convert("RGBA")).convert("RGB")
        return np.asarray(image)[..., : 1 if grey else 3]
    # A GIF's palette may happen to be grey; its images are RGB all the same, as others of it are.
    grey = image.mode in ("1", "L") and image.format != "GIF"
    pixels = np.asarray(image.convert("L" if grey else "RGB"))
    return pixels[..., None] if grey else pixels


def _sixteen_bits(pixels):
    if pixels.min() < 0 or pixels.max() > 65535:
        raise UnreadableImageError(
            f"its integers from {pixels.min()} to {pixels.max()} do not fit 16 bits"
        )
    return pixels.astype(np.uint16)[..., None]


def _floats(pixels):
    if not (pixels.min() >= -ROUNDING and pixels.max() <= 1 + ROUNDING):
        raise UnreadableImageError(
            f"its floats must lie in [0, 1]; they go from {pixels.min():g} to {pixels.max():g}"
        )
    return np.clip(pixels, 0, 1)[..., None].astype(np.float32)


def weighted(
    image: np.ndarray, background: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray | None, int]:
    """What an image of 16 bits shows of itself, without the background.

    The bits that the data make use of, and with them white, are known only after all files are
    read, so that the background can be laid behind no earlier.

    Args:
      image: uint16 [H, W, 1..4], of which 2 and 4 have an alpha channel.
      background: as above.

    Returns:
      colours times opacity, [H, W, 1 or 3], uint16 or float32; the share of the background, float32
      [H, W, 1], or None if nothing shows through; the largest value that shows at all.
    """
    colours, alpha = image, None
    if image.shape[2] in (2, 4):
        colours, alpha = image[..., :-1], image[..., -1:]
    if alpha is None or (alpha == 65535).all():
        return colours, None, int(colours.max())
    largest = int(np.where(alpha > 0, colours, 0).max())
    if colours.shape[2] == 1 and len(set(background)) > 1:
        colours = np.repeat(colours, 3, axis=2)
    opacity = alpha / np.float32(65535)
    return colours * opacity, 1 - opacity, largest


def _with_clear_colour(image, content):
    """Adds an alpha channel where a PNG declares one colour transparent, which TensorFlow skips."""
    start = content.find(b"tRNS", 0, content.find(b"IDAT"))
    if start < 0 or image.shape[2] not in (1, 3):
        return image
    colour = np.frombuffer(content, ">u2", image.shape[2], start + 4)
    clear = (image == colour).all(axis=2, keepdims=True)
    return np.concatenate([image, np.where(clear, 0, 65535).astype(np.uint16)], axis=2)


def _png_orientation(content):
    if not any(chunk in content for chunk in _MAY_TURN):
        return 1
    with Image.open(io.BytesIO(content)) as image:
        image.load()  # what comes after the pixels counts too
        return image.getexif().get(_ORIENTATION, 1)


def _turned(image, orientation):
    """An image as its EXIF orientation (1 to 8) means it."""
    if orientation in (5, 6, 7, 8):  # rows and columns swapped, then mirrored or not
        image = image.transpose(1, 0, 2)
    rows = -1 if orientation in (3, 4, 7, 8) else 1
    columns = -1 if orientation in (2, 3, 6, 7) else 1
    return image[::rows, ::columns]
