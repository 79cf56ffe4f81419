"""The Boltzmann machine: energies, exact sums and exact draws against brute force."""

import numpy as np
import pytest
import tensorflow as tf
from reference import boltzmann as reference
from reference.loracs import slope
from scipy import special, stats

from distributions.boltzmann_cases import FAILURE, arrays, machine

SIZES = [(3, 4), (4, 3), (1, 1)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-5), ("float64", 1e-12)])
def test_energies_and_conditionals(size, dtype, rtol):
    parameters = arrays(*size)
    rbm = machine(parameters, dtype)
    states = reference.states(sum(size))
    expected = -reference.log_weights(*parameters)
    for z in (states, states.astype(dtype), states.astype(bool)):
        assert rbm.energy(z).dtype == dtype
        np.testing.assert_allclose(rbm.energy(z), expected, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(rbm.unnormalized_log_prob(states), -expected, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(rbm.energy(states[1]), expected[1], rtol=rtol, atol=rtol)
    cube = np.stack([states, states[::-1]]).reshape(2, 2, -1, sum(size))
    assert rbm.energy(cube).shape == cube.shape[:-1]
    weight = np.exp(-expected).reshape(2 ** size[0], 2 ** size[1])
    left = tf.constant(reference.states(size[0]), dtype)
    right = tf.constant(reference.states(size[1]), dtype)
    free = [rbm.free_energy_left(left), rbm.free_energy_right(right)]
    for side in (0, 1):
        total = -np.log(weight.sum(axis=1 - side))
        np.testing.assert_allclose(free[side], total, rtol=rtol, atol=rtol)
    given_left = reference.conditional(weight, axis=0) @ reference.states(size[1])
    given_right = reference.conditional(weight, axis=1).T @ reference.states(size[0])
    np.testing.assert_allclose(tf.sigmoid(rbm.right_logits(left)), given_left, rtol=10 * rtol)
    np.testing.assert_allclose(tf.sigmoid(rbm.left_logits(right)), given_right, rtol=10 * rtol)


def test_gradients_of_the_energy():
    parameters = arrays(3, 2)
    variables = [tf.constant(p) for p in parameters]
    z = np.array([0.3, 1.0, 0.0, 0.8, 0.5])  # smoothed: not only at zeros and ones
    point = tf.constant(z)
    with tf.GradientTape() as tape:
        tape.watch([*variables, point])
        energy = machine(variables, tf.float64).energy(point)
    gradients = tape.gradient(energy, [*variables, point])
    expected = [-np.outer(z[:3], z[3:]), -z[:3], -z[3:]]
    expected.append(slope(lambda x: reference.energy(x, *parameters), z))
    for gradient, value in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, value, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("size", SIZES)
def test_exact_sums(size):
    parameters = arrays(*size, seed=1)
    rbm = machine(parameters, tf.float64)
    log_z = reference.log_z(*parameters)
    np.testing.assert_allclose(rbm.log_z_exact(), log_z, rtol=1e-12)
    assert rbm.log_z_exact().dtype == tf.float64
    np.testing.assert_allclose(machine(parameters).log_z_exact(), log_z, rtol=1e-6)
    states, p = reference.states(sum(size)), reference.probabilities(*parameters)
    mean, products = rbm.exact_moments()
    left, right = states[:, : size[0]], states[:, size[0] :]
    np.testing.assert_allclose(mean, p @ states, rtol=1e-10)
    np.testing.assert_allclose(rbm.mean(), mean)
    np.testing.assert_allclose(products, left.T @ (p[:, None] * right), rtol=1e-10)
    np.testing.assert_allclose(rbm.log_prob(states), np.log(p), rtol=1e-10, atol=1e-12)


def test_enumeration_in_blocks_of_many_states():
    """13 units a side: two blocks, and both sides are summed by the other's formula."""
    weights, a, b = arrays(13, 15, scale=0.7)
    left = reference.states(13)
    expected = special.logsumexp(left @ a + np.logaddexp(0, left @ weights + b).sum(axis=1))
    np.testing.assert_allclose(
        machine((weights, a, b), tf.float64).log_z_exact(), expected, rtol=1e-13
    )
    swapped = machine((weights.T, b, a), tf.float64)
    np.testing.assert_allclose(swapped.log_z_exact(), expected, rtol=1e-13)
    p = np.exp(left @ a + np.logaddexp(0, left @ weights + b).sum(axis=1) - expected)
    np.testing.assert_allclose(swapped.mean()[15:], p @ left, rtol=1e-10)


@pytest.mark.parametrize("size", [(3, 4), (4, 3)])
def test_gradient_of_log_z(size):
    parameters = arrays(*size)
    variables = [tf.constant(p) for p in parameters]
    with tf.GradientTape() as tape:
        tape.watch(variables)
        loss = 3.0 * machine(variables, tf.float64).log_z_exact()
    for k, gradient in enumerate(tape.gradient(loss, variables)):

        def log_z(value, k=k):
            return 3.0 * reference.log_z(*parameters[:k], value, *parameters[k + 1 :])

        np.testing.assert_allclose(gradient, slope(log_z, parameters[k], 1e-3), rtol=1e-8)


def test_log_prob_takes_log_z_from_where_it_is_given():
    parameters = arrays(3, 2)
    states = reference.states(5)
    energy = machine(parameters).energy(states)
    given = machine(parameters, log_z=tf.constant(2.0, tf.float64))
    np.testing.assert_allclose(given.log_prob(states), -energy - 2.0, rtol=1e-6)
    np.testing.assert_allclose(given.log_prob(states, log_z=1.0), -energy - 1.0, rtol=1e-6)
    large = machine(arrays(21, 22))
    z = np.zeros([2, 43])
    np.testing.assert_allclose(large.log_prob(z, log_z=7.0), [-7.0, -7.0])
    for call in (lambda: large.log_prob(z), large.log_z_exact, large.mean, lambda: large.sample(2)):
        with pytest.raises(ValueError, match=r"at most 20 units.*21 \+ 22.*log_z_ais"):
            call()


def test_without_weights_the_units_are_independent():
    _, a, b = arrays(4, 5)
    rbm = machine((np.zeros((4, 5)), a, b), tf.float64)
    np.testing.assert_allclose(rbm.mean(), special.expit([*a, *b]), rtol=1e-12)
    np.testing.assert_allclose(rbm.log_z_exact(), np.logaddexp(0, [*a, *b]).sum(), rtol=1e-12)


@pytest.mark.parametrize("size", [(3, 2), (2, 3)])
def test_exact_draws(size):
    """Chi-squared test of the frequencies of all states at level 1e-6."""
    parameters = arrays(*size)
    draws = machine(parameters).sample(40_000, seed=[3, 4]).numpy()
    assert draws.shape == (40_000, 5)
    counts = np.bincount(reference.code(draws), minlength=32)
    expected = len(draws) * reference.probabilities(*parameters)
    assert expected.min() > 5
    assert stats.chisquare(counts, expected).pvalue > FAILURE


def test_it_runs_in_a_graph_with_an_unknown_batch():
    parameters = arrays(3, 2)

    @tf.function(input_signature=[tf.TensorSpec([None, 5], tf.float32)])
    def log_prob(z):
        return machine(parameters).log_prob(z)

    states = reference.states(5)
    expected = np.log(reference.probabilities(*parameters))
    np.testing.assert_allclose(log_prob(tf.constant(states, tf.float32)), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (([3], [3], [2]), r"`weights` must have shape \[L, R\].*\(3,\)"),
        (([3, 2], [2], [3]), r"`bias_left` must have shape \[3\].*\(2,\).*swapped"),
        (([3, 2], [3], [3]), r"`bias_right` must have shape \[2\]"),
        (([0, 2], [0], [2]), r"`weights` must have shape"),
    ],
)
def test_wrong_shapes(shapes, message):
    with pytest.raises(ValueError, match=message):
        machine([np.zeros(s) for s in shapes])


def test_other_errors():
    rbm = machine(arrays(3, 2))
    with pytest.raises(ValueError, match="float32 or float64.*float16"):
        machine(arrays(3, 2), tf.float16)
    for z in (np.zeros([7, 4]), 1.0):
        with pytest.raises(ValueError, match=r"shape \[..., 5\], 3 left units and then 2 right"):
            rbm.energy(z)
