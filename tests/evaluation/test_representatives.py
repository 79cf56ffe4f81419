"""Points that stand for the data, and the classifier trained on them."""

import types

import numpy as np
import pytest
import tensorflow as tf
from reference import codes as reference

from tfsp import models, networks
from tfsp.evaluation import few_shot, labelled_points, nearest_labels, representatives


def build(prior):
    model = models.VAE(networks.MLP(hidden=(8,)), prior=prior, latent_dim=3, seed=0)
    model.build((None, 8, 8, 1))
    return model


def test_representatives_of_each_kind_of_prior():
    vamp = build({"name": "vamp", "num_components": 7})
    points = representatives(vamp)
    assert points.dtype == np.float32
    assert points.shape == (7, 3)
    np.testing.assert_allclose(points, vamp.encode(vamp.prior.pseudo_inputs), rtol=1e-5, atol=1e-6)
    mixture = build({"name": "mixture", "num_components": 5})
    np.testing.assert_array_equal(representatives(mixture), mixture.prior.loc.numpy())
    for name in ("normal", "flow", "none"):
        assert representatives(build({"name": name})) is None


@pytest.mark.parametrize("started", [True, False])
def test_inducing_points(started):
    points = tf.reshape(tf.range(6.0), [3, 2])
    prior = types.SimpleNamespace(
        inducing=points, is_started=lambda: started, capabilities={"inducing_points"}
    )
    found = representatives(types.SimpleNamespace(prior=prior))
    if started:
        np.testing.assert_array_equal(found, points)
    else:
        assert found is None  # noise until the tree has started


@pytest.mark.parametrize("k", [1, 2, 5, 40])
def test_nearest_labels_match_loops(k):
    rng = np.random.default_rng(k)
    codes, labels = 50 + rng.standard_normal((40, 2)), rng.integers(3, 6, 40)
    points = 50 + rng.standard_normal((60, 2))
    expected = reference.nearest_labels(points, codes, labels, k)
    np.testing.assert_array_equal(nearest_labels(points, codes, labels, k), expected)
    assert len(set(expected)) == (1 if k == 40 else 3)


def test_labelled_points_train_the_classifier_of_few_shot():
    rng = np.random.default_rng(0)
    centres = 1.5 * rng.standard_normal((3, 4))
    labels, test_labels = np.repeat([0, 1, 2], 5), rng.integers(0, 3, 1000)
    points = centres[labels] + rng.standard_normal((15, 4))
    test = centres[test_labels] + rng.standard_normal((1000, 4))
    result = labelled_points(points, labels, test, test_labels)
    same = few_shot(points, labels, test, test_labels, [5], 1)["mean"][0]
    assert result == {
        "accuracy": pytest.approx(same, abs=0.002),
        "num_points": 15,
        "num_classes": 3,
        "converged": True,
    }
    assert 0.5 < result["accuracy"] < 1
    # What the points lack cannot be predicted; of one class alone there is nothing to fit.
    one = labelled_points(points, np.full(15, 2), test, test_labels)
    assert one["accuracy"] == np.mean(test_labels == 2)
    assert one["num_classes"] == 1


def test_errors():
    points, codes, labels = np.zeros((2, 3)), np.zeros((4, 3)), np.arange(4)
    with pytest.raises(ValueError, match="`k` is 5, but there are only 4 codes"):
        nearest_labels(points, codes, labels)
    with pytest.raises(ValueError, match="3 dimensions, `codes` have 2"):
        nearest_labels(points, codes[:, :2], labels)
    with pytest.raises(ValueError, match="point_labels` must hold one class for each of the 2"):
        labelled_points(points, [1], codes, labels)
    with pytest.raises(ValueError, match="3 dimensions, `test_codes` have 2"):
        labelled_points(points, [1, 2], codes[:, :2], labels)
