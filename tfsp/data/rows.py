"""A part of a source whose images have their places: held in memory, or read when needed."""

import functools
import math

import numpy as np
import tensorflow as tf

from tfsp import subset
from tfsp.data import binarization, pipeline
from tfsp.data.lazy import LazyStore
from tfsp.data.memory import MEMORY_LIMIT, ImageStore, on_host
from tfsp.data.sparse_rows import SparseStore


class RowsPart:
    """Some rows of an `ImageStore`, a `LazyStore` or a `SparseStore`.

    All give the same batches, bit for bit.

    Args:
      store: one of these.
      rows: int [m], the rows of this part.
      dynamic: whether evaluation uses the fixed Bernoulli draws of the images.

    Attributes:
      rows: as given, int [m].
    """

    has_places = True  # of each training image in `arrays`

    def __init__(
        self, store: ImageStore | LazyStore | SparseStore, rows: np.ndarray, dynamic: bool
    ) -> None:
        self._store = store
        self.rows = rows
        self._change = binarization.fixed_draws if dynamic else None
        self.size = len(rows)
        self.image_shape = tuple(store.image_shape)

    def epoch(self, number: tf.Tensor, plan: pipeline.Plan) -> tf.data.Dataset:
        """Training epoch `number` (int64 scalar tensor) as a data set of batches.

        Batches have the static shape [B, ...]; the order is a permutation of all rows by a
        stateless key, and each batch of a dynamic plan draws its pixels by a key of (seed, epoch,
        step).
        """
        places = pipeline.order(self.size, number, plan)
        draws_key = plan.draws_key(number)
        batch_size = min(plan.batch_size, self.size)

        def batch(step, x):
            start = tf.cast(step, tf.int32) * batch_size
            index = tf.ensure_shape(places[start : start + batch_size], [batch_size])
            if plan.dynamic:
                x = binarization.bernoulli(x, pipeline.fold(draws_key, step))
            x = tf.ensure_shape(binarization.to_unit(x), [batch_size, *self.image_shape])
            return plan.element(x, tf.gather(self._labels, index), index)

        used = places[: pipeline.steps_per_epoch(self.size, plan.batch_size) * batch_size]
        rows = tf.gather(tf.constant(self.rows, tf.int32), used)
        return self._store.batches(rows, batch_size, batch)

    def in_order(self, plan: pipeline.Plan) -> tf.data.Dataset:
        """Evaluation batches in fixed order, the remainder included."""

        def batch(step, x):
            start = tf.cast(step, tf.int32) * plan.batch_size
            y = self._labels[start : start + plan.batch_size]
            return plan.element(binarization.to_unit(x), y)

        batches = self._evaluation.batches(tf.range(self.size), plan.batch_size, batch)
        steps = -(-self.size // plan.batch_size)
        return pipeline.finish(batches.apply(tf.data.experimental.assert_cardinality(steps)))

    def arrays(self, limit: int | None) -> tuple[np.ndarray, np.ndarray | None]:
        """Images as evaluation sees them and their labels or None; see `subset` for `limit`.

        Raises:
          ValueError: for more images that are not in memory than fit there.
        """
        chosen = subset.rows(self.size, limit)
        self._check_memory(len(chosen))
        rows = self.rows[chosen]
        images = self._store.images(rows)
        images = images if self._change is None else self._change(images, rows)
        images = images / np.float32(255) if images.dtype == np.uint8 else images
        labels = self._store.labels
        return images, None if labels is None else labels[rows]

    def _check_memory(self, count):
        image = 4 * math.prod(self.image_shape)
        if not self._store.is_held and count * image > MEMORY_LIMIT:
            raise ValueError(
                f"{count:,} images of shape {self.image_shape} take {count * image / 2**30:.1f} "
                f"GiB as float32; {MEMORY_LIMIT / 2**30:g} GiB is the most read into memory. "
                f"Pass limit=n, at most {MEMORY_LIMIT // image:,}, or iterate over the batches."
            )

    @functools.cached_property
    def _evaluation(self):
        return self._store.part(self.rows, self._change)

    @functools.cached_property
    def _labels(self):
        """int32 [size] of the part, zeros where there are none."""
        labels = self._store.labels
        return on_host(np.zeros(self.size, np.int32) if labels is None else labels[self.rows])
