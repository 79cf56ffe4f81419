"""The tree sampler leaves its target invariant: tests with stated false-alarm rates, fixed seeds.

Every check has a false-alarm probability below 1e-6 (the joint tests by the central limit theorem);
all together below 3e-5. What they are able to see was tried by hand, by breaking the sampler: a
missing ratio of lengths (SPR, local), a missing ratio of neighbour counts (local), a missing
proposal ratio (Gibbs), a wrong exponent of the times or a wrong topology count each fail here.
"""

import numpy as np
import pytest
from reference import tmc as reference
from scipy import stats

from tfsp.tmc import native_sampler
from tmc import sampler_testing

FAILURE = 1e-6

# Four points, no two very near: all 15 topologies have a posterior probability above 1%.
POINTS = np.array([[0.3, -0.2], [0.9, 0.4], [-0.5, 0.6], [0.1, -1.1]])


def start_near_zero(rng, num_leaves):
    """A coalescent topology with times in (0, 0.1)."""
    parent, time = reference.sample_prior(rng, num_leaves)
    time[num_leaves:] *= 0.1
    return parent, time


@pytest.fixture(scope="module")
def exact():
    return reference.topology_posterior(POINTS, 2.0, 1.5)


@pytest.mark.parametrize(
    ("mixture", "num_moves"),
    [
        (None, 200_000),
        ({"spr": 1}, 200_000),
        ({"local": 1}, 200_000),
        ({"gibbs": 1}, 20_000),
        ({"slide": 3, "local": 1}, 200_000),
    ],
    ids=["mixture", "spr", "local", "gibbs", "slide"],
)
def test_four_leaves_match_enumeration(exact, mixture, num_moves):
    probability, mean_lca, _ = exact
    topologies = sorted(probability, key=str)
    assert min(probability.values()) > 0.01
    lca = sum(probability[t] * mean_lca[t] for t in topologies)
    pairs = np.triu_indices(4, 1)
    rng = np.random.default_rng(0)
    rows = []
    for chain in range(40):
        parent, time = start_near_zero(rng, 4)
        trace = native_sampler.sample_posterior(
            parent,
            time,
            POINTS,
            2.0,
            1.5,
            num_moves=num_moves,
            seed=(chain, 1),
            mixture=mixture,
            trace_every=10,
            trace_trees=True,
        ).trace
        parents, times = (trace[k][len(trace[k]) // 20 :] for k in ("parent", "time"))
        shapes, which = np.unique(parents, axis=0, return_inverse=True)
        frequency, mean = dict.fromkeys(topologies, 0.0), np.zeros(6)
        for i, shape in enumerate(shapes):
            here = times[which == i]
            frequency[reference.clades(shape)] += len(here) / len(times)
            nodes = reference.lca_times(shape, np.arange(7))[:4, :4][pairs].astype(int)
            mean += here[:, nodes].sum(0) / len(times)
        rows.append([*(frequency[t] for t in topologies), *mean])
    # Chains are independent: a t test on their means, with a union bound over the 21 numbers.
    rows = np.array(rows)
    expected = np.array([*(probability[t] for t in topologies), *lca[pairs]])
    error = rows.mean(0) - expected
    scale = rows.std(0, ddof=1) / np.sqrt(len(rows))
    limit = stats.t.isf(FAILURE / (2 * rows.shape[1]), len(rows) - 1)
    assert scale.max() < 2.5e-3  # errors of 0.016 are seen for certain
    np.testing.assert_array_less(np.abs(error), limit * scale)


JOINT = {  # name -> mixture, moves per replicate, replicates
    "mixture": (None, 40, 60_000),
    "spr": ({"spr": 1}, 40, 60_000),
    "local": ({"local": 1}, 40, 60_000),
    "slide": ({"slide": 1}, 40, 60_000),
    "slide_and_spr": ({"slide": 3, "spr": 1}, 40, 60_000),
    "gibbs": ({"gibbs": 1}, 8, 15_000),
    "gibbs_and_slide": ({"gibbs": 1, "slide": 2}, 15, 15_000),
}
# a, b, D by the number of leaves: the square case, b < 1, a < 1 and a = 1 take different paths.
SETTINGS = {3: (0.7, 3.0, 3), 6: (1.3, 0.8, 1), 12: (2.0, 2.0, 2)}


@pytest.mark.parametrize("num_leaves", SETTINGS)
@pytest.mark.parametrize("name", JOINT)
def test_joint_distribution_is_invariant(name, num_leaves):
    mixture, num_moves, replicates = JOINT[name]
    a, b, dims = SETTINGS[num_leaves]
    draws = sampler_testing.joint_test(
        num_leaves,
        dims,
        a,
        b,
        num_moves=num_moves,
        num_replicates=replicates,
        seed=(num_leaves, list(JOINT).index(name)),
        mixture=mixture,
    )
    difference = draws[:, 1] - draws[:, 0]
    moving = difference.std(0) > 0  # a slide alone keeps the topology, N = 3 has one shape
    assert moving.sum() >= 7
    scale = difference.std(0, ddof=1)[moving] / np.sqrt(replicates)
    limit = stats.norm.isf(FAILURE / (2 * draws.shape[2]))
    np.testing.assert_array_less(np.abs(difference.mean(0)[moving]), limit * scale)


def test_joint_distribution_with_a_equal_to_one_and_a_tight_cap():
    # The cap cuts 1 - t at 0.05: proposals that ignored it would be seen.
    draws = sampler_testing.joint_test(
        6, 2, 1.0, 1.2, num_moves=40, num_replicates=60_000, seed=3, min_remaining=0.05
    )
    difference = draws[:, 1] - draws[:, 0]
    scale = difference.std(0, ddof=1) / np.sqrt(len(draws))
    np.testing.assert_array_less(
        np.abs(difference.mean(0)), stats.norm.isf(FAILURE / (2 * draws.shape[2])) * scale
    )
