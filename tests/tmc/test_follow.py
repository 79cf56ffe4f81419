"""Trees that follow others as far as triplets let them."""

import numpy as np
import pytest
from reference import constraints
from reference import tmc as reference

from tfsp.tmc import Phylogeny, dendrogram_purity, native_sampler, satisfies
from tfsp.tmc.constraints import ContradictionError, constrained_linkage, follow
from tfsp.tmc.summary import ward_tree


def tree_of(num_leaves, seed, shape="coalescent"):
    return Phylogeny(*reference.random_tree(np.random.default_rng(seed), num_leaves, shape))


@pytest.mark.parametrize("num_leaves", [3, 5, 12, 50])
@pytest.mark.parametrize("share", [0.1, 1.0, 10.0])
def test_any_tree_follows_any_consistent_triplets(num_leaves, share):
    for seed in range(12):
        shape = ("coalescent", "caterpillar")[seed % 2]
        guide, other = tree_of(num_leaves, seed, shape), tree_of(num_leaves, 100 + seed)
        rng = np.random.default_rng(seed)
        count = max(1, round(share * num_leaves))
        triplets = constraints.random_triplets(rng, other.parent, count)
        tree = follow(guide, triplets)
        assert np.all(satisfies(tree, triplets))
        assert tree.num_leaves == num_leaves
        # Its times are inside the sampler's cap, and the chain takes it.
        native_sampler.sample_posterior(
            tree.parent, tree.time, rng.normal(size=(num_leaves, 2)), num_moves=10, seed=0
        )
        assert tree.time[num_leaves:].max() <= 1 - 1e-6


def test_a_tree_that_satisfies_stays_itself():
    tree = tree_of(20, 3)
    triplets = constraints.random_triplets(np.random.default_rng(0), tree.parent, 30)
    assert follow(tree, triplets) is tree
    assert follow(tree, []) is tree
    assert follow(tree, None) is tree


def test_what_the_triplets_do_not_touch_stays():
    """One leaf has to move: the tree of the others is the same, with its times."""
    for seed in range(20):
        tree = tree_of(15, seed)
        rng = np.random.default_rng(seed)
        while True:
            a, b, c = rng.choice(15, 3, replace=False)
            if not satisfies(tree, [(a, b, c)])[0]:
                break
        moved = follow(tree, [(a, b, c)])
        kept = [
            gone
            for gone in (a, b, c)
            if tree.restrict(others := [n for n in range(15) if n != gone])
            == moved.restrict(others)
        ]
        assert kept, (seed, a, b, c)


def test_a_group_goes_where_most_of_it_is():
    """Leaves 0..3 left, 4..7 right; 3 is held with 4, 5 and 6 against 7."""
    parent = [8, 8, 9, 10, 11, 11, 12, 13, 9, 10, 14, 12, 13, 14, -1]
    time = [1] * 8 + [0.8, 0.6, 0.3, 0.8, 0.6, 0.3, 0.0]
    tree = Phylogeny(parent, time)
    moved = follow(tree, [(3, 4, 7), (4, 5, 7), (5, 6, 7)])
    assert moved.leaves_below(moved.lowest_common_ancestor(0, 2)).tolist() == [0, 1, 2]
    assert moved.lca_times()[0, 1] == 0.8
    assert moved.leaves_below(moved.lowest_common_ancestor(4, 6)).tolist() == [4, 5, 6]
    assert moved.leaves_below(moved.lowest_common_ancestor(3, 6)).tolist() == [3, 4, 5, 6]


def test_constrained_linkage():
    rng = np.random.default_rng(0)
    points = np.repeat(2 * rng.normal(size=(6, 3)), 5, axis=0) + 0.2 * rng.normal(size=(30, 3))
    free = ward_tree(points)
    assert constrained_linkage(points, None) == free
    triplets = constraints.random_triplets(rng, tree_of(30, 1).parent, 10)
    names = [f"leaf {n}" for n in range(30)]
    named = [[names[n] for n in row] for row in triplets]
    tree = constrained_linkage(points, named, names)
    assert tree.names == tuple(names)
    assert np.all(satisfies(tree, named))
    assert np.all(satisfies(tree, triplets))
    clusters = np.repeat(np.arange(6), 5)
    assert dendrogram_purity(free, clusters) == 1.0
    other = follow(tree_of(30, 2), triplets)
    assert dendrogram_purity(tree, clusters) > dendrogram_purity(other, clusters) + 0.3
    assert constrained_linkage(points[:1], []).num_leaves == 1


def test_large_and_deep_trees():
    for num_leaves, shape in ((400, "caterpillar"), (3000, "coalescent")):
        tree, other = tree_of(num_leaves, 0, shape), tree_of(num_leaves, 1)
        rng = np.random.default_rng(0)
        rows = np.array([rng.choice(num_leaves, 3, replace=False) for _ in range(300)])
        triplets = rows[satisfies(other, rows)]
        assert np.all(satisfies(follow(tree, triplets), triplets))


def test_contradictions_are_refused():
    tree = tree_of(4, 0)
    with pytest.raises(ContradictionError, match="\\({0, 1}, 2\\)"):
        follow(tree, [(0, 1, 2), (1, 2, 0)])
    with pytest.raises(ValueError, match="triplets\\[0, 0\\] = 7"):
        follow(tree, [(7, 1, 2)])
    with pytest.raises(ValueError, match="is no leaf of the tree"):
        follow(tree, [("x", 1, 2)])
