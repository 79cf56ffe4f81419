"""Ward's linkage of weighted points: scipy's, of as many copies of each."""

import numpy as np
import pytest
from scipy.cluster import hierarchy

from tfsp.tmc import Phylogeny
from tfsp.tmc.phylogeny.linkage import weighted_ward


def points(n=30, dim=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, dim))


def test_weights_of_one_are_those_of_scipy():
    x = points()
    found, expected = weighted_ward(x, np.ones(30)), hierarchy.linkage(x, "ward")
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    np.testing.assert_allclose(weighted_ward(x, np.full(30, 4.0))[:, 2], 2 * expected[:, 2])


@pytest.mark.parametrize("seed", range(4))
def test_a_weight_is_a_number_of_copies(seed):
    x, counts = points(12, seed=seed), np.random.default_rng(seed).integers(1, 9, 12)
    copies = hierarchy.linkage(np.repeat(x, counts, axis=0), "ward")
    merged = copies[-11:]
    np.testing.assert_allclose(weighted_ward(x, counts)[:, 2], merged[:, 2], rtol=1e-9)
    first = np.cumsum(counts) - counts
    found = Phylogeny.from_linkage(weighted_ward(x, counts))
    for num in range(2, 12):
        expected = hierarchy.fcluster(copies, num, "maxclust")[first]
        cut = found.cut(num)
        np.testing.assert_array_equal(cut[:, None] == cut, expected[:, None] == expected)


def test_equal_points():
    found = weighted_ward(np.zeros((5, 2)), np.ones(5))
    np.testing.assert_array_equal(found[:, 2], 0.0)
    assert Phylogeny.from_linkage(found).num_leaves == 5
    assert weighted_ward(np.zeros((1, 2)), [1.0]).shape == (0, 4)


@pytest.mark.parametrize(
    ("x", "weights"),
    [
        (np.zeros(3), np.ones(3)),
        (np.zeros((3, 1)), np.ones(2)),
        (np.array([[np.nan], [0.0]]), np.ones(2)),
        (np.zeros((2, 1)), np.array([1.0, 0.0])),
    ],
)
def test_wrong_arguments(x, weights):
    with pytest.raises(ValueError, match="`points`"):
        weighted_ward(x, weights)
