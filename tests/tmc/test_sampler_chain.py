"""The chain as a program: incremental against full recomputation, drift, edge cases, errors."""

import concurrent.futures

import numpy as np
import pytest
from reference import tmc as reference

from tfsp.tmc import native_sampler
from tmc import sampler_testing

EACH_MOVE = [{kind: 1.0} for kind in native_sampler.MOVES]


def problem(num_leaves, dims, seed=0, spread=0.2):
    """A tree with times below 0.1 and clustered leaves."""
    rng = np.random.default_rng(seed)
    parent, time = reference.sample_prior(rng, num_leaves)
    time[num_leaves:] *= 0.1
    centres = rng.normal(size=(max(1, num_leaves // 4), dims))
    leaves = centres[rng.integers(len(centres), size=num_leaves)]
    return parent, time, leaves + spread * rng.normal(size=leaves.shape)


def check_tree(parent, time, cap=1.0):
    num_leaves = (len(parent) + 1) // 2
    root = np.flatnonzero(parent < 0)
    assert len(root) == 1
    assert time[root[0]] == 0 or num_leaves == 1
    below = parent >= 0
    assert np.all(time[below] > time[parent[below]])
    assert np.all(time[:num_leaves] == 1)
    assert np.all(time[num_leaves:] <= cap)
    assert np.all(np.bincount(parent[below], minlength=len(parent))[num_leaves:] == 2)


def same(x, y):
    assert np.array_equal(x.parent, y.parent)
    assert np.array_equal(x.time, y.time)
    assert x.accepted == y.accepted
    assert x.proposed == y.proposed


@pytest.mark.parametrize("variances", [False, True])
@pytest.mark.parametrize("mixture", [{"spr": 2, "local": 1, "slide": 1, "gibbs": 1}, *EACH_MOVE])
@pytest.mark.parametrize(
    ("num_leaves", "dims", "a", "b"), [(3, 1, 2, 2), (7, 3, 0.8, 1.5), (40, 9, 1, 2)]
)
def test_chain_is_that_of_full_recomputation(num_leaves, dims, a, b, mixture, variances):
    parent, time, leaves = problem(num_leaves, dims)
    leaf_variance = np.linspace(0, 2, num_leaves) if variances else None
    arguments = dict(
        num_moves=1500,
        seed=(num_leaves, 5),
        mixture=mixture,
        trace_every=100,
        leaf_variance=leaf_variance,
    )
    fast = native_sampler.sample_posterior(parent, time, leaves, a, b, **arguments)
    slow = sampler_testing.recomputed_chain(parent, time, leaves, a, b, **arguments)
    same(fast, slow)
    assert sum(fast.accepted.values()) > 30
    np.testing.assert_allclose(
        fast.trace["log_joint"], slow.trace["log_joint"], rtol=1e-10, atol=1e-10
    )


@pytest.mark.parametrize(("num_leaves", "dims"), [(3, 1), (17, 4), (60, 40)])
def test_log_joint_is_the_dense_one(num_leaves, dims):
    parent, time, leaves = problem(num_leaves, dims)
    out = native_sampler.sample_posterior(parent, time, leaves, 1.3, 0.9, num_moves=4000, seed=1)
    check_tree(out.parent, out.time)
    expected = reference.log_joint(out.parent, out.time, leaves, 1.3, 0.9)
    np.testing.assert_allclose(out.log_joint, expected, rtol=1e-10)
    assert abs(out.drift) < 1e-9 * max(1.0, abs(expected))


def test_log_joint_with_leaf_variances_is_the_expected_one():
    parent, time, leaves = problem(9, 3)
    stddev = np.random.default_rng(1).uniform(0.1, 0.5, leaves.shape)
    out = native_sampler.sample_posterior(
        parent, time, leaves, num_moves=2000, seed=1, leaf_variance=np.sum(stddev**2, 1)
    )
    expected = reference.expected_log_likelihood(out.parent, out.time, leaves, stddev)
    expected += reference.topology_log_prob(out.parent)
    expected += reference.time_log_prob(out.parent, out.time)
    np.testing.assert_allclose(out.log_joint, expected, rtol=1e-11)


def test_running_log_joint_does_not_drift():
    parent, time, leaves = problem(30, 5)
    out = native_sampler.sample_posterior(
        parent,
        time,
        leaves,
        num_moves=10_000_000,
        seed=2,
        mixture={"spr": 50, "local": 25, "slide": 25, "gibbs": 0.1},
    )
    assert sum(out.proposed.values()) == 10_000_000
    assert sum(out.accepted.values()) > 1_000_000
    assert abs(out.drift) < 1e-5
    expected = reference.log_joint(out.parent, out.time, leaves)
    np.testing.assert_allclose(out.log_joint + out.drift, expected, rtol=1e-8)


def test_same_seed_same_chain_and_refresh_changes_nothing():
    parent, time, leaves = problem(25, 6)
    first = native_sampler.sample_posterior(parent, time, leaves, num_moves=3000, seed=11)
    for options in (
        dict(seed=11),
        dict(seed=(11, 0)),
        dict(seed=11, portable=True),  # both instruction sets round alike
        dict(seed=11, refresh_every=100),
        dict(seed=11, trace_every=7, trace_trees=True),
    ):
        again = native_sampler.sample_posterior(parent, time, leaves, num_moves=3000, **options)
        same(first, again)
        assert first.log_joint == again.log_joint
    for seed in (12, (11, 1), (0, 11)):
        other = native_sampler.sample_posterior(parent, time, leaves, num_moves=3000, seed=seed)
        assert not np.array_equal(first.time, other.time)


def test_threads_do_not_disturb_each_other():
    parent, time, leaves = problem(25, 6)

    def run(seed):
        return native_sampler.sample_posterior(parent, time, leaves, num_moves=5000, seed=seed)

    alone = [run(seed) for seed in range(8)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        together = list(pool.map(run, range(8)))
    for x, y in zip(alone, together, strict=True):
        same(x, y)


def test_arguments_are_not_changed_and_trace_ends_at_the_result():
    parent, time, leaves = problem(10, 2)
    before = parent.copy(), time.copy(), leaves.copy()
    out = native_sampler.sample_posterior(
        parent, time, leaves, num_moves=100, seed=0, trace_every=30, trace_trees=True
    )
    for x, y in zip(before, (parent, time, leaves), strict=True):
        np.testing.assert_array_equal(x, y)
    assert out.trace["log_joint"].shape == (3,)
    assert out.trace["parent"].shape == (3, 19)
    for p, t, joint in zip(*(out.trace[k] for k in ("parent", "time", "log_joint")), strict=True):
        np.testing.assert_allclose(reference.log_joint(p, t, leaves), joint, rtol=1e-10)
    whole = native_sampler.sample_posterior(parent, time, leaves, num_moves=90, seed=0)
    np.testing.assert_array_equal(whole.time, out.trace["time"][-1])


@pytest.mark.parametrize("dims", [1, 3])
def test_one_and_two_leaves_have_nothing_to_move(dims):
    leaves = np.arange(2.0 * dims).reshape(2, dims)
    one = native_sampler.sample_posterior([-1], [1.0], leaves[1:], num_moves=50, seed=0)
    # N(0, 2I): as if a root stood above the leaf.
    expected = -0.25 * np.sum(leaves[1] ** 2) - 0.5 * dims * np.log(4 * np.pi)
    np.testing.assert_allclose(one.log_joint, expected, rtol=1e-14)
    two = native_sampler.sample_posterior(
        [2, 2, -1], [1.0, 1.0, 0.0], leaves, num_moves=50, seed=0, trace_every=10
    )
    expected = reference.log_joint(np.array([2, 2, -1]), np.array([1.0, 1.0, 0.0]), leaves)
    np.testing.assert_allclose(two.log_joint, expected, rtol=1e-13)
    np.testing.assert_allclose(two.trace["log_joint"], expected)
    assert sum(one.proposed.values()) == sum(two.proposed.values()) == 0


@pytest.mark.parametrize("mixture", [None, *EACH_MOVE])
def test_three_leaves_in_one_dimension(mixture):
    out = native_sampler.sample_posterior(
        [3, 3, 4, 4, -1],
        [1, 1, 1, 0.5, 0],
        [[0.0], [0.1], [2.0]],
        num_moves=2000,
        seed=0,
        mixture=mixture,
    )
    check_tree(out.parent, out.time, 1 - 1e-6)
    assert sum(out.accepted.values()) > 100


@pytest.mark.parametrize("mixture", [None, *EACH_MOVE])
@pytest.mark.parametrize(("dims", "b"), [(1, 2.0), (8, 0.5), (40, 2.0)])
def test_equal_leaves_stay_finite_at_the_cap(dims, b, mixture):
    num_leaves = 12
    rng = np.random.default_rng(0)
    leaves = np.repeat(rng.normal(size=(2, dims)), num_leaves // 2, 0)
    parent, time = reference.sample_prior(rng, num_leaves)
    time[num_leaves:] *= 0.1
    moves = 3000 if mixture == {"gibbs": 1.0} else 100_000
    out = native_sampler.sample_posterior(
        parent, time, leaves, 2.0, b, num_moves=moves, seed=0, mixture=mixture, trace_every=50
    )
    assert np.all(np.isfinite(out.trace["log_joint"]))
    check_tree(out.parent, out.time, 1 - 1e-6)
    if dims == 40:  # the pole draws the times to the cap
        assert out.time[num_leaves:].max() > 1 - 1e-4
    assert abs(out.drift) < 1e-6 * abs(out.log_joint)


def test_prior_tree_above_the_cap_is_let_in_and_comes_down():
    parent, time = native_sampler.sample_prior(60, 2.0, 0.7, seed=3)
    assert time[60:].max() > 1 - 1e-6
    leaves = np.random.default_rng(0).normal(size=(60, 4))
    out = native_sampler.sample_posterior(
        parent, time, leaves, num_moves=300_000, seed=0, trace_every=1000
    )
    assert np.all(np.isfinite(out.trace["log_joint"]))
    check_tree(out.parent, out.time, 1 - 1e-6)


def test_a_caterpillar_of_tiny_steps_stays_finite():
    num_leaves = 300
    parent = np.full(2 * num_leaves - 1, -1, np.int32)
    time = np.ones(2 * num_leaves - 1)
    for i in range(num_leaves - 1):  # node N + i hangs below N + i - 1
        node = num_leaves + i
        time[node] = 1 - 10.0 ** (-6 * i / (num_leaves - 2))
        parent[i] = node
        parent[node] = node - 1 if i else -1
    parent[num_leaves - 1] = 2 * num_leaves - 2
    leaves = np.zeros((num_leaves, 3))
    out = native_sampler.sample_posterior(parent, time, leaves, num_moves=20_000, seed=0)
    assert np.isfinite(out.log_joint)
    check_tree(out.parent, out.time)
    assert abs(out.drift) < 1e-9 * abs(out.log_joint)


def test_gibbs_is_accepted_nearly_always():
    parent, time, leaves = problem(80, 10)
    burnt = native_sampler.sample_posterior(parent, time, leaves, num_moves=100_000, seed=0)
    out = native_sampler.sample_posterior(
        burnt.parent, burnt.time, leaves, num_moves=2000, seed=1, mixture={"gibbs": 1}
    )
    assert out.accepted["gibbs"] > 0.9 * out.proposed["gibbs"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(parent=[3, 3, 4, 4, 3]), "parent"),
        (dict(parent=[3, 3, 3, -1]), "2 \\* N - 1"),
        (dict(time=[1, 1, 1, 1.5, 0]), "time\\[0\\] = 1 below its parent's time\\[3\\] = 1.5"),
        (dict(time=[1, 1, 1, np.nan, 0]), "time\\[3\\] = nan"),
        (dict(leaves=[[0.0], [np.inf], [0.0]]), "leaves\\[1, 0\\] = inf"),
        (dict(leaves=[[0.0], [0.0]]), "one row per leaf, 3"),
        (dict(leaves=np.zeros((3, 0))), "columns"),
        (dict(leaf_variance=[0.0, -1.0, 0.0]), "leaf_variance\\[1\\] = -1"),
        (dict(leaf_variance=[0.0, 1.0]), "leaf_variance must have one entry per leaf"),
        (dict(concentration1=0.0), "concentration1 = 0 must lie"),
        (dict(concentration0=np.nan), "concentration0 = nan"),
        (dict(mixture={"spr": -1.0}), "mixture\\[0\\] = -1"),
        (dict(mixture={}), "positive, finite sum"),
        (dict(mixture={"swap": 1.0}), "swap"),
        (dict(num_moves=-1), "num_moves = -1"),
        (dict(seed=-1), "seed"),
        (dict(seed=(1, 2, 3)), "seed"),
        (dict(seed=1.5), "seed"),
        (dict(min_remaining=0.0), "min_remaining = 0 "),
        (dict(trace_every=-1), "`trace_every` must be a non-negative integer. Received: -1"),
        (dict(refresh_every="2"), "`refresh_every` must be a non-negative integer. Received: '2'"),
    ],
)
def test_errors_name_the_culprit(change, message):
    arguments = dict(
        parent=[3, 3, 4, 4, -1],
        time=[1, 1, 1, 0.5, 0],
        leaves=[[0.0], [1.0], [2.0]],
        num_moves=10,
        seed=0,
    )
    with pytest.raises(ValueError, match=message):
        native_sampler.sample_posterior(**(arguments | change))
