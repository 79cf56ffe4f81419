"""What the three kinds of parts (rows, streamed, generated) share: options, keys, epochs.

An epoch is a function of (seed, epoch number) alone, so that training resumed at epoch e sees bit
for bit what an uninterrupted run would have seen.
"""

import dataclasses
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

_PREFETCH = 4
_ORDER, _DRAWS = 1, 2  # salts: the two uses of a seed must not share random numbers


@dataclasses.dataclass(frozen=True)
class Plan:
    """How batches are made.

    Attributes:
      batch_size: images in a batch.
      labels: whether elements are (x, y) instead of x.
      seed: any integer, which the order and the draws follow from.
      shuffle: whether training images are shuffled.
      dynamic: whether training redraws the binary pixels at each visit.
      index: whether training elements tell each image's place in its part.
    """

    batch_size: int
    labels: bool
    seed: int
    shuffle: bool
    dynamic: bool
    index: bool = False

    def order_key(self, epoch: tf.Tensor) -> tf.Tensor:
        """[2] int64 key of the order of `epoch`."""
        return self._key(_ORDER, epoch)

    def draws_key(self, epoch: tf.Tensor) -> tf.Tensor:
        """[2] int64 key of the Bernoulli draws of `epoch`."""
        return self._key(_DRAWS, epoch)

    def _key(self, salt, epoch):
        seed = (self.seed + 2**63) % 2**64 - 2**63  # any Python integer, wrapped to int64
        return fold(fold(tf.constant([seed, 0], tf.int64), salt), epoch)

    def element(self, images: tf.Tensor, labels: tf.Tensor, index: tf.Tensor | None = None) -> Any:
        """What a data set yields: x, or (x, y); in training with `index` a dict stands for x."""
        if self.index and index is not None:
            images = {"x": images, "index": tf.cast(index, tf.int32)}
        return (images, labels) if self.labels else images


class Part(Protocol):
    """A part of a data set: training, validation or test.

    Attributes:
      size: number of examples; of those drawn without end, how many make an epoch.
      image_shape: static shape of an example.
      has_places: whether each training example has a place in `arrays`.
    """

    size: int
    image_shape: tuple[int, ...]
    has_places: bool

    def epoch(self, number: tf.Tensor, plan: Plan) -> tf.data.Dataset:
        """Training epoch `number` (int64 scalar tensor) as a data set of batches."""

    def in_order(self, plan: Plan) -> tf.data.Dataset:
        """Evaluation batches in fixed order, the remainder included."""

    def arrays(self, limit: int | None) -> tuple[np.ndarray, np.ndarray | None]:
        """Examples as evaluation sees them and their labels or None, `limit` at most."""


def fold(key: tf.Tensor, number: Any) -> tf.Tensor:
    """[2] int64 key that depends on `key` and on an integer."""
    return tf.random.experimental.stateless_fold_in(key, tf.cast(number, tf.int64), alg="philox")


def order(size: int, epoch: tf.Tensor, plan: Plan) -> tf.Tensor:
    """int32 [size], the places of a part in the order in which training visits them in `epoch`."""
    places = tf.range(size)
    if not plan.shuffle:
        return places
    return tf.random.experimental.stateless_shuffle(places, plan.order_key(epoch), alg="philox")


def steps_per_epoch(size: int, batch_size: int) -> int:
    """Training batches in an epoch: the remainder is dropped unless it is all there is."""
    return max(1, size // batch_size)


def fresh_epochs(part: Part, plan: Plan) -> tf.data.Dataset:
    """Finite data set which is another epoch each time it is iterated over.

    Epoch numbers come from a seeded generator that moves on with each iteration; they lie in
    [2^40, 2^40 + 2^32), away from those of `endless`.
    """
    numbers = tf.data.Dataset.random(seed=plan.seed % 2**63, rerandomize_each_iteration=True)
    epoch = numbers.take(1).flat_map(lambda number: part.epoch(number + 2**40, plan))
    steps = steps_per_epoch(part.size, plan.batch_size)
    return finish(epoch.apply(tf.data.experimental.assert_cardinality(steps)))


def endless(part: Part, plan: Plan, first_epoch: int) -> tf.data.Dataset:
    """Epochs first_epoch, first_epoch + 1, ... without end."""
    numbers = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max)
    epochs = numbers.flat_map(lambda number: part.epoch(number, plan))
    cardinality = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
    return finish(epochs.apply(cardinality))


def finish(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Prefetches a little and sets the options.

    Autotune is off: with it the end of an epoch often sleeps for a good part of a second. It
    also follows that every parallel map must state its parallelism.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    options.deterministic = True
    return dataset.prefetch(_PREFETCH).with_options(options)
