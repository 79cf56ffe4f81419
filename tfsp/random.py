"""Seeds: every random draw of the package is stateless and keyed by an int32 pair.

Keras's own `SeedGenerator` keeps its state outside the saved weights, so a resumed run would
repeat or skip draws, and its variable cannot be assigned on several replicas. `SeedStream` holds
the same two numbers in an ordinary layer weight, which is saved, resumed and distributed.
"""

from __future__ import annotations

import contextlib
import numbers
from collections.abc import Iterator
from typing import Any, Literal, Self, SupportsIndex, overload

import keras
import numpy as np
import tensorflow as tf

from tfsp import arguments


def as_seed(seed: SupportsIndex | tf.Tensor | SeedStream | None) -> tf.Tensor:
    """Turns what a user may pass as `seed` into an int32 pair.

    Args:
      seed: None (a fresh seed from TensorFlow's global generator, which
        `keras.utils.set_random_seed` controls), an int or an integer tensor of shape `[]` or
        `[2]`, or a `SeedStream` (which moves on by one).

    Returns:
      int32 `[2]`, as `tf.random.stateless_*` and TFP's `sample(seed=...)` want it.

    Raises:
      ValueError: if `seed` has another shape or is no integer.
    """
    if seed is None:
        return tf.random.uniform([2], maxval=tf.int32.max, dtype=tf.int32)
    if isinstance(seed, SeedStream):
        return seed.next()
    if isinstance(seed, numbers.Integral) and not isinstance(seed, bool):
        return tf.constant(_words(int(seed)), tf.int32)
    try:
        given = tf.convert_to_tensor(seed)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{_WANTED}. Received: {arguments.shown(seed)}.") from None
    if not given.dtype.is_integer or given.shape.rank not in (0, 1) or given.shape not in ([], [2]):
        raise ValueError(
            f"{_WANTED}. Received: shape={tuple(given.shape)}, dtype={given.dtype.name}."
        )
    if given.shape.rank == 1:
        return tf.cast(given, tf.int32)
    if given.dtype.size <= 4 and given.dtype != tf.uint32:
        return tf.stack([tf.cast(given, tf.int32), 0])
    wide = tf.cast(given, tf.int64)
    low, high = wide & _MASK, tf.bitwise.right_shift(wide, 31) & _MASK
    narrow = (wide >= tf.int32.min) & (wide <= tf.int32.max)
    return tf.cast(tf.where(narrow, [wide, 0], [low, high]), tf.int32)


_MASK = 2**31 - 1
_WANTED = "`seed` must be None, an integer, or an integer tensor of shape [2]"


def _words(seed):
    """An int32 pair of its own for each seed from -2**31 to 2**62; hardly two alike beyond."""
    if -(2**31) <= seed < 2**31:
        return [seed, 0]
    if -(2**62) <= seed < 2**62:
        return [seed & _MASK, (seed >> 31) & _MASK]
    return generator(seed).integers(2**31, size=2).tolist()


@overload
def check_seed(seed: SupportsIndex, optional: Literal[False] = False) -> int: ...


@overload
def check_seed(seed: SupportsIndex | None, optional: bool) -> int | None: ...


def check_seed(seed: SupportsIndex | None, optional: bool = False) -> int | None:
    """`seed` as an int, of any sign and size.

    Args:
      seed: a Python or NumPy integer, or an array of no axis that holds one.
      optional: None may stand for a fresh seed, and stays None.

    Raises:
      ValueError: for what is no integer (True and 2.0 are not).
    """
    if optional and seed is None:
        return None
    value = seed[()] if isinstance(seed, np.ndarray) and seed.ndim == 0 else seed
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        wanted = "an integer or None" if optional else "an integer"
        raise ValueError(f"`seed` must be {wanted}. Received: {arguments.shown(seed)}.")
    return int(value)


def generator(
    seed: SupportsIndex | None, *stream: int, optional: bool = False
) -> np.random.Generator:
    """A NumPy generator from any integer; other numbers in `stream` give other draws.

    A non-negative seed gives what `numpy.random.default_rng(seed)` gives, -k what 2**64 - k gives;
    with `optional` None gives a fresh generator.

    Raises:
      ValueError: if `seed` is no integer.
    """
    number = check_seed(seed, optional)
    if number is None:
        return np.random.default_rng()
    if number < 0:
        number %= 2 ** (64 * (number.bit_length() // 64 + 1))
    return np.random.default_rng([number, *stream])


def short_seed(seed: SupportsIndex | None, offset: int = 0) -> int | None:
    """`seed + offset` as an int in [0, 2**32), as scikit-learn and Keras want it; None stays None.

    What lies in this range stays as it is; below, it is counted from the end; beyond, mixed.

    Raises:
      ValueError: if `seed` is no integer or None.
    """
    seed = check_seed(seed, optional=True)
    if seed is None:
        return None
    seed += offset
    if -(2**32) <= seed < 2**32:
        return seed % 2**32
    return int(generator(seed).integers(2**32))


def int32_seed(seed: SupportsIndex) -> int:
    """`seed` as an int in [-2**31, 2**31): what lies there stays as it is, the rest is mixed.

    Raises:
      ValueError: if `seed` is no integer.
    """
    seed = check_seed(seed)
    return seed if -(2**31) <= seed < 2**31 else int(generator(seed).integers(2**31))


def fold_in(seed: SupportsIndex | tf.Tensor | SeedStream | None, number: Any) -> tf.Tensor:
    """Another int32 seed for each `number`."""
    return tf.random.fold_in(as_seed(seed), number, alg="philox")


def split_seed(
    seed: SupportsIndex | tf.Tensor | SeedStream | None, num: int = 2
) -> list[tf.Tensor]:
    """`num` independent int32 seeds from one, as a list."""
    return tf.unstack(tf.random.split(as_seed(seed), num, alg="philox"))


@keras.saving.register_keras_serializable("tfsp")
class SeedStream(keras.layers.Layer):
    """A stream of seeds whose position is a weight: saved, resumed and distributed with a model.

    Args:
      seed: int, where the stream starts; None takes one from Keras's global seed.

    On several replicas each draws another seed from the same position, unless it is `shared`.
    """

    def __init__(self, seed: SupportsIndex | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        seed = check_seed(seed, optional=True)
        if seed is None:
            seed = int(keras.random.randint((), 0, 2**31 - 1))
        self.seed = seed
        self.state = self.add_weight(
            name="state",
            shape=(2,),
            dtype="int64",
            initializer=lambda shape, dtype: tf.constant([int32_seed(seed), 0], dtype),
            trainable=False,
            aggregation="only_first_replica",
        )
        self.built = True

    def next(self, shared: bool = False) -> tf.Tensor:
        """The next seed, int32 `[2]`. The stream moves on by one.

        Args:
          shared: the same seed on all replicas, for states that all must keep alike. (Of several
            machines each keeps its own first replica's state, and nobody would see them part.)
        """
        state = tf.convert_to_tensor(self.state)
        seed = tf.bitwise.bitwise_and(state, tf.constant(2**31 - 1, tf.int64))
        self.state.assign(state + tf.constant([0, 1], tf.int64))
        context = tf.distribute.get_replica_context()
        seed = tf.cast(seed, tf.int32)
        if not shared and context is not None and context.num_replicas_in_sync > 1:
            seed = fold_in(seed, context.replica_id_in_sync_group)
        return seed

    @contextlib.contextmanager
    def at(self, seed: SupportsIndex) -> Iterator[Self]:
        """Within this context the stream starts at `seed`; afterwards it is where it was."""
        start = [int32_seed(seed), 0]
        before = tf.identity(self.state.value)
        self.state.assign(start)
        try:
            yield self
        finally:
            self.state.assign(before)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}
