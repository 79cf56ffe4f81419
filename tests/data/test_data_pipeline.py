"""Batches: order, fresh draws, fixed draws, bit-for-bit resume."""

import dataclasses
import itertools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsp import data as tfsp_data
from tfsp import subset

MODES = ("none", "dynamic", "static", "threshold")


def _collect(dataset):
    return [np.asarray(x) for x in dataset]


def _take(stream, n):
    return _collect(itertools.islice(stream, n))


def test_digits_as_loaded():
    from sklearn import datasets

    data = tfsp_data.load("digits", labels=True)
    info = data.info
    assert (info.num_train, info.num_validation, info.num_test) == (1297, 200, 300)
    assert info.image_shape == (8, 8, 1)
    assert (info.num_classes, info.binarization, info.split) == (10, "none", "standard")
    # Every image is one of scikit-learn's, with its label, and each occurs once.
    bunch = datasets.load_digits()

    def key(image):
        return np.rint(image * 16).astype(np.uint8).tobytes()

    known = {}
    for image, label in zip(bunch.images / 16, bunch.target, strict=True):
        known.setdefault(key(image), []).append(label)
    seen = 0
    for part in ("train", "validation", "test"):
        for image, label in zip(*data.arrays(part), strict=True):
            known[key(image)].remove(label)
            seen += 1
    assert seen == 1797
    assert not any(known.values())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("labels", [False, True])
def test_elements_have_the_promised_form(mode, labels):
    data = tfsp_data.load("digits", binarization=mode, labels=labels, batch_size=64)
    assert data.steps_per_epoch == 1297 // 64
    assert data.info.binarization == mode
    for dataset, batches in ((data.train, 20), (data.validation, 4), (data.test, 5)):
        elements = list(dataset)
        assert len(elements) == batches == int(dataset.cardinality())
        for element in elements:
            x = element[0] if labels else element
            assert x.dtype == tf.float32
            assert x.shape[1:] == (8, 8, 1)
            assert 0 <= float(tf.reduce_min(x)) <= float(tf.reduce_max(x)) <= 1
            if mode != "none":
                assert set(np.unique(x)) == {0.0, 1.0}
            if labels:
                assert element[1].dtype == tf.int32
                assert element[1].shape == x.shape[:1]
    for dataset in (data.train, data.train_stream()):
        spec = dataset.element_spec[0] if labels else dataset.element_spec
        assert spec.shape == (64, 8, 8, 1)  # static, as XLA wants it


@pytest.mark.parametrize("mode", MODES)
def test_stream_started_late_equals_the_tail(mode):
    kwargs = dict(binarization=mode, batch_size=200, labels=True, seed=3)
    data = tfsp_data.load("digits", **kwargs)
    steps = data.steps_per_epoch
    tf.random.set_seed(1)
    whole = list(itertools.islice(data.train_stream(), 4 * steps))
    tf.random.set_seed(2)  # nothing may depend on the global seed
    tail = list(itertools.islice(tfsp_data.load("digits", **kwargs).train_stream(2), 2 * steps))
    assert len(tail) == 2 * steps
    for (x, y), (tail_x, tail_y) in zip(whole[2 * steps :], tail, strict=True):
        np.testing.assert_array_equal(x, tail_x)
        np.testing.assert_array_equal(y, tail_y)
    assert not np.array_equal(whole[0][0], whole[steps][0])


def test_each_stream_epoch_visits_every_image_once(coded, number_of):
    data = tfsp_data.load(coded(70), batch_size=7, validation_size=0, test_size=0)
    batches = _take(data.train_stream(), 30)
    for epoch in range(3):
        numbers = number_of(np.concatenate(batches[10 * epoch : 10 * epoch + 10]))
        assert sorted(numbers) == list(range(70))
        assert numbers.tolist() != list(range(70))


def test_train_reshuffles_reproducibly(coded, number_of):
    def three_epochs(seed):
        data = tfsp_data.load(coded(100), batch_size=10, seed=seed)
        return [number_of(np.concatenate(_collect(data.train))).tolist() for _ in range(3)]

    first = three_epochs(0)
    assert first == three_epochs(0)
    assert len({tuple(epoch) for epoch in first}) == 3
    assert first != three_epochs(1)
    assert all(sorted(epoch) == sorted(first[0]) for epoch in first)


def test_train_redraws_at_each_iteration():
    data = tfsp_data.load("digits", binarization="dynamic", shuffle=False)
    first, second = _collect(data.train), _collect(data.train)
    grey = _collect(tfsp_data.load("digits", shuffle=False).train)
    differing = np.mean([(a != b).mean() for a, b in zip(first, second, strict=True)])
    expected = np.mean([(2 * x * (1 - x)).mean() for x in grey])
    np.testing.assert_allclose(differing, expected, rtol=0.05)
    for x, intensity in zip(first, grey, strict=True):  # the same images, unshuffled
        assert (x[intensity == 0] == 0).all()
        assert (x[intensity == 1] == 1).all()


def test_steps_and_epochs_do_not_share_draws():
    grey = np.full((60, 4, 4, 1), 128, np.uint8)
    data = tfsp_data.load(grey, binarization="dynamic", batch_size=6)
    batches = _take(data.train_stream(), 24) + _collect(data.train) + _collect(data.train)
    assert len(batches) == 40
    assert len({batch.tobytes() for batch in batches}) == 40  # equal by chance: below 2^-80
    images = {image.tobytes() for batch in batches for image in batch}
    assert len(images) > 230  # of 240; some of 2^16 patterns may come twice


def test_no_shuffle_keeps_the_order(coded, number_of):
    data = tfsp_data.load(coded(50), batch_size=10, shuffle=False, validation_size=0, test_size=0)
    for _ in range(2):
        np.testing.assert_array_equal(
            number_of(np.concatenate(_collect(data.train))), np.arange(50)
        )


@pytest.mark.parametrize("mode", MODES)
def test_evaluation_is_fixed(mode):
    data = tfsp_data.load("digits", binarization=mode)
    other = tfsp_data.load("digits", binarization=mode, batch_size=37, seed=99)
    for part in ("validation", "test"):
        dataset = getattr(data, part)
        first = np.concatenate(_collect(dataset))
        np.testing.assert_array_equal(first, np.concatenate(_collect(dataset)))
        np.testing.assert_array_equal(first, np.concatenate(_collect(getattr(other, part))))
        images, labels = data.arrays(part)
        np.testing.assert_array_equal(first, images)
        few, few_labels = data.arrays(part, limit=11)
        np.testing.assert_array_equal(few, images[subset.rows(len(images), 11)])
        np.testing.assert_array_equal(few_labels, labels[subset.rows(len(images), 11)])


def test_static_is_one_draw_for_all():
    data = tfsp_data.load("digits", binarization="static", shuffle=False)
    train = np.concatenate(_collect(data.train))
    np.testing.assert_array_equal(train, np.concatenate(_collect(data.train)))
    images, _ = data.arrays("train")
    np.testing.assert_array_equal(train, images[: len(train)])
    # The draw of an image does not depend on which others are kept.
    ones = tfsp_data.load("digits", binarization="static", classes=(1,))
    whole, labels = data.arrays("test")
    np.testing.assert_array_equal(ones.arrays("test")[0], whole[labels == 1])
    assert set(np.unique(whole)) == {0.0, 1.0}
    grey = tfsp_data.load("digits").arrays("test")[0]
    np.testing.assert_array_equal(
        tfsp_data.load("digits", binarization="threshold").arrays("test")[0], grey > 0.5
    )


def test_labels_stay_with_their_images(coded, number_of):
    data = tfsp_data.load(coded(500), batch_size=16, labels=True)
    stream = itertools.islice(data.train_stream(), 40)
    for dataset in (data.train, data.validation, data.test, stream):
        checked = 0
        for x, y in dataset:
            np.testing.assert_array_equal(number_of(x) % 7, y)
            checked += len(y)
        assert checked >= 48
    for part in ("train", "validation", "test"):
        images, labels = data.arrays(part)
        assert labels.dtype == np.int32
        np.testing.assert_array_equal(number_of(images) % 7, labels)


def test_fewer_images_than_a_batch(coded, number_of):
    data = tfsp_data.load(coded(20), batch_size=100)
    (batch,) = _collect(data.train)
    assert batch.shape == (16, 4, 4, 1)
    assert data.steps_per_epoch == 1
    assert len(set(number_of(batch))) == 16
    assert len(_take(data.train_stream(), 3)) == 3


def test_flat_data_stays_flat():
    flat = np.random.default_rng(0).random((60, 9)).astype(np.float32)
    data = tfsp_data.load(flat, binarization="dynamic", batch_size=8)
    assert data.info.image_shape == (9,)
    assert data.train.element_spec.shape == (8, 9)
    assert set(np.unique(np.concatenate(_collect(data.test)))) == {0.0, 1.0}


def test_empty_parts(coded):
    data = tfsp_data.load(coded(20), validation_size=0, test_size=0, binarization="dynamic")
    assert _collect(data.validation) == []
    assert data.arrays("test")[0].shape == (0, 4, 4, 1)


def test_keras_fit_takes_all_of_them():
    data = tfsp_data.load("digits", labels=True, binarization="dynamic")
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, jit_compile=True)
    history = model.fit(data.train, validation_data=data.validation, epochs=2, verbose=0)
    assert len(history.history["val_loss"]) == 2
    history = model.fit(
        data.train_stream(2),
        steps_per_epoch=data.steps_per_epoch,
        initial_epoch=2,
        epochs=4,
        verbose=0,
    )
    assert np.isfinite(history.history["loss"]).all()


def test_info_is_frozen_and_becomes_plain():
    info = tfsp_data.load("digits").info
    with pytest.raises(dataclasses.FrozenInstanceError):
        info.name = "other"
    assert json.loads(json.dumps(info.to_dict())) == info.to_dict()


def test_public_names():
    assert tfsp_data.__all__ == sorted(tfsp_data.__all__)
    assert all(hasattr(tfsp_data, name) for name in tfsp_data.__all__)
    assert {"digits", "mnist", "omniglot", "celeb_a", "binarized_mnist"} <= set(tfsp_data.names())


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        (dict(binarization="stochastic"), "dynamic, static, threshold"),
        (dict(split="burda"), "Unknown split 'burda'.*standard"),
        (dict(batch_size=0), "batch_size"),
        (dict(batch_size=None), "batch_size"),
        (dict(seed="one"), "seed"),
        (dict(train_size=0), "train_size"),
        (dict(train_size=2000), "1297 images"),
        (dict(test_size=-1), "test_size"),
        (dict(classes=(3, 12)), r"lacks \[12\]"),
        (dict(classes=()), "classes"),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        tfsp_data.load("digits", **kwargs)


def test_bad_calls():
    with pytest.raises(ValueError, match=r"Unknown data set: 'mnits'.*omniglot"):
        tfsp_data.load("mnits")
    data = tfsp_data.load("digits")
    with pytest.raises(ValueError, match="train, validation, test"):
        data.arrays("valid")
    with pytest.raises(ValueError, match="first_epoch"):
        data.train_stream(-1)
