"""Images too many to hold: decoded on the way, shuffled through a buffer."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfsp import subset
from tfsp.data import binarization, pipeline

_BUFFER = 10_000  # images of the shuffling buffer
_EVALUATION_KEY = (0x7F5B, 0x57EA)


def choose(numbered: tf.data.Dataset, rows: np.ndarray) -> tf.data.Dataset:
    """Those of the elements (number, element) whose number is among `rows`, integers, increasing.

    Nothing is read beyond the last of them.
    """
    if not len(rows):
        return numbered.take(0)
    taken = np.isin(np.arange(rows[-1] + 1), rows)
    return numbered.take(len(taken)).filter(lambda number, _: tf.constant(taken)[number])


class StreamPart:
    """A part that is read anew in every epoch.

    Args:
      elements: finite tf.data.Dataset of (image [H, W, C] or [D], uint8 or float32 in [0, 1];
        label, int32), in an order that is the same each time.
      size: number of elements.
      image_shape: static shape of an image.
      mode: binarization mode.
      has_labels: whether the labels mean anything.
    """

    has_places = True  # of each training image in `arrays`

    def __init__(
        self,
        elements: tf.data.Dataset,
        size: int,
        image_shape: Sequence[int],
        mode: str,
        has_labels: bool,
    ) -> None:
        self._elements = elements
        self._mode = mode
        self._has_labels = has_labels
        self.size = size
        self.image_shape = tuple(image_shape)

    def epoch(self, number: tf.Tensor, plan: pipeline.Plan) -> tf.data.Dataset:
        """Training epoch `number` (int64 scalar tensor) as a data set of batches."""
        # Dataset.shuffle mixes the global seed into its own; an epoch must depend on the
        # plan's seed alone, so the graph of this epoch is made to have none.
        tf.compat.v1.get_default_graph().seed = None
        elements = self._elements.enumerate()
        if self._mode == "static":
            elements = elements.map(lambda index, pair: (index, self._fixed_draw(index, pair)))
        if plan.shuffle:
            buffer = min(self.size, _BUFFER)
            seed = plan.order_key(number)
            mixed = tf.bitwise.bitwise_xor(seed[0], seed[1])
            elements = elements.shuffle(buffer, seed=mixed, reshuffle_each_iteration=False)
        draws_key = plan.draws_key(number)
        batch_size = min(plan.batch_size, self.size)

        def batch(step, numbered):
            index, (x, y) = numbered
            if plan.dynamic:
                x = binarization.bernoulli(x, pipeline.fold(draws_key, step))
            x = tf.ensure_shape(self._deterministic(x), [batch_size, *self.image_shape])
            return plan.element(x, y, tf.ensure_shape(index, [batch_size]))

        return elements.batch(batch_size, drop_remainder=True).enumerate().map(batch)

    def in_order(self, plan: pipeline.Plan) -> tf.data.Dataset:
        """Evaluation batches in fixed order, the remainder included."""
        batches = self._evaluation(plan.batch_size).map(plan.element)
        steps = -(-self.size // plan.batch_size)
        batches = batches.apply(tf.data.experimental.assert_cardinality(steps))
        return pipeline.finish(batches)

    def arrays(self, limit: int | None) -> tuple[np.ndarray, np.ndarray | None]:
        """Images as evaluation sees them and their labels or None; see `subset` for `limit`."""
        rows = subset.rows(self.size, limit)
        label = self._elements.element_spec[1].shape
        pairs = [(np.zeros((0, *self.image_shape), np.float32), np.zeros((0, *label), np.int32))]
        if len(rows):
            pairs += self._evaluation(256, rows).as_numpy_iterator()
        images, labels = (np.concatenate(column) for column in zip(*pairs, strict=True))
        return images, labels if self._has_labels else None

    def _evaluation(self, batch_size, rows=None):
        numbered = self._elements.enumerate()
        if rows is not None and len(rows) < self.size:
            numbered = choose(numbered, rows)
        drawn = self._mode in ("dynamic", "static")
        elements = numbered.map(self._fixed_draw if drawn else lambda index, pair: pair)
        return elements.batch(batch_size).map(lambda x, y: (self._deterministic(x), y))

    def _fixed_draw(self, index, pair):
        """An element with its one fixed Bernoulli draw, by its place in the part."""
        # Image by image: the batch size must not change the draws.
        x, y = pair
        key = tf.constant(_EVALUATION_KEY, tf.int64)
        return binarization.bernoulli(x, pipeline.fold(key, index)), y

    def _deterministic(self, x):
        x = binarization.to_unit(x)
        return tf.cast(x > 0.5, tf.float32) if self._mode == "threshold" else x
