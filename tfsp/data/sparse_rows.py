"""Sparse tables: rows are made dense batch by batch.

A table of n rows and D columns, of whose values a share s is not zero, takes 8 s n D bytes: a
float32 and an int32 for each, in NumPy's memory and once more in TensorFlow's. A dense one takes
4 n D, twice. For 200,000 x 2,000 values, one in a hundred not zero, that is 32 MB in place of
1.6 GB; loading them, an epoch, a pass over the test part and `arrays(limit=1000)` were measured to
need 110 MB at their peak, beside the matrix that was given. Dense at one time are the prefetched
batches, and what `arrays` is asked for.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfsp import subset
from tfsp.data import pipeline


class SparseStore:
    """All rows of a sparse table; the parts of a split are some of them.

    Args:
      values: SciPy CSR float32 [n, D] in canonical form.
      labels: NumPy int32 [n] or None.

    Attributes:
      image_shape: (D,).
      labels: NumPy int32 [n] or None.
    """

    def __init__(self, values: Any, labels: np.ndarray | None) -> None:
        self._values = values
        self.labels = labels
        self.image_shape: tuple[int, ...] = (int(values.shape[1]),)

    def images(self, rows: np.ndarray) -> np.ndarray:
        """NumPy float32 [m, D], dense, of some rows, int [m]."""
        return self._values[rows].toarray()

    def batches(
        self, rows: tf.Tensor, size: int, finish: Callable[[tf.Tensor, tf.Tensor], Any]
    ) -> tf.data.Dataset:
        """Data set of finish(step, dense float32 [size, D] of the rows of that step).

        Args:
          rows: int32 [m] tensor.
          size: rows in a batch; the last holds what remains.
        """
        tensors = self._tensors

        def batch(step):
            start = tf.cast(step, tf.int32) * size
            return finish(step, self._dense(tensors, rows[start : start + size]))

        steps = tf.cast(-(-tf.size(rows) // size), tf.int64)
        return tf.data.Dataset.range(steps).map(batch)

    def _dense(self, tensors, rows):
        values, columns, begins = tensors
        places = tf.ragged.range(tf.gather(begins, rows), tf.gather(begins, rows + 1))
        of_row = tf.cast(places.value_rowids(), tf.int64)
        column = tf.cast(tf.gather(columns, places.flat_values), tf.int64)
        shape = tf.stack([tf.size(rows, tf.int64), *self.image_shape])
        x = tf.scatter_nd(
            tf.stack([of_row, column], axis=1), tf.gather(values, places.flat_values), shape
        )
        return tf.ensure_shape(x, [None, *self.image_shape])

    @functools.cached_property
    def _tensors(self):
        """(values [m], their columns [m], where rows begin [n + 1])."""
        return (
            _on_host(self._values.data),
            _on_host(self._values.indices.astype(np.int32, copy=False)),
            _on_host(self._values.indptr.astype(np.int64, copy=False)),
        )


class SparsePart:
    """Some rows of a `SparseStore`.

    Args:
      store: SparseStore.
      rows: int [m], the rows of this part.
    """

    has_places = True  # of each training row in `arrays`

    def __init__(self, store: SparseStore, rows: np.ndarray) -> None:
        self._store = store
        self._rows = rows
        self.size = len(rows)
        self.image_shape = store.image_shape

    def epoch(self, number: tf.Tensor, plan: pipeline.Plan) -> tf.data.Dataset:
        """Training epoch `number` as a data set of batches, in the order of a dense table."""
        places = pipeline.order(self.size, number, plan)
        size = min(plan.batch_size, self.size)

        def batch(step, x):
            start = tf.cast(step, tf.int32) * size
            index = tf.ensure_shape(places[start : start + size], [size])
            x = tf.ensure_shape(x, [size, *self.image_shape])
            return plan.element(x, tf.gather(self._labels, index), index)

        used = places[: pipeline.steps_per_epoch(self.size, plan.batch_size) * size]
        return self._store.batches(tf.gather(tf.constant(self._rows, tf.int32), used), size, batch)

    def in_order(self, plan: pipeline.Plan) -> tf.data.Dataset:
        """Evaluation batches in fixed order, the remainder included."""
        size = plan.batch_size

        def batch(step, x):
            start = tf.cast(step, tf.int32) * size
            return plan.element(x, self._labels[start : start + size])

        batches = self._store.batches(tf.constant(self._rows, tf.int32), size, batch)
        steps = -(-self.size // size)
        return pipeline.finish(batches.apply(tf.data.experimental.assert_cardinality(steps)))

    def arrays(self, limit: int | None) -> tuple[np.ndarray, np.ndarray | None]:
        """Dense rows and their labels or None; see `subset` for `limit`."""
        rows = self._rows[subset.rows(self.size, limit)]
        labels = self._store.labels
        return self._store.images(rows), None if labels is None else labels[rows]

    @functools.cached_property
    def _labels(self):
        """int32 [size] of the part, zeros where there are none."""
        labels = self._store.labels
        return _on_host(np.zeros(self.size, np.int32) if labels is None else labels[self._rows])


def _on_host(array):
    # Eager even where a data set's function is being traced; tf.data runs on the host.
    with tf.init_scope(), tf.device("/CPU:0"):
        return tf.constant(array)
