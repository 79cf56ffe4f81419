"""Likelihoods of counts: against SciPy and their definitions, and what totals do to them."""

import numpy as np
import pytest
import tensorflow as tf
from reference import densities
from reference.statistics import mean_tolerance
from scipy import special, stats

from tfsp import likelihoods
from tfsp.likelihoods import count_distributions

NAMES = ("poisson", "negative_binomial", "zero_inflated_negative_binomial")
X = np.array([0, 1, 2, 9, 10, 11, 1000, 100_000])
MEANS = np.array([1e-8, 1e-3, 0.7, 10.0, 999.0, 1e5, 1e8])
THETAS = np.array([1e-6, 1e-2, 1.0, 100.0, 1e5, 1e8])


def make(name, data_shape=(4,), **settings):
    likelihood = likelihoods.build({"name": name, "dtype": "float64", **settings})
    likelihood.build(data_shape)
    return likelihood


def outputs_for(likelihood, leading, data_shape=(4,), seed=0):
    shape = (*leading, *likelihood.output_shape(data_shape))
    return tf.constant(np.random.default_rng(seed).normal(size=shape), likelihood.variable_dtype)


def each(name, x, *outputs, dtype="float64"):
    """log P of each of x by a likelihood whose outputs these are."""
    settings = {} if name == "poisson" else {"dispersion": "example"}
    likelihood = make(name, (1,), library="none", dtype=dtype, **settings)
    arrays = np.broadcast_arrays(x, *outputs)
    stacked = tf.constant(np.stack(arrays[1:], axis=-1), dtype)
    found = likelihood.log_prob(tf.constant(arrays[0][..., None], dtype), stacked, data_rank=1)
    return found.numpy().astype(np.float64)


def test_poisson_is_scipys():
    x, mean = X[:, None], MEANS[None]
    actual = each("poisson", x, np.log(mean))
    np.testing.assert_allclose(actual, stats.poisson.logpmf(x, mean), rtol=1e-10)


def test_negative_binomial_is_scipys():
    """Where SciPy, which is given theta / (theta + mean), can tell."""
    x, mean, theta = X[:7, None, None], MEANS[None, 1:5, None], THETAS[None, None, 1:4]
    actual = each("negative_binomial", x, np.log(mean), np.log(theta))
    expected = stats.nbinom.logpmf(x, theta, theta / (theta + mean))
    np.testing.assert_allclose(actual, expected, rtol=1e-10)


@pytest.mark.parametrize("mean", [0.3, 1.7, 6.4, 40.2])
def test_modes_are_the_most_likely_counts(mean):
    x = np.arange(200)
    log_mean = np.float64(np.log(mean))
    mode = count_distributions.PoissonCounts(log_mean).mode()
    assert mode == np.argmax(stats.poisson.pmf(x, mean))
    for theta in (0.4, 3.3):
        pmf = stats.nbinom.pmf(x, theta, theta / (theta + mean))
        log_theta = np.float64(np.log(theta))
        mode = count_distributions.NegativeBinomialCounts(log_mean, log_theta).mode()
        assert mode == np.argmax(pmf)
        for share in (0.01, 0.6):
            inflated = (1 - share) * pmf + share * (x == 0)
            zeros = np.float64(special.logit(share))
            mode = count_distributions.ZeroInflatedNegativeBinomialCounts(
                log_mean, log_theta, zeros
            ).mode()
            assert mode == np.argmax(inflated)


@pytest.fixture(scope="module")
def exact():
    """Means `[7]` by thetas `[7]`, the last infinite, of every x: `[8, 7, 7]`."""
    table = [
        [[densities.counts_log_prob(x, m, t) for t in (*THETAS, np.inf)] for m in MEANS] for x in X
    ]
    return np.array(table, np.float64)


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    # In float32 the means themselves are known to 1e-6; 1e5 counts are 300 times as uncertain.
    [("float64", dict(rtol=1e-12)), ("float32", dict(rtol=2e-6, atol=1e-3))],
)
def test_tiny_and_huge_parameters(exact, dtype, tolerance):
    x = X[:, None, None]
    actual = each("poisson", x[..., 0], np.log(MEANS), dtype=dtype)
    np.testing.assert_allclose(actual, exact[..., -1], **tolerance)
    log_mean, log_theta = np.log(MEANS)[:, None], np.log(THETAS)
    actual = each("negative_binomial", x, log_mean, log_theta, dtype=dtype)
    np.testing.assert_allclose(actual, exact[..., :-1], **tolerance)


@pytest.mark.parametrize("logit", [-30.0, -1.0, 0.0, 2.0, 30.0])
def test_zero_inflation_by_hand(exact, logit):
    negative_binomial = exact[..., :-1]
    with_zeros = special.log_expit(-logit) + negative_binomial
    with_zeros[0] = np.logaddexp(special.log_expit(logit), with_zeros[0])
    log_mean, log_theta = np.log(MEANS)[:, None], np.log(THETAS)
    name = "zero_inflated_negative_binomial"
    actual = each(name, X[:, None, None], log_mean, log_theta, np.float64(logit))
    np.testing.assert_allclose(actual, with_zeros, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_limits(exact, dtype):
    """theta -> inf is Poisson; pi -> 0 is negative binomial."""
    tolerance = dict(rtol=1e-11) if dtype == "float64" else dict(rtol=2e-6, atol=1e-3)
    x, log_mean = tf.constant(X[:, None], dtype), tf.constant(np.log(MEANS), dtype)
    huge = tf.constant(60.0, dtype)
    actual = count_distributions.NegativeBinomialCounts(log_mean, huge).log_prob(x)
    np.testing.assert_allclose(actual, exact[..., -1], **tolerance)
    one, never = tf.zeros([], dtype), tf.constant(-1e9, dtype)
    actual = count_distributions.ZeroInflatedNegativeBinomialCounts(log_mean, one, never)
    expected = count_distributions.NegativeBinomialCounts(log_mean, one)
    np.testing.assert_allclose(actual.log_prob(x), expected.log_prob(x), **tolerance)


def test_what_is_no_count_has_no_probability():
    for x in (-1.0, np.nan):
        assert np.isnan(each("poisson", np.array([x]), np.zeros(1))).all()


@pytest.mark.parametrize("library", ["observed", "none"])
@pytest.mark.parametrize("dispersion", ["feature", "example"])
@pytest.mark.parametrize("name", NAMES[1:])
def test_gradients_are_slopes(name, dispersion, library):
    likelihood = make(name, dispersion=dispersion, library=library)
    outputs = tf.Variable(outputs_for(likelihood, (6,)))
    weights = [outputs, *(w.value for w in likelihood.trainable_weights)]
    assert len(weights) == (2 if dispersion == "feature" else 1)
    x = tf.constant([[0.0, 1, 12, 3000]] * 5 + [[0.0] * 4], tf.float64)

    def loss():
        return tf.reduce_sum(likelihood.log_prob(x, outputs, data_rank=1))

    with tf.GradientTape() as tape:
        value = loss()
    rng = np.random.default_rng(1)
    for weight, gradient in zip(weights, tape.gradient(value, weights), strict=True):
        start, direction = weight.numpy(), rng.normal(size=weight.shape)
        ends = []
        for step in (1e-5, -1e-5):
            weight.assign(start + step * direction)
            ends.append(loss().numpy())
        weight.assign(start)
        slope = (ends[0] - ends[1]) / 2e-5
        np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_stay_finite(name):
    """In float32, with parameters beyond what is of use and counts up to 1e5."""
    likelihood = make(name, dtype="float32")
    x = tf.constant([[0.0, 1, 1e5, 0], [0.0] * 4])
    for size in (30.0, 1e4):
        outputs = size * outputs_for(likelihood, (50, 2))
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            total = likelihood.log_prob(x, outputs, data_rank=1)
        assert np.isfinite(total).all()
        assert np.isfinite(tape.gradient(total, outputs)).all()


@pytest.mark.parametrize("name", NAMES)
def test_totals_are_those_of_x(name):
    """Means are the total of each x times the softmax over all entries; S draws at once."""
    shape = (2, 1, 3)
    likelihood = make(name, shape)
    outputs = outputs_for(likelihood, (4, 5), shape)
    x = np.random.default_rng(1).poisson(3.0, (5, *shape)).astype(float)
    logits = outputs.numpy()[..., :3]
    shares = special.softmax(logits, axis=(-1, -2, -3))
    means = x.sum((1, 2, 3), keepdims=True) * shares
    if name == "poisson":
        expected = stats.poisson.logpmf(x, means)
    else:
        thetas = np.linspace(0.5, 3.0, 6).reshape(shape)
        likelihood.log_theta.assign(np.log(thetas))
        expected = stats.nbinom.logpmf(x, thetas, thetas / (thetas + means))
    if name == NAMES[2]:
        pi = special.expit(outputs.numpy()[..., 3:])
        expected = np.log(np.where(x == 0, pi, 0) + (1 - pi) * np.exp(expected))
        means = (1 - pi) * means
    total = expected.sum((2, 3, 4))
    np.testing.assert_allclose(likelihood.log_prob(x, outputs, data_rank=3), total, rtol=1e-10)
    given = likelihood.distribution_given(x, outputs, data_rank=3)
    np.testing.assert_allclose(given.mean(), means, rtol=1e-10)
    # Without x, the typical total.
    likelihood.typical_library.assign(7.0)
    typical = likelihood.distribution(outputs, data_rank=3).mean()
    np.testing.assert_allclose(typical, 7.0 * means / x.sum((1, 2, 3), keepdims=True), rtol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_given_the_total_add_up(name):
    likelihood = make(name)
    x = tf.constant([[3.0, 0, 9, 1]], tf.float64)
    given = likelihood.distribution_given(x, outputs_for(likelihood, (1,)), data_rank=1)
    counts = np.arange(2000.0)[:, None, None] * np.ones((1, 4))
    total = np.exp(given.distribution.log_prob(tf.constant(counts))).sum(axis=0)
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_without_counts_is_certain(name):
    likelihood = make(name)
    outputs = outputs_for(likelihood, (1,))
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        total = likelihood.log_prob(np.zeros((1, 4)), outputs, data_rank=1)
    np.testing.assert_allclose(total, 0.0, atol=1e-12)
    np.testing.assert_allclose(tape.gradient(total, outputs), 0.0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_moments_of_samples(name):
    likelihood = make(name, typical_library=20.0)
    if name != "poisson":
        likelihood.log_theta.assign([-0.7, 0.0, 0.7, 2.0])
    distribution = likelihood.distribution(outputs_for(likelihood, (2,)), data_rank=1)
    draws = distribution.sample(40_000, seed=[5, 6]).numpy()
    np.testing.assert_array_equal(draws, np.rint(draws))
    assert draws.min() == 0
    # Each fails for a right sampler with a probability of about 1e-6.
    noise = draws - distribution.mean().numpy()
    assert np.all(np.abs(noise.mean(axis=0)) < mean_tolerance(noise))
    excess = noise**2 - distribution.variance().numpy()
    assert np.all(np.abs(excess.mean(axis=0)) < mean_tolerance(excess))
    zeros = (draws == 0) - np.exp(distribution.distribution.log_prob(np.zeros((2, 4))))
    assert np.all(np.abs(zeros.mean(axis=0)) < mean_tolerance(zeros))


def test_the_typical_total_comes_from_data():
    likelihood = make("poisson")
    outputs = outputs_for(likelihood, (1,))
    assert likelihood.wants_data
    with pytest.raises(ValueError, match=r"typical total count.*`model.likelihood.adapt\(x\)`"):
        likelihood.distribution(outputs, data_rank=1)
    with pytest.raises(ValueError, match="Received: 3 examples without any count"):
        likelihood.adapt(np.zeros((3, 2, 2)))
    # Totals 0, 3, 8, 100: the median of those with counts.
    likelihood.adapt(np.array([[0, 0], [1, 2], [8, 0], [50, 50]], np.uint8))
    assert not likelihood.wants_data
    assert likelihood.typical_library.numpy() == 8.0
    np.testing.assert_allclose(np.sum(likelihood.distribution(outputs, 1).mean()), 8.0)
    given = make("poisson", typical_library=5)
    given.adapt(np.ones((3, 4)))
    assert given.typical_library.numpy() == 5.0
    without = make("poisson", library="none")
    without.adapt(np.ones((3, 4)))
    assert not without.wants_data
    assert not without.weights


def test_encoders_see_logarithms():
    x = np.array([-3.0, 0.0, 1.0, 1e5])
    np.testing.assert_allclose(
        make("poisson").encoder_input(x), np.sign(x) * np.log1p(np.abs(x)), rtol=1e-12
    )
    np.testing.assert_array_equal(make("poisson", log1p=False).encoder_input(x), x)
    np.testing.assert_array_equal(make("bernoulli").encoder_input(x), x)


def test_dispersion_needs_the_shape_of_the_data():
    likelihood = likelihoods.NegativeBinomial(library="none")
    with pytest.raises(ValueError, match=r"`likelihood.build\(data_shape\)`"):
        likelihood.build()
    with pytest.raises(ValueError, match="has not been built"):
        likelihood.log_prob(np.zeros((1, 4)), tf.zeros((1, 4)), data_rank=1)
    likelihood.build((4,))
    with pytest.raises(ValueError, match=r"built for data of shape \(4,\). Received: \(5,\)"):
        likelihood.build((5,))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            dict(library="latent"),
            r"`library` must be one of .*'observed', 'learned', 'none'.*'latent'",
        ),
        (dict(dispersion="gene"), r"`dispersion` must be one of .*'feature', 'example'.*'gene'"),
        (dict(typical_library=0.0), "`typical_library` must be a positive number.*0.0"),
        (dict(library="none", typical_library=3), "goes with library='observed'.*3.0"),
    ],
)
def test_wrong_options_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        likelihoods.build({"name": "negative_binomial", **settings})
