"""Examples drawn as they are needed, for data sets that have no end."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from tfsp.data import pipeline

_EVALUATION_KEY = (0x7F5B, 0x51A7)
_CHUNK = 4096  # examples drawn at once


class GeneratedPart:
    """A part whose training epochs are all new, and whose evaluation examples are fixed.

    The draws of an epoch are a function of (seed, epoch) alone; those of evaluation of the part
    and of an example's place in it: not of the seed, the batch size or the size of the part.

    Args:
      draw: function (seed [2] int64, count) -> (examples [count, ...] float32, labels [count]),
        independent of each other.
      size: examples that make an epoch, or that evaluation sees.
      image_shape: shape of an example.
      number: which part this is, so that no two parts share draws.
      has_labels: whether the labels mean anything.
    """

    has_places = False  # of each training example in `arrays`

    def __init__(
        self,
        draw: Callable[..., tuple[tf.Tensor, tf.Tensor]],
        size: int,
        image_shape: Sequence[int],
        number: int,
        has_labels: bool,
    ) -> None:
        self._draw = draw
        self._number = number
        self._has_labels = has_labels
        self.size = size
        self.image_shape = tuple(image_shape)

    def epoch(self, number: tf.Tensor, plan: pipeline.Plan) -> tf.data.Dataset:
        """Training epoch `number` (int64 scalar tensor) as a data set of batches."""
        key = plan.draws_key(number)
        batch_size = min(plan.batch_size, self.size)
        steps = pipeline.steps_per_epoch(self.size, plan.batch_size)
        at_once = max(1, min(steps, _CHUNK // batch_size))

        def chunk(index):  # several batches at once: a call of the ops costs more than a number
            x, y = self._draw(pipeline.fold(key, index), at_once * batch_size)
            x = tf.reshape(x, [at_once, batch_size, *self.image_shape])
            return plan.element(x, tf.reshape(y, [at_once, batch_size]))

        chunks = tf.data.Dataset.range(-(-steps // at_once)).map(chunk)
        return chunks.unbatch().take(steps)

    def in_order(self, plan: pipeline.Plan) -> tf.data.Dataset:
        """Evaluation batches in fixed order, the remainder included."""
        images, labels = self._fixed(self.size)
        with tf.init_scope(), tf.device("/CPU:0"):
            images, labels = tf.constant(images), tf.constant(labels)

        def batch(start):
            rows = slice(start, start + plan.batch_size)
            return plan.element(images[rows], labels[rows])

        starts = tf.data.Dataset.range(0, self.size, plan.batch_size)
        return pipeline.finish(starts.map(batch))

    def arrays(self, limit: int | None) -> tuple[np.ndarray, np.ndarray | None]:
        """The first `limit` fixed examples, and their labels or None: draws come in no order."""
        images, labels = self._fixed(self.size if limit is None else min(limit, self.size))
        return images, labels if self._has_labels else None

    def _fixed(self, count):
        images, labels = [np.zeros((0, *self.image_shape), np.float32)], [np.zeros(0, np.int32)]
        with tf.init_scope(), tf.device("/CPU:0"):
            key = pipeline.fold(tf.constant(_EVALUATION_KEY, tf.int64), self._number)
            for chunk in range(-(-count // _CHUNK)):
                x, y = self._draw(pipeline.fold(key, chunk), _CHUNK)
                images.append(x.numpy())
                labels.append(y.numpy())
        return np.concatenate(images)[:count], np.concatenate(labels)[:count]
