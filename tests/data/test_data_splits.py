"""Parts: disjoint, of the right size, the same for every seed."""

import numpy as np
import pytest

from tfsp import data as tfsp_data
from tfsp.data import splits

NONE = dict.fromkeys(splits.PARTS)


def _numbers(data, number_of):
    return {part: number_of(data.arrays(part)[0]) for part in splits.PARTS}


def test_hold_out_is_a_disjoint_tenth(coded, number_of):
    parts = _numbers(tfsp_data.load(coded(205)), number_of)
    assert {part: len(numbers) for part, numbers in parts.items()} == {
        "train": 165,
        "validation": 20,
        "test": 20,
    }
    assert sorted(np.concatenate(list(parts.values()))) == list(range(205))


def test_hold_out_does_not_depend_on_the_seed(coded, number_of):
    first = _numbers(tfsp_data.load(coded(100), seed=0), number_of)
    second = _numbers(tfsp_data.load(coded(100), seed=1), number_of)
    for part in splits.PARTS:
        np.testing.assert_array_equal(first[part], second[part])


def test_sizes_set_the_hold_out(coded, number_of):
    data = tfsp_data.load(coded(100), train_size=30, validation_size=25, test_size=5)
    parts = _numbers(data, number_of)
    assert [len(parts[part]) for part in splits.PARTS] == [30, 25, 5]
    assert len(set(np.concatenate(list(parts.values())))) == 60


def test_train_subset_follows_the_seed_and_never_meets_the_test_part(coded, number_of):
    whole = _numbers(tfsp_data.load(coded(100)), number_of)
    subsets = []
    for seed in range(4):
        data = tfsp_data.load(coded(100), train_size=20, test_size=10, seed=seed)
        parts = _numbers(data, number_of)
        np.testing.assert_array_equal(parts["test"], whole["test"])
        assert set(parts["train"]) <= set(whole["train"])
        subsets.append(tuple(parts["train"]))
    assert len(set(subsets)) == 4


def test_evaluation_subsets_do_not_depend_on_the_seed():
    sizes = {"validation_size": 50, "test_size": 60}
    first, second = (tfsp_data.load("digits", seed=seed, **sizes) for seed in (0, 1))
    for part, size in (("validation", 50), ("test", 60)):
        images, _ = first.arrays(part)
        assert len(images) == size
        np.testing.assert_array_equal(images, second.arrays(part)[0])


def test_classes_keep_their_values(coded, number_of):
    data = tfsp_data.load(coded(700), classes=(5, 2), labels=True)
    assert data.info.num_classes == 2
    assert data.info.num_train + data.info.num_validation + data.info.num_test == 200
    for part in splits.PARTS:
        images, labels = data.arrays(part)
        assert set(labels) == {2, 5}
        np.testing.assert_array_equal(number_of(images) % 7, labels)


def test_labels_are_refused_where_there_are_none(coded):
    images, _ = coded(50)
    assert tfsp_data.load(images).info.num_classes is None
    assert tfsp_data.load(images).arrays("test")[1] is None
    with pytest.raises(ValueError, match="no labels"):
        tfsp_data.load(images, labels=True)
    with pytest.raises(ValueError, match="no labels"):
        tfsp_data.load(images, classes=(1,))


def test_shuffled_parts():
    split = splits.shuffled(1000, 500, 200, 250)
    parts = [split.train, split.validation, split.test]
    assert [len(part) for part in parts] == [500, 200, 250]
    joined = np.concatenate(parts)
    assert len(set(joined)) == 950
    assert set(joined) <= set(range(1000))


def test_given_parts_are_kept():
    split = splits.consecutive(60, None, 10)
    rows = splits.resolve(split, np.ones(70, bool), NONE, seed=0)
    np.testing.assert_array_equal(rows["test"], np.arange(60, 70))
    assert len(rows["validation"]) == 6
    assert sorted(np.concatenate([rows["train"], rows["validation"]])) == list(range(60))


@pytest.mark.parametrize("sizes", [dict(validation_size=10), dict(test_size=12), {}])
def test_too_much_held_out(coded, sizes):
    n = 10 if sizes else 2
    with pytest.raises(ValueError, match="hold out"):
        tfsp_data.load(coded(n), **sizes)
