"""The task of hierarchies: its numbers are those of the trees, by hand."""

import types

import numpy as np
import pytest

from tfsp import evaluation
from tfsp.evaluation.tasks import TASKS
from tfsp.tmc import dendrogram_purity, neighbour_tree, ward_tree


def rings(n, seed):
    """Three rings, each within another, in a plane of three dimensions."""
    rng = np.random.default_rng(seed)
    ring, angle = rng.integers(3, size=n), rng.uniform(0, 2 * np.pi, n)
    points = (1.0 + ring)[:, None] * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    return points + 0.05 * rng.normal(size=(n, 3)), 7 * ring


def test_the_row():
    train, test = rings(1500, 0), rings(200, 1)
    subject = types.SimpleNamespace(train=train, test=test)
    row = TASKS["hierarchy"].function(subject)
    tree = neighbour_tree(test[0], others=train[0])
    ward = ward_tree(test[0])
    for name, expected in (("hierarchy", tree), ("hierarchy_ward", ward)):
        assert row[f"{name}_purity"] == dendrogram_purity(expected, test[1])
        clusters = expected.cut(3)
        assert row[f"{name}_accuracy"] == evaluation.clustering_accuracy(test[1], clusters)
        assert row[f"{name}_nmi"] == evaluation.normalised_mutual_information(test[1], clusters)
    assert row["hierarchy_purity"] == row["hierarchy_accuracy"] == 1.0
    assert row["hierarchy_nmi"] == pytest.approx(1.0)
    assert row["hierarchy_ward_purity"] < 0.7
    assert row["hierarchy_num_points"] == 200
    assert all(TASKS["hierarchy"].has(key) for key in row)
