"""Images, and rows of dense tables, held in memory: one gather per batch."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfsp.data.lazy import Change

MEMORY_LIMIT = 4 * 2**30  # bytes of images that may be read into memory at once


class ImageStore:
    """All images and labels of a source; the parts of a split are rows of it.

    Attributes:
      image_shape: shape of an image.
      labels: NumPy int32 [n] or None.
      is_held: whether images are in memory.
    """

    is_held = True

    def __init__(self, images: np.ndarray, labels: np.ndarray | None) -> None:
        self._images = images
        self.labels = labels
        self.image_shape = images.shape[1:]

    def part(self, rows: np.ndarray, change: Change | None = None) -> "ImageStore":
        """A store of some rows, int [m], of this one, each changed by a function or not."""
        images = self.images(rows)
        images = images if change is None else change(images, rows)
        return ImageStore(images, None if self.labels is None else self.labels[rows])

    def images(self, rows: np.ndarray) -> np.ndarray:
        """NumPy images [m, ...], uint8 or float32, of some rows, int [m]."""
        return self._images[rows]

    def batches(
        self, rows: tf.Tensor, size: int, finish: Callable[[tf.Tensor, tf.Tensor], Any]
    ) -> tf.data.Dataset:
        """Data set of finish(step, images [size, ...] of the rows of that step).

        Args:
          rows: int32 [m] tensor.
          size: images in a batch; the last holds what remains.
        """
        images = self._tensor

        def batch(step):
            start = tf.cast(step, tf.int32) * size
            return finish(step, tf.gather(images, rows[start : start + size]))

        steps = tf.cast(-(-tf.size(rows) // size), tf.int64)
        return tf.data.Dataset.range(steps).map(batch)

    @functools.cached_property
    def _tensor(self):
        return on_host(self._images)


def on_host(array: np.ndarray) -> tf.Tensor:
    """A tensor in host memory, because tf.data runs there and a GPU's memory is the model's.

    Eager even where a data set's function is being traced.
    """
    with tf.init_scope(), tf.device("/CPU:0"):
        return tf.constant(array)
