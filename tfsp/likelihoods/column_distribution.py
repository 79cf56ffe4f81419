"""The distribution of a row of a table whose columns are of several kinds."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfsp.random import as_seed, split_seed
from tfsp.sample_shape import IntegerDraws


class Block(NamedTuple):
    """Columns of one kind and their numbers in the table.

    Attributes:
      places: numbers of the columns, d of them.
      top: the largest code, where codes 0, ..., top are the levels 0, ..., 1 of a `Categorical`;
        None where values are what they are.
    """

    places: tuple[int, ...]
    top: int | None = None

    @property
    def width(self) -> int:
        """Numbers that stand for them where categories are one-hot."""
        return len(self.places) * (1 if self.top is None else self.top + 1)

    def of(self, x: Any) -> Any:
        """These columns of x `[..., D]`, codes as levels: `[..., d]`."""
        if isinstance(x, np.ndarray):
            own = x[..., list(self.places)]
        else:
            own = tf.gather(x, self.places, axis=-1)
        return own if self.top is None else own / self.top

    def raw(self, own: tf.Tensor) -> tf.Tensor:
        """Levels as codes."""
        return own if self.top is None else tf.round(own * self.top)

    def one_hot(self, x: tf.Tensor) -> tf.Tensor:
        """Codes in x `[..., D]` as `[..., d K]`; between codes both neighbours share the 1."""
        codes = tf.gather(x, self.places, axis=-1)[..., tf.newaxis]
        hot = tf.nn.relu(1.0 - tf.abs(codes - tf.range((self.top or 0) + 1, dtype=x.dtype)))
        return tf.reshape(hot, tf.concat([tf.shape(x)[:-1], [self.width]], axis=0))


def joined(blocks: Sequence[Block], own: Sequence[tf.Tensor]) -> tf.Tensor:
    """`[..., d]` of each block as `[..., D]`, in the order of the table."""
    order = np.argsort(np.concatenate([block.places for block in blocks]))
    return tf.gather(tf.concat(own, axis=-1), order, axis=-1)


class ColumnDistribution(IntegerDraws):
    """Independent blocks of columns: x `[..., D]` in raw units, categories as codes.

    Args:
      blocks: the `Block`s, which together have each column once.
      distributions: of each, with event `[d]` and one batch shape.

    The mean of categories, which have none, is the most likely one.
    """

    def __init__(
        self,
        blocks: Sequence[Block],
        distributions: Sequence[tfd.Distribution],
        name: str = "Columns",
    ) -> None:
        given = dict(locals())
        self._blocks, self._parts = tuple(blocks), tuple(distributions)
        super().__init__(
            dtype=self._parts[0].dtype,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=given,
            name=name,
        )

    def statistics(self) -> tf.Tensor:
        """Means of numbers `[..., d]` and probabilities of categories `[..., K]`, side by side."""
        return tf.concat(
            [
                part.mean() if block.top is None else _probs(part)
                for block, part in zip(self._blocks, self._parts, strict=True)
            ],
            axis=-1,
        )

    def _batch_shape(self):
        return self._parts[0].batch_shape

    def _batch_shape_tensor(self):
        return self._parts[0].batch_shape_tensor()

    def _event_shape(self):
        return tf.TensorShape([sum(len(block.places) for block in self._blocks)])

    def _event_shape_tensor(self):
        return tf.constant(self._event_shape().as_list(), tf.int32)

    def _default_event_space_bijector(self):
        return None  # no smooth map leads to codes

    def _log_prob(self, x):
        pairs = zip(self._blocks, self._parts, strict=True)
        return sum(part.log_prob(block.of(x)) for block, part in pairs)

    def _sample_n(self, n, seed=None):
        seeds = split_seed(as_seed(seed), len(self._parts))
        draws = [part.sample(n, seed=own) for part, own in zip(self._parts, seeds, strict=True)]
        return self._raw(draws)

    def _mode(self):
        return self._raw([part.mode() for part in self._parts])

    def _mean(self):
        pairs = zip(self._blocks, self._parts, strict=True)
        return self._raw([p.mean() if block.top is None else p.mode() for block, p in pairs])

    def _raw(self, own: Sequence[tf.Tensor]) -> tf.Tensor:
        pairs = zip(self._blocks, own, strict=True)
        return joined(self._blocks, [block.raw(values) for block, values in pairs])


def expected(blocks: Sequence[Block], statistics: tf.Tensor) -> tf.Tensor:
    """x `[..., D]` from averages of `ColumnDistribution.statistics`: means and likeliest codes."""
    own = []
    parts = tf.split(statistics, [block.width for block in blocks], axis=-1)
    for block, part in zip(blocks, parts, strict=True):
        if block.top is not None:
            shape = tf.concat([tf.shape(part)[:-1], [len(block.places), block.top + 1]], axis=0)
            own.append(tf.cast(tf.argmax(tf.reshape(part, shape), axis=-1), part.dtype))
        else:
            own.append(part)
    return joined(blocks, own)


def _probs(part: Any) -> tf.Tensor:
    """Probabilities `[..., d K]` of d categorical columns of K classes, class by class in each."""
    probs = part.distribution.probs_parameter()
    return tf.reshape(probs, tf.concat([tf.shape(probs)[:-2], [-1]], axis=0))
