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
