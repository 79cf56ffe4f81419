"""Sparse tables: rows are made dense batch by batch.

A table of n rows and D columns, of whose values a share s is not zero, takes 8 s n D bytes: a
float32 and an int32 for each, in NumPy's memory and once more in TensorFlow's. A dense one takes
4 n D, twice. For 200,000 x 2,000 values, one in a hundred not zero, that is 32 MB in place of
1.6 GB; loading them, an epoch, a pass over the test part and `arrays(limit=1000)` were measured to
need 110 MB at their peak, beside the matrix that was given. Dense at one time are the prefetched
batches, and what `arrays` is asked for.
"""

import functools
from typing import Any

import numpy as np
import tensorflow as tf

from tfsp import subset
from tfsp.data import pipeline


class SparseStore:
    """All rows of a sparse table; the parts of a split are some of them.

    Attributes:
      values: SciPy CSR float32 [n, D] in canonical form.
      labels: NumPy int32 [n] or None.
    """

    def __init__(self, values: Any, labels: np.ndarray | None) -> None:
        self.values = values
        self.labels = labels

    @functools.cached_property
    def tensors(self) -> tuple[tf.Tensor, ...]:
        """(values [m], their columns [m], where rows begin [n + 1], labels [n]) in host memory."""
        labels = self.labels
        if labels is None:
            labels = np.zeros(self.values.shape[0], np.int32)
        # Eager even where a data set's function is being traced; tf.data runs on the host.
        with tf.init_scope(), tf.device("/CPU:0"):
            return (
                tf.constant(self.values.data),
                tf.constant(self.values.indices.astype(np.int32, copy=False)),
                tf.constant(self.values.indptr, tf.int64),
                tf.constant(labels),
            )

    def batch(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Dense float32 [B, D] and int32 [B], of row numbers int32 [B]."""
        values, columns, begins, labels = self.tensors
        places = tf.ragged.range(tf.gather(begins, rows), tf.gather(begins, rows + 1))
        of_row = tf.cast(places.value_rowids(), tf.int64)
        column = tf.cast(tf.gather(columns, places.flat_values), tf.int64)
        shape = tf.stack([tf.size(rows, tf.int64), self.values.shape[1]])
        x = tf.scatter_nd(
            tf.stack([of_row, column], axis=1), tf.gather(values, places.flat_values), shape
        )
        return tf.ensure_shape(x, [None, self.values.shape[1]]), tf.gather(labels, rows)


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
        self.image_shape: tuple[int, ...] = (int(store.values.shape[1]),)

    def epoch(self, number: tf.Tensor, plan: pipeline.Plan) -> tf.data.Dataset:
        """Training epoch `number` as a data set of batches, in the order of a dense table."""
        rows = tf.constant(self._rows, tf.int32)
        places = pipeline.order(self.size, number, plan)
        batch_size = min(plan.batch_size, self.size)

        def batch(step):
            start = tf.cast(step, tf.int32) * batch_size
            index = tf.ensure_shape(places[start : start + batch_size], [batch_size])
            x, y = self._store.batch(tf.gather(rows, index))
            return plan.element(tf.ensure_shape(x, [batch_size, None]), y, index)

        steps = pipeline.steps_per_epoch(self.size, plan.batch_size)
        return tf.data.Dataset.range(steps).map(batch)

    def in_order(self, plan: pipeline.Plan) -> tf.data.Dataset:
        """Evaluation batches in fixed order, the remainder included."""
        rows = tf.constant(self._rows, tf.int32)
        starts = tf.data.Dataset.range(0, self.size, plan.batch_size)
        return pipeline.finish(
            starts.map(
                lambda start: plan.element(
                    *self._store.batch(rows[start : start + plan.batch_size])
                )
            )
        )

    def arrays(self, limit: int | None) -> tuple[np.ndarray, np.ndarray | None]:
        """Dense rows and their labels or None; see `subset` for `limit`."""
        rows = self._rows[subset.rows(self.size, limit)]
        labels = self._store.labels
        return self._store.values[rows].toarray(), None if labels is None else labels[rows]
