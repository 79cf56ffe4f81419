"""Values and kinds that are no intensities or labels: taken where they are, else well refused."""

import itertools

import ml_dtypes
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf
from sklearn.preprocessing import MinMaxScaler

from tfsp import data as tfsp_data

RNG = np.random.default_rng(0)
IMAGES = RNG.random((30, 4, 4))
IMAGES[0, 0, 0], IMAGES[0, 0, 1] = 0, 1
TABLE = RNG.random((30, 5)) * [1, 10, 100, 1000, 5]


def train(source, **options):
    return tfsp_data.load(source, validation_size=0, test_size=0, **options).arrays("train")


def message(source, error=tfsp_data.DataFormatError, **options):
    with pytest.raises(error) as caught:
        tfsp_data.load(source, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "beyond", [*map(np.float64, (2e-16, 9e-5)), *map(np.float32, (1.2e-7, 2e-6)), np.float16(1e-3)]
)
def test_rounding_is_clipped(beyond):
    x = (IMAGES.astype(beyond.dtype) * 1).astype(beyond.dtype)
    x[0, 0] = [-beyond, 1 + beyond, 0.5, 1]
    found, _ = train(x)
    assert (found.min(), found.max()) == (0, 1)
    np.testing.assert_array_equal(found[..., 0], np.clip(x, 0, 1).astype(np.float32))
    for cache in (True, False):
        streamed, _ = train(tf.data.Dataset.from_tensor_slices(x), cache=cache)
        np.testing.assert_array_equal(streamed, found)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_half_precision(dtype):
    x = IMAGES.astype(dtype)
    np.testing.assert_array_equal(train(x)[0][..., 0], x.astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scaled_by_scikit_learn(dtype):
    """MinMaxScaler leaves [0, 1] by an ulp or a few."""
    table = np.random.default_rng(0).random((500, 200)) * 90 + 1000
    scaled = MinMaxScaler().fit_transform(table.astype(dtype))
    assert scaled.max() > 1
    assert train(scaled)[0].max() == 1


@pytest.mark.parametrize("beyond", [1e-3, 0.5])
def test_more_than_rounding_is_refused(beyond):
    x = IMAGES.copy()
    x[3, 1, 1] = 1 + beyond
    assert f"from 0 to {1 + beyond:g}" in message(x)


@pytest.mark.parametrize(
    ("x", "said", "unsaid"),
    [
        (np.rint(IMAGES * 255), ["x / 255", "uint8"], ["- 0) /", "MinMax"]),
        (np.rint(IMAGES * 255).astype(np.int64), ["astype('uint8')"], ["MinMax"]),
        (np.rint(IMAGES * 4000).astype(np.int32), ["65535", "4095"], ["uint8'"]),
        (np.rint(IMAGES * 4000), ["65535", "4095"], ["uint8'"]),
        (np.rint(IMAGES * 65535).astype(np.uint16), ["65535"], ["uint8'"]),
        (np.rint(IMAGES * 700).astype(np.int32) - 90, ["(x - -90) / 700"], ["uint8'"]),
        ((IMAGES > 0.5).astype(np.int64), ["astype(bool)"], []),
        (IMAGES * 2 - 1, ["(x + 1) / 2"], ["uint8'"]),
        (np.full((9, 4, 4), 3.5), ["Divide by the largest"], ["/ 0"]),
        (TABLE, ["table=True", "each column by itself"], ["uint8'", "x - "]),
        (TABLE.astype(np.int64), ["each column by itself"], ["uint8'", "x - "]),
        (TABLE[:, :2] - 5, ["each column by itself"], ["x - ", "x + "]),
    ],
)
def test_how_to_scale(x, said, unsaid):
    text = message(x, table=False)
    assert "[0, 1]" in text
    for words in said:
        assert words in text
    for words in unsaid:
        assert words not in text.replace("pass uint8 (0..255)", "")


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (IMAGES.astype(complex), "complex128.*np.abs"),
        (IMAGES.astype(str), "Text is no image.*astype"),
        (np.array(["a.png", "b.png"]), "folder"),
        (IMAGES.astype(object), "Python objects .float.*astype"),
        (np.array([None] * 9), "NoneType"),
        (np.array(["2020-01-01"] * 9, "M8[D]"), "datetime64"),
        ([np.zeros((4, 4)), np.zeros((4, 5))], r"one shape.*\(4, 4\), \(4, 5\)"),
        ([np.zeros((9, 4, 4)), np.zeros(9)], r"tuple \(images, labels\)"),
        (None, "NoneType"),
        (7, "int"),
        ({0: np.zeros((9, 4)), 1: np.zeros(9)}, "Found the keys: 0, 1"),
        ((IMAGES, None, None), "pair"),
    ],
)
def test_kinds_that_are_no_images(x, said):
    with pytest.raises(ValueError, match=said):
        tfsp_data.load(x)


def test_a_sparse_matrix_is_no_image():
    assert "toarray" in message(scipy.sparse.eye_array(9), table=False)


def endless():
    while True:
        yield np.zeros((4, 4), np.float32)


@pytest.mark.parametrize(
    "make",
    [
        endless,
        lambda: iter([np.zeros((4, 4))]),
        lambda: zip(itertools.repeat(np.zeros((4, 4))), itertools.count()),
        lambda: iter(tf.data.Dataset.from_tensor_slices(IMAGES).repeat()),
    ],
)
def test_iterators_are_not_waited_for(make):
    assert "itertools.islice(generator, n)" in message(make())
    assert "from_generator" in message(make)


def test_other_containers_of_batches():
    class Loader:
        def __iter__(self):
            return endless()

    assert "Received a Loader" in message(Loader())
    assert "tf.data.Dataset" in message(Loader())


@pytest.mark.parametrize("hide", ["array", "list", "pair", "labels", "dict"])
def test_masked_values_are_refused(hide):
    mask = np.zeros(IMAGES.shape, bool)
    mask[2, 1] = True
    x = np.ma.masked_array(IMAGES, mask)
    y = np.ma.masked_array(np.arange(30), np.arange(30) < 4)
    source, count = {
        "array": (x, 4),
        "list": (list(x), 4),
        "pair": ((x, np.arange(30)), 4),
        "labels": ((IMAGES, y), 4),
        "dict": ({"x": x}, 4),
    }[hide]
    assert f"{count} masked values" in message(source)
    whole = np.ma.masked_array(IMAGES, np.zeros(IMAGES.shape, bool))
    np.testing.assert_array_equal(train(whole)[0][..., 0], IMAGES.astype(np.float32))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("y", "said"),
    [
        (np.where(np.arange(30) < 3, np.nan, 1.0), "3 of 30 are NaN.*isfinite"),
        (np.where(np.arange(30) < 3, np.inf, 1.0), "3 of 30 are NaN or infinite"),
        (np.ones(30, complex), "complex128"),
        (np.array([["cat"]] * 30 + [["dog"]]), "shape"),
        (np.array(["cat", None] * 15, object), "without a label"),
        (np.array([1, 2] * 15, object), r"astype\('int32'\)"),
        (np.full(30, 2**40), "int32"),
        (np.full(30, 2**63, np.uint64), "int32"),
        (np.full(30, 3e9), "int32"),
        (np.full(30, 0.5), "0.5, 0.5"),
        (np.array(["2020-01-01"] * 30, "M8[D]"), "datetime64"),
        (endless(), "generator"),
    ],
)
def test_labels_that_are_no_labels(y, said):
    with pytest.raises(tfsp_data.DataFormatError, match=said):
        tfsp_data.load((IMAGES, y))


def test_labels_of_several_kinds():
    expected = np.arange(30) % 2
    for y in (expected.astype(np.float64), expected.astype(bool), expected.tolist(), range(30)):
        _, found = train((IMAGES, y))
        np.testing.assert_array_equal(found, np.asarray(y))


@pytest.mark.parametrize("shape", [(0, 4, 4), (0, 4, 4, 1), (0, 5), (0,)])
def test_no_examples(shape, tmp_path):
    empty = np.zeros(shape, np.float32)
    np.savez(tmp_path / "a.npz", x=empty)
    np.save(tmp_path / "a.npy", empty)
    for source in (empty, (empty, []), {"x": empty}, tmp_path / "a.npz", tmp_path / "a.npy"):
        assert "holds no examples" in message(source)
    full = np.zeros((9, *shape[1:]), np.float32)
    assert "x_test of dict of arrays holds no examples" in message(
        {"x_train": np.zeros((9, 5)), "x_test": empty}
    )
    assert len(shape) == 1 or train(full)[0].shape[0] == 9
    assert "holds no examples" in message([])


def test_pickled_arrays_matter_only_where_they_are_needed(tmp_path):
    names = np.array([{"a": 1}, None], object)
    np.savez(tmp_path / "a.npz", x=IMAGES, names=names)
    np.testing.assert_array_equal(train(tmp_path / "a.npz")[0][..., 0], IMAGES.astype(np.float32))
    np.savez(tmp_path / "b.npz", x=IMAGES, y=np.array([None] * 30, object))
    assert "y of" in message(tmp_path / "b.npz")
    assert "pickled Python objects" in message(tmp_path / "b.npz")
    np.save(tmp_path / "c.npy", names)
    assert "pickled Python objects" in message(tmp_path / "c.npy")
