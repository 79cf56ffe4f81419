"""What data are, by a look: pictures in folders, arrays and tables of each kind."""

import numpy as np
import pandas
import pytest
import scipy.sparse
from PIL import Image

from tfsp import data
from tfsp.data import DataFormatError, DataNotFoundError

RNG = np.random.default_rng(0)


def folder(path, images, classes=("a", "b")):
    for i, image in enumerate(images):
        place = path / classes[i % len(classes)] if classes else path
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{i:03d}.png")
    return path


def pixels(*shape):
    return RNG.integers(0, 256, (30, *shape)).astype(np.uint8)


@pytest.mark.parametrize(
    ("images", "values", "shape"),
    [
        (pixels(8, 8), "bytes", (8, 8, 1)),
        (pixels(12, 9, 3), "bytes", (12, 9, 3)),
        ((pixels(8, 8) > 99).astype(np.uint8) * 255, "binary", (8, 8, 1)),
        (pixels(8, 8) > 99, "binary", (8, 8, 1)),  # files of one bit
        ((pixels(8, 8) > 99).astype(np.uint8) * 200, "bytes", (8, 8, 1)),  # not black and white
        ((pixels(8, 8) > 99).astype(np.uint16) * 65535, "binary", (8, 8, 1)),
    ],
)
def test_folders(tmp_path, images, values, shape):
    seen = data.look(folder(tmp_path / "own", images))
    assert (seen.kind, seen.values, seen.shape) == ("pictures", values, shape)
    assert (seen.num_rows, seen.num_classes, seen.one_size) == (30, 2, True)
    assert seen.path == tmp_path / "own"


def test_pictures_of_many_sizes_have_the_middle_one(tmp_path):
    images = [np.zeros((20 + i, 40, 3), np.uint8) for i in range(5)]
    images += [np.full((9, 9), 7, np.uint8)]  # one is grey: all together are coloured
    seen = data.look(folder(tmp_path, images, classes=()))
    assert not seen.one_size
    assert seen.shape == (21, 40, 3)
    assert seen.num_classes is None


def test_one_grey_picture_among_many_is_found(tmp_path):
    images = [np.zeros((4, 4), np.uint8)] * 300
    folder(tmp_path, [*images, np.full((4, 4), 7, np.uint8)], classes=())
    assert data.look(tmp_path).values == "bytes"


@pytest.mark.parametrize(
    ("array", "kind", "values"),
    [
        (pixels(5, 5), "pictures", "bytes"),
        (pixels(5, 5) / 255.0, "pictures", "unit"),
        (pixels(5, 5) > 99, "pictures", "binary"),
        (pixels(25), "flat", "bytes"),
        (pixels(25) / 255.0, "flat", "unit"),
        (RNG.normal(size=(30, 4)), "table", "real"),
        (RNG.poisson(25.0, (30, 4)) * (RNG.random((30, 4)) < 0.5), "table", "counts"),
        (RNG.integers(18, 90, (30, 4)), "table", "real"),  # ages: nothing is 0 years old
        (RNG.integers(0, 6, (30, 4)), "table", "real"),  # grades
        (-RNG.poisson(9.0, (30, 4)), "table", "real"),
    ],
)
def test_arrays(tmp_path, array, kind, values):
    np.save(tmp_path / "own.npy", array)
    seen = data.look(tmp_path / "own.npy")
    assert (seen.kind, seen.values, seen.num_rows) == (kind, values, 30)
    assert not seen.unit_norm


def test_embeddings(tmp_path):
    rows = RNG.normal(size=(30, 8))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    np.save(tmp_path / "signed.npy", rows)
    np.save(tmp_path / "positive.npy", abs(rows))
    np.save(tmp_path / "one-hot.npy", np.eye(8)[RNG.integers(0, 8, 30)])
    assert data.look(tmp_path / "signed.npy").unit_norm
    assert data.look(tmp_path / "positive.npy").unit_norm
    assert not data.look(tmp_path / "one-hot.npy").unit_norm  # zeros and ones


def test_tables_dense_and_sparse_are_seen_alike(tmp_path):
    counts = RNG.poisson(25.0, (30, 4)) * (RNG.random((30, 4)) < 0.5)
    frame = pandas.DataFrame(counts, columns=list("abcd"))
    frame["kind"] = ["x", "y", "z"] * 10
    frame.to_csv(tmp_path / "own.csv", index=False)
    scipy.sparse.save_npz(tmp_path / "own.npz", scipy.sparse.csr_array(counts))
    dense = data.look(tmp_path / "own.csv", {"label": "kind"})
    sparse = data.look(tmp_path / "own.npz")
    assert dense.values == sparse.values == "counts"
    assert dense.largest == sparse.largest == counts.max()
    assert dense.zeros == pytest.approx(np.mean(counts == 0))
    assert sparse.zeros == pytest.approx(dense.zeros)
    assert (dense.num_classes, sparse.num_classes) == (3, None)
    unit = scipy.sparse.csr_array(np.eye(4)[[0, 1, 2] * 4] * 0.6 + np.eye(4)[[1, 2, 3] * 4] * 0.8)
    scipy.sparse.save_npz(tmp_path / "unit.npz", unit)
    assert data.look(tmp_path / "unit.npz").unit_norm


def test_columns_of_several_kinds(tmp_path):
    """What is chosen for them, and what is not where a user says it."""
    frame = pandas.DataFrame({"who": [f"r{i}" for i in range(40)], "x": RNG.normal(size=40)})
    frame["yes"] = [0.0, 1.0] * 20
    frame["two"] = ["a", "b"] * 20
    frame["three"] = ["a", "b", None, "c"] * 10
    frame.to_csv(tmp_path / "own.csv", index=False)
    seen = data.look(tmp_path / "own.csv")
    assert seen.kinds == {"numeric": 1, "binary": 2, "categorical": 1}
    assert (seen.values, seen.shape, seen.missing) == ("mixed", (4,), 10 / 160)
    assert seen.options == {"index": "who", "categorical": "code", "missing": "model"}
    given = {"index": "who", "label": "three", "missing": "drop", "categorical": "code"}
    seen = data.look(tmp_path / "own.csv", given)
    assert (seen.options, seen.num_rows, seen.num_classes) == ({}, 30, 3)
    with pytest.raises(DataFormatError, match="10 missing values"):
        data.look(tmp_path / "own.csv", {"missing": "error"})
    # An index that is there already, whole numbers, and numbers in text are no names of rows.
    frame.set_index("who").reset_index(names="name").set_index("two").to_parquet(
        tmp_path / "own.parquet"
    )
    with pytest.raises(DataFormatError, match="column 'name' holds 40 different texts"):
        data.look(tmp_path / "own.parquet")
    frame = pandas.DataFrame({"n": np.arange(5, 45), "x": RNG.normal(size=40), "yes": [0, 1] * 20})
    frame.to_csv(tmp_path / "own.csv", index=False)
    seen = data.look(tmp_path / "own.csv")
    assert (seen.values, seen.options) == ("mixed", {})
    assert seen.kinds == {"numeric": 2, "binary": 1}
    frame.assign(text=[*frame["n"].astype(str)[:-1], "?"]).to_csv(tmp_path / "own.csv", index=False)
    with pytest.raises(DataFormatError, match="which are numbers but for '?'"):
        data.look(tmp_path / "own.csv")


def test_what_is_not_there_or_no_data(tmp_path):
    with pytest.raises(DataNotFoundError, match="There is no file or folder .*absent.csv"):
        data.look(tmp_path / "absent.csv")
    with pytest.raises(DataNotFoundError, match="'digits' is a data set with a name"):
        data.look("digits")
    with pytest.raises(DataFormatError, match="holds no images"):
        data.look(tmp_path)
    (tmp_path / "own.docx").write_text("text")
    with pytest.raises(DataFormatError, match=r"Received a file \.docx"):
        data.look(tmp_path / "own.docx")
    np.save(tmp_path / "own.npy", pixels(4, 4))
    with pytest.raises(ValueError, match="label"):
        data.look(tmp_path / "own.npy", {"label": "kind"})
