"""Scores of hierarchies by hand, and the peers' trees against scipy and scikit-learn."""

import numpy as np
import pytest
from scipy.cluster import hierarchy
from sklearn.cluster import HDBSCAN

from tfsp.evaluation import hierarchy_scores
from tfsp.studies import hierarchies
from tfsp.tmc import Phylogeny
from tfsp.tmc.summary import ward_tree


def blobs(per_class=30, seed=0, noise=0.3):
    rng = np.random.default_rng(seed)
    centres = np.array([[4.0, 0, 0], [-4, 1, 0], [0, 4, 0], [0.5, 4, 3]])
    labels = np.repeat(range(4), per_class)
    return centres[labels] + noise * rng.normal(size=(len(labels), 3)), labels


def test_scores_by_hand():
    tree = Phylogeny([4, 4, 5, 5, 6, 6, -1], [1, 1, 1, 1, 0.6, 0.8, 0])
    found = hierarchy_scores(tree, np.array([0, 0, 0, 1]), 2)
    # Pairs of class 0: (0, 1) meet in a pure clade, (0, 2) and (1, 2) at the root, of 3/4.
    assert found["purity"] == pytest.approx((1 + 2 * 0.75) / 3)
    assert found["leaf_purity"] == found["accuracy"] == 0.75
    own = hierarchy_scores(tree, np.array([0, 0, 0, 1]), 2, clusters=np.array([0, 0, 0, 1]))
    assert own["accuracy"] == own["nmi"] == 1.0


def test_every_method_finds_blobs():
    codes, labels = blobs()
    for tree in (ward_tree(codes), hierarchies.counts_ward(*[codes] * 2, num_centres=12)):
        assert hierarchy_scores(tree, labels, 4) == pytest.approx(
            dict(purity=1, leaf_purity=1, accuracy=1, nmi=1)
        )
    tree, clusters = hierarchies.hdbscan(codes)
    assert hierarchy_scores(tree, labels, 4, clusters=clusters)["purity"] == 1.0
    assert hierarchies.flat_peers(codes, labels, 4)["accuracy"] == 1.0


def test_weighted_linkage_of_all_points_is_that_of_the_points():
    codes, labels = blobs(noise=2.5)
    every = hierarchies.counts_ward(codes, codes, num_centres=len(codes))
    plain = ward_tree(codes)
    assert hierarchy_scores(every, labels, 4) == hierarchy_scores(plain, labels, 4)


def test_the_tree_of_hdbscan_is_the_one_it_cuts():
    """Its clusters are clades; without a least size the mutual reachability is the distance."""
    codes, _ = blobs(noise=0.8, seed=3)
    tree, clusters = hierarchies.hdbscan(codes)
    own = HDBSCAN(min_cluster_size=5, copy=True).fit(codes).labels_
    noise = own < 0
    np.testing.assert_array_equal(clusters[~noise], own[~noise])
    assert len(np.unique(clusters[noise])) == noise.sum()
    for k in range(own.max() + 1):
        members = np.flatnonzero(own == k)
        clade = tree.leaves_below(tree.lowest_common_ancestor(*members))
        assert set(own[clade]) <= {k, -1}
    single = Phylogeny.from_linkage(hierarchy.linkage(codes, "single"))
    assert hierarchies.hdbscan(codes, 2)[0].num_leaves == single.num_leaves


def test_centres_without_new_data_are_left_out():
    codes, labels = blobs()
    tree = hierarchies.counts_ward(codes, codes[labels < 2], num_centres=8)
    assert tree.num_leaves == 60
    assert hierarchy_scores(tree, labels[labels < 2], 2)["purity"] == 1.0
