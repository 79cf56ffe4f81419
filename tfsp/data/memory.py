"""Images held in memory: one gather per batch."""

import functools

import numpy as np
import tensorflow as tf

from tfsp import subset
from tfsp.data import binarization, pipeline


class ImageStore:
    """All images and labels of a source; the parts of a split are rows of it.

    Attributes:
      images: NumPy [n, ...] uint8 or float32; a table [n, D] too.
      labels: NumPy int32 [n] or None.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray | None) -> None:
        self.images = images
        self.labels = labels

    @functools.cached_property
    def tensors(self) -> tuple[tf.Tensor, tf.Tensor]:
        """(images, labels) as tensors in host memory; labels are zeros where there are none."""
        return _on_host(self.images, self.labels)


class MemoryPart:
    """Some rows of an `ImageStore`.

    Args:
      store: ImageStore.
      rows: int [m], the rows of this part.
      dynamic: whether evaluation uses the fixed Bernoulli draws of the images.
    """

    has_places = True  # of each training image in `arrays`

    def __init__(self, store: ImageStore, rows: np.ndarray, dynamic: bool) -> None:
        self._store = store
        self._rows = rows
        self._dynamic = dynamic
        self.size = len(rows)
        self.image_shape = store.images.shape[1:]

    def epoch(self, number: tf.Tensor, plan: pipeline.Plan) -> tf.data.Dataset:
        """Training epoch `number` (int64 scalar tensor) as a data set of batches.

        Batches have the static shape [B, ...]; the order is a permutation by a stateless key,
        and each batch of a dynamic plan draws its pixels by a key of (seed, epoch, step).
        """
        images, labels = self._store.tensors
        rows = tf.constant(self._rows, tf.int32)
        places = pipeline.order(self.size, number, plan)
        draws_key = plan.draws_key(number)
        batch_size = min(plan.batch_size, self.size)

        def batch(step):
            start = tf.cast(step, tf.int32) * batch_size
            index = tf.ensure_shape(places[start : start + batch_size], [batch_size])
            chosen = tf.gather(rows, index)
            x = tf.gather(images, chosen)
            if plan.dynamic:
                x = binarization.bernoulli(x, pipeline.fold(draws_key, step))
            x = tf.ensure_shape(binarization.to_unit(x), [batch_size, *self.image_shape])
            return plan.element(x, tf.gather(labels, chosen), index)

        steps = pipeline.steps_per_epoch(self.size, plan.batch_size)
        return tf.data.Dataset.range(steps).map(batch)

    def in_order(self, plan: pipeline.Plan) -> tf.data.Dataset:
        """Evaluation batches in fixed order, the remainder included."""
        images, labels = self._evaluation_tensors

        def batch(start):
            x = binarization.to_unit(images[start : start + plan.batch_size])
            return plan.element(x, labels[start : start + plan.batch_size])

        starts = tf.data.Dataset.range(0, self.size, plan.batch_size)
        return pipeline.finish(starts.map(batch))

    def arrays(self, limit: int | None) -> tuple[np.ndarray, np.ndarray | None]:
        """Images as evaluation sees them and their labels or None; see `subset` for `limit`."""
        rows = self._rows[subset.rows(self.size, limit)]
        images = self._evaluation_images(rows)
        images = images / np.float32(255) if images.dtype == np.uint8 else images
        labels = self._store.labels
        return images, None if labels is None else labels[rows]

    def _evaluation_images(self, rows):
        if self._dynamic:
            return binarization.fixed_draws(self._store.images, rows)
        return self._store.images[rows]

    @functools.cached_property
    def _evaluation_tensors(self):
        labels = self._store.labels
        labels = None if labels is None else labels[self._rows]
        return _on_host(self._evaluation_images(self._rows), labels)


def _on_host(images, labels):
    if labels is None:
        labels = np.zeros(len(images), np.int32)
    # Eager even where a data set's function is being traced. In host memory, because tf.data
    # runs there and a GPU's memory is the model's.
    with tf.init_scope(), tf.device("/CPU:0"):
        return tf.constant(images), tf.constant(labels)
