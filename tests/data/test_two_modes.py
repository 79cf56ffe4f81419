"""The mixture on the line: its law, its options, and a model that takes its values."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf
from reference import statistics
from scipy import stats

from tfsp import data, models

COUNT = 20_000


def test_form():
    loaded = data.load("two_modes", labels=True, batch_size=64)
    info = loaded.info
    assert (info.name, info.image_shape, info.binarization) == ("two_modes", (1,), "none")
    assert (info.num_train, info.num_validation, info.num_test) == (50_000, 10_000, 10_000)
    assert info.num_classes == 2
    for word in ("standard deviation 0.1 ", "0.1 and 1,", "0.5 and 0.5"):
        assert word in info.source
    x, y = next(iter(loaded.train))
    assert (x.dtype, x.shape, y.dtype, y.shape) == (tf.float32, (64, 1), tf.int32, (64,))
    assert "two_modes" in data.names()


@pytest.mark.parametrize(("noise", "proportion"), [(None, None), (0.3, 0.2), (0.05, 1.0)])
def test_law(noise, proportion):
    options = {} if noise is None else dict(noise=noise, proportion=proportion)
    noise, proportion = noise or 0.1, 0.5 if proportion is None else proportion
    x, labels = data.load("two_modes", test_size=COUNT, **options).arrays("test")
    assert x.shape == (COUNT, 1)

    def cumulative(t):
        low, high = (stats.norm.cdf(t, centre, noise) for centre in (0.1, 1.0))
        return (1 - proportion) * low + proportion * high

    # Kolmogorov and Smirnov: a right sampler fails with probability below 1e-6.
    assert stats.kstest(x[:, 0].astype(float), cumulative).pvalue > 1e-6
    assert abs(labels.mean() - proportion) <= statistics.frequency_tolerance(COUNT, 1)
    for label, centre in enumerate((0.1, 1.0)):
        shifts = x[labels == label].astype(float) - centre
        if proportion < 1 or label:
            assert np.all(np.abs(shifts.mean(axis=0)) < statistics.mean_tolerance(shifts))
            # Five standard deviations of a deviation: false alarm below 1e-6.
            np.testing.assert_allclose(shifts.std(), noise, rtol=5 / math.sqrt(2 * len(shifts)))
        else:
            assert not len(shifts)


def test_no_noise_leaves_the_centres():
    x, labels = data.load("two_modes", noise=0, test_size=100).arrays("test")
    np.testing.assert_array_equal(x[:, 0], np.where(labels, np.float32(1.0), np.float32(0.1)))
    assert set(labels) == {0, 1}


def test_training_is_endless_and_resumes_and_evaluation_is_fixed():
    kwargs = dict(batch_size=50, train_size=200, seed=3)
    whole = [
        x.numpy() for x in itertools.islice(data.load("two_modes", **kwargs).train_stream(), 12)
    ]
    tail = itertools.islice(data.load("two_modes", **kwargs).train_stream(2), 4)
    np.testing.assert_array_equal(whole[8:], [x.numpy() for x in tail])
    draws = np.concatenate(whole)
    # None comes twice but by chance: 600 draws from some 6 million floats, 0.03 pairs expected.
    assert len(np.unique(draws)) > 597
    other = data.load("two_modes", **{**kwargs, "seed": 4})
    assert not np.array_equal(next(iter(other.train)), whole[0])
    test = other.arrays("test")[0]
    np.testing.assert_array_equal(test, data.load("two_modes").arrays("test")[0])
    assert test.min() < 0
    assert test.max() > 1


def test_a_gaussian_likelihood_takes_the_values_and_a_bernoulli_says_why_not():
    x = data.load("two_modes").arrays("test", limit=60)[0]
    network = {"name": "mlp", "hidden": (4,)}
    for name in ("gaussian", "bernoulli"):
        model = models.VAE(network, latent_dim=2, likelihood=name, seed=0)
        model.compile(run_eagerly=True)
        if name == "gaussian":
            history = model.fit(x, batch_size=30, epochs=1, verbose=0).history
            assert np.isfinite(history["loss"]).all()
        else:
            with pytest.raises(ValueError, match=r"data in \[0, 1\].*'gaussian'"):
                model.fit(x, batch_size=30, epochs=1, verbose=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(noise=-0.1), "`noise` must be a non-negative number"),
        (dict(noise=math.inf), "`noise` must be a non-negative number"),
        (dict(proportion=1.1), r"`proportion` must be a number in \[0, 1\]"),
        (dict(centres=3), "'two_modes' does not take 'centres'. It takes: noise, proportion"),
        (dict(binarization="dynamic"), "needs binarization='none'.*Received: 'dynamic'"),
        (dict(image_size=3), "needs image_size=None"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        data.load("two_modes", **options)
