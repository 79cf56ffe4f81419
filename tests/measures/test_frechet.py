"""The Fréchet distance in closed form, and features that are always named."""

import keras
import numpy as np
import pytest
from reference import measures as reference

from tfsp import evaluation
from tfsp.measures import FeatureMap, classifier_features, features, frechet, frechet_distance


def with_moments(mean, covariance, count=50, seed=0):
    """Vectors whose sample mean and covariance are exactly these."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(count, len(mean)))
    z = (z - z.mean(0)) @ np.linalg.inv(
        np.linalg.cholesky(np.atleast_2d(np.cov(z, rowvar=False)))
    ).T
    return np.asarray(mean) + z @ np.linalg.cholesky(np.asarray(covariance, float)).T


def test_commuting_covariances_by_hand():
    first = with_moments([0.0, 0.0], np.diag([4.0, 9.0]))
    second = with_moments([3.0, -4.0], np.diag([1.0, 16.0]), seed=1)
    # |m|^2 = 25, (2 - 1)^2 + (3 - 4)^2 = 2.
    assert frechet_distance(first, second) == pytest.approx(27.0, rel=1e-9)
    assert frechet_distance(first, first[::-1]) == pytest.approx(0.0, abs=1e-9)
    line = frechet_distance(with_moments([1.0], [[4.0]]), with_moments([0.0], [[1.0]], seed=1))
    assert line == pytest.approx(2.0, rel=1e-9)


def test_full_covariances_against_the_matrix_root():
    rng = np.random.default_rng(0)
    for _ in range(5):
        a, b = rng.normal(size=(2, 4, 4))
        covariances = a @ a.T + 0.1 * np.eye(4), b @ b.T + 0.1 * np.eye(4)
        means = rng.normal(size=(2, 4))
        expected = reference.frechet_distance(means[0], covariances[0], means[1], covariances[1])
        first = with_moments(means[0], covariances[0])
        second = with_moments(means[1], covariances[1], count=70, seed=1)
        assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-6)
        assert frechet_distance(second, first) == pytest.approx(expected, rel=1e-6)


def test_fewer_vectors_than_features():
    rng = np.random.default_rng(0)
    first = np.concatenate([rng.normal(size=(5, 3)), np.zeros((5, 17))], axis=1)
    shifted = first + np.eye(20)[19]
    assert frechet_distance(first, shifted) == pytest.approx(1.0, abs=1e-7)


def test_frechet_says_what_it_is():
    pixels = FeatureMap("pixels", lambda x: x.reshape(len(x), -1), 4, "the pixels as they are")
    images = np.random.default_rng(0).random((1100, 2, 2, 1)).astype(np.float32)
    result = frechet(images[:600], images[600:], pixels)
    assert result["distance"] == pytest.approx(
        frechet_distance(images[:600].reshape(-1, 4), images[600:].reshape(-1, 4)), rel=1e-9
    )
    assert (result["features"], result["description"]) == ("pixels", "the pixels as they are")
    assert (result["num_samples"], result["num_data"], result["num_features"]) == (600, 500, 4)
    assert result["resize"] == "none"


def test_no_distance_without_a_name():
    images = np.zeros((5, 2, 2, 1))
    for unnamed in (lambda x: x, "inception", None):
        with pytest.raises(TypeError, match="without named features.*Inception"):
            frechet(images, images, unnamed)
    for name, description in (("", "pixels"), ("pixels", " "), (None, "pixels")):
        with pytest.raises(ValueError, match="cannot be compared"):
            FeatureMap(name, lambda x: x, 4, description)
    with pytest.raises(ValueError, match="must be one word"):
        FeatureMap("two words", lambda x: x, 4, "pixels")
    named = FeatureMap("pixels", lambda x: x.reshape(len(x), -1), 4, "the pixels")
    with pytest.raises(ValueError, match="samples.shape=.*data.shape="):
        frechet(images, np.zeros((5, 3, 2, 1)), named)
    with pytest.raises(ValueError, match="at least two vectors"):
        frechet(images[:1], images, named)
    with pytest.raises(ValueError, match="Received: 4 and 3"):
        frechet_distance(np.zeros((5, 4)), np.zeros((5, 3)))


@pytest.fixture(scope="module")
def digits():
    from tfsp import data

    loaded = data.load("digits")
    return *loaded.arrays("train"), *loaded.arrays("test")


def test_classifier_features(digits, monkeypatch):
    images, labels, test, test_labels = digits
    found = classifier_features(images, labels, test, test_labels, data="digits", epochs=4)
    assert found.name == "classifier"
    assert "1297 examples of digits" in found.description
    accuracy = float(found.description.rpartition(" ")[2])
    assert 0.85 < accuracy <= 1
    vectors = found(test)
    assert vectors.shape == (300, 64) == (300, found.num_features)
    assert vectors.min() >= 0
    assert vectors.std(axis=0).max() > 0.1
    # Taken from memory for the same arrays, trained anew for others.
    monkeypatch.setattr(features, "_train", lambda *_: pytest.fail("trained twice"))
    again = classifier_features(images.copy(), labels, epochs=4)
    np.testing.assert_array_equal(again(test[:5]), vectors[:5])
    assert "accuracy" not in again.description
    with pytest.raises(pytest.fail.Exception, match="trained twice"):
        classifier_features(images[1:], labels[1:], epochs=4)
    monkeypatch.undo()
    # Other digits are farther than the same ones.
    parts = [test[test_labels < 5], test[test_labels >= 5], images[labels < 5]]
    near, far = (frechet(parts[0], other, found)["distance"] for other in (parts[2], parts[1]))
    assert 0 < 2 * near < far


def test_classifier_of_points_and_attributes():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 3)).astype(np.float32)
    classes = 5 + (x[:, 0] > 0).astype(np.int64)
    one = classifier_features(x, classes, x, classes, epochs=5)
    assert float(one.description.rpartition(" ")[2]) > 0.9
    attributes = (x[:, :2] > 0).astype(np.int32)
    many = classifier_features(x, attributes, x, attributes, epochs=5)
    assert float(many.description.rpartition(" ")[2]) > 0.85
    assert many(x[:7]).shape == (7, 64)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float64"])
def test_features_do_not_depend_on_the_precision_of_models(policy):
    rng = np.random.default_rng(0)
    images = rng.random((60, 6, 6, 1)).astype(np.float32)
    labels = np.arange(60) % 2
    expected = classifier_features(images, labels, epochs=1)(images)
    before = keras.config.dtype_policy()
    features._CACHE.clear()  # it would hand back the first
    try:
        keras.config.set_dtype_policy(policy)
        found = classifier_features(images, labels, epochs=1)(images)
        assert keras.config.dtype_policy().name == policy
    finally:
        keras.config.set_dtype_policy(before)
        features._CACHE.clear()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_errors():
    x = np.zeros((6, 4, 4, 1), np.float32)
    with pytest.raises(ValueError, match=r"`images` must be \[n, H, W, C\]"):
        classifier_features(x[0, 0, 0], np.zeros(1, int))
    with pytest.raises(ValueError, match=r"integers \[6\]"):
        classifier_features(x, np.zeros(5, int))
    with pytest.raises(ValueError, match="at least two classes"):
        classifier_features(x, np.zeros(6, int))
    with pytest.raises(ValueError, match="Attributes must be 0 or 1"):
        classifier_features(x, np.full((6, 2), 3))
    pixels = FeatureMap("pixels", lambda x: x.reshape(len(x), -1), 4, "the pixels")
    for none in (np.zeros((0, 2, 2, 1)), 3.0):
        with pytest.raises(ValueError, match=r"`images` must be \[n, ...\]"):
            pixels(none)
    assert "FeatureMap" in evaluation.__all__
