"""A user's tf.data.Dataset: batched or not, held in memory or streamed."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfsp import data as tfsp_data
from tfsp import subset

PARTS = ("train", "validation", "test")


def _load(dataset, **kwargs):
    return tfsp_data.load(dataset, **kwargs)


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize("form", ["x", "xy", "batched x", "batched xy", "rank 2", "floats"])
def test_forms(coded, number_of, form, cache):
    images, labels = coded(100)
    if form == "rank 2":
        images = images[..., 0]
    if form == "floats":
        images = images / 255.0
    with_labels = form.endswith("xy")
    dataset = tf.data.Dataset.from_tensor_slices((images, labels) if with_labels else images)
    if form.startswith("batched"):
        dataset = dataset.batch(16)
    data = _load(dataset, cache=cache, labels=with_labels, batch_size=8)
    info = data.info
    assert info.image_shape == (4, 4, 1)
    assert (info.num_train, info.num_validation, info.num_test) == (80, 10, 10)
    assert info.num_classes == (7 if with_labels else None)
    assert ("streamed" in info.source) != cache
    numbers = []
    for part in PARTS:
        x, y = data.arrays(part)
        numbers.append(number_of(x))
        if with_labels:
            np.testing.assert_array_equal(numbers[-1] % 7, y)
        else:
            assert y is None
    assert sorted(np.concatenate(numbers)) == list(range(100))
    for dataset, batches, of_part in ((data.train, 10, 0), (data.test, 2, 2)):
        elements = list(dataset)
        assert len(elements) == batches == int(dataset.cardinality())
        x = np.concatenate([e[0] if with_labels else e for e in elements])
        assert x.dtype == np.float32
        assert sorted(number_of(x)) == sorted(numbers[of_part])
    spec = data.train.element_spec
    assert (spec[0] if with_labels else spec).shape == (8, 4, 4, 1)


def test_flat_elements():
    flat = np.random.default_rng(0).random((50, 9)).astype(np.float32)
    labels = np.arange(50) % 3
    pairs = tf.data.Dataset.from_tensor_slices((flat, labels))
    for dataset in (pairs, pairs.batch(7), tf.data.Dataset.from_tensor_slices(flat)):
        assert _load(dataset).info.image_shape == (9,)


@pytest.mark.parametrize("mode", ["none", "dynamic", "static", "threshold"])
def test_streamed_epochs_resume_bit_for_bit(mode):
    images = np.random.default_rng(0).integers(0, 256, (100, 4, 4, 1)).astype(np.uint8)
    dataset = tf.data.Dataset.from_tensor_slices(images)
    kwargs = dict(cache=False, binarization=mode, batch_size=10, seed=5)
    tf.random.set_seed(1)
    data = _load(dataset, **kwargs)
    whole = [x.numpy() for x in itertools.islice(data.train_stream(), 24)]
    tf.random.set_seed(2)
    tail = [x.numpy() for x in itertools.islice(_load(dataset, **kwargs).train_stream(1), 16)]
    np.testing.assert_array_equal(whole[8:], tail)
    assert not np.array_equal(whole[:8], whole[8:16])
    other = _load(dataset, **{**kwargs, "seed": 6})
    assert not np.array_equal(whole[0], next(iter(other.train_stream())))
    if mode != "none":
        assert set(np.unique(whole)) == {0.0, 1.0}
    first, second = (np.concatenate(list(data.train)) for _ in range(2))
    assert not np.array_equal(first, second)
    # Static draws are one set of images in any order, dynamic draws are not.
    as_set = lambda x: sorted(image.tobytes() for image in x)  # noqa: E731
    assert (as_set(first) == as_set(second)) == (mode != "dynamic")


@pytest.mark.parametrize("mode", ["dynamic", "static"])
def test_streamed_evaluation_is_fixed(mode):
    images = np.random.default_rng(0).integers(0, 256, (200, 4, 4, 1)).astype(np.uint8)
    dataset = tf.data.Dataset.from_tensor_slices(images)
    data = _load(dataset, cache=False, binarization=mode)
    other = _load(dataset, cache=False, binarization=mode, batch_size=7, seed=4)
    first = np.concatenate(list(data.test))
    assert first.shape == (20, 4, 4, 1)
    np.testing.assert_array_equal(first, np.concatenate(list(data.test)))
    np.testing.assert_array_equal(first, np.concatenate(list(other.test)))
    rows = subset.rows(len(first), 6)
    np.testing.assert_array_equal(first[rows], data.arrays("test", limit=6)[0])


def test_streamed_sizes_and_resizing(coded, number_of, area_reference):
    images, _ = coded(100)
    dataset = tf.data.Dataset.from_tensor_slices(images)
    sizes = dict(train_size=30, validation_size=0, test_size=4)
    data = _load(dataset, cache=False, **sizes)
    assert [len(data.arrays(part)[0]) for part in PARTS] == [30, 0, 4]
    train = number_of(data.arrays("train")[0])
    assert set(train).isdisjoint(number_of(data.arrays("test")[0]))
    small = _load(dataset, cache=False, image_size=3, shuffle=False)
    exact = area_reference.area_average(images[5, ..., 0], 3, 3)
    np.testing.assert_allclose(
        small.arrays("train")[0][5, ..., 0] * 255, exact, rtol=0, atol=0.5 + 1e-3
    )
    with pytest.raises(ValueError, match=r"test part.*has 10"):
        _load(dataset, cache=False, test_size=11)


def test_unknown_cardinality(coded, number_of):
    images, labels = coded(50)
    pairs = tf.data.Dataset.from_tensor_slices((images, labels)).filter(lambda x, y: y < 3)
    assert int(pairs.cardinality()) < 0
    for cache in (True, False):
        data = _load(pairs, cache=cache)
        assert data.info.num_train + data.info.num_validation + data.info.num_test == 24 - 2
        assert data.info.num_classes == 3


def test_bad_datasets(coded):
    images, labels = coded(20)
    x = tf.data.Dataset.from_tensor_slices(images)
    with pytest.raises(ValueError, match="infinite"):
        _load(x.repeat())
    with pytest.raises(ValueError, match=r"x or \(x, y\)"):
        _load(x.map(lambda x: {"image": x}))
    with pytest.raises(ValueError, match="rank"):
        _load(tf.data.Dataset.range(5))
    with pytest.raises(ValueError, match="one for each image"):
        _load(tf.data.Dataset.from_tensor_slices((images, np.eye(7)[labels])).batch(2))
    for cache in (True, False):
        for empty in (x.take(0), x.filter(lambda x: False)):
            with pytest.raises(ValueError, match="holds no examples"):
                _load(empty, cache=cache)
    with pytest.raises(ValueError, match="cache=True"):
        _load(x, cache=False, classes=(1,))
    with pytest.raises(tfsp_data.DataFormatError, match="100"):
        _load(x.map(lambda x: tf.cast(x, tf.float32) + 100.0))
    wild = _load(x.map(lambda x: tf.cast(x, tf.float32) + 100.0), cache=False)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[0, 1\]"):
        list(wild.train)
