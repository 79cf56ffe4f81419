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

from tfsp.data.lazy import Change
from tfsp.data.memory import on_host


class SparseTable:
    """The values of a sparse table, which are held once for all parts of a split.

    Args:
      values: SciPy CSR float32 [n, D] in canonical form.

    Attributes:
      shape: (n, D).
    """

    def __init__(self, values: Any) -> None:
        self._values = values
        self.shape = tuple(int(side) for side in values.shape)

    def array(self, rows: np.ndarray) -> np.ndarray:
        """NumPy float32 [m, D], dense, of some rows, int [m]."""
        return self._values[rows].toarray()

    def tensor(self, rows: tf.Tensor) -> tf.Tensor:
        """Dense float32 [m, D] of some rows, int32 [m] tensor."""
        values, columns, begins = self._tensors
        places = tf.ragged.range(tf.gather(begins, rows), tf.gather(begins, rows + 1))
        of_row = tf.cast(places.value_rowids(), tf.int64)
        column = tf.cast(tf.gather(columns, places.flat_values), tf.int64)
        shape = tf.stack([tf.size(rows, tf.int64), self.shape[1]])
        x = tf.scatter_nd(
            tf.stack([of_row, column], axis=1), tf.gather(values, places.flat_values), shape
        )
        return tf.ensure_shape(x, [None, self.shape[1]])

    @functools.cached_property
    def _tensors(self):
        """(values [m], their columns [m], where rows begin [n + 1])."""
        return (
            on_host(self._values.data),
            on_host(self._values.indices.astype(np.int32, copy=False)),
            on_host(self._values.indptr.astype(np.int64, copy=False)),
        )


class SparseStore:
    """Rows of a `SparseTable` and their labels.

    Args:
      table: SparseTable.
      labels: NumPy int32 [m] or None.
      rows: int [m], the rows of the table, or None for all.

    Attributes:
      image_shape: (D,).
      labels: NumPy int32 [m] or None.
      is_held: whether the values are in memory.
    """

    is_held = True

    def __init__(
        self, table: SparseTable, labels: np.ndarray | None, rows: np.ndarray | None = None
    ) -> None:
        self._table = table
        self._rows = np.arange(table.shape[0]) if rows is None else rows
        self.labels = labels
        self.image_shape = table.shape[1:]

    def part(self, rows: np.ndarray, change: Change | None = None) -> "SparseStore":
        """Some rows, int [m], of this store, without a copy of their values.

        Raises:
          ValueError: for a change, which would make most of the zeros something else.
        """
        if change is not None:
            raise ValueError("The values of a sparse table cannot be changed.")
        labels = None if self.labels is None else self.labels[rows]
        return SparseStore(self._table, labels, self._rows[rows])

    def images(self, rows: np.ndarray) -> np.ndarray:
        """NumPy float32 [m, D], dense, of some rows, int [m]."""
        return self._table.array(self._rows[rows])

    def batches(
        self, rows: tf.Tensor, size: int, finish: Callable[[tf.Tensor, tf.Tensor], Any]
    ) -> tf.data.Dataset:
        """Data set of finish(step, dense float32 [size, D] of the rows of that step).

        Args:
          rows: int32 [m] tensor.
          size: rows in a batch; the last holds what remains.
        """
        table, own = self._table, tf.gather(tf.constant(self._rows, tf.int32), rows)

        def batch(step):
            start = tf.cast(step, tf.int32) * size
            return finish(step, table.tensor(own[start : start + size]))

        steps = tf.cast(-(-tf.size(own) // size), tf.int64)
        return tf.data.Dataset.range(steps).map(batch)
