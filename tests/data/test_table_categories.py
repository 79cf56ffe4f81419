"""Columns of text and categories as codes, with their classes kept."""

import json

import numpy as np
import pytest

from tfsp import data as tfsp_data

pd = pytest.importorskip("pandas")
N = 60
RNG = np.random.default_rng(2)
SEX = RNG.choice(["m", "f"], N)
COLOUR = RNG.choice(["red", "green", "blue"], N)
FRAME = pd.DataFrame(
    {
        "age": RNG.normal(50, 9, N),
        "sex": SEX,
        "colour": pd.Categorical(COLOUR, ["red", "green", "blue", "black"]),
        "alive": RNG.random(N) < 0.5,
    }
)


def whole(data):
    """The rows of all parts, in the order of the names of rows that were given."""
    x = np.concatenate([data.arrays(part)[0] for part in ("train", "validation", "test")])
    names = np.concatenate([data.index(part) for part in ("train", "validation", "test")])
    return x[np.argsort([int(name[1:]) for name in names])]


def named(frame):
    return frame.set_index(np.array([f"r{i}" for i in range(len(frame))]))


def test_codes_are_those_of_the_classes():
    data = tfsp_data.load(named(FRAME), categorical="code")
    assert data.info.columns == ("age", "sex", "colour", "alive")
    # Text in sorted order; a pandas categorical in its own, with a class that never occurs.
    assert data.info.categories == {"sex": ("f", "m"), "colour": ("red", "green", "blue", "black")}
    x = whole(data)
    np.testing.assert_array_equal(np.array(data.info.categories["sex"])[x[:, 1].astype(int)], SEX)
    np.testing.assert_array_equal(
        np.array(data.info.categories["colour"])[x[:, 2].astype(int)], COLOUR
    )
    np.testing.assert_array_equal(x[:, 3], FRAME["alive"])
    kept = json.loads(json.dumps(data.info.to_dict()))["categories"]
    assert kept == {"sex": ["f", "m"], "colour": ["red", "green", "blue", "black"]}
    assert tfsp_data.load(FRAME[["age"]], categorical="code").info.categories is None


def test_a_file_and_its_frame_are_the_same(tmp_path):
    FRAME.to_csv(tmp_path / "people.csv", index=False)
    data = tfsp_data.load(tmp_path / "people.csv", categorical="code", label="alive")
    assert data.info.categories == {"sex": ("f", "m"), "colour": ("blue", "green", "red")}
    assert data.info.num_classes == 2


def test_missing_classes():
    frame = named(FRAME.astype({"sex": object}))
    frame.iloc[3, 1] = None
    frame.iloc[7, 2] = np.nan
    x = whole(tfsp_data.load(frame, categorical="code", missing="model"))
    assert np.argwhere(np.isnan(x)).tolist() == [[3, 1], [7, 2]]
    assert len(whole(tfsp_data.load(frame, categorical="code", missing="drop"))) == N - 2
    data = tfsp_data.load(frame, categorical="code", missing="mean")
    train = data.arrays("train")[0]
    filled = whole(data)
    for row, column in ((3, 1), (7, 2)):  # the most frequent code, not a mean of codes
        codes = np.bincount(train[:, column].astype(int))
        assert codes[int(filled[row, column])] == codes.max()


def test_parts_share_their_codes():
    test = FRAME[:10].assign(sex="x", colour=["blue", "white"] * 5)
    data = tfsp_data.load({"x_train": FRAME, "x_test": test}, categorical="code")
    assert data.info.categories["sex"] == ("f", "m", "x")
    classes = data.info.categories["colour"]
    assert classes == ("black", "blue", "green", "red", "white")
    codes = data.arrays("test")[0][:, 2].astype(int)
    assert [classes[code] for code in codes] == ["blue", "white"] * 5
    given = {"x_train": FRAME, "x_test": test.assign(sex=1.0)}
    with pytest.raises(tfsp_data.DataFormatError, match="'sex' holds numbers in test"):
        tfsp_data.load(given, categorical="code")


def test_what_is_hardly_a_class_is_refused():
    names = FRAME.assign(who=[f"p{i}" for i in range(N)])
    with pytest.raises(tfsp_data.DataFormatError, match="'who' holds 60 different texts.*index="):
        tfsp_data.load(names, categorical="code")
    assert tfsp_data.load(names, categorical="code", index="who").index("test") is not None
    spoilt = FRAME.assign(size=["?", *["3"] * (N - 1)])
    with pytest.raises(tfsp_data.DataFormatError, match=r"numbers but for '\?'.*to_numeric"):
        tfsp_data.load(spoilt, categorical="code")
    dates = FRAME.assign(day=pd.date_range("2020-01-01", periods=N))
    with pytest.raises(tfsp_data.DataFormatError, match="'day' holds dates"):
        tfsp_data.load(dates, categorical="code")
