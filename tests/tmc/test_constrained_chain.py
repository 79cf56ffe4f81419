"""The chain under triplets: the posterior given that the tree satisfies them, and nothing else.

Checks by sampling fail by chance with a probability below 1e-6 each. tests/cc/test_triplets.cc asks
for every edge whether it is allowed; with any one of the bounds broken by hand it fails.
"""

import numpy as np
import pytest
from reference import constraints, tmc_trees
from reference import tmc as reference
from scipy import stats

from tfsp.tmc import Phylogeny, native_sampler, ops, run_chains
from tfsp.tmc.constraints import follow, satisfies
from tmc import sampler_testing

FAILURE = 1e-6
EACH_MOVE = [{kind: 1.0} for kind in native_sampler.MOVES]
POINTS = np.array([[0.3, -0.2], [0.9, 0.4], [-0.5, 0.6], [0.1, -1.1], [-0.2, 0.1]])
CASES = {  # triplets, moves, length of each of the 40 chains
    "one": ([(0, 2, 1)], None, 20_000),
    "two": ([(0, 2, 1), (1, 3, 0)], None, 20_000),
    "three": ([(0, 4, 1), (0, 4, 3), (1, 3, 2)], None, 20_000),
    "one of five": ([(0, 2, 4)], None, 50_000),
    "two of five": ([(0, 2, 4), (1, 3, 0)], None, 50_000),
    "spr": ([(0, 2, 1)], {"spr": 1}, 20_000),
    "local": ([(0, 2, 1)], {"local": 1}, 60_000),
    "gibbs": ([(0, 2, 1)], {"gibbs": 1}, 4_000),
    "slide": ([(0, 2, 1)], {"slide": 3, "spr": 1}, 20_000),
}


def some_tree(clades, num_leaves):
    """A tree of one topology, its times between 0 and 0.1."""
    parent = tmc_trees.parents_of(clades, num_leaves)
    depth = np.array([len(reference.ancestors(parent, v)) - 1 for v in range(len(parent))])
    time = 0.1 * depth / depth.max()
    time[:num_leaves] = 1.0
    return parent, time


def problem(num_leaves, count, seed=0, dims=3):
    """A tree that satisfies `count` triplets, these, and leaves in clusters."""
    rng = np.random.default_rng([seed, num_leaves])
    parent, time = reference.sample_prior(rng, num_leaves)
    time[num_leaves:] *= 0.1
    leaves = rng.normal(size=(num_leaves, dims))
    leaves[num_leaves // 2 :] *= 0.1
    return parent, time, leaves, constraints.random_triplets(rng, parent, count)


@pytest.mark.parametrize("name", CASES)
def test_matches_enumeration(name):
    triplets, mixture, num_moves = CASES[name]
    num_leaves = 5 if "five" in name or name == "three" else 4
    points = POINTS[:num_leaves]
    probability, mean_lca, _ = reference.topology_posterior(
        points, 2.0, 1.5, num=29, limit=9.0, triplets=triplets
    )
    topologies = sorted(probability, key=str)
    assert set(topologies) == set(constraints.displaying(num_leaves, triplets))
    pairs = np.triu_indices(num_leaves, 1)
    lca = sum(probability[t] * mean_lca[t] for t in topologies)[pairs]
    rows = []
    for chain in range(40):
        parent, time = some_tree(topologies[chain % len(topologies)], num_leaves)
        trace = native_sampler.sample_posterior(
            parent,
            time,
            points,
            2.0,
            1.5,
            num_moves=num_moves,
            seed=(chain, 1),
            mixture=mixture,
            trace_every=10,
            trace_trees=True,
            triplets=triplets,
        ).trace
        parents, times = (trace[k][len(trace[k]) // 10 :] for k in ("parent", "time"))
        shapes, which = np.unique(parents, axis=0, return_inverse=True)
        frequency, mean = dict.fromkeys(topologies, 0.0), np.zeros(len(lca))
        for i, shape in enumerate(shapes):
            here = times[which == i]
            frequency[reference.clades(shape)] += len(here) / len(times)  # none else is known
            nodes = reference.lca_times(shape, np.arange(len(shape)))[:num_leaves, :num_leaves]
            mean += here[:, nodes[pairs].astype(int)].sum(0) / len(times)
        rows.append([*(frequency[t] for t in topologies), *mean])
    # Chains are independent: a t test on their means, with a union bound.
    rows = np.array(rows)
    error = rows.mean(0) - np.array([*(probability[t] for t in topologies), *lca])
    scale = rows.std(0, ddof=1) / np.sqrt(len(rows))
    assert scale.max() < 1.2e-2
    limit = stats.t.isf(FAILURE / (2 * rows.shape[1]), len(rows) - 1)
    np.testing.assert_array_less(np.abs(error), limit * scale + 1e-12)


@pytest.mark.parametrize("name", [*native_sampler.MOVES, "all"])
@pytest.mark.parametrize("num_leaves", [4, 7])
def test_joint_distribution_is_invariant(name, num_leaves):
    """Trees of the prior that satisfy the triplets, leaves on them, then moves of one kind."""
    replicates = 3_000 if name == "gibbs" else 15_000
    draws = sampler_testing.joint_test(
        num_leaves,
        2,
        1.3,
        0.8 if num_leaves == 4 else 2.0,
        num_moves=8 if name == "gibbs" else 30,
        num_replicates=replicates,
        seed=(num_leaves, 17),
        mixture=None if name == "all" else {name: 1},
        triplets=[(0, 2, 1)] if num_leaves == 4 else [(0, 2, 1), (3, 4, 0)],
    )
    difference = draws[:, 1] - draws[:, 0]
    moving = difference.std(0) > 0
    assert moving.sum() >= 7
    scale = difference.std(0, ddof=1)[moving] / np.sqrt(replicates)
    limit = stats.norm.isf(FAILURE / (2 * draws.shape[2]))
    np.testing.assert_array_less(np.abs(difference.mean(0)[moving]), limit * scale)


@pytest.mark.parametrize("kind", ["spr", "local", "gibbs"])
def test_each_kind_of_move_is_in_balance_with_its_reverse(kind):
    """As many moves from one topology to another as back, for each pair: not only invariance."""
    num_moves = 4_000 if kind == "gibbs" else 20_000
    triplets = [(0, 2, 1)]
    topologies = constraints.displaying(4, triplets)
    number = {topology: i for i, topology in enumerate(topologies)}
    rows = []
    for chain in range(30):
        parent, time = some_tree(topologies[chain % len(topologies)], 4)
        parents = native_sampler.sample_posterior(
            parent,
            time,
            POINTS[:4],
            num_moves=num_moves,
            seed=(chain, 2),
            mixture={kind: 1},
            trace_every=1,
            trace_trees=True,
            triplets=triplets,
        ).trace["parent"]
        shapes, which = np.unique(parents, axis=0, return_inverse=True)
        visited = np.array([number[reference.clades(shape)] for shape in shapes])[which]
        flow = np.zeros((len(topologies), len(topologies)))
        np.add.at(flow, (visited[:-1], visited[1:]), 1 / num_moves)
        rows.append((flow - flow.T)[np.triu_indices(len(topologies), 1)])
    rows = np.array(rows)
    moving = rows.std(0) > 0
    assert moving.sum() > 5
    scale = rows.std(0, ddof=1)[moving] / np.sqrt(len(rows))
    limit = stats.t.isf(FAILURE / (2 * moving.sum()), len(rows) - 1)
    np.testing.assert_array_less(np.abs(rows.mean(0)[moving]), limit * scale)


@pytest.mark.parametrize("mixture", [{"spr": 2, "local": 1, "slide": 1, "gibbs": 1}, *EACH_MOVE])
@pytest.mark.parametrize(("num_leaves", "count"), [(5, 2), (12, 10), (40, 60)])
def test_chain_is_that_of_full_recomputation(num_leaves, count, mixture):
    """The judge of the reference knows of all triplets, not of bounds on edges."""
    parent, time, leaves, triplets = problem(num_leaves, count)
    options = dict(num_moves=1500, seed=5, mixture=mixture, trace_every=100, triplets=triplets)
    fast = native_sampler.sample_posterior(parent, time, leaves, **options)
    slow = sampler_testing.recomputed_chain(parent, time, leaves, **options)
    np.testing.assert_array_equal(fast.parent, slow.parent)
    np.testing.assert_array_equal(fast.time, slow.time)
    assert fast.accepted == slow.accepted
    assert sum(fast.accepted.values()) > 30
    joint = fast.trace["log_joint"]
    np.testing.assert_allclose(joint, slow.trace["log_joint"], rtol=1e-10, atol=1e-10)
    expected = reference.log_joint(fast.parent, fast.time, leaves)
    np.testing.assert_allclose(fast.log_joint, expected, rtol=1e-10)
    assert abs(fast.drift) < 1e-9 * max(1.0, abs(expected))


@pytest.mark.parametrize("seed", range(20))
def test_every_draw_satisfies_random_triplets(seed):
    _, _, leaves, triplets = problem(50, [1, 10, 100, 1000][seed % 4], seed)
    start = follow(Phylogeny(*reference.random_tree(np.random.default_rng(seed), 50)), triplets)
    draws = native_sampler.sample_posterior(
        start.parent,
        start.time,
        leaves,
        num_moves=2_000,
        seed=seed,
        mixture={"spr": 2, "local": 2, "slide": 1, "gibbs": 1},
        trace_every=1,
        trace_trees=True,
        triplets=triplets,
    )
    for drawn in np.unique(draws.trace["parent"], axis=0)[::7]:
        assert np.all(satisfies(drawn, triplets))
    assert sum(draws.accepted[kind] for kind in ("spr", "local")) > 20
    some = constraints.displays(reference.clades(draws.parent), triplets[:5])
    assert some  # by the reference as well


def test_gibbs_moves_draw_among_allowed_edges():
    """Without the restriction of their support most of them would be refused."""
    parent, time, leaves, triplets = problem(80, 400)
    options = dict(num_moves=3_000, mixture={"gibbs": 1}, triplets=triplets)
    warm = native_sampler.sample_posterior(
        parent, time, leaves, num_moves=100_000, seed=0, triplets=triplets
    )
    out = native_sampler.sample_posterior(warm.parent, warm.time, leaves, seed=1, **options)
    assert out.accepted["gibbs"] > 0.85 * out.proposed["gibbs"]


def test_without_triplets_nothing_changes():
    parent, time, leaves, _ = problem(30, 1)
    options = dict(num_moves=5_000, seed=3)
    plain = native_sampler.sample_posterior(parent, time, leaves, **options)
    for none in (None, [], np.zeros([0, 3], int), ()):
        again = native_sampler.sample_posterior(parent, time, leaves, **options, triplets=none)
        np.testing.assert_array_equal(plain.parent, again.parent)
        np.testing.assert_array_equal(plain.time, again.time)


def test_triplets_are_a_set():
    """Their order, repetitions, and which of the pair comes first make no difference."""
    parent, time, leaves, triplets = problem(12, 6)
    same = [(b, a, c) for a, b, c in triplets[::-1]] + triplets[:2]
    options = dict(num_moves=3_000, seed=3)
    one = native_sampler.sample_posterior(parent, time, leaves, **options, triplets=triplets)
    other = native_sampler.sample_posterior(parent, time, leaves, **options, triplets=same)
    np.testing.assert_array_equal(one.time, other.time)


def test_op_and_chains_are_the_same_chain():
    parent, time, leaves, triplets = problem(20, 15)
    numpy = native_sampler.sample_posterior(
        parent, time, leaves, num_moves=2_000, seed=(3, 4), triplets=triplets
    )
    drawn = ops.sample_posterior(
        parent, time, leaves, num_moves=2_000, seed=[3, 4], triplets=triplets
    )
    np.testing.assert_array_equal(numpy.parent, drawn.parent)
    np.testing.assert_array_equal(numpy.time, drawn.time)
    chains = run_chains(
        np.stack([parent] * 2), np.stack([time] * 2), leaves, 3, 500, seed=0, triplets=triplets
    )
    for last in chains.parent:
        assert np.all(satisfies(last, triplets))
    assert not np.array_equal(*chains.time)


BAD = [
    ([(0, 1, 3)], "triplets\\[0, 2\\] = 3 must lie in \\[0, 3\\), the leaves of the tree"),
    ([(0, 1, 2), (0, -1, 2)], "triplets\\[1, 1\\] = -1 must be the number of a leaf"),
    ([(0, 1, 2**40)], "triplets\\[0, 2\\] = 1099511627776 must be the number of a leaf"),
    ([(0, 1, 1)], "triplets\\[0\\] = \\(0, 1, 1\\) must name three distinct leaves"),
    ([(0, 2, 1)], "leaves 0 and 2 do not meet below the node where leaf 1 joins.*follow"),
    ([(0.5, 1, 2)], "integers of shape \\[M, 3\\]"),
    ([(0, 1)], "integers of shape \\[M, 3\\]"),
    ([0, 1, 2], "integers of shape \\[M, 3\\]"),
]


@pytest.mark.parametrize(("triplets", "message"), BAD)
def test_bad_triplets_are_named(triplets, message):
    tree = [3, 3, 4, 4, -1], [1, 1, 1, 0.5, 0], np.zeros((3, 1))
    with pytest.raises(ValueError, match=message):
        native_sampler.sample_posterior(*tree, num_moves=1, seed=0, triplets=triplets)
    with pytest.raises(Exception, match=message):  # of TensorFlow, where the core finds it
        ops.sample_posterior(*tree, num_moves=1, seed=0, triplets=triplets)
