"""Uncertainty and shares with classifiers made by hand; clusters of a map."""

import types

import numpy as np
import pytest

from tfsp import models
from tfsp.evaluation import Labeller, learned_proportions, logistic_labeller, proportions


def by_hand(classes, rows):
    return Labeller(np.array(classes), lambda x: np.array(rows)[np.asarray(x, int).ravel()])


def test_a_classifier_by_hand():
    rows = [[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.21, 0.79], [0.0, 1.0]]
    result = proportions(np.arange(5)[:, None], by_hand([0, 1], rows))
    assert result == {
        "uncertainty": 0.4,  # .7 and .79; .8 is no longer uncertain
        "classes": [0, 1],
        "shares": [0.4, 0.6],
        "num_examples": 5,
    }
    strict = proportions(np.arange(5)[:, None], by_hand([0, 1], rows), confidence=1.0)
    assert strict["uncertainty"] == 0.8
    lax = proportions(np.arange(5)[:, None], by_hand([0, 1], rows), confidence=0.6)
    assert lax["uncertainty"] == 0


def test_labels_keep_their_names_and_empty_classes_their_place():
    rows = np.eye(3)[[2, 2, 0, 2]]
    result = proportions(np.arange(4)[:, None], by_hand([3, 5, 9], rows))
    assert result["classes"] == [3, 5, 9]
    assert result["shares"] == [0.25, 0.0, 0.75]
    assert result["uncertainty"] == 0


def test_errors_of_classifiers():
    x = np.arange(2)[:, None]
    with pytest.raises(ValueError, match=r"confidence.*\(0.5, 1\]: .*1 / 2.*: 0.5"):
        proportions(x, by_hand([0, 1], np.eye(2)), confidence=0.5)
    with pytest.raises(ValueError, match="rows that sum to 1"):
        proportions(x, by_hand([0, 1], [[1, 1], [0, 1]]))
    with pytest.raises(ValueError, match=r"shape \(2, 3\)"):
        proportions(x, by_hand([0, 1], np.eye(3)))
    with pytest.raises(ValueError, match="no examples"):
        proportions(x[:0], by_hand([0, 1], np.eye(2)))


def test_logistic_labeller_finds_a_logistic_model():
    """Probabilities of a large sample from a logistic model come out within 3%."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 2, 1))
    true = 1 / (1 + np.exp(-(0.5 + 2.0 * x[:, 0, 0] - x[:, 1, 0])))
    labels = np.where(rng.random(20_000) < true, 7, 4)
    labeller = logistic_labeller(x, labels)
    assert labeller.classes.tolist() == [4, 7]
    found = labeller(x)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    np.testing.assert_allclose(found[:, 1], true, atol=0.03)
    assert "20000 examples" in labeller.description
    assert "converged" not in labeller.description
    with pytest.raises(ValueError, match="two classes"):
        logistic_labeller(x[:5], np.ones(5, int))
    with pytest.raises(ValueError, match="labels"):
        logistic_labeller(x[:5], np.ones(4, int))


def make_model(probs):
    model = models.InteLVAE(
        encoder={"name": "mlp", "hidden": (4,)},
        likelihood="gaussian",
        latent_dim=2,
        mapping={"name": "sectors", "num_sectors": 2, "probs": probs},
    )
    model.build((None, 2))
    # x = z: an identity that the clusters pass through.
    model.decode = lambda z: types.SimpleNamespace(mean=lambda: z)
    return model


def test_learned_proportions_and_their_classes():
    model = make_model((0.3, 0.7))
    # The first sector lies around the positive first axis.
    labeller = Labeller(
        np.array([0, 1]), lambda x: np.eye(2)[(np.asarray(x)[:, 0] > 0).astype(int)]
    )
    found = learned_proportions(model, labeller)
    np.testing.assert_allclose(found["proportions"], [0.3, 0.7], rtol=1e-5)
    assert found["classes"] == [1, 0]
    assert set(learned_proportions(model)) == {"proportions"}
    assert learned_proportions(models.VAE(latent_dim=2)) is None
    identity = models.InteLVAE(latent_dim=2, mapping="identity")
    assert learned_proportions(identity) is None
