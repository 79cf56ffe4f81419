"""Seeds: every random draw of the package is stateless and keyed by an int32 pair.

Keras's own `SeedGenerator` keeps its state outside the saved weights, so a resumed run would
repeat or skip draws, and its variable cannot be assigned on several replicas. `SeedStream` holds
the same two numbers in an ordinary layer weight, which is saved, resumed and distributed.
"""

import contextlib

import keras
import tensorflow as tf


def as_seed(seed):
    """Turns what a user may pass as `seed` into an int32 pair.

    Args:
      seed: None (a fresh seed from TensorFlow's global generator, which
        `keras.utils.set_random_seed` controls), an int or an integer tensor of shape `[]` or
        `[2]`, or a `SeedStream` (which moves on by one).

    Returns: int32 `[2]`, as `tf.random.stateless_*` and TFP's `sample(seed=...)` want it.

    Raises: ValueError if `seed` has another shape or is no integer.
    """
    if seed is None:
        return tf.random.uniform([2], maxval=tf.int32.max, dtype=tf.int32)
    if isinstance(seed, SeedStream):
        return seed.next()
    if isinstance(seed, int) and not -(2**31) <= seed < 2**31:
        seed = [seed & 0x7FFFFFFF, (seed >> 31) & 0x7FFFFFFF]  # no two seeds below 2**62 alike
    seed = tf.convert_to_tensor(seed)
    if not seed.dtype.is_integer or seed.shape.rank not in (0, 1) or seed.shape not in ([], [2]):
        raise ValueError(
            "`seed` must be None, an integer, or an integer tensor of shape [2]. "
            f"Received: shape={tuple(seed.shape)}, dtype={seed.dtype.name}."
        )
    seed = tf.cast(seed, tf.int32)
    return tf.stack([seed, 0]) if seed.shape.rank == 0 else seed


def fold_in(seed, number):
    """Another int32 seed for each `number`."""
    return tf.random.fold_in(as_seed(seed), number, alg="philox")


def split_seed(seed, num=2):
    """`num` independent int32 seeds from one, as a list."""
    return tf.unstack(tf.random.split(as_seed(seed), num, alg="philox"))


@keras.saving.register_keras_serializable("tfsp")
class SeedStream(keras.layers.Layer):
    """A stream of seeds whose position is a weight: saved, resumed and distributed with a model.

    Args:
      seed: int, where the stream starts; None takes one from Keras's global seed.

    On several replicas each draws another seed from the same position.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        if seed is None:
            seed = int(keras.random.randint((), 0, 2**31 - 1))
        if not isinstance(seed, int):
            raise ValueError(f"`seed` must be an integer or None. Received: {seed!r}.")
        self.seed = seed
        self.state = self.add_weight(
            name="state",
            shape=(2,),
            dtype="int64",
            initializer=lambda shape, dtype: tf.constant([seed, 0], dtype),
            trainable=False,
            aggregation="only_first_replica",
        )
        self.built = True

    def next(self):
        """The next seed, int32 `[2]`. The stream moves on by one."""
        state = tf.convert_to_tensor(self.state)
        seed = tf.bitwise.bitwise_and(state, tf.constant(2**31 - 1, tf.int64))
        self.state.assign(state + tf.constant([0, 1], tf.int64))
        context = tf.distribute.get_replica_context()
        seed = tf.cast(seed, tf.int32)
        if context is not None and context.num_replicas_in_sync > 1:
            seed = fold_in(seed, context.replica_id_in_sync_group)
        return seed

    @contextlib.contextmanager
    def at(self, seed):
        """Within this context the stream starts at `seed`; afterwards it is where it was."""
        before = tf.identity(self.state.value)
        self.state.assign([seed, 0])
        try:
            yield self
        finally:
            self.state.assign(before)

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
