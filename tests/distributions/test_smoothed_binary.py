"""Smoothed binary variables: draws, densities, KLs; what the bijectors do is tested with them."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from reference import smoothing as reference
from reference.statistics import frequency_tolerance, mean_tolerance
from scipy import special, stats

from tfsp.bijectors import smoothing
from tfsp.distributions.smoothed_binary import SmoothedBinary, open_uniform

tfd = tfp.distributions

SETTINGS = {
    "overlapping_exponential": {"beta": 5.0},
    "power_function": {"beta": 2.5},
    "ramps": {},
    "spike_and_exponential": {"beta": 3.0},
    "spike_and_gaussian": {"loc": 0.4, "scale": 1.3},
    "spike_and_slab": {},
}
SPIKES = [name for name in SETTINGS if name.startswith("spike")]
LOGITS = np.array([-2.0, 0.3, 1.5])
Q = special.expit(LOGITS)


def make(name, logits=LOGITS, **settings):
    logits = tf.constant(logits, tf.float64)
    return SmoothedBinary(logits, name, **{**SETTINGS[name], **settings})


def test_every_smoothing_is_covered():
    assert smoothing.names() == sorted(SETTINGS)


def test_noise_is_open_and_symmetric():
    for dtype in ("float32", "float64"):
        u = open_uniform([100_000], [1, 2], dtype).numpy()
        assert u.dtype == dtype
        assert 0 < u.min() < 1e-4 < 1 - 1e-4 < u.max() < 1
        # A right sampler fails with a probability of 1e-6.
        assert stats.kstest(u.astype("float64"), "uniform").pvalue > 1e-6
    # The ends of what the generator may give, k 2^-23, stay off 0 and 1 and are exact.
    for k in (0, 2**23 - 1):
        u = np.float32(k * 2.0**-23) + np.float32(2.0**-24)
        assert 0 < u < 1
        assert u == k * 2.0**-23 + 2.0**-24
    with pytest.raises(TypeError, match="float32 or float64. Received: float16"):
        open_uniform([3], [1, 2], tf.float16)


@pytest.mark.parametrize("name", SETTINGS)
def test_draws_follow_the_reference(name):
    """False alarms: about 1e-6 for each comparison."""
    q = make(name)
    assert q.batch_shape == (3,)
    assert q.event_shape == ()
    zeta, z = (t.numpy() for t in q.sample_pair(20_000, seed=3))
    assert zeta.shape == z.shape == (20_000, 3)
    assert set(np.unique(z)) == {0.0, 1.0}
    assert np.all(np.abs(z.mean(0) - Q) < frequency_tolerance(len(z), cells=3))
    assert np.all(np.abs(zeta.mean(0) - q.mean()) < mean_tolerance(zeta))
    settings = SETTINGS[name]
    for d in range(3):
        np.testing.assert_allclose(q.mean()[d], reference.mean(name, Q[d], **settings), rtol=1e-9)
        for value in (0, 1):
            drawn = zeta[z[:, d] == value, d]
            if value == 0 and name in SPIKES:
                assert not drawn.any()
                continue
            # zeta given z: of the component, by a table of its CDF from quadrature
            low = -8.0 if name == "spike_and_gaussian" else 0.0
            grid = np.linspace(low, 8.0 if low else 1.0, 401)
            if name == "power_function":  # denser at its singular end
                grid = 1 - grid**3 if value else grid**3
                grid = np.sort(grid)
            table = np.array([reference.cdf(name, s, float(value), **settings) for s in grid])
            assert stats.kstest(drawn, lambda s: np.interp(s, grid, table)).pvalue > 1e-6  # noqa: B023


@pytest.mark.parametrize("name", SETTINGS)
def test_densities_are_those_of_the_reference(name):
    q, settings = make(name), SETTINGS[name]
    zeta = q.sample(4, seed=[1, 2])
    density = np.array(
        [
            [
                (1 - p) * reference.density(name, s, 0, **settings)
                + p * reference.density(name, s, 1, **settings)
                if s != 0
                else 1 - p
                for s, p in zip(row, Q, strict=True)
            ]
            for row in zeta.numpy()
        ]
    )
    np.testing.assert_allclose(q.prob(zeta), density, rtol=1e-9)
    joint = np.exp(q.joint_log_prob(zeta, 0.0)) + np.exp(q.joint_log_prob(zeta, 1))
    np.testing.assert_allclose(joint, density, rtol=1e-9)
    on = (zeta != 0).numpy()
    rho = q.cdf(tf.identity(zeta))
    np.testing.assert_allclose(q.quantile(rho).numpy()[on], zeta.numpy()[on], rtol=1e-7)
    expected = q.joint_log_prob(zeta, 1) - q.joint_log_prob(zeta, 0)
    logits = q.posterior_logits(zeta)
    if name in SPIKES:
        np.testing.assert_array_equal(logits, np.where(on, 1e6, -1e6))
        assert on.any()
    else:
        np.testing.assert_allclose(logits, expected, rtol=1e-9)


@pytest.mark.parametrize("name", SETTINGS)
def test_samples_are_reparameterised(name):
    """The gradient of a mean over draws against that of the exact mean (about 1e-6 each)."""
    logits = tf.constant(np.tile(LOGITS, [4000, 1]))  # one for each draw
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        q = SmoothedBinary(logits, name, **SETTINGS[name])
        zeta, mean = q.sample(seed=5), q.mean()
    assert q.reparameterization_type == tfd.FULLY_REPARAMETERIZED
    slopes = tape.gradient(zeta, logits).numpy()
    expected = tape.gradient(mean, logits)[0]
    assert np.all(np.abs(slopes.mean(0) - expected) < mean_tolerance(slopes))
    assert np.all(expected > 0)


@pytest.mark.parametrize("name", SETTINGS)
def test_kls(name):
    """Against sums over draws with a false-alarm rate of about 1e-6, and in certainty."""
    others = {key: 1.3 * value for key, value in SETTINGS[name].items()}
    q, p = make(name), make(name, [0.5, -0.4, 0.1], **others)
    zeta, z = q.sample_pair(20_000, seed=7)
    ratio = (q.joint_log_prob(zeta, z) - p.joint_log_prob(zeta, z)).numpy()
    assert np.all(np.abs(ratio.mean(0) - q.kl_joint(p)) < mean_tolerance(ratio))
    discrete = tfd.kl_divergence(tfd.Bernoulli(logits=q.logits), tfd.Bernoulli(logits=p.logits))
    np.testing.assert_allclose(q.kl_discrete(p), discrete, rtol=1e-10)
    np.testing.assert_allclose(
        q.kl_joint(p) - q.kl_discrete(p), q.kl_smoothing(p), rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(make(name).kl_smoothing(q), np.zeros(3), atol=1e-12)
    np.testing.assert_allclose(q.discrete_entropy(), tfd.Bernoulli(logits=LOGITS).entropy(), 1e-6)
    marginal = (q.log_prob(zeta) - p.log_prob(zeta)).numpy()
    if name in SPIKES:
        np.testing.assert_allclose(tfd.kl_divergence(q, p), q.kl_joint(p), rtol=1e-12)
        assert np.all(np.abs(marginal.mean(0) - q.kl_joint(p)) < mean_tolerance(marginal))
    else:
        assert np.all(marginal.mean(0) < q.kl_joint(p) + mean_tolerance(marginal))
        with pytest.raises(NotImplementedError, match=f"no closed form.*kl_joint.*{name}"):
            tfd.kl_divergence(q, p)
    sure = SmoothedBinary(tf.constant([-200.0, 200.0]), name, **SETTINGS[name])
    even = SmoothedBinary(tf.constant(0.0), name, **SETTINGS[name])
    np.testing.assert_allclose(sure.kl_joint(even), np.log([2.0, 2.0]), rtol=1e-6)
    np.testing.assert_allclose(sure.discrete_entropy(), [0, 0], atol=1e-30)
    with pytest.raises(ValueError, match="one class only"):
        q.kl_joint(make("ramps" if name != "ramps" else "power_function"))


def test_the_gradient_of_the_smoothing_term_is_that_of_appendix_e():
    """d/dq of E_z KL is KL(z=1) - KL(z=0); d/d loc = q (loc - loc_p) / scale_p^2."""
    logits, loc = tf.constant(LOGITS), tf.constant([0.2, -1.0, 2.0], tf.float64)
    prior = SmoothedBinary(logits * 0, "spike_and_gaussian", loc=0.5, scale=2.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([logits, loc])
        q = SmoothedBinary(logits, "spike_and_gaussian", loc=loc, scale=0.7)
        term = q.kl_smoothing(prior)
    kl = q.smoothing.component_kl(prior.smoothing, 1)
    np.testing.assert_allclose(tape.gradient(term, logits), Q * (1 - Q) * kl, rtol=1e-10)
    np.testing.assert_allclose(tape.gradient(term, loc), Q * (loc - 0.5) / 4.0, rtol=1e-10)


@pytest.mark.parametrize("name", SETTINGS)
def test_it_is_a_tfp_distribution(name):
    settings = {key: tf.constant([[value]] * 2) for key, value in SETTINGS[name].items()}

    @tf.function(
        input_signature=[tf.TensorSpec([None, 3], tf.float32), tf.TensorSpec([], tf.int32)]
    )
    def draw(logits, n):
        q = tfd.Independent(SmoothedBinary(logits, name, **settings), 1)
        zeta = q.sample(n, seed=[1, 2])
        return zeta, q.log_prob(zeta), q.distribution.sample_pair(n, seed=[1, 2])[1]

    zeta, log_prob, z = draw(tf.zeros([2, 3]), 5)
    assert zeta.shape == z.shape == (5, 2, 3)
    assert zeta.dtype == z.dtype == tf.float32
    assert log_prob.shape == (5, 2)
    q = SmoothedBinary(tf.zeros([2, 3]), name, **settings)
    assert q.batch_shape == (2, 3)
    np.testing.assert_array_equal(q.batch_shape_tensor(), [2, 3])
    assert q.mean().shape == (2, 3)
    np.testing.assert_array_equal(q.sample(4, seed=9), q.copy().sample(4, seed=9))
    assert q.sample([4, 2], seed=9).shape == (4, 2, 2, 3)
    assert q.sample_pair([4, 2], seed=9)[0].shape == (4, 2, 2, 3)
    assert q.copy(logits=tf.zeros([2, 7])).batch_shape == (2, 7)
    part = q[..., :2]
    assert part.batch_shape == (2, 2)
    np.testing.assert_allclose(part.log_prob(0.25), q.log_prob(0.25)[:, :2])
    seeds = [q.sample(50, seed=s).numpy() for s in (1, 1, 2)]
    np.testing.assert_array_equal(seeds[0], seeds[1])
    assert np.any(seeds[0] != seeds[2])


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="Unknown smoothing: 'exponential'"):
        SmoothedBinary(0.0, "exponential")
    with pytest.raises(ValueError, match="'ramps' does not take 'beta'. It takes: logits"):
        SmoothedBinary(0.0, "ramps", beta=3.0)
    with pytest.raises(ValueError, match="`beta` must be positive and finite. Received: -1.0"):
        SmoothedBinary(0.0, "power_function", beta=-1.0)
    with pytest.raises(TypeError, match="float32 or float64: cast them. Received: int64"):
        SmoothedBinary(tf.constant([1], tf.int64))
