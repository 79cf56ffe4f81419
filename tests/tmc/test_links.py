"""Must-links and cannot-links against what they mean for clades."""

import itertools

import numpy as np
import pytest
from reference import constraints
from reference import tmc as reference

from tfsp.tmc.constraints import build, link_triplets


def groups_of(must, num_leaves):
    """Groups by brute force: joined until nothing changes."""
    groups = [{n} for n in range(num_leaves)]
    for a, b in must:
        one = next(g for g in groups if a in g)
        other = next(g for g in groups if b in g)
        if one is not other:
            groups.remove(other)
            one |= other
    return groups


def apart(topology, one, other):
    """Whether the lowest clade of each holds none of the other."""
    lowest = [
        min((c for c in [*topology, *(frozenset([n]) for n in g)] if g <= c), key=len)
        for g in (one, other)
    ]
    return not (lowest[0] & other) and not (lowest[1] & one)


@pytest.mark.parametrize("seed", range(25))
def test_links_keep_just_the_trees_that_they_mean(seed):
    rng = np.random.default_rng(seed)
    pairs = list(itertools.combinations(range(5), 2))
    must = [pairs[i] for i in rng.permutation(10)[: rng.integers(1, 4)]]
    groups = groups_of(must, 5)
    free = [
        (a, b)
        for a, b in pairs
        if next(g for g in groups if a in g) is not next(g for g in groups if b in g)
    ]
    cannot = [free[i] for i in rng.permutation(len(free))[: rng.integers(0, 4)]]
    triplets = link_triplets(must, cannot, 5)
    kept = {t for t in reference.all_topologies(5) if constraints.displays(t, triplets.tolist())}
    meant = {
        t
        for t in reference.all_topologies(5)
        if all(
            apart(t, next(g for g in groups if a in g), next(g for g in groups if b in g))
            for a, b in cannot
        )
    }
    assert kept == meant
    assert kept
    build(triplets, 5)


def test_their_number_is_linear():
    must = [(n, n + 1) for n in range(99)] + [(n, n + 1) for n in range(100, 149)]
    triplets = link_triplets(must, [(3, 120), (7, 149), (50, 199)], 200)
    assert triplets.dtype == np.int32
    assert len(triplets) == 99 + 49 + 99  # two groups apart, and one from a lone leaf
    assert len(link_triplets(must, [(3, 120)] * 5, 200)) == 99 + 49
    assert link_triplets(must, None, 200).shape == (0, 3)
    assert link_triplets(None, [(0, 1)], 200).shape == (0, 3)


def test_contradictions_name_the_links():
    names = ["ape", "bat", "cat", "dog"]
    with pytest.raises(ValueError, match="cannot_links\\[1\\] = \\(0, 3\\).* 0 - 1 - 2 - 3\\."):
        link_triplets([(0, 1), (2, 1), (3, 2)], [(0, 4), (0, 3)], 5)
    with pytest.raises(ValueError, match="\\(ape, cat\\) contradicts the must-links ape - cat"):
        link_triplets([("ape", "cat"), ("cat", "dog")], [("ape", "cat")], 4, names)
    with pytest.raises(ValueError, match="must_links\\[0\\] = \\(0, 9\\) must be two distinct"):
        link_triplets([(0, 9)], None, 4)
    with pytest.raises(ValueError, match="cannot_links\\[0\\] = \\(1, 1\\) must be two distinct"):
        link_triplets(None, [(1, 1)], 4)
    with pytest.raises(ValueError, match="pairs of leaves, shape \\[K, 2\\]"):
        link_triplets([(0, 1, 2)], None, 4)
    with pytest.raises(ValueError, match="'eel' is no leaf"):
        link_triplets([("ape", "eel")], None, 4, names)
