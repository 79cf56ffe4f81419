"""The task of hierarchies: its numbers are those of the trees, by hand."""

import types

import numpy as np
import pytest
import tensorflow as tf

from tfsp import evaluation, models
from tfsp.evaluation.tasks import TASKS
from tfsp.random import fold_in
from tfsp.tmc import (
    dendrogram_purity,
    lasting_clusters,
    neighbour_summary,
    neighbour_tree,
    summarize_draws,
    ward_tree,
)


def rings(n, seed):
    """Three rings, each within another, in a plane of three dimensions."""
    rng = np.random.default_rng(seed)
    ring, angle = rng.integers(3, size=n), rng.uniform(0, 2 * np.pi, n)
    points = (1.0 + ring)[:, None] * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    return points + 0.05 * rng.normal(size=(n, 3)), 7 * ring


def test_the_row():
    train, test = rings(1500, 0), rings(200, 1)
    subject = types.SimpleNamespace(model=None, train=train, test=test, seed=3)
    row = TASKS["hierarchy"].function(subject)
    tree = neighbour_tree(test[0], others=train[0])
    ward = ward_tree(test[0])
    summary = neighbour_summary(test[0], 10, others=train[0], seed=3).tree
    for name, expected in (
        ("hierarchy_summary", summary),
        ("hierarchy", tree),
        ("hierarchy_ward", ward),
    ):
        assert row[f"{name}_purity"] == dendrogram_purity(expected, test[1])
        clusters = lasting_clusters(summary, 3) if expected is summary else expected.cut(3)
        assert row[f"{name}_accuracy"] == evaluation.clustering_accuracy(test[1], clusters)
        assert row[f"{name}_nmi"] == evaluation.normalised_mutual_information(test[1], clusters)
    assert row["hierarchy_purity"] == row["hierarchy_accuracy"] == 1.0
    assert row["hierarchy_nmi"] == pytest.approx(1.0)
    assert row["hierarchy_ward_purity"] < 0.7
    assert row["hierarchy_num_points"] == 200
    assert all(TASKS["hierarchy"].has(key) for key in row)


def images(n=30):
    rng = np.random.default_rng(0)
    return rng.random((n, 8, 8, 1)).astype("float32"), rng.integers(0, 3, n)


def viewed(**settings):
    model = models.VAE.example(consistency={"weight": 1.0, **settings})
    model.build((None, 8, 8, 1))
    return model


def test_codes_of_views_are_means_over_augmentations():
    model, (x, labels) = viewed(shift=0.2, warp=0.1), images()
    found, same = evaluation.encode_views(model, (x, labels), num_views=3, seed=5)
    seeds = [fold_in(fold_in(5, 0), view) for view in range(3)]
    views = [model.encode(model.consistency.augmented(tf.constant(x), seed)) for seed in seeds]
    np.testing.assert_allclose(found, np.mean(views, axis=0), atol=1e-5)
    assert not np.allclose(found, model.encode(x), atol=1e-3)
    np.testing.assert_array_equal(same, labels)
    again, none = evaluation.encode_views(model, x, num_views=3, seed=5)
    np.testing.assert_array_equal(again, found)
    assert none is None


def test_without_change_views_are_the_example():
    model, (x, _) = viewed(shift=0.0, rotation=0.0, zoom=0.0), images()
    np.testing.assert_allclose(
        evaluation.encode_views(model, x)[0], evaluation.encode(model, x)[0], atol=1e-4
    )


def test_views_of_a_model_without_augmentation():
    with pytest.raises(ValueError, match="without `consistency`"):
        evaluation.encode_views(models.VAE.example(), images())


def test_the_row_of_a_model_with_views():
    model, (x, labels) = viewed(), images(60)
    arrays = {"train": (x[:40], labels[:40]), "test": (x[40:], labels[40:])}
    data = types.SimpleNamespace(arrays=arrays.get)
    row = TASKS["hierarchy"].function(types.SimpleNamespace(model=model, data=data, seed=3))
    codes, others = (
        evaluation.encode_views(model, arrays[part], seed=3)[0] for part in ("test", "train")
    )
    tree = neighbour_tree(codes, others=others)
    assert row["hierarchy_purity"] == dendrogram_purity(tree, labels[40:])


def test_trees_of_views_are_those_of_single_looks():
    model, (x, labels) = viewed(), images(50)
    found = evaluation.view_trees(model, (x[:20], labels[:20]), x[20:], num_trees=3, seed=2**40)
    looks = [
        [
            evaluation.encode_views(model, part, 1, fold_in(2**40, 2 * draw + side))[0]
            for side, part in enumerate((x[:20], x[20:]))
        ]
        for draw in range(3)
    ]
    expected = summarize_draws([neighbour_tree(own, others=more) for own, more in looks])
    np.testing.assert_array_equal(found.height, expected.height)
    assert found.num_draws == 3
    assert found.tree.num_leaves == 20
    assert np.any(found.spread > 0)
    alone = evaluation.view_trees(model, x[:20], num_trees=2, names=[f"x{i}" for i in range(20)])
    assert alone.tree.names[7] == "x7"
    with pytest.raises(ValueError, match="num_trees"):
        evaluation.view_trees(model, x, num_trees=1)
