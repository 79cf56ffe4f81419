"""The sparse prior against its formula."""

import numpy as np
import pytest
import tensorflow as tf
from reference.statistics import mean_tolerance
from scipy import stats

from tfsp import priors


@pytest.mark.parametrize("off_probability", [0.0, 0.3, 0.8])
def test_density_is_the_product_of_mixtures(off_probability):
    prior = priors.SparsePrior(3, off_probability, off_scale=0.1, dtype="float64")
    z = np.random.default_rng(0).normal(size=(4, 5, 3)) * [1, 0.1, 5]
    on = (1 - off_probability) * stats.norm.pdf(z)
    expected = np.log(on + off_probability * stats.norm.pdf(z, scale=0.1)).sum(-1)
    z = tf.constant(z)
    with tf.GradientTape() as tape:
        tape.watch(z)
        log_prob = prior.log_prob(z)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-10)
    assert np.all(np.isfinite(tape.gradient(log_prob, z)))


def test_samples_are_mostly_off():
    prior = priors.SparsePrior(2)
    z = prior.sample(20_000, seed=0).numpy().astype(float)
    # Fourth and second moments; a right sampler fails with a probability of about 1e-6.
    for power, expected in ((2, 0.2 + 0.8 * 0.05), (4, 3 * (0.2 + 0.8 * 0.05**2))):
        assert np.all(np.abs((z**power).mean(0) - expected) < mean_tolerance(z**power))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"off_probability": 1.0}, r"`off_probability` must be a number in \[0, 1\).*: 1.0"),
        ({"off_probability": "x"}, r"`off_probability` must be a number in \[0, 1\).*: 'x'"),
        ({"off_probability": -0.1}, r"`off_probability` must be a number in \[0, 1\).*: -0.1"),
        ({"off_scale": 0.0}, r"`off_scale` must be a number in \(0, 1\].*: 0.0"),
        ({"off_scale": None}, r"`off_scale` must be a number in \(0, 1\].*: None"),
        ({"off_scale": 2.0}, r"`off_scale` must be a number in \(0, 1\].*: 2.0"),
    ],
)
def test_settings_outside_their_ranges_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        priors.SparsePrior(2, **settings)
