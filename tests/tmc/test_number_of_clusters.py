"""The number of clusters: known ones, all choices of clades by enumeration, bad input."""

import itertools

import numpy as np
import pytest
from reference import tmc as reference

from tfsp.tmc import Phylogeny, number_of_clusters, summarize
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
