"""What must be known of all files before one is decoded: colours, sizes, depth, what is spoilt.

Of JPEGs, PNGs of 8 bits and most WebPs the first bytes tell it, so that 200,000 files take seconds;
all others are decoded once for it.
"""

import dataclasses
import itertools
import os
import pathlib
import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from typing import Any

import numpy as np

from tfsp.data.errors import DataFormatError
from tfsp.data.file_names import FileNames
from tfsp.data.image_files import (
    JPEG,
    PNG,
    PNG_SPECIAL,
    Options,
    UnreadableImageError,
    jpeg_header,
    read_image,
    weighted,
)
from tfsp.data.left_out import LeftOut, listed

# How a file is decoded: by TensorFlow; by it unless the content speaks of transparency or turning;
# by `read_image`.
DIRECT, DIRECT_UNLESS_SPECIAL, READ = range(3)
_BIT_DEPTHS = (8, 10, 12, 14, 16)
_NAMED = 100  # unreadable files in a message
_HEAD = 2048  # bytes of a file read at first
_BLOCK = 500  # files to a task of a thread
_THREADS = max(2, os.cpu_count() or 1)


@dataclasses.dataclass(slots=True)
class Looks:
    """What is known of one file; `height` is 0 where it was not needed and not told."""

    route: int
    channels: int
    height: int
    width: int
    top: int = 255  # 65535 of 16 bits, 1 of floats
    largest: int = 0  # value of a file of 16 bits
    frames: int = 1


@dataclasses.dataclass(frozen=True, eq=False)
class Survey:
    """What is known of all files that are kept.

    Attributes:
      kept: bool [files], which are.
      routes: uint8 [kept], how each is decoded.
      channels: 1 or 3, of all images.
      as_bytes: whether all have 8 bits.
      depth: bits of the values in files of 16 bits; None where there are none.
      sizes: int32 [kept, 2], heights and widths; 0 where not known.
    """

    kept: np.ndarray
    routes: np.ndarray
    channels: int
    as_bytes: bool
    depth: int | None
    sizes: np.ndarray


def survey(names: FileNames, resized: bool, options: Options, left_out: LeftOut) -> Survey:
    """Looks at all files.

    Args:
      names: FileNames of the files.
      resized: whether images are brought to one size; if not, they must have it.
      options: image_files.Options.
      left_out: LeftOut that records files skipped, further frames and a depth guessed.

    Raises:
      DataFormatError: names all files that cannot be read if any is found (unless `options.errors`
        is "skip", for which all are decoded), two files of two sizes, or a file whose values do not
        fit `options.bit_depth`.
    """
    number = len(names)
    bad = unreadable(names, options) if options.errors == "skip" else {}
    kept = np.ones(number, bool)
    facts = np.zeros((number, 5), np.int32)  # route, channels, height, width, top
    largest: tuple[int, str] = (0, "")
    looked = _of_all(names, lambda file: None if file in bad else _look(file, resized, options))
    for i, (file, looks) in enumerate(looked):
        if isinstance(looks, UnreadableImageError):
            raise bad_files(number, unreadable(names, options) or {file: str(looks)})
        if looks is None:
            kept[i] = False
            left_out.add("that cannot be read", file)
            continue
        facts[i] = looks.route, looks.channels, looks.height, looks.width, looks.top
        if looks.frames > 1:
            left_out.add("with more frames than the first, which is taken", file)
        if looks.top == 65535:
            largest = max(largest, (looks.largest, str(file)))
    if bad and not kept.any():
        raise bad_files(number, bad)
    facts = facts[kept]
    if not resized:
        _refuse_sizes(names.at(kept), facts[:, 2:4])
    deep = (facts[:, 4] == 65535).any()
    return Survey(
        kept,
        facts[:, 0].astype(np.uint8),
        int(facts[:, 1].max()),
        bool((facts[:, 4] == 255).all()),
        _bit_depth(largest, options.bit_depth, left_out) if deep else None,
        facts[:, 2:4].copy(),
    )


def unreadable(names: FileNames, options: Options) -> dict[pathlib.Path, str]:
    """dict file -> reason of those that cannot be read: all are decoded for it."""

    def decode(file):
        read_image(file, options.background)

    found = _of_all(names, decode)
    return {file: str(why) for file, why in found if isinstance(why, UnreadableImageError)}


def bad_files(number: int, bad: dict[pathlib.Path, str]) -> DataFormatError:
    """The error about files that cannot be read, of `number` in all."""
    skip = " Mend or remove them, or leave them out by errors='skip'."
    return DataFormatError(
        f"{len(bad):,} of {number:,} files cannot be used. "
        f"{listed([bad_file(*pair) for pair in bad.items()], _NAMED, '; ')}."
        + (skip if len(bad) < number else "")
    )


def bad_file(file: pathlib.Path, reason: str) -> str:
    """What is wrong with one file."""
    return f"{file} is not a readable image: {reason}"


def _of_all(names: FileNames, function: Callable[[pathlib.Path], Any]) -> Iterator[Any]:
    """(file, what the function gives, or its UnreadableImageError) in order, by several threads."""

    def of_block(block):
        found = []
        for file in block:
            try:
                found.append((file, function(file)))
            except UnreadableImageError as error:
                found.append((file, error))
        return found

    files = names.paths()
    with futures.ThreadPoolExecutor(_THREADS) as pool:
        waiting: list = []
        while block := list(itertools.islice(files, _BLOCK)):
            waiting.append(pool.submit(of_block, block))
            if len(waiting) > 2 * _THREADS:  # no more blocks ahead than are worked on
                yield from waiting.pop(0).result()
        for future in waiting:
            yield from future.result()


def _look(file, resized, options):
    try:
        descriptor = os.open(file, os.O_RDONLY)  # in half the time of `open`
        try:
            head = os.read(descriptor, _HEAD)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UnreadableImageError(f"{error.strerror or error}") from error
    looks = None
    if head.startswith(JPEG):
        looks = _look_at_jpeg(file, head)
    elif head.startswith(PNG):
        looks = _look_at_png(file, head, resized, options)
    elif resized and head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        animated = head[12:16] == b"VP8X" and len(head) > 20 and head[20] & 2
        looks = None if animated else Looks(READ, 3, 0, 0)
    return looks or _decoded(file, options)


def _look_at_jpeg(file, head):
    found = jpeg_header(head)
    if found is None and len(head) == _HEAD:  # a preview or a colour profile comes first
        found = jpeg_header(file.read_bytes())
    if found is None or found.channels not in (1, 3, 4):
        return None
    orientation = found.orientation(file)
    height, width = found.height, found.width
    if orientation in (5, 6, 7, 8):
        height, width = width, height
    plain = found.channels < 4 and orientation == 1
    return Looks(DIRECT if plain else READ, min(found.channels, 3), height, width)


def _look_at_png(file, head, resized, options):
    if len(head) < 33 or head[12:16] != b"IHDR" or b"acTL" in head:
        return None
    width, height, depth, colour = struct.unpack(">IIBB", head[16:26])
    coloured = len(set(options.background)) > 1
    if depth == 16 or not width or not height:
        return None
    turns = not resized and width != height  # its shape would be another
    if (turns or (coloured and colour == 0)) and _is_special(file, head):
        return None
    if colour in (0, 2, 3):
        return Looks(DIRECT_UNLESS_SPECIAL, 1 if colour == 0 else 3, height, width)
    if colour in (4, 6):
        return Looks(READ, 3 if coloured or colour == 6 else 1, height, width)
    return None


def _is_special(file, head):
    content = head if len(head) < _HEAD else file.read_bytes()
    return any(chunk in content for chunk in PNG_SPECIAL)


def _decoded(file, options):
    image, frames = read_image(file, options.background)
    top = {"uint8": 255, "uint16": 65535}.get(image.dtype.name, 1)
    largest = 0
    if image.dtype == np.uint16:
        image, _, largest = weighted(image, options.background)
    height, width, channels = image.shape
    return Looks(READ, channels, height, width, top, largest, frames)


def _refuse_sizes(names, sizes):
    other = (sizes != sizes[0]).any(axis=1)
    if other.any():
        which = int(other.argmax())
        raise different_sizes(names.path(0), sizes[0], names.path(which), sizes[which])


def different_sizes(
    first: pathlib.Path, first_size: Sequence[int], file: pathlib.Path, size: Sequence[int]
) -> DataFormatError:
    """The error about two files of two sizes, each (height, width)."""
    return DataFormatError(
        f"The images have different sizes: {first} is {first_size[0]}x{first_size[1]}, {file} is "
        f"{size[0]}x{size[1]} (height x width). Give `image_size` to resize all."
    )


def _bit_depth(largest, given, left_out):
    """Bits of the values in files of 16 bits; `largest`: (the largest value, its file)."""
    value, file = largest
    if given is not None:
        if value >= 2**given:
            raise DataFormatError(
                f"`bit_depth` is {given}, which ends at {2**given - 1}, but {file} has a pixel of "
                f"{value}. Give more bits, or None to find them."
            )
        return int(given)
    depth = next(bits for bits in _BIT_DEPTHS if value < 2**bits) if value else 16
    if depth < 16:
        left_out.note(
            f"The files of 16 bits go up to {value} only, so they are taken for {depth}-bit data "
            f"and divided by {2**depth - 1}. Pass bit_depth=16 if 65535 is meant to be white, or "
            f"bit_depth={depth} to keep to this whatever further files hold."
        )
    return depth
