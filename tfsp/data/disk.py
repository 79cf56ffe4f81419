"""Decoded images kept in one file on the disk, of which only what is asked for is read."""

import contextlib
import hashlib
import pathlib
import tempfile
from typing import Any

import numpy as np
import tensorflow as tf

from tfsp import atomic
from tfsp.data.errors import DataFormatError
from tfsp.data.file_names import FileNames
from tfsp.data.lazy import LazyImages

_BLOCK = 1024  # images written at a time


class DiskImages:
    """`LazyImages` in a file that is mapped into memory.  images: np.memmap [n, H, W, C]."""

    def __init__(self, images: np.ndarray) -> None:
        self._images = images
        self.shape = images.shape
        self.dtype = images.dtype

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Images [m, H, W, C] of some rows, int [m]."""
        return np.asarray(self._images[rows])

    def batches(self, rows: tf.Tensor, size: int) -> tf.data.Dataset:
        """The images of some rows, int32 [m] tensor, in order, `size` to a batch."""

        def batch(start):
            images = tf.numpy_function(self.read, [rows[start : start + size]], self.dtype)
            return tf.ensure_shape(images, [None, *self.shape[1:]])

        return tf.data.Dataset.range(0, tf.size(rows, tf.int64), size).map(batch)


def kept_on_disk(
    images: LazyImages, folder: pathlib.Path | None, name: str
) -> tuple[DiskImages, str]:
    """All images, decoded once and written to a file; and where they are, in words.

    Args:
      images: LazyImages.
      folder: where the file `name` is kept for later runs, which use it as it is; None for one
        without a name in the system's temporary folder, which is gone with this process however
        that ends.
      name: of the file, which must be another one where the images are.

    Raises:
      WriteError: an OSError, if the file cannot be written.
      DataFormatError: if an image cannot be read, or a file of this name holds something else.
    """
    if folder is None:
        file = tempfile.TemporaryFile(prefix="tfsp-")  # noqa: SIM115  # open as long as mapped
        with atomic.explained(tempfile.gettempdir()), contextlib.ExitStack() as closing:
            closing.callback(file.close)
            _write(images, file)
            file.flush()
            closing.pop_all()
        mapped = np.memmap(file, images.dtype, "r", offset=0, shape=images.shape)
        return DiskImages(mapped), "a temporary file"
    path = folder / name
    if not path.exists():
        with atomic.replacing(path) as partial, open(partial, "wb") as kept:
            header = np.lib.format.header_data_from_array_1_0(np.empty(0, images.dtype))
            np.lib.format.write_array_header_1_0(kept, {**header, "shape": images.shape})
            _write(images, kept)
    try:
        mapped = np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise _other(path, images, str(error)) from error
    if mapped.shape != images.shape or mapped.dtype != images.dtype:
        raise _other(path, images, f"an array of {mapped.shape}, {mapped.dtype}")
    return DiskImages(mapped), str(path)


def file_name(files: FileNames, facts: Any) -> str:
    """A name that changes where a file changes in name, size or date, or the facts (by `repr`)."""
    seen = hashlib.sha256(repr(facts).encode())
    for i, path in enumerate(files.paths()):
        status = path.stat()
        seen.update(bytes(files.names[i]))
        seen.update(f"\0{status.st_size} {status.st_mtime_ns}\0".encode())
    return f"{files.folder.resolve().name}-{seen.hexdigest()[:16]}.npy"


def _write(images, file):
    for start in range(0, images.shape[0], _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, images.shape[0]))
        file.write(images.read(rows).tobytes())


def _other(path, images, found):
    return DataFormatError(
        f"{path} should hold the images of the folder, an array of {tuple(images.shape)}, "
        f"{images.dtype}. Found: {found}. Remove it: it is made again."
    )
