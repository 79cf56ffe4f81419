"""Flat clusters from trees: the best of all cuts, by enumeration."""

import itertools

import numpy as np
import pytest
from reference import tmc as reference

from tfsp.tmc import Phylogeny


def all_cuts(tree, num_clusters):
    """Every set of K clades that hold all leaves, each once."""
    clades = [frozenset(tree.leaves_below(v).tolist()) for v in range(tree.num_nodes)]
    for chosen in itertools.combinations(clades, num_clusters):
        if sum(map(len, chosen)) == tree.num_leaves and len(frozenset().union(*chosen)) == sum(
            map(len, chosen)
        ):
            yield chosen


def spread(tree, clusters, weights):
    lca, total = tree.lca_times(), 0.0
    for cluster in clusters:
        pairs = itertools.combinations(sorted(cluster), 2)
        inside = sum(weights[i] * weights[j] * (1 - lca[i, j]) for i, j in pairs)
        total += inside / sum(weights[i] for i in cluster)
    return total


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("weighted", [False, True])
def test_the_cut_of_least_spread(seed, weighted):
    rng = np.random.default_rng(seed)
    tree = Phylogeny(*reference.sample_prior(rng, 8))
    weights = rng.integers(1, 9, 8) if weighted else np.ones(8)
    for num_clusters in range(1, 9):
        labels = tree.cut(num_clusters, "spread", weights if weighted else None)
        clusters = [np.flatnonzero(labels == k) for k in range(num_clusters)]
        assert set(labels) == set(range(num_clusters))
        for cluster in clusters:  # a subtree each
            assert tree.leaf_counts[tree.lowest_common_ancestor(*cluster)] == len(cluster)
        least = min(spread(tree, cut, weights) for cut in all_cuts(tree, num_clusters))
        np.testing.assert_allclose(spread(tree, clusters, weights), least, atol=1e-12)


def test_a_lone_leaf_is_not_split_off_before_two_clusters():
    def quad(n):
        return f"(({n}:.1,{n + 1}:.1):.1,({n + 2}:.1,{n + 3}:.1):.1)"

    left, right = f"({quad(0)}:.7,12:.9):.1", f"({quad(4)}:.5,{quad(8)}:.5):.3"
    tree = Phylogeny.from_newick(f"({left},{right});")
    assert tree.cut(3).tolist() == [0] * 4 + [1] * 8 + [2]
    assert tree.cut(3, "spread").tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [0]
    # A leaf that stands for many is worth a cluster of its own.
    weights = np.append(np.ones(12), 50)
    assert tree.cut(3, "spread", weights).tolist() == tree.cut(3).tolist()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("min_size", [2, 3])
def test_small_groups_are_no_clusters(seed, min_size):
    """The first splits into two large parts, by listing them; the others joined by hand."""
    rng = np.random.default_rng(seed)
    tree = Phylogeny(*reference.sample_prior(rng, 14))
    lca = tree.lca_times()
    below = [set(tree.leaves_below(v).tolist()) for v in range(tree.num_nodes)]
    splits = [v for v in range(14, 27) if all(len(below[c]) >= min_size for c in tree.children[v])]
    splits.sort(key=lambda v: tree.time[v])
    for num_clusters in range(1, len(splits) + 2):
        first = splits[: num_clusters - 1]
        parts = [below[c] for v in first for c in tree.children[v]] or [set(range(14))]
        expected = [p for p in parts if not any(below[v] <= p for v in first)]
        found = tree.cut(num_clusters, min_size=min_size)
        assert set(found) == set(range(num_clusters))
        for cluster in expected:
            assert len(set(found[list(cluster)])) == 1
        for leaf in set(range(14)).difference(*expected):
            latest = [max(lca[leaf, other] for other in cluster) for cluster in expected]
            near = [c for c, t in zip(expected, latest, strict=True) if t == max(latest)]
            assert found[leaf] in {found[min(cluster)] for cluster in near}
    with pytest.raises(
        ValueError, match=f"at most {len(splits) + 1} clusters of {min_size} leaves"
    ):
        tree.cut(len(splits) + 2, min_size=min_size)
    np.testing.assert_array_equal(tree.cut(5, min_size=1), tree.cut(5))


def test_bad_cuts_are_named():
    tree = Phylogeny(*reference.sample_prior(np.random.default_rng(0), 5))
    with pytest.raises(ValueError, match=r"`num_clusters`.*6"):
        tree.cut(6, "spread")
    with pytest.raises(ValueError, match="`method` must be.*'support'"):
        tree.cut(2, "support")
    with pytest.raises(ValueError, match="'time' with weights"):
        tree.cut(2, weights=np.ones(5))
    with pytest.raises(ValueError, match=r"shape \(5,\)"):
        tree.cut(2, "spread", np.ones(4))
    with pytest.raises(ValueError, match=r"weights\[3\] = 0"):
        tree.cut(2, "spread", [1, 1, 1, 0, 1])
