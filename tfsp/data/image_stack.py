"""Many image files to one array, each brought to its size as soon as it is read."""

import pathlib
from collections.abc import Sequence

import numpy as np

from tfsp.data import area
from tfsp.data.errors import DataFormatError
from tfsp.data.image_files import Options, UnreadableImageError, read_image, weighted
from tfsp.data.left_out import LeftOut, listed

_BIT_DEPTHS = (8, 10, 12, 14, 16)
_NAMED = 100  # unreadable files in a message


def load_images(
    files: Sequence[pathlib.Path],
    image_size: tuple[int, int] | None,
    options: Options,
    left_out: LeftOut,
) -> tuple[np.ndarray, np.ndarray, str]:
    """The images of files as one array.

    Args:
      files: paths.
      image_size: (height, width), or None if all have one size.
      options: image_files.Options.
      left_out: LeftOut that records files skipped, further frames and a depth guessed.

    Returns:
      images [n, H, W, C], uint8, or float32 in [0, 1] if any file has more than 8 bits; bool
      [files], which of the files they are; a remark for `DataInfo.source`.

    Raises:
      DataFormatError: names all files that cannot be read (unless `options.errors` is "skip"), two
        files of two sizes, or a file whose values do not fit `options.bit_depth`.
    """
    images, tops, clear, bad = [], [], [], {}
    largest: tuple[int, str | None] = (0, None)
    first = None  # (file, (height, width))
    for file in files:
        try:
            image, frames = read_image(file, options.background)
        except UnreadableImageError as error:
            bad[file] = str(error)
            continue
        if bad and options.errors == "raise":
            continue  # only to find the others that are bad
        if frames > 1:
            left_out.add("with more frames than the first, which is taken", file)
        top = {"uint8": 255, "uint16": 65535}.get(image.dtype.name, 1)
        see_through = None
        if image.dtype == np.uint16:
            image, see_through, value = weighted(image, options.background)
            largest = max(largest, (value, str(file)))
        first = first or (file, image.shape[:2])
        if image_size is None and image.shape[:2] != first[1]:
            raise _different_sizes(*first, file, image.shape[:2])
        if image_size is not None:
            image = _shrunk(image, image_size, top)
            see_through = None if see_through is None else _shrunk(see_through, image_size, 1)
        tops.append(top)
        images.append(image)
        clear.append(see_through)
    if bad:
        _tell_bad(files, bad, options.errors, left_out)
    depth = _bit_depth(largest, options.bit_depth, left_out) if 65535 in tops else None
    if all(top == 255 for top in tops) and max(int(image.max()) for image in images) == 1:
        left_out.note(
            "The largest value of all images is 1 of 255, so that all are black. If they are "
            "masks of zeros and ones, save them as images of one bit, or load them as bools."
        )
    kept = np.array([file not in bad for file in files])
    remark = f", 16-bit files read as {depth}-bit" if depth else ""
    return _stack(images, tops, depth, clear, options.background), kept, remark


def _shrunk(image, size, top):
    """An image [H, W, C] at `size`; of more than 8 bits as float32 in the file's own units."""
    if image.dtype == np.uint16:
        image = image.astype(np.float32)
    return area.area_average(image[None], size, top)[0]


def _stack(images, tops, depth, clear, background):
    """One array, emptying the lists on the way so that the images are not held twice.

    The background (0 to 255) is added to images of 16 bits by its share `clear`, or None.
    """
    channels = max(image.shape[2] for image in images)
    as_bytes = all(top == 255 for top in tops)
    shape = (len(images), *images[0].shape[:2], channels)
    out = np.empty(shape, np.uint8 if as_bytes else np.float32)
    for i, top in enumerate(tops):
        image, images[i] = images[i], None  # grey is repeated where others have colours
        if as_bytes:
            out[i] = image
        else:
            top = 2**depth - 1 if top == 65535 else top
            values = image / np.float32(top)
            if clear[i] is not None:
                behind = np.array(background, np.float32)[: image.shape[2]] / np.float32(255)
                values, clear[i] = values + behind * clear[i], None
            out[i] = np.minimum(values, np.float32(1))
    return out


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


def _different_sizes(first, first_size, file, size):
    return DataFormatError(
        f"The images have different sizes: {first} is {first_size[0]}x{first_size[1]}, {file} is "
        f"{size[0]}x{size[1]} (height x width). Give `image_size` to resize all."
    )


def _tell_bad(files, bad, errors, left_out):
    reasons = [f"{file} is not a readable image: {reason}" for file, reason in bad.items()]
    if errors == "raise" or len(bad) == len(files):
        skip = " Mend or remove them, or leave them out by errors='skip'."
        raise DataFormatError(
            f"{len(bad):,} of {len(files):,} files cannot be used. {listed(reasons, _NAMED, '; ')}."
            + (skip if len(bad) < len(files) else "")
        )
    for file in bad:
        left_out.add("that cannot be read", file)
