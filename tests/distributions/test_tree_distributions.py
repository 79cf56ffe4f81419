"""Trees and leaves as distributions."""

import numpy as np
import pytest
import tensorflow as tf
from reference import statistics, tmc

from tfsp import distributions


@pytest.mark.parametrize("num_leaves", [1, 2, 3, 7])
def test_tree_log_prob_matches_the_reference(num_leaves):
    prior = distributions.TMC(num_leaves, 1.5, 3.0)
    trees = prior.sample(4, seed=(1, 0))
    assert trees.parent.shape == (4, 2 * num_leaves - 1)
    assert (trees.parent.dtype, trees.time.dtype) == (tf.int32, tf.float64)
    log_prob = prior.log_prob(trees)
    for parent, time, value in zip(*map(np.asarray, (*trees, log_prob)), strict=True):
        expected = tmc.topology_log_prob(parent) + tmc.time_log_prob(parent, time, 1.5, 3.0)
        np.testing.assert_allclose(value, expected, rtol=1e-11, atol=1e-12)


def test_tree_samples_have_the_right_topologies_and_times():
    """N = 4: 18 labelled topologies; false alarm 1e-6 each for shapes and for times."""
    prior = distributions.TMC(4, 2.0, 1.0)
    parents, times = map(np.asarray, prior.sample(5_000, seed=(2, 0)))
    exact = tmc.coalescent_topology_probs(4)
    counts = dict.fromkeys(exact, 0)
    for parent, count in zip(*np.unique(parents, axis=0, return_counts=True), strict=True):
        counts[frozenset(tmc.clades(parent))] += count
    observed = np.array([counts[key] for key in exact]) / len(parents)
    expected = np.array([float(p) for p in exact.values()])
    tolerance = statistics.frequency_tolerance(len(parents), len(exact))
    np.testing.assert_allclose(observed, expected, atol=tolerance)
    inner = np.array([[v for v in range(4, 7) if p[v] >= 0] for p in parents])
    rows = np.arange(len(parents))[:, None]
    above = np.take_along_axis(times, parents[rows, inner], axis=1)
    sticks = (times[rows, inner] - above) / (1 - above)
    # Beta(2, 1): mean 2/3, second moment 1/2.
    moments = np.stack([sticks, sticks**2], axis=-1).mean(axis=1)
    error = np.abs(moments.mean(axis=0) - [2 / 3, 1 / 2])
    assert np.all(error < statistics.mean_tolerance(moments))


def test_seeds_of_trees():
    prior = distributions.TMC(9)
    one, same, other = (prior.sample(seed=(s, 0)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.time, same.time)
    assert np.any(one.time.numpy() != other.time.numpy())
    for wrong in (0, 2.0, "2", None):
        with pytest.raises(ValueError, match=f"`num_leaves` must be a positive int.*: {wrong!r}"):
            distributions.TMC(wrong)


@pytest.mark.parametrize("num_leaves", [1, 2, 6])
def test_leaves_match_the_dense_gaussian(num_leaves):
    rng = np.random.default_rng(0)
    parent, time = tmc.random_tree(rng, num_leaves)
    leaves = distributions.BrownianLeaves(parent, time, 3)
    x = rng.normal(size=(2, 5, num_leaves, 3))
    log_prob = leaves.log_prob(x)
    assert log_prob.shape == (2, 5)
    for i in range(2):
        expected = [tmc.log_likelihood(parent, time, y) for y in x[i]]
        np.testing.assert_allclose(log_prob[i], expected, rtol=1e-10)
    # Samples: the covariance over leaves, the same in every dimension; false alarm 1e-6.
    draws = leaves.sample(20_000, seed=(1, 0)).numpy()
    assert draws.shape == (20_000, num_leaves, 3)
    products = np.einsum("snd,smd->snmd", draws, draws)
    covariance = tmc.node_covariance(parent, time)[:num_leaves, :num_leaves]
    error = np.abs(products.mean(axis=0) - covariance[:, :, None])
    assert np.all(error < statistics.mean_tolerance(products))
    cross = np.einsum("sn,sm->snm", draws[..., 0], draws[..., 1])
    assert np.all(np.abs(cross.mean(axis=0)) < statistics.mean_tolerance(cross))


def test_leaves_have_gradients_in_both_types():
    parent, time = tmc.random_tree(np.random.default_rng(0), 5)
    for dtype in (tf.float32, tf.float64):
        leaves = distributions.BrownianLeaves(parent, time, 2, dtype=dtype)
        x = tf.Variable(leaves.sample(seed=0))
        with tf.GradientTape() as tape:
            value = leaves.log_prob(x)
        slope = tape.gradient(value, x)
        assert value.dtype == slope.dtype == dtype
        assert np.any(slope != 0)
    for wrong in (0, 2.0, "2", None):
        with pytest.raises(ValueError, match=f"`dim` must be a positive integer.*: {wrong!r}"):
            distributions.BrownianLeaves(parent, time, wrong)
