"""The oracle's answers, and that they lead to the tree of the classes."""

import itertools

import numpy as np
import pytest

from tfsp import studies


def test_answers_are_those_of_classes():
    labels = np.array([0, 0, 1, 1, 2, 0])
    assert studies.answer(labels, (0, 1, 2)) == (0, 1, 2)
    assert studies.answer(labels, (2, 1, 0)) == (1, 0, 2)
    assert studies.answer(labels, (0, 2, 3)) == (2, 3, 0)
    assert studies.answer(labels, (0, 1, 5)) is None
    assert studies.answer(labels, (0, 2, 4)) is None
    for triple in itertools.permutations(range(6), 3):
        told = studies.answer(labels, triple)
        if told is not None:
            assert set(told) == set(triple)
            assert labels[told[0]] == labels[told[1]] != labels[told[2]]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_answers_lead_to_the_classes(share):
    """Points of no cluster at all, by classes that only the oracle knows."""
    rng = np.random.default_rng(0)
    points, labels = rng.normal(size=(12, 2)), np.arange(12) % 2
    options = dict(num_draws=40, burn_in=5_000, moves_per_draw=200)
    told = []
    rows = studies.purity_by_answers(
        points, labels, share, (0, 10, 60), each=10, seed=1, report=told.append, **options
    )
    assert told == rows
    assert [row["answers"] for row in rows[:2]] == [0, 10]
    assert rows[0]["asked"] == 0
    purity = [row["purity"] for row in rows]
    assert purity[-1] > purity[0] + 0.1
    assert all(row["asked"] >= row["answers"] for row in rows)


def test_digit_points():
    points, labels = studies.digit_points(30, dim=5)
    assert points.shape == (30, 5)
    assert set(labels) <= set(range(10))
    assert np.mean(points**2, axis=0).max() == pytest.approx(1.0)


def test_errors():
    points = np.zeros((4, 1))
    with pytest.raises(ValueError, match="one class for each of 4 points"):
        studies.purity_by_answers(points, [0, 1])
    with pytest.raises(ValueError, match="must rise"):
        studies.purity_by_answers(points, [0, 1, 0, 1], counts=(5, 2))
