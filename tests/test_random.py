"""Seeds: what may be passed, and a stream that is part of the saved state."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from model_contract import mirrored

from tfsp.random import (
    SeedStream,
    as_seed,
    check_seed,
    generator,
    int32_seed,
    short_seed,
    split_seed,
)


def numbers(seed):
    return tuple(np.asarray(seed).tolist())


@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        (5, (5, 0)),
        (-5, (-5, 0)),
        (np.int64(5), (5, 0)),
        (np.int32(-5), (-5, 0)),
        (np.array(5), (5, 0)),
        (2**40, (0, 2**9)),
        (np.int64(2**40), (0, 2**9)),
        (np.uint32(2**31), (0, 1)),
        (tf.constant(2**40, tf.int64), (0, 2**9)),
        (tf.constant(2**31, tf.uint32), (0, 1)),
        (-(2**40), (0, 2**31 - 2**9)),
        (tf.constant(-(2**40), tf.int64), (0, 2**31 - 2**9)),
        (tf.constant(5, tf.int64), (5, 0)),
        ([3, 4], (3, 4)),
        (tf.constant([3, 4], tf.int64), (3, 4)),
    ],
)
def test_as_seed_takes_integers_and_pairs(seed, expected):
    seed = as_seed(seed)
    assert seed.dtype == tf.int32
    assert numbers(seed) == expected


def test_long_seeds_in_a_graph():
    traced = tf.function(as_seed, input_signature=[tf.TensorSpec([], tf.int64)])
    for seed in (0, -1, 2**31 - 1, 2**31, -(2**31) - 1, 2**40, 2**62 - 1):
        assert numbers(traced(seed)) == numbers(as_seed(seed))


def test_no_two_seeds_alike():
    seeds = [0, 1, -1, 2**31, 2**32, 2**40, 2**62, 2**63, 2**70, -(2**70), 10**100]
    assert len({numbers(as_seed(seed)) for seed in seeds}) == len(seeds)
    streams = [s for s in seeds if s != -1]  # a stream takes -1 for 2**31 - 1
    assert len({numbers(SeedStream(seed).next()) for seed in streams}) == len(streams)
    assert len({short_seed(seed) for seed in seeds}) == len(seeds)
    assert len({generator(seed).random() for seed in seeds}) == len(seeds)


def test_seeds_of_numpy_and_scikit_learn():
    for seed in (0, 7, 2**40, 2**63, np.int64(7)):
        expected = np.random.default_rng(seed).random(3)
        np.testing.assert_array_equal(generator(seed).random(3), expected)
    assert generator(7, 1).random() != generator(7, 2).random()
    assert [short_seed(s) for s in (0, 7, 2**32 - 1, -1)] == [0, 7, 2**32 - 1, 2**32 - 1]
    assert 0 <= short_seed(2**40) < 2**32
    assert short_seed(None, 3) is None
    assert short_seed(7, 3) == 10
    assert type(short_seed(np.int64(7))) is int


@pytest.mark.parametrize("seed", [1.5, np.float64(2), np.nan, "1", True, [1, 2], None])
@pytest.mark.parametrize("function", [check_seed, generator, int32_seed])
def test_what_is_no_integer_is_refused(function, seed):
    with pytest.raises(ValueError, match="`seed` must be an integer. Received: "):
        function(seed)


@pytest.mark.parametrize(
    "seed",
    [
        1.5,
        "a",
        True,
        [1, 2, 3],
        [[1, 2]],
        [1.0, 2.0],
        np.nan,
        [1, "a"],
        [1, [2, 3]],
        {},
        [2**70, 1],
    ],
)
def test_as_seed_refuses_what_is_no_seed(seed):
    with pytest.raises(ValueError, match="`seed` must be None, an integer"):
        as_seed(seed)


def test_no_seed_is_a_fresh_one_under_the_global_seed():
    keras.utils.set_random_seed(1)
    first = [numbers(as_seed(None)) for _ in range(3)]
    keras.utils.set_random_seed(1)
    assert first == [numbers(as_seed(None)) for _ in range(3)]
    assert len(set(first)) == 3


def test_split_seeds_differ_and_repeat():
    seeds = [numbers(s) for s in split_seed(7, 4)]
    assert len({*seeds, (7, 0)}) == 5
    assert seeds == [numbers(s) for s in split_seed(7, 4)]
    assert set(seeds).isdisjoint(numbers(s) for s in split_seed(8, 4))


def test_a_stream_moves_on_and_starts_where_it_is_told():
    stream = SeedStream(3)
    seeds = [numbers(stream.next()) for _ in range(4)] + [numbers(as_seed(stream))]
    assert len(set(seeds)) == 5
    again = SeedStream(3)
    assert seeds == [numbers(again.next()) for _ in range(5)]
    other = SeedStream(4)
    assert set(seeds).isdisjoint(numbers(other.next()) for _ in range(5))
    assert stream.next().dtype == tf.int32


def test_a_stream_moves_on_inside_a_compiled_function():
    stream = SeedStream(3)
    following = tf.function(stream.next)
    compiled = [numbers(following()) for _ in range(3)]
    eager = SeedStream(3)
    assert compiled == [numbers(eager.next()) for _ in range(3)]


def test_streams_without_a_seed_follow_keras():
    keras.utils.set_random_seed(1)
    first, second = SeedStream(), SeedStream()
    assert first.seed != second.seed
    keras.utils.set_random_seed(1)
    assert SeedStream().seed == first.seed


def test_at_starts_elsewhere_and_comes_back():
    stream = SeedStream(3)
    stream.next()
    position = stream.state.numpy().copy()
    with stream.at(11) as inside:
        assert inside is stream
        assert numbers(stream.next()) == (11, 0)
        assert numbers(stream.next()) == (11, 1)
    np.testing.assert_array_equal(stream.state.numpy(), position)


def test_an_error_inside_at_does_not_lose_the_place():
    stream = SeedStream(3)

    def fail():
        with stream.at(12):
            stream.next()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    np.testing.assert_array_equal(stream.state.numpy(), [3, 0])


def test_a_stream_takes_integers_of_numpy():
    stream = SeedStream(np.int64(3))
    assert stream.get_config()["seed"] == 3
    assert type(stream.seed) is int
    assert numbers(stream.next()) == (3, 0)


@pytest.mark.parametrize("seed", [1.5, "a", [1, 2], True])
def test_a_stream_refuses_what_is_no_integer(seed):
    with pytest.raises(ValueError, match="`seed` must be an integer or None"):
        SeedStream(seed)


@keras.saving.register_keras_serializable("tfsp_tests")
class Noisy(keras.layers.Layer):
    """Adds noise from a stream of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.stream = SeedStream(3)

    def call(self, x):
        return x + tf.random.stateless_normal(tf.shape(x), self.stream.next())


def test_the_position_is_saved_with_a_model(tmp_path):
    model = keras.Sequential([keras.Input((2,)), Noisy()])
    x = tf.zeros([1, 2])
    drawn = [model(x).numpy() for _ in range(3)]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    expected, actual = model(x).numpy(), loaded(x).numpy()
    np.testing.assert_array_equal(actual, expected)
    assert not any(np.array_equal(expected, earlier) for earlier in drawn)
    assert not any(v is loaded.layers[0].stream.state for v in loaded.trainable_variables)


def test_config_round_trip():
    stream = SeedStream(3, name="stream")
    stream.next()
    again = SeedStream.from_config(stream.get_config())
    assert again.get_config() == stream.get_config()
    assert numbers(again.next()) == (3, 0)


def test_shared_seeds_are_alike_on_all_replicas():
    strategy = mirrored()
    with strategy.scope():
        stream = SeedStream(3)

    def draws(shared):
        seeds = strategy.run(lambda: stream.next(shared=shared))
        return [seed.numpy().tolist() for seed in strategy.experimental_local_results(seeds)]

    assert draws(True) == [[3, 0], [3, 0]]
    first, second = draws(False)
    assert first != second
    assert stream.state.numpy().tolist() == [3, 2]
