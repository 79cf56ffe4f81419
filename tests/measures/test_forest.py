"""Forests and linear attribute classifiers on few codes."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from tfsp.evaluation import attribute_prediction, few_shot_forest


def make_codes(count, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    return rng.normal(size=(count, 4)) + 2.0 * np.eye(4)[labels], labels + 5


def test_forests():
    train, test = make_codes(300, 0), make_codes(400, 1)
    result = few_shot_forest(*train, *test, sizes=(10, 50, 300, 1000), num_subsets=3, num_trees=20)
    assert result["sizes"] == [10, 50, 300]  # there are no 1000
    assert result["accuracies"].shape == (3, 3)
    np.testing.assert_allclose(result["mean"], result["accuracies"].mean(axis=1))
    np.testing.assert_allclose(
        result["standard_deviation"], result["accuracies"].std(axis=1, ddof=1)
    )
    assert 0.4 < result["mean"][0] < result["mean"][2]
    assert result["mean"][2] > 0.7
    # All examples are used at the last size, in depth 4: as scikit-learn does.
    forest = RandomForestClassifier(20, max_depth=4, random_state=0)
    expected = np.mean(forest.fit(*train).predict(test[0]) == test[1])
    assert result["mean"][2] == pytest.approx(expected, abs=0.05)
    again = few_shot_forest(*train, *test, sizes=(10, 50, 300), num_subsets=3, num_trees=20)
    np.testing.assert_array_equal(again["accuracies"], result["accuracies"])
    other = few_shot_forest(*train, *test, sizes=(10,), num_subsets=3, num_trees=20, seed=1)
    assert not np.array_equal(other["accuracies"], result["accuracies"][:1])


def test_depth_limits_the_trees():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(400, 1))
    labels = np.floor(8 * (x[:, 0] + 1)).astype(int)  # 16 classes on a line: four cuts deep
    deep = few_shot_forest(x, labels, x, labels, (400,), 1, num_trees=10)
    shallow = few_shot_forest(x, labels, x, labels, (400,), 1, max_depth=1, num_trees=10)
    assert shallow["mean"][0] < 0.4 < deep["mean"][0]
    assert np.isnan(deep["standard_deviation"][0])


def test_attributes():
    rng = np.random.default_rng(0)
    codes, test = rng.normal(size=(500, 3)), rng.normal(size=(400, 3))

    def attributes(z):
        return np.stack([z[:, 0] > 0, z[:, 1] + z[:, 2] > 1, np.ones(len(z))], axis=1).astype(int)

    result = attribute_prediction(
        codes, attributes(codes), test, attributes(test), (30, 500), num_subsets=2
    )
    assert result["sizes"] == [30, 500]
    assert result["by_attribute"].shape == (2, 3)
    np.testing.assert_array_equal(result["by_attribute"][:, 2], 1.0)  # a single value: guessed
    np.testing.assert_allclose(result["by_attribute"].mean(axis=1), result["mean"])
    assert 0.75 < result["mean"][0] < result["mean"][1]
    expected = LogisticRegression().fit(codes, attributes(codes)[:, 0])
    score = expected.score(test, attributes(test)[:, 0])
    assert result["by_attribute"][1, 0] == pytest.approx(score, abs=0.01)
    frequent = attributes(codes).mean(axis=0) > 0.5
    assert result["majority"] == pytest.approx(np.mean(attributes(test) == frequent))


def test_errors():
    codes, labels = make_codes(60, 0)
    with pytest.raises(ValueError, match="`sizes` must be increasing"):
        few_shot_forest(codes, labels, codes, labels, sizes=(50, 10))
    with pytest.raises(ValueError, match="smallest of `sizes` is 100.*only 60"):
        few_shot_forest(codes, labels, codes, labels, sizes=(100,))
    with pytest.raises(ValueError, match="4 dimensions, `test_codes` 3"):
        few_shot_forest(codes, labels, codes[:, :3], labels)
    with pytest.raises(ValueError, match="max_depth"):
        few_shot_forest(codes, labels, codes, labels, max_depth=0)
    with pytest.raises(ValueError, match=r"0 or 1, of shape \[60, k\]"):
        attribute_prediction(codes, labels[:, None], codes, labels[:, None])
    zeros = np.zeros((60, 3), int)
    with pytest.raises(ValueError, match="2 attributes, `test_attributes` 3"):
        attribute_prediction(codes, zeros[:, :2], codes, zeros)
