"""Each likelihood against its definition."""

import math

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from reference import densities
from reference.statistics import frequency_tolerance
from scipy import special, stats

from tfsp import likelihoods

SHAPE = (2, 1, 3)


def make(spec):
    return likelihoods.build(
        {"dtype": "float64", **(spec if isinstance(spec, dict) else {"name": spec})}
    )


def draw(*shape, seed=0, spread=2.0):
    return spread * np.random.default_rng(seed).normal(size=shape)


def log_prob(likelihood, x, outputs):
    return likelihood.log_prob(tf.constant(x), tf.constant(outputs), data_rank=3).numpy()


def test_bernoulli_is_scipys():
    outputs = draw(5, *SHAPE)
    x = (np.random.default_rng(1).random((5, *SHAPE)) < 0.5).astype(float)
    expected = stats.bernoulli.logpmf(x, special.expit(outputs)).sum((1, 2, 3))
    np.testing.assert_allclose(log_prob(make("bernoulli"), x, outputs), expected, rtol=1e-10)


@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 19, 1), (8, 8, 1), (5, 5, 3)], ids=str)
def test_bernoulli_groups_pixels_without_loss(shape):
    """Numbers of pixels that are 1, a product of primes, a power of 2; confident and not."""
    rng = np.random.default_rng(1)
    outputs = rng.normal(size=(3, 2, *shape)) * rng.choice([1.0, 10.0, 100.0], size=(3, 2, *shape))
    x = (rng.random((2, *shape)) < 0.5).astype(float)
    signed = (2 * x - 1) * outputs
    expected = -np.logaddexp(0, -signed).sum((2, 3, 4))
    likelihood = make("bernoulli")
    np.testing.assert_allclose(log_prob(likelihood, x, outputs), expected, rtol=1e-10)
    distribution = likelihood.distribution(tf.constant(outputs), data_rank=3)
    np.testing.assert_allclose(distribution.log_prob(x), expected, rtol=1e-10)
    single = likelihoods.build("bernoulli")
    narrow = single.log_prob(x, tf.constant(outputs, tf.float32), data_rank=3)
    np.testing.assert_allclose(narrow, expected, rtol=1e-5, atol=1e-4)


def test_bernoulli_gradients_of_both_orders():
    """d log p / dl = x - sigmoid(l), and the second derivative -sigmoid(l) (1 - sigmoid(l))."""
    outputs = tf.constant(np.linspace(-40, 40, 17).reshape(1, 1, 17, 1))
    x = tf.constant((np.arange(17) % 2).reshape(1, 1, 17, 1).astype(float))
    with tf.GradientTape() as second, tf.GradientTape() as first:
        first.watch(outputs)
        second.watch(outputs)
        total = make("bernoulli").log_prob(x, outputs, data_rank=3)
        slope = first.gradient(total, outputs)
    probs = special.expit(outputs)
    np.testing.assert_allclose(slope, x - probs, rtol=1e-12, atol=1e-15)
    curvature = second.gradient(slope, outputs)
    np.testing.assert_allclose(curvature, -probs * special.expit(-outputs), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(("name", "law"), [("gaussian", stats.norm), ("laplace", stats.laplace)])
@pytest.mark.parametrize("location", ["linear", "sigmoid"])
@pytest.mark.parametrize("scale", ["fixed", "scalar", "pixel"])
def test_location_and_scale(name, law, location, scale):
    likelihood = make(dict(name=name, scale=scale, location=location, initial_scale=0.2))
    channels = SHAPE[-1] * likelihood.num_parameters
    assert likelihood.output_shape(SHAPE) == (2, 1, channels)
    outputs = draw(5, 2, 1, channels, spread=1.0)
    loc = outputs[..., :3] if location == "linear" else special.expit(outputs[..., :3])
    scales = 0.2
    if scale == "scalar":
        np.testing.assert_allclose(likelihood.trainable_weights[0], np.log(0.2), rtol=1e-15)
        likelihood.trainable_weights[0].assign(-0.7)
        scales = np.exp(-0.7)
    elif scale == "pixel":
        scales = 0.2 * np.exp(outputs[..., 3:])
    else:
        assert not likelihood.weights
    x = np.random.default_rng(1).random((5, *SHAPE))
    expected = law.logpdf(x, loc, scales).sum((1, 2, 3))
    np.testing.assert_allclose(log_prob(likelihood, x, outputs), expected, rtol=1e-10)
    distribution = likelihood.distribution(tf.constant(outputs), data_rank=3)
    np.testing.assert_allclose(distribution.mean(), loc, rtol=1e-12)


def test_log_scales_are_bounded():
    likelihood = make(dict(name="gaussian", scale="pixel"))
    outputs = np.zeros((2, 1, 1, 2))
    outputs[0, ..., 1], outputs[1, ..., 1] = -30.0, 30.0
    expected = stats.norm.logpdf(0.5, 0, np.exp([-5.0, 5.0]))
    actual = log_prob(likelihood, np.full((2, 1, 1, 1), 0.5), outputs)
    np.testing.assert_allclose(actual, expected, rtol=1e-10)


@pytest.mark.parametrize("scale", ["scalar", "pixel"])
@pytest.mark.parametrize("initial_scale", [1e-3, 1e3])
def test_an_initial_scale_out_of_bounds_is_refused_where_it_is_learned(scale, initial_scale):
    """exp(-5) = 0.0067 and exp(5) = 148 bound a learned scale: another must not be swallowed."""
    with pytest.raises(ValueError, match=r"between 0.0067 and 148.*`initial_scale`"):
        make(dict(name="gaussian", scale=scale, initial_scale=initial_scale))
    fixed = make(dict(name="gaussian", scale="fixed", initial_scale=initial_scale))
    actual = fixed.distribution(tf.zeros((1, 1, 1, 1), tf.float64), data_rank=3).stddev()
    np.testing.assert_allclose(actual, initial_scale, rtol=1e-6)


def test_the_density_of_a_learned_scale_starts_where_it_is_told():
    fixed = make(dict(name="laplace", scale="fixed", initial_scale=0.4))
    learned = make(dict(name="laplace", scale="scalar", initial_scale=0.4))
    x, outputs = draw(3, *SHAPE), draw(3, *SHAPE, seed=1)
    np.testing.assert_allclose(
        log_prob(learned, x, outputs), log_prob(fixed, x, outputs), rtol=1e-12
    )


LOGITS = [0.0, 1e-9, -1e-6, 1e-4, -3.9e-3, 4.1e-3, 0.01, -0.3, 1.0, -5.0, 20.0, -50.0]


def test_continuous_bernoulli_matches_its_integral():
    likelihood = make("continuous_bernoulli")
    x = np.linspace(0, 1, 11)
    for logit in LOGITS:
        outputs = np.full((11, 1, 1, 1), logit)
        expected = densities.continuous_bernoulli_log_prob(x, logit)
        actual = log_prob(likelihood, x[:, None, None, None], outputs)
        np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 2e-6)])
def test_continuous_bernoulli_integrates_to_one(dtype, tolerance):
    likelihood = make(dict(name="continuous_bernoulli", dtype=dtype))
    nodes, weights = special.roots_legendre(60)
    x = tf.constant((nodes + 1) / 2, dtype)[:, None]
    outputs = tf.constant(LOGITS, dtype)
    each = likelihood.distribution(outputs, data_rank=0).log_prob(x)
    total = weights / 2 @ np.exp(each.numpy().astype(np.float64))
    np.testing.assert_allclose(total, 1.0, rtol=0, atol=tolerance)
    mean = weights / 2 @ (x.numpy() * np.exp(each.numpy().astype(np.float64)))
    actual = likelihood.distribution(outputs, data_rank=0).mean()
    np.testing.assert_allclose(actual, mean, rtol=1e-6, atol=1e-6)


def test_categorical_layout_is_level_major():
    """Output index k * C + c of the last axis is the logit of level k of channel c."""
    levels, channels = 4, 3
    likelihood = make(dict(name="categorical", num_levels=levels))
    assert likelihood.output_shape(SHAPE) == (2, 1, levels * channels)
    outputs = draw(5, 2, 1, levels * channels)
    codes = np.random.default_rng(1).integers(levels, size=(5, *SHAPE))
    expected = np.zeros(5)
    for index in np.ndindex(5, 2, 1, channels):
        *pixel, c = index
        logits = [outputs[(*pixel, k * channels + c)] for k in range(levels)]
        expected[index[0]] += logits[codes[index]] - special.logsumexp(logits)
    actual = log_prob(likelihood, codes / (levels - 1), outputs)
    np.testing.assert_allclose(actual, expected, rtol=1e-10)
    probs = special.softmax(outputs.reshape(5, 2, 1, levels, channels), axis=3)
    mean = np.einsum("bhwkc,k->bhwc", probs, np.arange(levels) / (levels - 1))
    distribution = likelihood.distribution(tf.constant(outputs), data_rank=3)
    np.testing.assert_allclose(distribution.mean(), mean, rtol=1e-10)
    np.testing.assert_allclose(distribution.mode(), probs.argmax(3) / (levels - 1), rtol=1e-10)


@pytest.mark.parametrize("num_levels", [2, 256])
def test_categorical_recovers_levels_from_float32(num_levels):
    """k/(L-1) in float32, the form that images come in, is level k for every k."""
    likelihood = likelihoods.build({"name": "categorical", "num_levels": num_levels})
    outputs = tf.constant(draw(num_levels), tf.float32) * tf.ones([num_levels, 1, 1, 1])
    x = (np.arange(num_levels) / np.float32(num_levels - 1)).astype(np.float32)
    actual = likelihood.log_prob(x[:, None, None, None], outputs, data_rank=3)
    np.testing.assert_allclose(actual, tf.nn.log_softmax(outputs[0, 0, 0]), rtol=1e-5)


def test_categorical_sampling_frequencies():
    likelihood = make(dict(name="categorical", num_levels=5))
    outputs = draw(1, 1, 5)
    num_samples = 50_000
    draws = likelihood.distribution(tf.constant(outputs), 3).sample(num_samples, seed=[1, 2])
    codes = np.rint(draws.numpy().ravel() * 4).astype(int)
    observed = np.bincount(codes, minlength=5) / num_samples
    # Fails for a right sampler with probability below 1e-6.
    atol = frequency_tolerance(num_samples, cells=5)
    np.testing.assert_allclose(observed, special.softmax(outputs.ravel()), rtol=0, atol=atol)


def test_probabilities_of_categories_stay_what_they_are_on_another_scale():
    likelihood = make(dict(name="categorical", num_levels=3))
    pixels = likelihood.distribution(tf.constant(draw(2, 3)), 1).distribution
    scale = tfp.bijectors.Scale(tf.constant(2.0, tf.float64))
    levels = tfp.distributions.TransformedDistribution(pixels, scale)
    total = tf.reduce_sum(levels.prob(np.arange(3.0)[:, None, None]), axis=0)
    np.testing.assert_allclose(total, [[1.0], [1.0]], rtol=1e-12)


def test_logistic_reads_its_two_outputs():
    """Location sigmoid(first), log scale second - 2 in [-7, 5]; first all channels' locations."""
    outputs = draw(4, 1, 1, 6)
    outputs[2, ..., 3:], outputs[3, ..., 3:] = -30.0, 30.0  # beyond the bounds
    codes = np.random.default_rng(1).integers(256, size=(4, 1, 1, 3))
    expected = np.zeros(4)
    for b in range(4):
        for c in range(3):
            loc, raw = special.expit(outputs[b, 0, 0, c]), outputs[b, 0, 0, 3 + c]
            table = densities.discretized_logistic_log_probs(loc, np.clip(raw - 2, -7, 5))
            expected[b] += table[codes[b, 0, 0, c]]
    actual = log_prob(make("logistic"), codes / 255, outputs)
    np.testing.assert_allclose(actual, expected, rtol=1e-9)


def test_bits_per_dimension_by_hand():
    shape = (4, 2, 3)
    # 24 entries, one bit each.
    one_bit = -24 * math.log(2)
    assert likelihoods.build("bernoulli").bits_per_dimension(one_bit, shape) == pytest.approx(1)
    # A uniform probability over 256 levels takes 8 bits, and so does a uniform density on [0, 1].
    uniform = make("categorical")
    outputs = tf.zeros((1, *uniform.output_shape(shape)), tf.float64)
    total = uniform.log_prob(tf.fill((1, *shape), 7 / 255), outputs, data_rank=3)
    np.testing.assert_allclose(uniform.bits_per_dimension(total, shape), [8.0], rtol=1e-12)
    density = make("continuous_bernoulli")
    total = density.log_prob(
        tf.fill((1, *shape), tf.constant(0.3, tf.float64)),
        tf.zeros((1, *shape), tf.float64),
        data_rank=3,
    )
    np.testing.assert_allclose(density.bits_per_dimension(total, shape), [8.0], rtol=1e-12)
    # A normal whose differential entropy is h bits, at scale 1/255, is near h + 8.
    gaussian = make(dict(name="gaussian", initial_scale=0.1))
    total = gaussian.log_prob(tf.zeros((1, *shape), tf.float64), tf.zeros((1, *shape)), 3)
    expected = math.log2(0.1 * math.sqrt(2 * math.pi)) + 8
    np.testing.assert_allclose(gaussian.bits_per_dimension(total, shape), [expected], rtol=1e-12)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (dict(name="gaussian", scale="free"), r"`scale` must be one of .* Received: 'free'"),
        (dict(name="laplace", location="tanh"), r"`location` must be one of .*'tanh'"),
        (dict(name="gaussian", initial_scale=0.0), r"`initial_scale` must be a positive.*0\.0"),
        (dict(name="gaussian", initial_scale=float("nan")), "`initial_scale` must be a pos.*nan"),
        (
            dict(name="gaussian", initial_scale="1"),
            "`initial_scale` must be a positive number.*'1'",
        ),
        (dict(name="laplace", initial_scale=None), "`initial_scale` must be a positive .*None"),
        (
            dict(name="categorical", num_levels=1),
            "`num_levels` must be an integer of at least 2.*: 1",
        ),
        (
            dict(name="categorical", num_levels="9"),
            "`num_levels` must be an integer of at least 2.*'9'",
        ),
        (
            dict(name="categorical", num_levels=2.5),
            "`num_levels` must be an integer of at least 2.*2.5",
        ),
        (dict(name="bernoulli", scale="fixed"), "does not take 'scale'"),
        (dict(name="cauchy"), "Unknown likelihood: 'cauchy'. Known: bernoulli"),
    ],
)
def test_wrong_options_are_refused(spec, message):
    with pytest.raises(ValueError, match=message):
        likelihoods.build(spec)


def test_a_likelihood_without_a_distribution_says_so():
    class Empty(likelihoods.Likelihood):
        pass

    with pytest.raises(NotImplementedError, match="Empty must define `pixel_distribution`"):
        Empty().log_prob(tf.zeros((1, 2)), tf.zeros((1, 2)), data_rank=1)
