"""The mixture of diagonal Gaussians against sums over its components."""

import numpy as np
import pytest
import tensorflow as tf
from reference import densities
from reference.statistics import frequency_tolerance, mean_tolerance

from tfsp.distributions import DiagonalGaussianMixture


def parameters(num_components=4, dim=3, spread=2.0, scale=(0.3, 1.5), seed=0):
    rng = np.random.default_rng(seed)
    return dict(
        logits=rng.normal(size=num_components),
        loc=spread * rng.uniform(-1, 1, size=(num_components, dim)),
        log_variance=2 * np.log(rng.uniform(*scale, size=(num_components, dim))),
    )


def mixture(values, dtype="float64", **kwargs):
    return DiagonalGaussianMixture(
        **{k: tf.constant(v, dtype) for k, v in values.items()}, **kwargs
    )


def reference(z, values):
    weights = np.exp(values["logits"] - values["logits"].max())
    scale = np.exp(values["log_variance"] / 2)
    return densities.gaussian_mixture_log_prob(z, weights, values["loc"], scale)


@pytest.mark.parametrize(("num_components", "dim"), [(1, 1), (4, 1), (1, 3), (7, 5)])
@pytest.mark.parametrize("fast", [False, True])
def test_log_prob_matches_the_sum_over_components(num_components, dim, fast):
    values = parameters(num_components, dim)
    z = 3 * np.random.default_rng(1).normal(size=(20, dim))
    actual = mixture(values, fast=fast).log_prob(tf.constant(z))
    np.testing.assert_allclose(actual, reference(z, values), rtol=1e-11, atol=1e-11)


def test_joint_log_prob_splits_into_weight_and_component():
    values = parameters()
    z = np.random.default_rng(1).normal(size=(6, 3))
    joint = mixture(values).joint_log_prob(tf.constant(z))
    weights = np.exp(values["logits"]) / np.exp(values["logits"]).sum()
    for k in range(4):
        single = {name: value[k : k + 1] for name, value in values.items()}
        expected = np.log(weights[k]) + reference(z, single)
        np.testing.assert_allclose(joint[:, k], expected, rtol=1e-11, atol=1e-11)


def test_leading_axes_of_any_number():
    values = parameters()
    distribution = mixture(values)
    z = np.random.default_rng(1).normal(size=(2, 3, 4, 3))
    flat = reference(z.reshape(-1, 3), values)
    assert distribution.joint_log_prob(tf.constant(z)).shape == (2, 3, 4, 4)
    np.testing.assert_allclose(
        distribution.log_prob(tf.constant(z)), flat.reshape(2, 3, 4), rtol=1e-11
    )
    single = distribution.log_prob(tf.constant(z[0, 0, 0]))
    assert single.shape == ()
    np.testing.assert_allclose(single, flat[0], rtol=1e-11)


def test_float32_is_right_for_tight_spread_components():
    values = parameters(num_components=50, dim=8, spread=5.0, scale=(0.01, 0.0101))
    values = {name: value.astype(np.float32) for name, value in values.items()}
    exact = mixture(values, "float32")
    rng = np.random.default_rng(2)
    k = rng.integers(50, size=40)
    noise = rng.normal(size=(40, 8)) * np.exp(values["log_variance"][k] / 2)
    near = (values["loc"][k] + noise).astype(np.float32)
    np.testing.assert_allclose(exact.log_prob(near), reference(near, values), rtol=0, atol=1e-4)
    far = rng.uniform(-5, 5, size=(40, 8)).astype(np.float32)
    np.testing.assert_allclose(exact.log_prob(far), reference(far, values), rtol=1e-6)
    # The fast path is documented to be up to about 1 nat off here; it must not be worse.
    fast = mixture(values, "float32", fast=True)
    np.testing.assert_allclose(fast.log_prob(near), reference(near, values), rtol=0, atol=5.0)


@pytest.mark.parametrize("fast", [False, True])
def test_gradients_match_finite_differences(fast):
    values = parameters()
    z = tf.constant(np.random.default_rng(1).normal(size=(5, 3)))
    tensors = {name: tf.constant(value) for name, value in values.items()}
    with tf.GradientTape() as tape:
        tape.watch([*tensors.values(), z])
        total = tf.reduce_sum(DiagonalGaussianMixture(**tensors, fast=fast).log_prob(z))
    gradients = tape.gradient(total, {**tensors, "z": z})
    for name, index in [("logits", (1,)), ("loc", (2, 1)), ("log_variance", (0, 2)), ("z", (3, 0))]:
        change = []
        for step in (1e-5, -1e-5):
            moved = {**values, "z": z.numpy()}
            moved[name] = moved[name].copy()
            moved[name][index] += step
            point = moved.pop("z")
            change.append(reference(point, moved).sum())
        slope = (change[0] - change[1]) / 2e-5
        np.testing.assert_allclose(gradients[name].numpy()[index], slope, rtol=1e-6, atol=1e-8)


def test_far_from_everything_density_and_gradient_stay_finite():
    values = parameters(scale=(0.01, 0.02))
    for fast in (False, True):
        z = tf.constant([[1e4, -1e4, 1e4]], tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(z)
            log_prob = mixture(values, "float32", fast=fast).log_prob(z)
        assert np.all(np.isfinite(log_prob))
        assert np.all(np.isfinite(tape.gradient(log_prob, z)))


def test_mean_and_covariance_match_samples():
    distribution = mixture(parameters(dim=2))
    draws = distribution.sample(50_000, seed=[1, 2]).numpy()
    # A right sampler fails each comparison with a probability of about 1e-6.
    difference = np.abs(draws.mean(0) - distribution.mean())
    assert np.all(difference <= mean_tolerance(draws))
    centred = draws - distribution.mean().numpy()
    products = centred[:, :, None] * centred[:, None, :]
    difference = np.abs(products.mean(0) - distribution.covariance())
    assert np.all(difference <= mean_tolerance(products))


def test_mean_and_covariance_by_hand():
    distribution = mixture(
        dict(
            logits=np.log([0.25, 0.75]),
            loc=np.array([[4.0, 0.0], [0.0, 0.0]]),
            log_variance=np.log([[1.0, 2.0], [5.0, 6.0]]),
        )
    )
    np.testing.assert_allclose(distribution.mean(), [1.0, 0.0], atol=1e-14)
    # Within: 0.25 * 1 + 0.75 * 5; between: 0.25 * 0.75 * 4^2.
    np.testing.assert_allclose(distribution.covariance(), [[7.0, 0.0], [0.0, 5.0]], atol=1e-14)


def test_samples_choose_components_by_their_weights():
    # Components so far apart that the nearest is the one that was drawn.
    logits = np.array([0.0, 1.0, -1.0, 2.0])
    values = dict(logits=logits, loc=100.0 * np.arange(4)[:, None], log_variance=np.zeros((4, 1)))
    num_samples = 100_000
    draws = mixture(values).sample(num_samples, seed=[3, 0]).numpy()[:, 0]
    component = np.rint(draws / 100).astype(int)
    observed = np.bincount(component, minlength=4) / num_samples
    weights = np.exp(logits) / np.exp(logits).sum()
    # Fails for a right sampler with probability below 1e-6.
    atol = frequency_tolerance(num_samples, cells=4)
    np.testing.assert_allclose(observed, weights, rtol=0, atol=atol)


def test_sampling_is_seeded_and_shaped():
    distribution = mixture(parameters(), "float32")
    draws = distribution.sample((2, 5), seed=[1, 0])
    assert draws.shape == (2, 5, 3)
    assert draws.dtype == tf.float32
    np.testing.assert_array_equal(draws, distribution.sample((2, 5), seed=[1, 0]))
    assert not np.any(draws == distribution.sample((2, 5), seed=[2, 0]))
    assert distribution.event_shape == (3,)
    assert distribution.batch_shape == ()
    assert distribution.num_components == 4


def test_it_works_inside_a_compiled_function():
    values = parameters()

    @tf.function
    def both(z):
        distribution = mixture(values)
        return distribution.log_prob(z), distribution.sample(4, seed=[1, 0])

    z = np.random.default_rng(1).normal(size=(5, 3))
    log_prob, draws = both(tf.constant(z))
    np.testing.assert_allclose(log_prob, reference(z, values), rtol=1e-11)
    np.testing.assert_allclose(draws, mixture(values).sample(4, seed=[1, 0]), rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(loc=np.zeros(3)), r"shape \[\.\.\., K, D\]"),
        (dict(log_variance=np.zeros((4, 2))), r"shape \[\.\.\., K, D\].*\(4, 2\)"),
        (dict(logits=np.zeros(5)), r"shape \[\.\.\., 4\].*\(5,\)"),
        (dict(logits=np.zeros((4, 1))), r"shape \[\.\.\., 4\].*\(4, 1\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        mixture({**parameters(), **change})
