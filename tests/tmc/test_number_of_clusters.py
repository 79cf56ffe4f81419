"""The number of clusters: known ones, all choices of clades by enumeration, bad input."""

import itertools

import numpy as np
import pytest
from reference import tmc as reference

from tfsp.tmc import Phylogeny, lasting_clusters, number_of_clusters, summarize, ward_tree
from tfsp.tmc.summary.number import lasting_clades


def points(num_clusters, noise, seed=0, repeats=6, dims=6):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(num_clusters, dims))
    return np.repeat(centres, repeats, axis=0) + noise * rng.normal(
        size=(num_clusters * repeats, dims)
    )


@pytest.mark.parametrize("num_clusters", [3, 5, 8])
def test_clusters_far_apart_are_counted(num_clusters):
    found = summarize(points(num_clusters, 0.03), seed=0)
    shares = number_of_clusters(found, min_size=3)
    assert shares.shape == (3 * num_clusters + 1,)
    assert shares.argmax() == num_clusters
    assert shares[num_clusters] > 0.9
    assert shares.sum() == pytest.approx(1)


def test_noise_makes_it_uncertain():
    sure, unsure = (
        number_of_clusters(summarize(points(5, s), seed=0), min_size=3) for s in (0.03, 0.6)
    )
    assert unsure.max() < 0.7 < sure.max()
    assert np.sum(unsure > 0) >= 3


def staying(tree, min_size, top):
    """How long the leaves below `top` stay together, each by its own way, and whether it counts.

    A clade counts if it is of `min_size` leaves and parts from another such clade.
    """
    below = [set(tree.leaves_below(v).tolist()) for v in range(tree.num_nodes)]

    def large(v):
        return len(below[v]) >= min_size

    u = tree.parent[top]
    if u < 0 or not all(large(child) for child in tree.children[u]):
        return None
    total = 0.0
    for leaf in below[top]:
        v = top
        while v >= tree.num_leaves:
            on = next(child for child in tree.children[v] if leaf in below[child])
            if not large(on) or all(large(child) for child in tree.children[v]):
                break
            v = on
        total += np.log((1 - tree.time[u]) / (1 - tree.time[v]))
    return total


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("min_size", [2, 3])
def test_the_clades_that_stay_together_longest(seed, min_size):
    tree = Phylogeny(*reference.sample_prior(np.random.default_rng(seed), 11))
    stay = {v: staying(tree, min_size, v) for v in range(tree.num_leaves, tree.num_nodes)}
    stay = {v: value for v, value in stay.items() if value is not None}
    below = {v: set(tree.leaves_below(v).tolist()) for v in stay}
    best, most = [int(tree.root)], -1.0
    for size in range(1, len(stay) + 1):
        for chosen in itertools.combinations(stay, size):
            apart = all(not below[a] & below[b] for a, b in itertools.combinations(chosen, 2))
            if apart and sum(stay[v] for v in chosen) > most:
                best, most = sorted(chosen), sum(stay[v] for v in chosen)
    assert lasting_clades(tree, min_size) == best


def test_shares_over_trees():
    two = Phylogeny([4, 4, 5, 5, 6, 6, -1], [1, 1, 1, 1, 0.9, 0.9, 0])
    one = Phylogeny([4, 4, 5, 6, 5, 6, -1], [1, 1, 1, 1, 0.9, 0.2, 0])  # a chain: nothing splits
    assert lasting_clades(two) == [4, 5]
    assert lasting_clades(one) == [6]
    assert number_of_clusters([two] * 3 + [one]).tolist() == [0, 0.25, 0.75]
    assert number_of_clusters([two] * 3 + [one], num_draws=1).tolist() == [0, 0, 1]
    assert number_of_clusters([two], min_size=3).tolist() == [0, 1, 0]
    assert number_of_clusters([Phylogeny([-1], [1.0])]).tolist() == [0, 1]


def test_wrong_arguments_are_named():
    pair = Phylogeny([2, 2, -1], [1, 1, 0])
    with pytest.raises(ValueError, match="at least one Phylogeny"):
        number_of_clusters([])
    with pytest.raises(ValueError, match=r"`min_size`.*at least 2"):
        number_of_clusters([pair], min_size=1)


@pytest.mark.parametrize("min_size", [2, 3])
@pytest.mark.parametrize("seed", range(8))
def test_clusters_of_a_given_number(seed, min_size):
    """The K clades that last longest in sum, of all choices; leaves beside them by hand."""
    rng = np.random.default_rng(seed)
    tree = Phylogeny(*reference.sample_prior(rng, 12))
    below = [frozenset(tree.leaves_below(v).tolist()) for v in range(tree.num_nodes)]
    values = {v: staying(tree, min_size, v) for v in range(tree.num_nodes)}
    values = {v: value for v, value in values.items() if value is not None}
    for num_clusters in range(2, 7):
        choices = [
            chosen
            for chosen in itertools.combinations(values, num_clusters)
            if len(frozenset().union(*(below[v] for v in chosen)))
            == sum(len(below[v]) for v in chosen)
        ]
        if not choices:
            with pytest.raises(ValueError, match="There are at most"):
                lasting_clusters(tree, num_clusters, min_size)
            continue
        chosen = max(choices, key=lambda chosen: sum(values[v] for v in chosen))
        found = lasting_clusters(tree, num_clusters, min_size)
        groups = [frozenset(np.flatnonzero(found == k).tolist()) for k in range(num_clusters)]
        assert [min(group) for group in groups] == sorted(min(group) for group in groups)
        for leaf in range(12):
            v = leaf  # up to the first clade that holds a cluster, or lies in one
            while not any(below[v] <= below[c] or below[c] <= below[v] for c in chosen):
                v = tree.parent[v]
            near = [c for c in chosen if below[v] <= below[c] or below[c] <= below[v]]
            most = max(len(below[c]) for c in near)
            own = next(group for group in groups if leaf in group)
            assert any(below[c] <= own for c in near if len(below[c]) == most)


def test_many_clusters_may_be_small():
    """Thirty of six points: fewer than a twentieth of all."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(30), 6)
    tree = ward_tree(np.eye(30)[labels] + 0.02 * rng.normal(size=(180, 30)))
    assert len(set(zip(lasting_clusters(tree, 30), labels, strict=True))) == 30
    with pytest.raises(ValueError, match="There are at most"):
        lasting_clusters(tree, 30, 9)
    # Not so many of the size that is asked for first, which is halved.
    pairs = ward_tree(
        np.array([[0.0], [0.1], [5.0], [5.1], *[[50.0 + 0.1 * i] for i in range(76)]])
    )
    assert set(lasting_clusters(pairs, 2)[:4]) == {0}
    assert len(set(lasting_clusters(pairs, 2))) == 2


def test_stray_leaves_use_no_cluster_up():
    x = points(3, 0.05, repeats=20)
    x = np.concatenate([x, 9.0 + np.arange(4.0)[:, None] * np.ones(6)])
    truth = np.repeat(range(3), 20)
    tree = summarize(x, seed=0).tree
    for found in (lasting_clusters(tree, 3, 5), lasting_clusters(tree, min_size=5)):
        assert len(set(zip(found[:60], truth, strict=True))) == 3
        assert set(found) == {0, 1, 2}
    assert len(set(tree.cut(3)[:60])) == 1  # the stray ones take the others
    assert set(lasting_clusters(tree, 1)) == {0}


@pytest.mark.parametrize(("arguments", "message"), [((0,), "num_clusters"), ((2, 1), "min_size")])
def test_wrong_numbers_of_lasting_clusters(arguments, message):
    tree = Phylogeny([4, 4, 5, 5, 6, 6, -1], [1, 1, 1, 1, 0.6, 0.8, 0])
    with pytest.raises(ValueError, match=message):
        lasting_clusters(tree, *arguments)
