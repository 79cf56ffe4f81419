"""Images that are read when they are needed, instead of being held in memory."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

# (images [m, ...], rows int [m]) -> images [m, ...] of the same or another dtype, NumPy.
Change = Callable[[np.ndarray, np.ndarray], np.ndarray]


class LazyImages(Protocol):
    """Images of a source that need not fit into memory.

    Attributes:
      shape: (n, H, W, C).
      dtype: uint8, or float32 with values in [0, 1].
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all images."""

    @property
    def dtype(self) -> np.dtype:
        """Of the images."""

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Images [m, H, W, C] of some rows, int [m]. Raises DataFormatError if one is spoilt."""

    def batches(self, rows: tf.Tensor, size: int) -> tf.data.Dataset:
        """The images of some rows, int32 [m] tensor, in order, as tensors [size, H, W, C].

        The last batch holds what remains.
        """


class LazyStore:
    """Rows of `LazyImages`, each changed by a function once it is read, and their labels.

    Attributes:
      image_shape: shape of an image.
      labels: NumPy int32 [n] or None.
      is_held: whether images are in memory.
    """

    is_held = False

    def __init__(
        self,
        images: LazyImages,
        labels: np.ndarray | None,
        rows: np.ndarray | None = None,
        change: Change | None = None,
    ) -> None:
        self._images = images
        self._rows = np.arange(images.shape[0], dtype=np.int32) if rows is None else rows
        self._change = change
        self.labels = labels
        self.image_shape = tuple(images.shape[1:])

    def part(self, rows: np.ndarray, change: Change | None = None) -> "LazyStore":
        """Some rows of this store; `change` follows what this one changes already."""
        changes = [each for each in (self._change, change) if each is not None]
        labels = None if self.labels is None else self.labels[rows]
        rows = self._rows[rows].astype(np.int32)
        return LazyStore(self._images, labels, rows, _one_by_one(changes) if changes else None)

    def images(self, rows: np.ndarray) -> np.ndarray:
        """NumPy images [m, ...] of some rows, int [m]."""
        own = self._rows[rows]
        images = self._images.read(own)
        return images if self._change is None else self._change(images, own)

    def batches(
        self, rows: tf.Tensor, size: int, finish: Callable[[tf.Tensor, tf.Tensor], Any]
    ) -> tf.data.Dataset:
        """Data set of finish(step, images [size, ...] of the rows of that step).

        Args:
          rows: int32 [m] tensor.
          size: images in a batch; the last holds what remains.
        """
        own = tf.gather(tf.constant(self._rows), rows)
        steps = tf.data.Dataset.range(tf.cast(-(-tf.size(own) // size), tf.int64))
        read = tf.data.Dataset.zip(steps, self._images.batches(own, size))

        def changed(step, images):
            if self._change is not None:
                start = tf.cast(step, tf.int32) * size
                shape = images.shape
                images = tf.numpy_function(
                    self._change, [images, own[start : start + size]], self._dtype
                )
                images = tf.ensure_shape(images, shape)
            return finish(step, images)

        return read.map(changed)

    @property
    def _dtype(self):
        none = np.empty((0, *self.image_shape), self._images.dtype)
        return tf.as_dtype(self._change(none, np.empty(0, np.int32)).dtype)


def _one_by_one(changes):
    def change(images, rows):
        for each in changes:
            images = each(images, rows)
        return images

    return change
