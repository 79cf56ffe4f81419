"""The flow prior: a density, its samples, and the network's order of dimensions."""

import numpy as np
import pytest
import tensorflow as tf
from reference import densities
from reference.statistics import mean_tolerance
from scipy import stats

from tfsp import priors


def randomised(latent_dim, num_flows, hidden=(8, 8), seed=0, dtype="float64"):
    """The output kernels start at zero, where a flow is the identity: all weights are moved."""
    prior = priors.FlowPrior(latent_dim, num_flows, hidden, seed=1, dtype=dtype)
    rng = np.random.default_rng(seed)
    for weight in prior.trainable_weights:
        weight.assign(weight + 0.3 * rng.normal(size=weight.shape))
    return prior


def test_a_fresh_flow_is_the_standard_normal():
    prior = priors.FlowPrior(4, num_flows=3, hidden=(8,), seed=0, dtype="float64")
    z = np.random.default_rng(0).normal(size=(6, 4))
    expected = stats.norm.logpdf(z).sum(-1)
    np.testing.assert_allclose(prior.log_prob(tf.constant(z)), expected, rtol=1e-12)


@pytest.mark.parametrize("num_flows", [1, 2, 3])
def test_the_density_integrates_to_one(num_flows):
    prior = randomised(2, num_flows)
    points, area = densities.stretched_grid(limit=1000.0, steps=500)
    log_prob = prior.log_prob(tf.constant(points)).numpy()
    normal = stats.norm.logpdf(points).sum(-1)
    assert np.abs(log_prob - normal).max() > 1  # not the identity any more
    # The density has kinks where hidden units switch, so the midpoint rule is of order h^2.
    np.testing.assert_allclose(area @ np.exp(log_prob), 1.0, atol=2e-3)


@pytest.mark.parametrize("latent_dim", [1, 2, 4])
@pytest.mark.parametrize("num_flows", [1, 2, 3])
def test_the_density_is_that_of_the_map(latent_dim, num_flows):
    """log p(f(u)) = log N(u) - log |det df/du|, the Jacobian by autodiff of the sampling pass."""
    bijector = (prior := randomised(latent_dim, num_flows)).distribution().bijector
    rng = np.random.default_rng(5)
    for u in rng.normal(size=(3, latent_dim)):
        u = tf.constant(u)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(u)
            z = bijector.forward(u)
        jacobian = tape.jacobian(z, u, experimental_use_pfor=False).numpy()
        expected = stats.norm.logpdf(u).sum() - np.linalg.slogdet(jacobian)[1]
        fresh = tf.identity(z)  # TFP's cache knows z
        np.testing.assert_allclose(prior.log_prob(fresh), expected, rtol=1e-10, atol=1e-10)
        inverse = prior.distribution().bijector.inverse(fresh)
        np.testing.assert_allclose(inverse, u, rtol=1e-9, atol=1e-9)


def test_the_inverse_of_samples_is_standard_normal():
    prior = randomised(3, 2)
    draws = tf.identity(prior.sample(20_000, seed=1))
    u = prior.distribution().bijector.inverse(draws).numpy()
    # A right sampler fails each comparison with a probability of about 1e-6.
    assert np.all(np.abs(u.mean(0)) <= mean_tolerance(u))
    products = u[:, :, None] * u[:, None, :]
    assert np.all(np.abs(products.mean(0) - np.eye(3)) <= mean_tolerance(products))
    quartiles = (u[:, :, None] < stats.norm.ppf([0.05, 0.25, 0.5, 0.75, 0.95])).astype(float)
    difference = np.abs(quartiles.mean(0) - [0.05, 0.25, 0.5, 0.75, 0.95])
    assert np.all(difference <= mean_tolerance(quartiles))


def test_the_order_is_reversed_between_maps():
    """One map leaves the first dimension as it is; two let it depend on the others."""
    for num_flows, depends in [(1, False), (2, True)]:
        bijector = randomised(3, num_flows, seed=2).distribution().bijector
        u = np.zeros((2, 3))
        u[1, 1:] = 1.0
        z = bijector.forward(tf.constant(u)).numpy()
        assert (z[0, 0] != z[1, 0]) == depends


def test_densities_far_away_stay_finite():
    prior = randomised(4, 3, dtype="float32")
    z = tf.constant(100.0 * np.random.default_rng(0).normal(size=(20, 4)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(z)
        log_prob = prior.log_prob(z)
    gradients = tape.gradient(log_prob, [z, *(w.value for w in prior.trainable_weights)])
    assert np.all(np.isfinite(log_prob))
    assert all(np.all(np.isfinite(g)) for g in gradients)


def test_float32_agrees_with_float64():
    precise, single = randomised(4, 2), randomised(4, 2, dtype="float32")
    for wide, narrow in zip(precise.weights, single.weights, strict=True):
        narrow.assign(wide)
    z = np.random.default_rng(0).normal(size=(20, 4))
    expected = precise.log_prob(tf.constant(z))
    np.testing.assert_allclose(
        single.log_prob(tf.constant(z, tf.float32)), expected, rtol=1e-4, atol=1e-4
    )


def test_seeds_decide_the_start():
    def kernels(seed):
        return [w.numpy() for w in priors.FlowPrior(3, 2, (5,), seed=seed).weights]

    first, again, other = kernels(1), kernels(1), kernels(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_no_two_layers_start_with_the_same_kernel():
    prior = priors.FlowPrior(3, num_flows=2, hidden=(6, 6, 6), seed=1)
    square = [w.numpy() for w in prior.weights if w.shape == (6, 6) and np.any(w != 0)]
    assert len(square) == 4  # two in each network; the outputs' kernels are zero
    assert not any(np.array_equal(a, b) for i, a in enumerate(square) for b in square[:i])


def test_wrong_settings_are_refused():
    for wrong in (0, 1.5, "2", None):
        with pytest.raises(
            ValueError, match=f"`num_flows` must be a positive integer.*: {wrong!r}"
        ):
            priors.FlowPrior(2, num_flows=wrong)
    with pytest.raises(ValueError, match=r"`hidden\[0\]` must be a positive integer: .*: '8'"):
        priors.FlowPrior(2, hidden=("8",))
    with pytest.raises(ValueError, match="`hidden` must name at least one hidden layer"):
        priors.FlowPrior(2, hidden=())
