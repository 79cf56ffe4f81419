"""Images too many to hold: decoded on the way, shuffled through a buffer."""

import numpy as np
import tensorflow as tf

from tfsp.data import binarization, pipeline

_BUFFER = 10_000  # images of the shuffling buffer
_EVALUATION_KEY = (0x7F5B, 0x57EA)


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

    def __init__(self, elements, size, image_shape, mode, has_labels):
        self._elements = elements
        self._mode = mode
        self._has_labels = has_labels
        self.size = size
        self.image_shape = tuple(image_shape)

    def epoch(self, number, plan):
        """Training epoch `number` (int64 scalar tensor) as a data set of batches."""
        # Dataset.shuffle mixes the global seed into its own; an epoch must depend on the
        # plan's seed alone, so the graph of this epoch is made to have none.
        tf.compat.v1.get_default_graph().seed = None
        elements = self._fixed_draws() if self._mode == "static" else self._elements
        elements = elements.enumerate()
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

    def in_order(self, plan):
        """Evaluation batches in fixed order, the remainder included."""
        batches = self._evaluation(plan.batch_size).map(plan.element)
        steps = -(-self.size // plan.batch_size)
        batches = batches.apply(tf.data.experimental.assert_cardinality(steps))
        return pipeline.finish(batches)

    def arrays(self, limit):
        """The first `limit` images as evaluation sees them, and their labels or None."""
        size = self.size if limit is None else min(limit, self.size)
        batches = list(self._evaluation(256, limit=size).as_numpy_iterator())
        if not batches:
            return np.zeros((0, *self.image_shape), np.float32), None
        images, labels = (np.concatenate(column) for column in zip(*batches, strict=True))
        return images, labels if self._has_labels else None

    def _evaluation(self, batch_size, limit=-1):
        drawn = self._mode in ("dynamic", "static")
        elements = (self._fixed_draws() if drawn else self._elements).take(limit)
        return elements.batch(batch_size).map(lambda x, y: (self._deterministic(x), y))

    def _fixed_draws(self):
        """The elements with one fixed Bernoulli draw, by their place in the part."""
        key = tf.constant(_EVALUATION_KEY, tf.int64)

        def draw(index, pair):  # image by image: the batch size must not change the draws
            x, y = pair
            return binarization.bernoulli(x, pipeline.fold(key, index)), y

        return self._elements.enumerate().map(draw)

    def _deterministic(self, x):
        x = binarization.to_unit(x)
        return tf.cast(x > 0.5, tf.float32) if self._mode == "threshold" else x
