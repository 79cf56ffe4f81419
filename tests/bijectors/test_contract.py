"""What every map promises: inverse, log-determinants, gradients, shapes, errors."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from bijectors.cases import ALL, FORWARD_ONLY, INVERTIBLE, points, value_and_jacobian

tfd = tfp.distributions


@pytest.mark.parametrize("name", INVERTIBLE)
@pytest.mark.parametrize(
    ("dtype", "rtol"), [("float64", 1e-10), ("float32", 3e-3)], ids=["float64", "float32"]
)
def test_inverse_and_log_determinants_agree_with_autodiff(name, dtype, rtol):
    make, size = INVERTIBLE[name]
    bijector = make()
    y = tf.constant(points(size), dtype)
    z, jacobian = value_and_jacobian(bijector.forward, y)
    sign, expected = np.linalg.slogdet(jacobian.numpy().astype("float64"))
    assert np.all(sign > 0)
    assert np.ptp(expected) > 0.1  # the map does something
    forward = bijector.forward_log_det_jacobian(y, event_ndims=1)
    np.testing.assert_allclose(forward, expected, rtol=rtol, atol=rtol)
    # tf.identity: TFP would hand back the cached y unseen.
    back, inverse_jacobian = value_and_jacobian(bijector.inverse, tf.identity(z))
    np.testing.assert_allclose(back, y, rtol=rtol, atol=rtol)
    inverse = bijector.inverse_log_det_jacobian(tf.identity(z), event_ndims=1)
    np.testing.assert_allclose(inverse, -expected, rtol=rtol, atol=rtol)
    through_inverse = np.linalg.slogdet(inverse_jacobian.numpy().astype("float64"))[1]
    np.testing.assert_allclose(through_inverse, -expected, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", FORWARD_ONLY)
def test_maps_without_an_inverse_say_why(name):
    make, size = FORWARD_ONLY[name]
    bijector = make()
    y = tf.constant(points(size), tf.float32)
    z = tf.identity(bijector.forward(y))
    with pytest.raises(NotImplementedError, match=f"no inverse: .*{'network'}"):
        bijector.inverse(z)
    for call in (bijector.inverse_log_det_jacobian, bijector.forward_log_det_jacobian):
        with pytest.raises(NotImplementedError, match="no log-determinant: .*network"):
            call(tf.identity(y), event_ndims=1)
    pushed = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(tf.zeros(size)), bijector)
    assert pushed.sample(4, seed=[0, 1]).shape == (4, size)


@pytest.mark.parametrize("name", ALL)
def test_gradients_are_finite_at_the_worst_places(name):
    make, size = ALL[name]
    bijector = make()
    rays = points(size, 20, seed=3)
    worst = np.concatenate(
        [
            np.zeros((1, size)),
            np.eye(size),
            -np.eye(size),
            *(rays * radius for radius in (1e-38, 1e-30, 1e-12, 1e-6, 1e6, 1e18)),
        ]
    )
    y = tf.constant(worst, tf.float32)
    z, jacobian = value_and_jacobian(bijector.forward, y)
    assert np.all(np.isfinite(z))
    assert np.all(np.isfinite(jacobian))


@pytest.mark.parametrize("name", ALL)
def test_any_leading_axes_and_graphs(name):
    make, size = ALL[name]
    bijector = make()
    y = tf.constant(points(size, 6), tf.float32)
    z = bijector.forward(y)
    assert z.dtype == tf.float32
    again = bijector.forward(tf.reshape(y, [2, 3, size]))
    np.testing.assert_allclose(tf.reshape(again, [6, size]), z, rtol=1e-6)
    np.testing.assert_allclose(make().forward(y[4]), z[4], rtol=1e-6)
    spec = [tf.TensorSpec([None, size], tf.float32)]
    np.testing.assert_allclose(tf.function(make().forward, spec)(y), z, rtol=1e-6)


@pytest.mark.parametrize("name", ["two holes", "one wide sector", "halves", "selector"])
def test_xla_gives_the_same(name):
    make, size = ALL[name]
    y = tf.constant(points(size, 6), tf.float32)

    def forward_and_gradient(y):
        bijector = make()
        with tf.GradientTape() as tape:
            tape.watch(y)
            total = tf.reduce_sum(bijector.forward(y) ** 2)
        return bijector.forward(y), tape.gradient(total, y)

    expected = forward_and_gradient(y)
    compiled = tf.function(forward_and_gradient, jit_compile=True)(y)
    for ours, theirs in zip(compiled, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    if name in INVERTIBLE:
        z = tf.identity(make().forward(y))
        inverse = tf.function(lambda z: make().inverse(z), jit_compile=True)
        np.testing.assert_allclose(inverse(z), y, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["two holes", "two sectors"])
def test_wrong_sizes_are_refused(name):
    bijector = ALL[name][0]()
    with pytest.raises(ValueError, match=r"vectors of 2 entries.*\(4, 3\)"):
        bijector.forward(tf.zeros([4, 3]))
    with pytest.raises(TypeError, match="int32"):
        bijector.forward(tf.zeros([4, 2], tf.int32))


@pytest.mark.parametrize("name", ["two holes", "unequal sectors", "halves", "affine hierarchy"])
def test_the_pushforward_is_a_tfp_distribution(name):
    """Samples and densities by TFP's own change of variables (that they integrate: theorem)."""
    make, size = INVERTIBLE[name]
    base = tfd.MultivariateNormalDiag(tf.zeros(size, tf.float64))
    pushed = tfd.TransformedDistribution(base, make())
    draws = pushed.sample(5, seed=[0, 1])
    # The log-density by change of variables, from autodiff at the points before the map.
    y = base.sample(5, seed=[0, 1])
    z, jacobian = value_and_jacobian(make().forward, y)
    np.testing.assert_array_equal(draws, z)
    expected = base.log_prob(y) - np.linalg.slogdet(jacobian.numpy())[1]
    np.testing.assert_allclose(pushed.log_prob(tf.identity(z)), expected, rtol=1e-8)
