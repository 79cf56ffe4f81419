"""Scores of clusters by counting pairs, peers against scikit-learn's, tables by hand."""

import itertools

import numpy as np
import pytest
from sklearn.cluster import AgglomerativeClustering

from tfsp.studies import clusterings
from tfsp.tmc import dendrogram_purity, ward_tree

RNG = np.random.default_rng(0)
LABELS = np.repeat(range(3), 20)
POINTS = 1.5 * np.eye(3)[LABELS] + 0.6 * RNG.normal(size=(60, 3))


def adjusted_rand(labels, clusters):
    """(agreement - expected) / (largest - expected), over all pairs of examples."""
    pairs = list(itertools.combinations(range(len(labels)), 2))
    same = np.array([labels[i] == labels[j] for i, j in pairs])
    together = np.array([clusters[i] == clusters[j] for i, j in pairs])
    expected = same.sum() * together.sum() / len(pairs)
    largest = (same.sum() + together.sum()) / 2
    return (np.sum(same & together) - expected) / (largest - expected)


def test_scores_by_pairs():
    clusters = np.where(RNG.uniform(size=60) < 0.7, LABELS, RNG.integers(5, size=60))
    tree = ward_tree(POINTS)
    found = clusterings.scores(LABELS, clusters, tree)
    assert found["ari"] == pytest.approx(adjusted_rand(LABELS, clusters), abs=1e-12)
    assert 0.2 < found["ari"] < 0.9
    assert found["purity"] == dendrogram_purity(tree, LABELS)
    assert "purity" not in clusterings.scores(LABELS, clusters)
    assert clusterings.line(found).startswith(f"ari {found['ari']:.3f}  nmi ")
    with pytest.raises(ValueError, match="shape"):
        clusterings.scores(LABELS, clusters[1:])


def test_ward_is_that_of_scikit_learn():
    found = clusterings.of_tree(ward_tree(POINTS), LABELS)
    clusters = AgglomerativeClustering(3).fit_predict(POINTS)
    assert found["ari"] == pytest.approx(adjusted_rand(LABELS, clusters), abs=1e-12)


def test_peers_find_blobs():
    tight = 5 * np.eye(3)[LABELS] + 0.1 * RNG.normal(size=(60, 3))
    assert clusterings.k_means(tight, LABELS)["ari"] == 1.0
    assert clusterings.gaussian_mixture(tight, LABELS)["ari"] == 1.0
    loose = clusterings.k_means(POINTS, LABELS, seed=3)
    assert loose == clusterings.k_means(POINTS, LABELS, seed=3)
    assert 0.3 < loose["ari"] < 1.0


def test_mean_rows_by_hand():
    rows = [
        {"data": "b", "method": "x", "ari": 0.1},
        {"data": "a", "method": "x", "ari": 0.5, "purity": 0.25},
        {"data": "b", "method": "x", "ari": 0.3},
        {"data": "b", "method": "x", "ari": 0.5},
    ]
    assert clusterings.mean_rows(rows, ("data", "method"), ("ari", "purity")) == [
        {"data": "b", "method": "x", "runs": 3, "ari": "0.300 ± 0.115"},  # .2 / sqrt(3)
        {"data": "a", "method": "x", "runs": 1, "ari": "0.500", "purity": "0.250"},
    ]
    with pytest.raises(ValueError, match="at least one key"):
        clusterings.mean_rows(rows, (), ("ari",))


def test_a_table_is_written_beside_all_rows(tmp_path):
    rows = [{"data": "a", "seed": seed, "ari": 0.5, "nmi": 0.25} for seed in range(2)]
    table = clusterings.write_table(tmp_path, rows, ("data",))
    assert (tmp_path / "table.txt").read_text() == table + "\n"
    assert " ".join(table.splitlines()[-1].split()) == "a 2 0.500 ± 0.000 0.250 ± 0.000 -"
    assert '"seed": 1' in (tmp_path / "results.json").read_text()
