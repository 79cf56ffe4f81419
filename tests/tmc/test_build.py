"""BUILD against all topologies; the conflicts that it names; what triplets decide."""

import itertools

import numpy as np
import pytest
from reference import constraints
from reference import tmc as reference

from tfsp.tmc import satisfies
from tfsp.tmc.constraints import ContradictionError, build, decided, link_triplets


def found(triplets, num_leaves):
    """The tree of clades, or None."""
    try:
        return build(np.array(triplets, int).reshape(-1, 3), num_leaves)
    except ContradictionError:
        return None


def below(parent, num_leaves):
    """Leaf sets below the inner nodes of a tree that need not be binary."""
    sets = {v: set() for v in range(num_leaves, len(parent))}
    for leaf in range(num_leaves):
        for v in reference.ancestors(parent, leaf)[1:]:
            sets[v].add(leaf)
    return {frozenset(s) for s in sets.values()}


def sets_of(num_leaves, most):
    every = constraints.all_triplets(num_leaves)
    for size in range(most + 1):
        yield from itertools.combinations(every, size)


@pytest.mark.parametrize(("num_leaves", "most"), [(3, 3), (4, 12), (5, 3)])
def test_agrees_with_enumeration(num_leaves, most):
    """All sets of triplets of up to four leaves (2^12 of four); of five those up to three triplets
    (4,526 of 2^30). A larger consistent set of five leaves has some tree: the test below.
    """
    displays = {
        triplet: {
            t for t in reference.all_topologies(num_leaves) if constraints.displays(t, [triplet])
        }
        for triplet in constraints.all_triplets(num_leaves)
    }
    everything = set(reference.all_topologies(num_leaves))
    for triplets in sets_of(num_leaves, most):
        possible = everything.intersection(*[displays[t] for t in triplets])
        parent = found(triplets, num_leaves)
        assert (parent is not None) == bool(possible), triplets
        if parent is None:
            continue
        clades = below(parent, num_leaves)
        assert constraints.displays(clades, triplets)
        refining = [t for t in possible if clades <= t]  # every binary tree with these clades
        assert len(refining) == sum(clades <= t for t in everything) > 0


def test_random_larger_sets_of_five_leaves():
    """4 to 10 triplets, half of the sets from one tree but for a single triplet of any kind."""
    rng = np.random.default_rng(0)
    every = constraints.all_triplets(5)
    topologies = list(reference.all_topologies(5))
    outcomes = []
    for i in range(400):
        size = int(rng.integers(3, 10))
        some = every
        if i % 2:
            topology = topologies[rng.integers(len(topologies))]
            some = [t for t in every if constraints.displays(topology, [t])]
        triplets = [some[j] for j in rng.permutation(len(some))[:size]]
        triplets.append(every[rng.integers(len(every))])
        possible = bool(constraints.displaying(5, triplets))
        assert (found(triplets, 5) is not None) == possible, triplets
        outcomes.append(possible)
    assert 100 < sum(outcomes) < 300


def test_all_triplets_of_a_tree_give_it_back():
    for topology in reference.all_topologies(5):
        every = [t for t in constraints.all_triplets(5) if constraints.displays(topology, [t])]
        assert len(every) == 10
        assert below(build(every, 5), 5) == topology


def test_form_of_the_result():
    assert build([], 1).tolist() == [-1]
    assert build(None, 3).tolist() == [3, 3, 3, -1]
    assert build([(0, 1, 2)], 4).tolist() == [5, 5, 4, 4, -1, 4]
    many = build([(n, n + 1, n + 2) for n in range(998)], 1000)  # a caterpillar: nothing recurses
    assert len(many) == 1999 - 0
    assert many.dtype == np.int32


@pytest.mark.parametrize("seed", range(12))
def test_a_conflict_is_a_smallest_one(seed):
    """Without any one of its triplets there is a tree; by enumeration of all topologies."""
    rng = np.random.default_rng(seed)
    every = constraints.all_triplets(5)
    triplets = [every[i] for i in rng.permutation(len(every))[:12]]
    with pytest.raises(ContradictionError) as info:
        build(triplets, 5)
    conflict = [tuple(row) for row in info.value.triplets.tolist()]
    assert set(conflict) <= set(triplets)
    assert len(set(conflict)) == len(conflict) >= 2
    assert not constraints.displaying(5, conflict)
    for row in conflict:
        assert constraints.displaying(5, [other for other in conflict if other != row])


def test_a_long_conflict_is_found_among_many():
    """A cycle of 40 triplets, of which each is needed, hidden in 2,000 that agree."""
    rng = np.random.default_rng(0)
    parent, _ = reference.random_tree(rng, 200)
    rows = np.array([rng.choice(200, 3, replace=False) for _ in range(3000)])
    agreeing = rows[satisfies(parent, rows)]
    # ({i, i + 1}, x) for a path from a to b joins them below x; ({a, x}, b) denies it.
    path = [(200 + i, 201 + i, 240) for i in range(39)]
    cycle = [*path, (200, 240, 239)]
    mixed = rng.permutation(np.concatenate([agreeing, cycle]))
    with pytest.raises(ContradictionError) as info:
        build(mixed, 241)
    assert {tuple(r) for r in info.value.triplets.tolist()} == {
        tuple(sorted(r[:2])) + (r[2],) for r in cycle
    }


def test_errors_name_leaves():
    with pytest.raises(ContradictionError, match="\\({ape, bat}, cat\\).*\\({ape, cat}, bat\\)"):
        build([("bat", "ape", "cat"), ("cat", "ape", "bat")], 3, ["ape", "bat", "cat"])
    with pytest.raises(ValueError, match="triplets\\[0, 2\\] = 'dog' is no leaf of the tree"):
        build([("bat", "ape", "dog")], 3, ["ape", "bat", "cat"])
    with pytest.raises(ValueError, match="have: no names"):
        build([("bat", "ape", "dog")], 3)
    with pytest.raises(ValueError, match="three distinct leaves"):
        build([(0, 1, 0)], 3)


def test_names_may_be_an_array_and_must_be_one_leaf_s():
    names = np.array(["ape", "bat", "cat", "bat"])  # such as `Data.names`
    triplet = [("ape", "cat", 1)]
    np.testing.assert_array_equal(build(triplet, 4, names), build([(0, 2, 1)], 4))
    with pytest.raises(ContradictionError, match="{cat, ape}, bat|{ape, cat}, bat"):
        build([*triplet, ("ape", 1, "cat")], 4, names)
    with pytest.raises(ValueError, match=r"triplets\[0, 1\] = 'bat' is the name of 2 leaves"):
        build([("ape", "bat", "cat")], 4, names)
    with pytest.raises(ValueError, match=r"cannot_links\[0\] = \(ape, cat\) contradicts"):
        link_triplets([("ape", "cat")], [("ape", "cat")], 4, names)


def test_decided_is_what_one_answer_alone_allows():
    triplets = [(0, 1, 2), (1, 2, 3)]
    rows = [sorted(row) for row in itertools.combinations(range(5), 3)]
    for row, known in zip(rows, decided(triplets, 5, rows), strict=True):
        a, b, c = row
        answers = [(a, b, c), (a, c, b), (b, c, a)]
        possible = [bool(constraints.displaying(5, [*triplets, answer])) for answer in answers]
        assert known == (sum(possible) == 1)
    assert decided(triplets, 5, rows).sum() == 4  # of 0, 1, 2, 3 the tree is known


def test_satisfies_is_that_of_clades():
    rng = np.random.default_rng(0)
    for num_leaves in (3, 5, 8):
        parent, _ = reference.random_tree(rng, num_leaves)
        every = constraints.all_triplets(num_leaves)
        clades = reference.clades(parent)
        expected = [constraints.displays(clades, [triplet]) for triplet in every]
        np.testing.assert_array_equal(satisfies(parent, every), expected)
        np.testing.assert_array_equal(satisfies(parent, [(b, a, c) for a, b, c in every]), expected)
    assert satisfies([-1], []).tolist() == []
