"""Trees over categories: distances by loops, linkage by scipy, and the tree over data."""

import numpy as np
import pytest
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from tfsp.tmc import Phylogeny, category_hierarchy, category_tree, dendrogram_purity
from tfsp.tmc.summary import category_distances, hang


def log_probs(n=60, num_categories=5, seed=0, scale=3.0):
    rng = np.random.default_rng(seed)
    logits = scale * rng.normal(size=(n, num_categories))
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)


def test_distances_are_mean_evidence():
    rows = log_probs()
    found, counts = category_distances(rows)
    members = [[row for row in rows if row.argmax() == k] for k in range(5)]
    assert counts.tolist() == [len(group) for group in members]
    for k in range(5):
        for m in range(5):
            one = np.mean([row[k] - row[m] for row in members[k]])
            other = np.mean([row[m] - row[k] for row in members[m]])
            assert found[k, m] == pytest.approx((one + other) / 2)


def test_average_linkage_goes_by_examples():
    """scipy's, of as many copies of each category as it has examples."""
    rows = log_probs(n=40, seed=2)
    distances, counts = category_distances(rows)
    copies = np.repeat(np.arange(5), counts)
    matrix = hierarchy.linkage(squareform(distances[np.ix_(copies, copies)]), "average")
    heights = matrix[-4:, 2]
    tree = category_tree(rows)
    assert tree.names == ("0", "1", "2", "3", "4")
    found = np.sort(1 - tree.time[tree.num_leaves :]) * heights.max()
    np.testing.assert_allclose(found, heights, rtol=1e-6)
    for num in (2, 3, 4):
        expected = hierarchy.fcluster(matrix, num, "maxclust")[np.cumsum(counts) - counts]
        cut = tree.cut(num)
        same = [[a == b for b in labels] for labels in (expected, cut) for a in labels]
        np.testing.assert_array_equal(same[:5], same[5:])


def test_near_categories_meet_first():
    """2 and 3 are often mistaken for one another, 0 and 1 less often, never the pairs."""
    base = np.array([[0, -4, -20, -20], [-4, 0, -20, -20], [-20, -20, 0, -1], [-20, -20, -1, 0.0]])
    rows = np.repeat(base, 5, axis=0)
    rows -= np.logaddexp.reduce(rows, axis=1, keepdims=True)
    tree = category_tree(rows, names=["cat", "dog", "car", "van"])
    assert tree.cut(2).tolist() == [0, 0, 1, 1]
    times = [tree.time[tree.lowest_common_ancestor(*pair)] for pair in [(0, 1), (2, 3)]]
    np.testing.assert_allclose(times, [1 - 4 / 20, 1 - 1 / 20], rtol=1e-3)


def test_empty_categories_are_left_out():
    rows = log_probs()
    wide = np.insert(rows, [2, 5], -np.inf, axis=1)
    assert category_tree(wide).names == ("0", "1", "3", "4", "5")
    np.testing.assert_array_equal(category_tree(wide).time, category_tree(rows).time)
    found, counts = category_distances(wide)
    assert np.isnan(found[2]).all()
    assert counts[[2, 6]].tolist() == [0, 0]


def test_categories_are_clades_of_the_data():
    rows = log_probs(n=90, num_categories=4, seed=1)
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(90, 3))
    names = [f"x{i}" for i in range(90)]
    tree = category_hierarchy(rows, codes, names)
    members = rows.argmax(axis=1)
    above = category_tree(rows)
    assert tree.names == tuple(names)
    assert dendrogram_purity(tree, members) == 1.0
    first = [np.flatnonzero(members == k)[0] for k in range(4)]
    top = tree.restrict(first)
    assert top.with_names(above.names).same_topology(above)
    for k in range(4):
        inside = np.flatnonzero(members == k)
        clade = tree.lowest_common_ancestor(*inside)
        assert tree.leaf_counts[clade] == len(inside)
        assert tree.time[clade] >= 0.5
        assert tree.time[tree.parent[clade]] < 0.5
        ward = hierarchy.linkage(codes[inside], "ward")
        for num in (2, 3):
            expected = hierarchy.fcluster(ward, num, "maxclust")
            cut = tree.restrict(inside).cut(num)
            np.testing.assert_array_equal(
                cut[:, None] == cut, expected[:, None] == expected[None, :]
            )


def test_any_tree_over_groups_can_have_data_hung_below():
    above = Phylogeny([3, 3, 4, 4, -1], [1, 1, 1, 0.6, 0])
    rng = np.random.default_rng(0)
    members = rng.permutation(np.repeat(range(3), [1, 2, 20]))
    tree = hang(above, members, rng.normal(size=(23, 2)))
    assert dendrogram_purity(tree, members) == 1.0
    for time, clusters in [(0.2, members == 2), (0.45, members)]:
        _, expected = np.unique(clusters, return_inverse=True)
        found = tree.slice(time)
        np.testing.assert_array_equal(found[:, None] == found, expected[:, None] == expected)
    with pytest.raises(ValueError, match=r"groups in \[0, 3\).*\[1, 2, 0\]"):
        hang(above, [0, 1, 1], np.zeros((3, 1)))
    with pytest.raises(ValueError, match=r"\[1, 1, 1, 1\]"):
        hang(above, [0, 1, 2, 3], np.zeros((4, 1)))


def test_few_data():
    rows = np.log([[0.9, 0.1], [0.2, 0.8]])
    assert category_hierarchy(rows, np.zeros((2, 1))).num_leaves == 2
    assert category_hierarchy(rows[:1], np.zeros((1, 1))).num_leaves == 1
    alone = category_hierarchy(np.log([[0.9, 0.1], [0.8, 0.2]]), np.zeros((2, 1)))
    assert alone.num_leaves == 2


def test_wrong_arguments_are_named():
    rows = log_probs()
    with pytest.raises(ValueError, match=r"numbers of shape \[n, K\].*int64"):
        category_tree(np.ones((2, 3), int))
    with pytest.raises(ValueError, match=r"log_probs\[0\].*sum to 1.*sum is 2\.5"):
        category_tree(np.log(np.full((4, 5), 0.5)))
    with pytest.raises(ValueError, match=r"log_probs\[3\]"):
        category_tree(np.where(np.arange(60)[:, None] == 3, np.nan, rows))
    with pytest.raises(ValueError, match=r"5 categories. Received: 2"):
        category_tree(rows, ["a", "b"])
    with pytest.raises(ValueError, match=r"\[60, D\].*\[3, 2\]"):
        category_hierarchy(rows, np.zeros((3, 2)))
    with pytest.raises(ValueError, match="`codes` must be finite"):
        category_hierarchy(rows, np.full((60, 1), np.nan))
