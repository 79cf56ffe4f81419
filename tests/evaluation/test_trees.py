"""Purity of learned trees: by counting pairs, and the task of a run."""

import itertools

import numpy as np
import pytest

from tfsp.evaluation import nearest_labels, tree_purity
from tfsp.priors import LORACs, NormalPrior
from tfsp.tmc import Phylogeny, neighbour_summary
from tfsp.tmc.phylogeny.linkage import weighted_ward


def purity(tree, labels):
    """Dendrogram purity by walking over all pairs of leaves."""
    parent = np.asarray(tree.parent)

    def above(v):
        path = [v]
        while parent[v] >= 0:
            v = parent[v]
            path.append(v)
        return path

    below = {v: [n for n in range(len(labels)) if v in above(n)] for v in range(len(parent))}
    values = []
    for i, j in itertools.combinations(range(len(labels)), 2):
        if labels[i] == labels[j]:
            ancestor = next(v for v in above(i) if v in above(j))
            values.append(np.mean([labels[n] == labels[i] for n in below[ancestor]]))
    return np.mean(values)


def clusters(seed, per_class):
    rng = np.random.default_rng(seed)
    centres = np.array([[3.0, 0.0], [-3.0, 0.5], [0.0, 3.0]])
    labels = np.repeat(np.arange(3), per_class)
    return centres[labels] + 0.3 * rng.normal(size=(len(labels), 2)), labels


def started():
    prior = LORACs(latent_dim=2, num_inducing=12, burn_in=20_000, seed=3)
    prior.start(clusters(0, 4)[0])
    return prior


def test_purity_of_leaves_is_that_of_all_pairs():
    prior = started()
    train, test = clusters(1, 30), clusters(2, 10)
    result = tree_purity(prior, *train, *test, num_points=25)
    labels = nearest_labels(np.asarray(prior.inducing), *train, k=5)
    np.testing.assert_array_equal(labels, clusters(0, 4)[1])
    np.testing.assert_allclose(result["purity"], purity(prior.phylogeny(), labels), rtol=1e-12)
    assert result["num_points"] == 25
    assert result["ward_purity"] == 1.0  # clusters ten standard deviations apart
    assert result["induced_ward_purity"] == 1.0
    assert result["induced_purity"] > 0.9
    summary = prior.summary_tree()
    assert result["summary_purity"] == purity(summary.tree, labels) == 1.0
    assert result["induced_summary_purity"] == 1.0
    assert result["summary_agreement"] == summary.agreement
    assert result["counts_ward_purity"] == 1.0
    tree = neighbour_summary(np.asarray(prior.inducing), others=train[0]).tree
    assert result["neighbours_purity"] == purity(tree, labels) == 1.0
    assert result["induced_neighbours_purity"] == 1.0


def test_mixed_labels_are_impure():
    """Labels that have nothing to do with the places: purity falls to about chance."""
    prior = started()
    codes, _ = clusters(1, 30)
    rng = np.random.default_rng(0)
    mixed = rng.integers(3, size=len(codes))
    result = tree_purity(prior, codes, mixed, codes, mixed, num_points=90)
    assert result["induced_purity"] < 0.6
    assert result["induced_ward_purity"] < 0.6


def test_counts_decide_the_weighted_linkage():
    """Points on a line: with the counts of the data the pair of light ones is merged first."""
    from tfsp.evaluation.trees import nearest

    points = np.array([[0.0], [1.0], [2.2]])
    codes = np.repeat(points, [90, 90, 1], axis=0)
    assert np.bincount(nearest(points, codes)).tolist() == [90, 90, 1]
    assert Phylogeny.from_linkage(weighted_ward(points, [1, 1, 1])).cut(2).tolist() == [0, 0, 1]
    assert Phylogeny.from_linkage(weighted_ward(points, [90, 90, 1])).cut(2).tolist() == [0, 1, 1]


def test_large_trees_have_no_summary(monkeypatch):
    monkeypatch.setattr(LORACs, "most_summarised", 11)
    train = clusters(1, 30)
    assert "summary_purity" not in tree_purity(started(), *train, *train, num_points=5)


def test_same_seed_same_result():
    prior = started()
    train, test = clusters(1, 30), clusters(2, 10)
    first, second = (tree_purity(prior, *train, *test, seed=5) for _ in range(2))
    assert first == second


def test_a_tree_that_has_not_started_is_refused():
    train = clusters(1, 30)
    with pytest.raises(ValueError, match="has not started"):
        tree_purity(LORACs(latent_dim=2, num_inducing=5), *train, *train)


def test_the_task_refuses_other_priors():
    from types import SimpleNamespace

    from tfsp.evaluation import tasks

    info = SimpleNamespace(num_classes=3, name="x", source="y")
    data = SimpleNamespace(info=info, arrays=lambda *_, **__: (None, np.zeros(1, int)))
    config = {"prior": {"name": "normal"}, "evaluate": {"num_samples": 1, "num_examples": 1}}
    model = SimpleNamespace(prior=NormalPrior(latent_dim=2), capabilities=())
    subject = tasks.Subject(model, config, data)
    with pytest.raises(ValueError, match="needs a tree prior"):
        tasks.check(subject, ("tree",))
