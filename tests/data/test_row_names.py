"""What rows are known by: their index, their files, or their numbers in the source."""

import numpy as np
import pandas
import pytest
import tensorflow as tf
from PIL import Image

from tfsp import data

PARTS = ("train", "validation", "test")


def test_rows_of_an_array_are_its_places(coded, number_of):
    images, labels = coded(70)
    found = data.load((images, labels))
    for part in PARTS:
        for limit in (None, 5):
            rows = found.rows(part, limit)
            np.testing.assert_array_equal(rows, number_of(found.arrays(part, limit)[0]))
            np.testing.assert_array_equal(found.names(part, limit), rows)
    assert sorted(np.concatenate([found.rows(part) for part in PARTS])) == list(range(70))


def test_rows_of_classes_kept_and_of_parts_given(coded, number_of):
    images, labels = coded(70)
    found = data.load((images, labels), classes=(2, 3))
    np.testing.assert_array_equal(found.rows("train"), number_of(found.arrays("train")[0]))
    given = data.load({"x_train": images[:50], "x_test": images[50:]}, validation_size=10)
    assert list(given.rows("test")) == list(range(50, 70))


def test_rows_of_streams_are_counted_part_by_part(coded):
    stream = tf.data.Dataset.from_tensor_slices(coded(70)[0])
    found = data.load(stream, cache=False)
    sizes = [len(found.rows(part)) for part in PARTS]
    assert sizes == [56, 7, 7]
    assert list(np.concatenate([found.rows(part) for part in PARTS])) == list(range(70))


def test_names_of_a_table_and_of_a_folder(tmp_path):
    frame = pandas.DataFrame({"a": np.arange(30.0)}, index=[f"r{i}" for i in range(30)])
    found = data.load(frame)
    x = found.arrays("validation")[0][:, 0]
    assert list(found.names("validation")) == [f"r{int(value)}" for value in x]
    for i in range(30):
        Image.fromarray(np.full((4, 4), i, np.uint8)).save(tmp_path / f"{i:02d}.png")
    found = data.load(tmp_path)
    for limit in (None, 2):
        levels = found.arrays("test", limit)[0][:, 0, 0, 0] * 255
        assert list(found.names("test", limit)) == [f"{round(v):02d}.png" for v in levels.tolist()]


def test_rows_that_are_left_out_do_not_move_the_others():
    values = np.arange(30.0)[:, np.newaxis]
    values[[0, 7]] = np.nan
    found = data.load(values, missing="drop", table=True)
    for part in PARTS:
        x = found.arrays(part)[0][:, 0]
        assert list(found.names(part)) == [str(int(value)) for value in x]
    names = np.concatenate([found.names(part) for part in PARTS])
    assert set(names) == set(map(str, range(30))) - {"0", "7"}


def test_unknown_parts(coded):
    found = data.load(coded(30)[0])
    for method in (found.rows, found.names):
        with pytest.raises(ValueError, match="Unknown part: 'all'"):
            method("all")
