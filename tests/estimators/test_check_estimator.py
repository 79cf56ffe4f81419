"""scikit-learn's own checks of estimators, on networks that are hardly trained."""

import pytest
import tensorflow as tf
from sklearn.utils.estimator_checks import parametrize_with_checks

from tfsp.sklearn import CategoryClustering, Encoder, TreeClustering

SMALL = dict(latent_dim=2, hidden=(4,), epochs=1, patience=0, random_state=0)
ESTIMATORS = [Encoder(**SMALL), TreeClustering(2, **SMALL), CategoryClustering(2, **SMALL)]
# Checks that are expected to fail, by name, and why.
EXCEPTIONS = {}


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch):
    """A step each, without a graph: to trace one takes longer than all the rest."""
    monkeypatch.setattr("tfsp.sklearn.encoder._LEAST_STEPS", 1)
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Even though the `tf.config.experimental_run_functions_eagerly`")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=lambda estimator: EXCEPTIONS)
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)
