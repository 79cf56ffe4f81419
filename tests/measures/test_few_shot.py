"""Few-shot accuracy: the label sets, the classifier at its optimum, its limits."""

import importlib
import math

import numpy as np
import pytest
from reference import codes as reference
from scipy import special

from tfsp.measures import classifier, few_shot

module = importlib.import_module("tfsp.measures.few_shot")


def clusters(n, dim=5, classes=4, spread=1.5, seed=0):
    """(codes, labels): labels 10, 20, ...; n codes."""
    centres = spread * np.random.default_rng(99).standard_normal((classes, dim))
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    return centres[labels] + rng.standard_normal((n, dim)), 10 * (labels + 1)


@pytest.fixture
def data():
    return (*clusters(400), *clusters(2000, seed=1))


@pytest.mark.parametrize(
    ("penalty", "classes", "size"), [(1.0, 3, 2), (1.0, 3, 60), (20.0, 3, 60), (20.0, 2, 60)]
)
def test_classifier_is_at_the_optimum(penalty, classes, size):
    train = clusters(300, dim=3, classes=classes, spread=0.7)
    test = clusters(4000, dim=3, classes=classes, spread=0.7, seed=1)
    ours = few_shot(*train, *test, [size], 1, penalty=penalty)
    rows = chosen(*train, *test, [size], 1)[0]
    codes, labels = train[0][rows], train[1][rows]
    weight, bias = reference.logistic_regression(codes, labels, penalty)
    predicted = np.unique(labels)[np.argmax(test[0] @ weight + bias, axis=1)]
    expected = np.mean(predicted == test[1])
    assert ours["num_not_converged"] == [0]
    assert abs(ours["mean"][0] - expected) <= 2 / 4000
    assert 1.2 / classes < expected < 0.98


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("penalty", [0.2, 5.0])
def test_probabilities_are_those_of_the_penalty_named(penalty, classes):
    """For two classes too, which scikit-learn fits by one vector in the place of two."""
    codes, labels = clusters(60, dim=3, classes=classes, spread=0.7)
    weight, bias = reference.logistic_regression(codes, labels, penalty)
    _, probabilities, converged = classifier.fit(codes, labels, penalty)
    assert converged
    expected = special.softmax(codes @ weight + bias, axis=1)
    np.testing.assert_allclose(probabilities(codes), expected, atol=1e-3)


def chosen(*arguments, **settings):
    """Rows of the training data that each fit was given."""
    codes, labels = np.asarray(arguments[0]), arguments[1]
    where = {tuple(row): i for i, row in enumerate(codes)}
    seen = []

    def spy(train_codes, train_labels, *rest):
        rows = [where[tuple(row)] for row in train_codes]
        np.testing.assert_array_equal(labels[rows], train_labels)
        seen.append(rows)
        return 0.5, True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "fit_and_score", spy)
        few_shot(*arguments, **settings)
    return seen


def test_label_sets_are_balanced_nested_and_seeded(data):
    sizes, sets = [1, 3, 20], 6
    seen = chosen(*data, sizes, sets, seed=5)
    assert len(seen) == len(sizes) * sets
    for i, rows in enumerate(seen):
        assert len(set(rows)) == len(rows)
        _, counts = np.unique(data[1][rows], return_counts=True)
        assert counts.tolist() == [sizes[i % 3]] * 4
        if i % 3:
            assert set(seen[i - 1]) < set(rows)
    largest = {tuple(rows) for rows in seen[2::3]}
    assert len(largest) == sets
    assert chosen(*data, sizes, sets, seed=5) == seen
    assert chosen(*data, [20], 2, seed=5) == [seen[2], seen[5]]  # whatever else is asked
    assert not largest & {tuple(rows) for rows in chosen(*data, [20], sets, seed=6)}


def test_every_example_is_as_likely():
    codes, labels = np.arange(20.0)[:, None], np.repeat([0, 1], 10)
    rows = np.concatenate(chosen(codes, labels, codes, labels, [3], 500))
    frequency = np.bincount(rows, minlength=20) / 500
    # Hoeffding and a union bound: a right choice fails with probability below 1e-6.
    tolerance = math.sqrt(math.log(2 * 20 / 1e-6) / (2 * 500))
    np.testing.assert_allclose(frequency, 0.3, atol=tolerance)


def test_more_labels_help_and_statistics_are_of_the_sets(data):
    result = few_shot(*data, [1, 5, 50], 5)
    assert result["labels_per_class"] == [1, 5, 50]
    assert result["accuracies"].shape == (3, 5)
    assert result["mean"] == sorted(result["mean"])
    assert result["mean"][0] < result["mean"][2] - 0.05
    np.testing.assert_allclose(result["mean"], result["accuracies"].mean(axis=1))
    np.testing.assert_allclose(
        result["standard_deviation"], result["accuracies"].std(axis=1, ddof=1)
    )
    assert result["num_labels"] == [4, 20, 200]
    assert result["num_not_converged"] == [0, 0, 0]
    assert result["num_label_sets"] == 5
    assert np.isnan(few_shot(*data, [1], 1)["standard_deviation"][0])


def test_codes_that_know_nothing_score_chance():
    rng = np.random.default_rng(0)
    codes, labels = rng.standard_normal((200, 3)), np.arange(200) % 10
    test_codes, test_labels = rng.standard_normal((5000, 3)), rng.integers(0, 10, 5000)
    result = few_shot(codes, labels, test_codes, test_labels, [5], 4)
    # Hoeffding for each of four fits: a failure has probability below 1e-6.
    tolerance = math.sqrt(math.log(2 * 4 / 1e-6) / (2 * 5000))
    np.testing.assert_allclose(result["accuracies"], 0.1, atol=tolerance)
    far = 100 * np.eye(10)
    assert few_shot(far[labels], labels, far[test_labels], test_labels, [1], 2)["mean"] == [1.0]
    same = few_shot(0 * codes, labels, 0 * test_codes, test_labels, [1], 2)
    assert same["num_not_converged"] == [0]


@pytest.mark.parametrize(("scale", "shift"), [(1e-4, 0.0), (1e3, 0.0), (1.0, 1e3)])
def test_convergence_does_not_depend_on_units(data, scale, shift):
    """The optimum for codes s z + c under penalty p s^2 is that for z under p."""
    train, labels, test, test_labels = data
    expected = few_shot(*data, [1, 20], 3, penalty=0.1)["accuracies"]
    moved = (train * scale + shift, labels, test * scale + shift, test_labels)
    result = few_shot(*moved, [1, 20], 3, penalty=0.1 * scale**2)
    np.testing.assert_allclose(result["accuracies"], expected, atol=0.001)
    assert result["num_not_converged"] == [0, 0]


def test_fits_that_have_not_converged_are_counted(data):
    result = few_shot(*data, [1, 50], 3, max_iterations=2)
    assert result["num_not_converged"] == [3, 3]


def test_standardize_is_division_by_the_training_deviation(data):
    train, labels, test, test_labels = data
    stretch = np.array([1.0, 10.0, 0.1, 3.0, 0.0])  # the last dimension is dead
    plain = few_shot(train * stretch, labels, test * stretch, test_labels, [5], 3)
    ours = few_shot(train * stretch, labels, test * stretch, test_labels, [5], 3, standardize=True)
    deviation = train[:, :4].std(axis=0)
    by_hand = few_shot(
        train[:, :4] / deviation, labels, test[:, :4] / deviation, test_labels, [5], 3
    )
    np.testing.assert_allclose(ours["accuracies"], by_hand["accuracies"], atol=0.002)
    assert np.abs(ours["accuracies"] - plain["accuracies"]).max() > 0.01


def test_classes_with_too_few_examples():
    codes, labels = np.arange(9.0)[:, None], np.array([4, 4, 4, 4, 5, 5, 6, 6, 6])
    arguments = codes, labels, codes, labels
    with pytest.raises(ValueError, match="class 5 has only 2.*: 5, 6"):
        few_shot(*arguments, [1, 4], 2)
    result = few_shot(*arguments, [1, 3, 4], 2, too_few="all")
    assert result["num_labels"] == [3, 8, 9]
    assert [len(rows) for rows in chosen(*arguments, [1, 3, 4], 1, too_few="all")] == [3, 8, 9]


def test_errors(data):
    train, labels, test, test_labels = data
    with pytest.raises(ValueError, match="training data: 40.*burda"):
        few_shot(train[labels < 40], labels[labels < 40], test, test_labels, [1])
    with pytest.raises(ValueError, match="at least two classes.*: only 10"):
        few_shot(train[:2], [10, 10], test[:1], [10], [1])
    with pytest.raises(ValueError, match="5 dimensions, `test_codes` 4"):
        few_shot(train, labels, test[:, :4], test_labels, [1])
    with pytest.raises(ValueError, match="must be increasing"):
        few_shot(*data, [10, 1])
    with pytest.raises(ValueError, match=r"labels_per_class\[0\]` must be a positive int.*0"):
        few_shot(*data, [0, 1])
    for wrong in (-1, "1", None):
        with pytest.raises(
            ValueError, match=f"`penalty` must be a non-negative number.*: {wrong!r}"
        ):
            few_shot(*data, [1], 1, penalty=wrong)
    with pytest.raises(ValueError, match="`too_few` must be 'error' or 'all'"):
        few_shot(*data, [1], too_few="skip")
    with pytest.raises(ValueError, match="test_labels` must hold one class"):
        few_shot(train, labels, test, test_labels[1:], [1])
