"""Elements of a tf.data.Dataset: one example, a batch, or refused with the map that helps."""

import numpy as np
import pytest
import tensorflow as tf

from tfsp import data as tfsp_data
from tfsp.data import user_dataset

X = np.random.default_rng(0).random((40, 6, 6, 1)).astype(np.float32)
Y = np.arange(40) % 3
CACHE = [True, False]


def slices(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays if len(arrays) > 1 else arrays[0])


def shapes(dataset, cache):
    info = tfsp_data.load(dataset, cache=cache).info
    return info.image_shape, info.num_train + info.num_validation + info.num_test


@pytest.mark.parametrize("cache", CACHE)
@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        # A batch of fixed size looks like one image; unlabelled, so that nothing else tells.
        (slices(X.reshape(40, 36)).batch(8, drop_remainder=True), ["unbatch()", "(8, 36)"]),
        (slices(X[..., 0]).batch(8, drop_remainder=True), ["unbatch()", "(8, 6, 6)"]),
        (slices(np.zeros((9, 28, 20))), ["x[..., None]", "(28, 20)"]),
        (slices(np.zeros((9, 8, 8, 12))), ["dataset.batch(100)", "(8, 8, 12)"]),
        # Dicts and other structures.
        (slices({"image": X, "label": Y}), ["lambda x: (x['image'], x['label'])"]),
        (slices({"label": Y, "pixels": X, "id": Y}), ["(x['pixels'], x['label'])"]),
        (slices({"foo": X}), ["lambda x: x['foo']"]),
        (slices({"number": Y, "foo": X}), ["lambda x: (x['foo'], x['number'])"]),
        (slices({"image": X}, Y), ["lambda x, y: (x['image'], y)"]),
        (slices(X, Y, Y), ["lambda x, y, *rest: (x, y)"]),
        (slices(tf.ragged.constant([[0.1], [0.2, 0.3]])), ["to_tensor()"]),
        # Labels.
        (slices(X, np.eye(3)[Y]), ["tf.argmax(y, -1)"]),
        (slices(X, np.eye(3)[Y]).batch(4), ["tf.argmax(y, -1)"]),
        (slices(X, Y[:, None]), ["tf.squeeze(y, -1)"]),
        (slices(X, np.array(["cat"] * 40)), ["string", "StringLookup"]),
        (slices(X, Y * 0.5), ["whole numbers", "0.5"]),
        (slices(X, np.where(Y, 1, np.nan)), ["14 of 40 are NaN"]),
        (slices(X, Y.astype(complex)), ["complex128"]),
        (slices(X, Y + 2**40), ["int32"]),
        # Images.
        (slices(["a.png", "b.png"]), ["tf.io.decode_image"]),
        (slices((X * 255).astype(np.int64)), ["uint8", "int64"]),
        (slices(X.astype(complex)), ["complex128"]),
        # No end, whatever the elements are.
        (slices(X).repeat(), ["infinite", "take(n)"]),
        (slices({"image": X}).repeat(), ["infinite"]),
    ],
)
def test_refused_with_what_helps(dataset, words, cache):
    with pytest.raises(ValueError) as caught:
        tfsp_data.load(dataset, cache=cache)
    for word in words:
        assert word in str(caught.value)
    assert "user code" not in str(caught.value)


def test_the_help_helps():
    """What the messages say to pass is taken, with as many examples as there are."""
    flat = slices(X.reshape(40, 36)).batch(8, drop_remainder=True)
    assert shapes(flat.unbatch(), True) == ((36,), 40)
    lone = slices(np.zeros((9, 28, 20))).map(lambda x: x[..., None])
    assert shapes(lone, True) == ((28, 20, 1), 9)
    many = slices(np.zeros((9, 8, 8, 12))).batch(100)
    assert shapes(many, True) == ((8, 8, 12), 9)
    pairs = slices({"image": X, "label": Y}).map(lambda x: (x["image"], x["label"]))
    assert tfsp_data.load(pairs).info.num_classes == 3
    hot = slices(X, np.eye(3)[Y]).map(lambda x, y: (x, tf.argmax(y, -1)))
    assert tfsp_data.load(hot).info.num_classes == 3


@pytest.mark.parametrize("cache", CACHE)
def test_more_forms(cache):
    assert shapes(slices(X[..., 0]).batch(7), cache) == ((6, 6, 1), 40)
    assert shapes(tf.data.Dataset.from_tensor_slices((X,)), cache) == ((6, 6, 1), 40)
    assert shapes(slices(X > 0.5), cache) == ((6, 6, 1), 40)
    assert shapes(slices(X, Y * 1.0).batch(7), cache) == ((6, 6, 1), 40)
    binary = tfsp_data.load(slices(X > 0.5), cache=cache, shuffle=False)
    assert set(np.unique(np.concatenate(list(binary.train)))) == {0.0, 1.0}


@pytest.mark.parametrize("cache", CACHE)
@pytest.mark.parametrize("labels", [True, False])
def test_a_generator_without_end_is_noticed(monkeypatch, cache, labels):
    monkeypatch.setattr(user_dataset, "_LENGTH_LIMIT", 50)

    def numbers():
        while True:
            yield (X[0], 1) if labels else X[0]

    image, label = tf.TensorSpec((6, 6, 1)), tf.TensorSpec((), tf.int32)
    dataset = tf.data.Dataset.from_generator(
        numbers, output_signature=(image, label) if labels else image
    )
    with pytest.raises(ValueError, match=r"more than 50 examples.*take\(n\).*assert_cardinality"):
        tfsp_data.load(dataset, cache=cache)
    assert (
        shapes(dataset.take(60).apply(tf.data.experimental.assert_cardinality(60)), cache)[1] == 60
    )
    assert shapes(dataset.take(50), cache)[1] == 50
