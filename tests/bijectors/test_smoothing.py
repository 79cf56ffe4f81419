"""Smoothings: inverse CDF, density, gradients; against quadrature and bracketing."""

import math

import numpy as np
import pytest
import tensorflow as tf
from reference import smoothing as reference

from bijectors.smoothing_cases import CASES, SPIKES, double, make, sigmoid
from tfsp.bijectors import smoothing

LOGITS = (-2.0, 0.0, 1.5)
RHO = (0.02, 0.3, 0.65, 0.97)


def test_registry():
    assert smoothing.names() == sorted(CASES)
    assert smoothing.get("ramps") is smoothing.Ramps
    with pytest.raises(ValueError, match="Unknown smoothing: 'ramp'.*overlapping_exponential"):
        smoothing.get("ramp")


@pytest.mark.parametrize("name", CASES)
def test_density_and_cdf_against_quadrature(name):
    settings, places = CASES[name]
    for z in (0, 1):
        total = reference.integral(name, -math.inf, math.inf, z, **settings)
        assert total == pytest.approx(0.0 if z == 0 and name in SPIKES else 1.0, abs=1e-11)
    for logit in LOGITS:
        q = sigmoid(logit)
        ours = make(name, double(logit))
        density = [
            sum(w * reference.density(name, s, z, **settings) for z, w in ((0, 1 - q), (1, q)))
            for s in places
        ]
        np.testing.assert_allclose(tf.exp(ours.log_prob(double(places))), density, rtol=1e-12)
        expected = [reference.cdf(name, s, q, **settings) for s in places]
        zeta = double(places)
        with tf.GradientTape() as tape:
            tape.watch(zeta)
            cdf = ours.inverse(tf.identity(zeta))
        np.testing.assert_allclose(cdf, expected, rtol=1e-11)
        np.testing.assert_allclose(tape.gradient(cdf, zeta), density, rtol=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_forward_is_the_inverse_cdf(name):
    settings = CASES[name][0]
    spikes = 0
    for logit in LOGITS:
        ours, q = make(name, double(logit)), sigmoid(logit)
        zeta = ours.forward(double(RHO))
        expected = [reference.quantile(name, rho, q, **settings) for rho in RHO]
        np.testing.assert_allclose(zeta, expected, rtol=1e-9, atol=1e-12)
        back = ours.inverse(tf.identity(zeta)).numpy()
        for rho, s, b in zip(RHO, zeta.numpy(), back, strict=True):
            # At the atom the CDF is the upper end of all rho that lead to it.
            atom = name in SPIKES and s == 0
            spikes += atom
            wanted = reference.cdf(name, 0.0, q, **settings) if atom else rho
            np.testing.assert_allclose(b, wanted, rtol=1e-11)
    assert (spikes > 2) == (name in SPIKES)


@pytest.mark.parametrize("name", CASES)
def test_mixture_over_z_gives_the_marginal(name):
    settings, places = CASES[name]
    zeta = double((0.0, *places) if name in SPIKES else places)
    for logit in LOGITS:
        ours, q = make(name, double(logit)), sigmoid(logit)
        parts = np.array([w * np.exp(ours.component_log_prob(zeta, z)) for z, w in
                          ((0, 1 - q), (1, q))])  # fmt: skip
        np.testing.assert_allclose(parts.sum(0), tf.exp(ours.log_prob(zeta)), rtol=1e-12)
        cdf = (1 - q) * ours.component_cdf(zeta, 0) + q * ours.component_cdf(zeta, 1)
        np.testing.assert_allclose(cdf, ours.inverse(tf.identity(zeta)), rtol=1e-12)
        np.testing.assert_allclose(
            tf.sigmoid(ours.posterior_logits(zeta)), parts[1] / parts.sum(0), rtol=1e-10, atol=0
        )
        mean = reference.mean(name, q, **settings)
        np.testing.assert_allclose(ours.mean(), mean, rtol=1e-9, atol=1e-11)
    rho = double([0.01, 0.3, 0.5, 0.9])
    for z in (0, 1):
        if z == 0 and name in SPIKES:
            assert not np.any(ours.component_quantile(rho, z))
            continue
        drawn = ours.component_quantile(rho, z)
        np.testing.assert_allclose(ours.component_cdf(drawn, z), rho, rtol=1e-11)
        mean = reference.mean(name, float(z), **settings)
        np.testing.assert_allclose(ours.component_mean(z), mean, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", CASES)
def test_gradients_of_forward_against_differences_of_the_reference(name):
    settings = CASES[name][0]
    tested = 0
    for logit in (-1.2, 0.3):
        values = {"logits": double(logit)} | {k: double(v) for k, v in settings.items()}
        for rho in (0.1, 0.55, 0.9):
            noise = double(rho)
            with tf.GradientTape(persistent=True) as tape:
                tape.watch([*values.values(), noise])
                ours = smoothing.get(name)(**values)
                zeta = ours.forward(noise)
            if name in SPIKES and zeta == 0:
                for value in values.values():
                    assert tape.gradient(zeta, value, unconnected_gradients="zero") == 0.0
                continue
            tested += 1
            density = tf.exp(ours.log_prob(tf.identity(zeta)))
            np.testing.assert_allclose(tape.gradient(zeta, noise), 1 / density, rtol=1e-9)
            for key, value in values.items():
                expected = reference.quantile_slope(name, rho, logit, key, **settings)
                np.testing.assert_allclose(
                    tape.gradient(zeta, value), expected, rtol=1e-6, atol=1e-9
                )
    assert tested >= 3


@pytest.mark.parametrize("name", CASES)
def test_the_mean_gradient_is_that_of_the_mean(name):
    """d E[h(zeta)] / d logits = q (1-q) (E[h|z=1] - E[h|z=0]), with h = zeta^2 or its tanh."""
    settings = CASES[name][0]
    rho = double((np.arange(40_000) + 0.5) / 40_000)
    logits = double(0.7)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        mean = tf.reduce_mean(make(name, logits).forward(rho) ** 2)
    q = sigmoid(0.7)
    ends = [reference.mean(name, float(z), 2, **settings) for z in (0, 1)]
    np.testing.assert_allclose(mean, (1 - q) * ends[0] + q * ends[1], rtol=2e-3)
    np.testing.assert_allclose(
        tape.gradient(mean, logits), q * (1 - q) * (ends[1] - ends[0]), rtol=2e-3
    )


@pytest.mark.parametrize("name", SPIKES)
def test_z_of_a_spike(name):
    """z and zeta agree, and the weights of eq. (12) pick the draws with z = 0."""
    rho = double((np.arange(10_000) + 0.5) / 10_000)
    for logit in LOGITS:
        ours, q = make(name, double(logit)), sigmoid(logit)
        z, zeta = ours.discrete(rho).numpy(), ours.forward(rho).numpy()
        np.testing.assert_array_equal(z, zeta != 0)
        np.testing.assert_allclose(z.mean(), q, atol=2e-4)
        if name != "spike_and_gaussian":
            np.testing.assert_array_equal(z, rho > 1 - q)
        weights = ours.zero_weight(rho)
        np.testing.assert_allclose(weights, (1 - z) / (1 - q), rtol=1e-12)
        np.testing.assert_allclose(tf.reduce_mean(weights * tf.cos(zeta)), 1.0, atol=2e-3)
        certain = ours.posterior_logits(double(zeta)).numpy()
        np.testing.assert_array_equal(certain, np.where(z, 1e6, -1e6))
    sure = make(name, tf.constant([-200.0, 200.0]))
    assert np.all(np.isfinite(sure.zero_weight(tf.constant([[1e-7], [0.5], [1 - 6e-8]]))))


def test_atoms_are_documented_numbers():
    for name in SPIKES:
        ours = make(name, double(0.3))
        np.testing.assert_allclose(ours.log_prob(double(0.0)), math.log(1 - sigmoid(0.3)))
        np.testing.assert_array_equal(ours.component_log_prob(double(0.0), [0, 1]), [0, -np.inf])
        np.testing.assert_array_equal(ours.component_log_prob(double(0.2), 0), -np.inf)
    for name in ("ramps", "spike_and_slab", "overlapping_exponential", "power_function"):
        ours = make(name, double(0.3))
        np.testing.assert_array_equal(ours.log_prob(double([-0.1, 1.1])), [-np.inf, -np.inf])
        np.testing.assert_allclose(ours.inverse(double([-0.1, 1.1])), [0, 1])


def test_moving_the_gaussian_spike_to_the_front_would_bias_the_gradient():
    """Appendix E.1's last form: the same zeta, but E[h|z=1] - h(-inf) for E[h|z=1] - h(0)."""
    logits, normal = double(0.7), smoothing.SpikeAndGaussian(double(0.0))
    rho = double((np.arange(200_000) + 0.5) / 200_000)

    def front(rho):
        u = rho - (1 - rho) * tf.exp(-logits)
        slab = normal.component_quantile(tf.where(u > 0, u, 0.5), 1)
        return tf.where(u > 0, slab, 0.0)

    def h(zeta):
        return tf.sigmoid(zeta - 1.0)

    gradients = []
    for forward in (front, lambda rho: smoothing.SpikeAndGaussian(logits).forward(rho)):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            mean = tf.reduce_mean(h(forward(rho)))
        gradients.append(tape.gradient(mean, logits).numpy())
    q = sigmoid(0.7)
    slab = np.mean(h(normal.component_quantile(rho, 1)))
    right = q * (1 - q) * (slab - h(0.0).numpy())
    np.testing.assert_allclose(gradients[1], right, rtol=5e-3)
    np.testing.assert_allclose(gradients[0], q * (1 - q) * slab, rtol=2e-2)  # h(-inf) = 0
    assert abs(right) < 0.2 * gradients[0]


def test_limits():
    rho = double(RHO)
    # q = 1/2 of the ramps is the identity; so are flat exponentials and powers, whatever q.
    np.testing.assert_allclose(smoothing.Ramps(double(0.0)).forward(rho), rho, rtol=1e-14)
    for flat in (smoothing.OverlappingExponential, smoothing.PowerFunction):
        beta = 1e-6 if flat is smoothing.OverlappingExponential else 1.0
        np.testing.assert_allclose(flat(double(1.3), beta).forward(rho), rho, atol=1e-6)
    # Sharp smoothings return z itself.
    for sharp, beta in ((smoothing.OverlappingExponential, 1e4), (smoothing.PowerFunction, 1e3),
                        (smoothing.SpikeAndExponential, 1e4)):  # fmt: skip
        zeta = sharp(double(0.2), beta).forward(rho)
        np.testing.assert_allclose(zeta, np.array(RHO) > 1 - sigmoid(0.2), atol=1e-3)
    # A flat exponential slab is the uniform one; a Gaussian far above 0 has its spike in front.
    slab = smoothing.SpikeAndSlab(double(0.2)).forward(rho)
    flat = smoothing.SpikeAndExponential(double(0.2), 1e-7).forward(rho)
    np.testing.assert_allclose(flat, slab, rtol=1e-6)
    far = smoothing.SpikeAndGaussian(double(0.2), 40.0, 2.0)
    np.testing.assert_array_equal(far.discrete(rho), slab > 0)
    # A q below the smallest number gives the spike whatever rho.
    for name in SPIKES:
        zeta = make(name, tf.constant(-1e4)).forward(tf.constant([1e-38, 0.5, 1 - 6e-8]))
        np.testing.assert_array_equal(zeta, [0, 0, 0])


@pytest.mark.parametrize("name", CASES)
def test_kl_of_components_against_quadrature(name):
    settings, _ = CASES[name]
    others = {key: value * 1.7 for key, value in settings.items()}
    ours, other = make(name, double(0.0)), make(name, double(1.0), **others)
    low, high = (-9.0, 10.0) if name == "spike_and_gaussian" else (0.0, 1.0)
    for z in (0, 1):
        rho = double((np.arange(200_000) + 0.5) / 200_000)
        zeta = ours.component_quantile(rho, z)
        assert np.all((zeta >= low) & (zeta <= high))
        ratio = ours.component_log_prob(zeta, z) - other.component_log_prob(zeta, z)
        np.testing.assert_allclose(
            ours.component_kl(other, z), tf.reduce_mean(ratio), rtol=1e-3, atol=1e-9
        )
        np.testing.assert_allclose(ours.component_kl(ours, z), 0.0, atol=1e-12)
    with pytest.raises(ValueError, match="one class only.*PowerFunction|one class only.*Ramps"):
        ours.component_kl(make("ramps" if name == "power_function" else "power_function", 0.0), 0)
