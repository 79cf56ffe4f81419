"""Several chains at once: seeds, traces, statistics."""

import numpy as np
import pytest
from reference import tmc

from tfsp.tmc import effective_sample_size, ops, potential_scale_reduction, run_chains


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    trees = [tmc.random_tree(rng, 12) for _ in range(3)]
    leaves = tmc.sample_leaves(rng, *trees[0], 3)[:12]
    return np.stack([t[0] for t in trees]), np.stack([t[1] for t in trees]), leaves


def test_chains_are_those_of_the_op_and_reproducible(problem):
    parent, time, leaves = problem
    first = run_chains(parent, time, leaves, num_steps=4, moves_per_step=50, seed=3)
    again = run_chains(parent, time, leaves, num_steps=4, moves_per_step=50, seed=3)
    other = run_chains(parent, time, leaves, num_steps=4, moves_per_step=50, seed=4)
    np.testing.assert_array_equal(first.log_joint, again.log_joint)
    np.testing.assert_array_equal(first.time, again.time)
    assert np.all(first.log_joint[-1] != other.log_joint[-1])
    assert first.log_joint.shape == (4, 3)
    assert first.proposed.shape == (4, 3, 4)
    np.testing.assert_array_equal(first.proposed.sum(axis=2), 50)
    for c in range(3):
        np.testing.assert_allclose(
            ops.log_joint(first.parent[c], first.time[c], leaves), first.log_joint[-1, c]
        )
    # Alone or in company, a chain is the same.
    alone = run_chains(parent[0], time[0], leaves, num_steps=4, moves_per_step=50, seed=3)
    np.testing.assert_array_equal(alone.log_joint[:, 0], first.log_joint[:, 0])


def test_chains_agree_on_the_posterior(problem):
    parent, time, leaves = problem
    chains = run_chains(
        parent,
        time,
        leaves,
        num_steps=300,
        moves_per_step=500,
        seed=0,
        trace_fn=lambda p, t: [t[p[0]], t[p[5]]],
    )
    assert chains.trace.shape == (300, 3, 2)
    # From three unlike trees; seeded, so there is no false alarm to come.
    assert np.all(potential_scale_reduction(chains.trace[50:]) < 1.1)
    assert potential_scale_reduction(chains.log_joint[50:]) < 1.1
    size = effective_sample_size(chains.trace[50:])
    assert np.all((size > 50) & (size < 2 * 750))
    rates = chains.acceptance()
    assert set(rates) == set(ops.MOVE_KINDS)
    assert rates["gibbs"] > 0.8
    assert all(0 < rate < 1 for rate in rates.values())
    tree = chains.phylogeny(names=[f"leaf {i}" for i in range(12)])
    np.testing.assert_array_equal(tree.time, chains.time[chains.best()])


def test_effective_sample_size_of_known_chains():
    rng = np.random.default_rng(1)
    white = rng.normal(size=(4000, 2))
    assert 6000 < effective_sample_size(white) < 10_500
    slow = np.zeros((4000, 2))
    for i in range(1, 4000):  # AR(1): n (1 - r) / (1 + r) = 8000 / 19
        slow[i] = 0.9 * slow[i - 1] + rng.normal(size=2)
    assert 280 < effective_sample_size(slow) < 600
    shifted = white + np.array([0.0, 3.0])
    assert potential_scale_reduction(shifted) > 1.5


def test_errors(problem):
    parent, time, leaves = problem
    for wrong in (0, 1.5, "2", None):
        with pytest.raises(ValueError, match=f"`num_steps` must be a positive int.*: {wrong!r}"):
            run_chains(parent, time, leaves, num_steps=wrong)
    with pytest.raises(ValueError, match="same shape"):
        run_chains(parent, time[:2], leaves, num_steps=1)
    with pytest.raises(ValueError, match="at least 2"):
        potential_scale_reduction(np.zeros((10, 1)))
