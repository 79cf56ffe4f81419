"""Gibbs sampling and parallel tempering against exact probabilities on tiny machines.

Chains share parts of their random numbers, by design: their draws of one flip are correlated by
less than 1/256, which chi-squared tests at level 1e-6 over this many independent groups of
chains do not see.
"""

import itertools
import re

import numpy as np
import pytest
import tensorflow as tf
from reference import boltzmann as reference
from reference.statistics import mean_tolerance
from scipy import stats

from distributions.boltzmann_cases import FAILURE, arrays, bistable, machine
from tfsp.distributions import boltzmann_sampling as sampling

CHAINS = 40_000


def check_frequencies(z, probabilities):
    """Chi-squared test at level 1e-6 of all states; cells of small expectation are pooled."""
    z = np.asarray(z)
    counts = np.bincount(reference.code(z), minlength=len(probabilities))
    expected = len(z) * np.asarray(probabilities)
    small = expected < 5
    if small.any():
        counts = np.append(counts[~small], counts[small].sum())
        expected = np.append(expected[~small], expected[small].sum())
        if expected[-1] < 5:
            counts[-2], expected[-2] = counts[-2] + counts[-1], expected[-2] + expected[-1]
            counts, expected = counts[:-1], expected[:-1]
    assert len(expected) > 3
    expected *= counts.sum() / expected.sum()
    assert stats.chisquare(counts, expected).pvalue > FAILURE


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("probability", [1e-4, 0.003, 0.4, 0.997])
def test_bernoulli_is_unbiased_and_chains_are_nearly_independent(probability, dtype):
    chains, units = 16_000, 50
    key = sampling.keys_of(tf.constant([1, 2]), 1)[0]
    noise = sampling.draw_noise(1, chains, units, key, 3, dtype).at(0)
    logits = tf.fill([chains, units], tf.constant(np.log(probability / (1 - probability)), dtype))
    ones = sampling.bernoulli(logits, noise).numpy()
    # Chains 1000 k + g, k = 0..15, share; the groups g are independent, and so are units.
    groups = ones.reshape(16, 1000, units).mean(axis=0).ravel()
    assert abs(groups.mean() - probability) < mean_tolerance(groups, FAILURE)
    # Variance of a group's mean over that of 16 independent chains: 1 + 15 correlation.
    excess = groups.var(ddof=1) * 16 / (probability * (1 - probability))
    fourth = np.sqrt(np.var((groups - groups.mean()) ** 2) / len(groups)) / groups.var()
    assert 1 - 5 * fourth < excess < 1 + 15 / 256 + 5 * fourth
    # Numbers of other sweeps and keys are others.
    other = sampling.draw_noise(1, chains, units, key, 4, dtype).at(0)
    same = np.mean(np.asarray(noise.words) == np.asarray(other.words))
    assert same < 1e-4


@pytest.mark.parametrize("beta", [1.0, 0.4])
def test_one_sweep_from_a_given_state(beta):
    parameters = arrays(3, 2, scale=2.0)
    z = np.array([1, 0, 1, 0, 1])
    start = np.tile(z, (CHAINS, 1)).astype("float32")
    after = machine(parameters).gibbs(start, 1, 5, beta)
    check_frequencies(after, reference.sweep_from(z, *parameters, beta))


def test_gibbs_frequencies():
    """Started at one state; after 30 sweeps this machine has forgotten it to 1e-4."""
    parameters = arrays(3, 2)
    chains = tf.zeros([CHAINS, 5])
    check_frequencies(
        machine(parameters).gibbs(chains, 30, 6), reference.probabilities(*parameters)
    )


def test_temperatures_of_their_own():
    parameters = arrays(2, 3)
    betas = np.array([[1.0], [0.3], [0.0]])
    chains = machine(parameters).gibbs(tf.zeros([3, CHAINS, 5]), 20, 7, betas)
    for beta, row in zip(betas[:, 0], chains, strict=True):
        check_frequencies(row, reference.probabilities(*parameters, beta))


@pytest.mark.parametrize("shape", [(), (7,), (2, 3), (97, 2)])
def test_shapes_and_seeds(shape):
    rbm = machine(arrays(5, 6))
    chains = rbm.initial_chains(list(shape), 1)
    moved = [rbm.gibbs(chains, 3, seed).numpy() for seed in (1, 1, 2)]
    assert moved[0].shape == (*shape, 11)
    np.testing.assert_array_equal(moved[0], moved[1])
    if shape:  # a single chain of 11 units may well come to the same state
        assert np.any(moved[0] != moved[2])
    assert set(np.unique(moved)) <= {0.0, 1.0}
    np.testing.assert_array_equal(rbm.gibbs(chains, 0, 1), chains)
    assert rbm.gibbs(chains, 3, None).shape == chains.shape


def test_graph_xla_and_unknown_sizes():
    parameters = arrays(3, 2)
    chains = np.zeros([CHAINS, 5], "float32")

    def move(chains, num_sweeps=20):
        return machine(parameters).gibbs(chains, num_sweeps, [1, 2])

    eager = move(chains)
    compiled = tf.function(move, jit_compile=True)(tf.constant(chains))
    # Only rounding of the sigmoid may turn a flip, and later ones of its chain.
    assert np.mean(np.any(eager != compiled, axis=1)) < 1e-3
    unknown = tf.function(
        move,
        input_signature=[tf.TensorSpec([None, 5], tf.float32), tf.TensorSpec([], tf.int32)],
    )
    check_frequencies(unknown(chains, 20), reference.probabilities(*parameters))


def test_no_gradient_flows_through_chains():
    rbm = machine(arrays(3, 2))
    with tf.GradientTape() as tape:
        tape.watch([rbm.weights, rbm.bias_left])
        chains = rbm.gibbs(rbm.initial_chains(4, 1), 2, 3)
        total = tf.reduce_sum(chains)
        mean_energy = tf.reduce_mean(rbm.energy(chains))
    assert tape.gradient(total, rbm.weights) is None
    with tf.GradientTape() as tape:
        tape.watch([rbm.weights, rbm.bias_left])
        mean_energy = tf.reduce_mean(rbm.energy(rbm.gibbs(rbm.initial_chains(4, 1), 2, 3)))
    gradient = tape.gradient(mean_energy, rbm.weights)
    chains = chains.numpy()
    np.testing.assert_allclose(gradient, -chains[:, :3].T @ chains[:, 3:] / 4, rtol=1e-6)


def test_replicas_move_their_own_chains():
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    parameters = arrays(3, 2)

    @tf.function
    def step():
        def replica():
            rank = tf.distribute.get_replica_context().replica_id_in_sync_group
            return machine(parameters).gibbs(tf.zeros([64, 5]), 5, tf.stack([1, rank]))

        return strategy.run(replica)

    first, second = (v.numpy() for v in strategy.experimental_local_results(step()))
    assert np.any(first != second)
    np.testing.assert_array_equal(first, machine(parameters).gibbs(tf.zeros([64, 5]), 5, [1, 0]))


def exact_chains(parameters, betas, count, seed):
    """Independent states at each temperature, `[T, count, L + R]`, by brute force."""
    rng = np.random.default_rng(seed)
    size = len(parameters[1]) + len(parameters[2])
    probabilities = [reference.probabilities(*parameters, beta) for beta in betas]
    return np.stack(
        [reference.states(size)[rng.choice(2**size, count, p=p)] for p in probabilities]
    )


def test_tempering_leaves_the_target_invariant():
    """From exact draws at three temperatures: their joint distribution, all 512 cells."""
    parameters = arrays(2, 1, scale=2.0)
    betas = [0.0, 0.5, 1.0]
    start = exact_chains(parameters, betas, 100_000, seed=1)
    result = machine(parameters).tempering(start, betas, 3, seed=2, trace=True)
    together = np.concatenate(list(result.chains.numpy()), axis=-1)
    joint = np.ones(1)
    for beta in betas:
        joint = np.outer(joint, reference.probabilities(*parameters, beta)).ravel()
    check_frequencies(together, joint)
    assert np.mean(np.any(result.chains != start, axis=(0, 2))) > 0.9  # the test is not empty
    expected = [reference.swap_acceptance(*parameters, *pair) for pair in itertools.pairwise(betas)]
    probability = np.exp(np.minimum(result.log_ratios.numpy().sum(axis=1), 0.0))
    atol = mean_tolerance(probability[0].T, FAILURE)
    assert np.all(np.abs(result.acceptance - np.array(expected)) < atol)


def test_swaps_alone_are_exact():
    """One round from unequal, fixed states: sweeps forget them at beta = 0 alone."""
    parameters = arrays(2, 2, scale=2.0)
    z = np.array([[1, 1, 0, 0], [0, 1, 1, 0]])
    betas = [0.2, 1.0]
    start = np.repeat(z[:, None], 60_000, axis=1).astype("float32")
    chains = machine(parameters).tempering(start, betas, 1, seed=3).chains.numpy()
    # After the sweep: left states of both temperatures are independent.
    swept = [
        reference.sweep_from(s, *parameters, beta).reshape(4, 4).sum(axis=1)
        for s, beta in zip(z, betas, strict=True)
    ]
    hot, cold = (reference.left_marginal(*parameters, beta) for beta in betas)
    pair = np.outer(*swept)
    accept = np.minimum(1.0, np.outer(cold, hot) / np.outer(hot, cold))
    after = pair * (1 - accept) + (pair * accept).T
    given = [
        reference.conditional(reference.probabilities(*parameters, beta).reshape(4, 4), axis=0)
        for beta in betas
    ]
    joint = np.einsum("xy,xa,yb->xayb", after, *given).ravel()
    check_frequencies(np.concatenate(list(chains), axis=-1), joint)


def test_log_ratios_belong_to_the_states():
    parameters = arrays(3, 4)
    betas = [0.3, 0.8]
    rbm = machine(parameters, tf.float64)
    start = rbm.initial_chains([2, 50], 1)
    # The only pair swaps in even rounds: after two, the states are those of the last ratios.
    result = rbm.tempering(start, betas, 2, seed=4, sweeps_per_round=3, trace=True)
    assert result.log_ratios.shape == (2, 2, 1, 50)
    hot, cold = (np.log(reference.left_marginal(*parameters, beta)) for beta in betas)
    code = reference.code(result.chains[..., :3])
    np.testing.assert_allclose(result.log_ratios[1, 0, 0], (cold - hot)[code[0]], rtol=1e-6)
    np.testing.assert_allclose(result.log_ratios[1, 1, 0], (hot - cold)[code[1]], rtol=1e-6)
    again = rbm.tempering(start, betas, 2, seed=4, sweeps_per_round=3)
    assert again.log_ratios is None
    np.testing.assert_array_equal(again.chains, result.chains)


def test_tempering_crosses_where_gibbs_does_not():
    rbm = machine(bistable())
    off = tf.zeros([200, 16])
    by_gibbs = rbm.gibbs(off, 200, 1).numpy().mean(axis=1) > 0.5
    assert by_gibbs.mean() < 0.05
    betas = rbm.ladder(seed=2)
    chains = rbm.tempering(tf.zeros([len(betas), 200, 16]), betas, 200, 3).chains
    on = chains[-1].numpy().mean(axis=1) > 0.5
    # 200 nearly independent ensembles, half of them on: five standard deviations.
    assert abs(on.mean() - 0.5) < 5 * 0.5 / np.sqrt(200)


def test_ladder_swaps_about_half_the_time():
    rbm = machine(arrays(20, 24, scale=0.8))
    betas = rbm.ladder(seed=1)
    assert betas[0] == 0.0
    assert betas[-1] == 1.0
    assert np.all(np.diff(betas) > 0)
    chains = rbm.initial_chains([len(betas), 100], 2)
    acceptance = rbm.tempering(chains, betas, 100, 3).acceptance
    assert np.all(acceptance > 0.4)
    assert np.all(acceptance < 0.7)
    nothing = machine((np.zeros((2, 3)), np.zeros(2), np.zeros(3)))
    np.testing.assert_array_equal(nothing.ladder(seed=1), [0.0, 1.0])


def test_errors():
    rbm = machine(arrays(3, 2))
    for wrong in (-1, 1.0, "1", None, True):
        message = f"`num_sweeps` must be a non-negative integer. Received: {wrong!r}."
        with pytest.raises(ValueError, match=re.escape(message)):
            rbm.gibbs(tf.zeros([2, 5]), wrong)
    with pytest.raises(ValueError, match=r"shape \[..., 5\]"):
        rbm.gibbs(tf.zeros([2, 4]), 1)
    with pytest.raises(ValueError, match=r"`chains` must have shape \[T, C, L \+ R\]"):
        rbm.tempering(tf.zeros([2, 5]), [0.0, 1.0], 1)
    with pytest.raises(ValueError, match=r"`inverse_temperatures` must have shape \[3\]"):
        rbm.tempering(tf.zeros([3, 2, 5]), [0.0, 1.0], 1)
    with pytest.raises(
        ValueError, match="`num_rounds` must be a non-negative integer. Received: 0.5"
    ):
        rbm.tempering(tf.zeros([2, 2, 5]), [0.0, 1.0], 0.5)
    with pytest.raises(ValueError, match="`sweeps_per_round` must be a positive int.*Received: 0"):
        rbm.tempering(tf.zeros([2, 2, 5]), [0.0, 1.0], 1, sweeps_per_round=0)
    with pytest.raises(ValueError, match="inside a graph"):
        tf.function(lambda: rbm.ladder(1))()
