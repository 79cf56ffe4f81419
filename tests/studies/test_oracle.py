"""The oracle's answers, and that they lead to the tree of the classes."""

import itertools

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tfsp import studies
from tfsp.studies import oracle_subtrees
from tfsp.tmc import satisfies, summarize, ward_tree


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


def test_centre_points():
    points, labels = studies.centre_points(*load_digits(return_X_y=True), 30, dim=5)
    assert points.shape == (30, 5)
    assert set(labels) <= set(range(10))
    assert np.mean(points**2, axis=0).max() == pytest.approx(1.0)


def test_errors():
    points = np.zeros((4, 1))
    with pytest.raises(ValueError, match="one class for each of 4 points"):
        studies.purity_by_answers(points, [0, 1])
    with pytest.raises(ValueError, match="must rise"):
        studies.purity_by_answers(points, [0, 1, 0, 1], counts=(5, 2))


def class_tree(labels):
    """A tree in which each class is a clade."""
    labels = np.asarray(labels)
    centres = 100.0 * np.eye(labels.max() + 1)[labels]
    return ward_tree(centres + np.random.default_rng(0).normal(size=centres.shape))


def test_units_are_clades_that_draws_are_sure_of():
    tree = class_tree([0, 0, 0, 1, 1, 1, 2, 2])
    support = np.ones(tree.num_nodes)
    support[tree.lowest_common_ancestor(0, 3)] = 0.5  # two classes together, and the root
    support[tree.lowest_common_ancestor(0, 6)] = 0.5
    units = oracle_subtrees.Subtrees(0.9).units(tree, support)
    assert sorted(map(sorted, units)) == [[0, 1, 2], [3, 4, 5], [6, 7]]
    units = oracle_subtrees.Subtrees(0.4).units(tree, support)
    assert sorted(leaf for unit in units for leaf in unit) == list(range(8))
    sure = np.ones(tree.num_nodes)  # also of the two halves, about which nothing could be asked
    assert len(oracle_subtrees.Subtrees(0.9).units(tree, sure)) == 3
    assert len(oracle_subtrees.Subtrees(1.0).units(tree, np.where(support < 1, 0, 0.9))) == 8


def test_answers_about_subtrees_hold_in_the_tree_of_classes():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=20)
    points = np.eye(3)[labels] + 0.5 * rng.normal(size=(20, 3))
    found = summarize(points, 40, burn_in=5_000, moves_per_draw=200, warn=False, columns="all")
    asker = oracle_subtrees.Subtrees(0.3)
    told, asked = asker.ask(labels, found, [], 300, 20, 0.5, 0)
    assert 5 < len(told) <= asked
    rows = [row for some in told for row in some]
    assert len(rows) > len(told)  # more than a triplet an answer
    assert np.all(satisfies(class_tree(labels), rows))
    for mixed in asker._mixed:
        assert len(set(labels[list(mixed)])) > 1
        assert all(not mixed <= set(unit) for unit in asker.units(found.tree, found.support))


def test_subtrees_lead_to_the_classes():
    rng = np.random.default_rng(0)
    labels = np.arange(12) % 2
    points = 1.5 * labels[:, None] + rng.normal(size=(12, 2))
    options = dict(num_draws=40, burn_in=5_000, moves_per_draw=200)
    rows = studies.purity_by_answers(
        points, labels, 0.5, (0, 5, 40), subtrees=0.5, seed=1, **options
    )
    assert rows[-1]["purity"] > rows[0]["purity"]


def test_a_round_that_only_finds_mixed_subtrees_is_not_the_last():
    place = np.repeat(np.arange(3), 4)
    labels = np.tile([0, 0, 1, 1], 3)  # each of three far groups holds both classes
    points = 20.0 * np.eye(3)[place] + np.random.default_rng(0).normal(size=(12, 3))
    options = dict(num_draws=20, burn_in=3_000, moves_per_draw=100)
    told = studies.answers(points, labels, 4, subtrees=0.9, **options)
    assert len(told) >= 4
    assert all(labels[a] == labels[b] != labels[c] for a, b, c in told)
