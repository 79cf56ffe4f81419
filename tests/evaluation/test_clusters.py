"""Categories beside classes: against enumeration, by hand, and of each kind of model."""

import types

import numpy as np
import pytest
import tensorflow as tf
from reference import clusters as reference
from scipy import special, stats

from tfsp import evaluation, models, networks
from tfsp.evaluation.needs import missing
from tfsp.evaluation.tasks import TASKS


@pytest.mark.parametrize(
    ("num_classes", "num_categories"), [(4, 4), (3, 6), (6, 3), (1, 4), (5, 1)]
)
def test_accuracy_and_information_match_enumeration(num_classes, num_categories):
    rng = np.random.default_rng(num_classes)
    labels = 3 * rng.integers(0, num_classes, 60) - 2  # any integers
    categories = (labels + rng.integers(0, 3, 60)) % (num_categories + 1)
    categories = np.minimum(categories, num_categories - 1) * 7
    found = evaluation.clustering_accuracy(labels, categories)
    expected = reference.best_matching_accuracy(labels.tolist(), categories.tolist())
    assert found == pytest.approx(expected, abs=1e-12)
    if min(num_classes, num_categories) > 1:
        nmi = evaluation.normalised_mutual_information(labels, categories)
        expected = reference.normalised_mutual_information(labels.tolist(), categories.tolist())
        assert nmi == pytest.approx(expected, abs=1e-12)


def test_by_hand():
    labels = np.array([0, 0, 0, 1, 1, 1, 2, 2])
    categories = np.array([5, 5, 5, 5, 9, 9, 5, 5])
    # 5 -> 0 and 9 -> 1; class 2 is left over.
    assert evaluation.clustering_accuracy(labels, categories) == 5 / 8
    assert evaluation.majority_classes(labels, categories) == {5: 0, 9: 1}
    assert evaluation.majority_accuracy(labels, categories) == 5 / 8
    renamed = np.array([2, 2, 2, 0, 0, 0, 1, 1])
    assert evaluation.clustering_accuracy(labels, renamed) == 1
    assert evaluation.normalised_mutual_information(labels, renamed) == pytest.approx(1)
    # Each class in two categories: the one-to-one matching loses half, the majority nothing.
    split = np.array([0, 0, 1, 2, 3, 3, 4, 5])
    assert evaluation.clustering_accuracy(labels, split) == 5 / 8
    assert evaluation.majority_accuracy(labels, split) == 1


def test_majority_is_scored_on_other_examples():
    # A category for each example: right on itself, and of no use elsewhere.
    rng = np.random.default_rng(0)
    labels, test_labels = rng.integers(0, 4, 400), rng.integers(0, 4, 400)
    categories = np.arange(400)
    assert evaluation.majority_accuracy(labels, categories) == 1
    honest = evaluation.majority_accuracy(labels, categories, test_labels, rng.permutation(400))
    assert honest < 0.4
    # A category that was never seen stands for the class most frequent of all; ties go down.
    found = evaluation.majority_accuracy([3, 3, 1], [0, 0, 1], [3, 1, 3], [1, 1, 2])
    assert found == 2 / 3
    assert evaluation.majority_classes([2, 1], [0, 0]) == {0: 1}
    assert evaluation.majority_accuracy([2, 1], [0, 1], [1, 2], [7, 7]) == 1 / 2


def test_usage_by_hand():
    usage = evaluation.category_usage([0.5, 0.45, 0.03, 0.02, 0.0])
    assert usage["threshold"] == pytest.approx(1 / 50)
    assert (usage["num_used"], usage["pruned"]) == (4, [4])
    assert evaluation.category_usage([0.5, 0.45, 0.03, 0.02, 0.0], 0.1)["pruned"] == [2, 3, 4]
    shares = np.array([0.5, 0.45, 0.03, 0.02])
    assert usage["perplexity"] == pytest.approx(np.exp(-np.sum(shares * np.log(shares))))
    assert evaluation.category_usage(np.full(7, 1 / 7))["perplexity"] == pytest.approx(7)
    rows = np.array([[1.0, 0.0, 0.0], [0.2, 0.8, 0.0]])
    usage = evaluation.category_usage(rows)
    np.testing.assert_allclose(usage["shares"], [0.6, 0.4, 0])
    assert usage["pruned"] == [2]
    assert evaluation.category_usage([1.0])["perplexity"] == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluation.clustering_accuracy([0, 1], [0, 1, 2]), "one class for each of the 3"),
        (lambda: evaluation.clustering_accuracy([], np.zeros(0, int)), "n >= 1"),
        (lambda: evaluation.clustering_accuracy([0, 1], [0.0, 1.0]), "integers.*float64"),
        (lambda: evaluation.clustering_accuracy([0.5, 1], [0, 1]), "`labels` must be integers"),
        (lambda: evaluation.majority_accuracy([0], [0], [0]), "both `test_labels` and"),
        (lambda: evaluation.majority_accuracy([0], [0], [0], [0, 1]), "`test_labels` must hold"),
        (lambda: evaluation.category_usage([0.5, 0.6]), "`weights` must be probabilities"),
        (lambda: evaluation.category_usage([1.5, -0.5]), "`weights` must be probabilities"),
        (lambda: evaluation.category_usage(np.zeros((0, 3))), r"\[K\] or \[n, K\]"),
        (lambda: evaluation.category_usage([1.0], threshold=2), r"number in \[0, 1\]"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def vae(prior=None, model=models.VAE, **kwargs):
    kwargs.update({} if prior is None else {"prior": prior})
    built = model(networks.MLP(hidden=(6,)), latent_dim=2, seed=0, **kwargs)
    built.build((None, 5))
    rng = np.random.default_rng(1)
    for weight in built.trainable_weights:
        weight.assign(rng.normal(scale=0.7, size=weight.shape))
    return built


X = np.random.default_rng(0).integers(0, 2, (23, 5)).astype(np.float32)


@pytest.mark.parametrize("model", [models.GMVAE, models.CPVAE])
def test_probabilities_of_models_with_categories(model):
    built = vae(model=model)
    labels = np.arange(23)
    data = tf.data.Dataset.from_tensor_slices((X, labels)).shuffle(23, seed=0).batch(7)
    found, order = evaluation.category_probabilities(built, data)  # another order at each pass
    assert (found.dtype, found.shape) == (np.float64, (23, 10))
    np.testing.assert_allclose(found, built.responsibilities(X[order]), rtol=1e-4, atol=1e-6)
    assert found.std(axis=0).max() > 0.01
    assert not np.array_equal(order, labels)
    assert evaluation.category_probabilities(built, X)[1] is None


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_probabilities_of_a_vamp_prior(covariance):
    prior = dict(name="vamp", num_components=4)
    model = vae(prior, posterior_covariance=covariance)
    components = model.posterior(model.prior.pseudo_inputs)
    loc = components.mean().numpy()
    if covariance == "full":
        spread = components.covariance().numpy()
    else:
        spread = [np.diag(variance) for variance in components.variance().numpy()]
    z = model.posterior(X).mean().numpy()
    log_prob = [stats.multivariate_normal.logpdf(z, loc[k], spread[k]) for k in range(4)]
    found, _ = evaluation.category_probabilities(model, X)
    np.testing.assert_allclose(found, special.softmax(log_prob, axis=0).T, rtol=1e-3, atol=1e-5)


def test_probabilities_of_a_mixture_are_about_the_latent_of_the_prior():
    mixture = dict(
        name="mixture",
        num_components=2,
        loc=[[-1.0, 0.0], [1.0, 0.5]],
        scale=[[0.5, 1.0], [1.0, 0.8]],
        weights=[0.3, 0.7],
        learned=False,
    )
    model = vae(mixture, models.InteLVAE, mapping={"name": "sphere"})
    y = model.posterior(X).mean().numpy()  # and not g(y)
    log_joint = [
        np.log(w) + stats.norm.logpdf(y, loc, scale).sum(axis=1)
        for w, loc, scale in zip(*(mixture[k] for k in ("weights", "loc", "scale")), strict=True)
    ]
    found, _ = evaluation.category_probabilities(model, X)
    np.testing.assert_allclose(found, special.softmax(log_joint, axis=0).T, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("prior", ["normal", "flow", "none"])
def test_a_model_without_categories_is_refused(prior):
    model = vae(prior)
    with pytest.raises(ValueError, match=r"has no categories.*'cp_vae'.*'mixture', 'vamp'"):
        evaluation.category_probabilities(model, X)
    config = {"model": {"name": "vae"}, "prior": {"name": prior}}
    subject = types.SimpleNamespace(model=model, config=config)
    reason = missing(subject, ["categories"])
    assert reason.startswith("needs categories")
    assert f"with the prior '{prior}'" in reason


def test_task_fits_classes_on_training_data_and_scores_test_data():
    """One-hot x tells its category: x itself is what the model says."""
    model = types.SimpleNamespace(responsibilities=lambda x: x, capabilities={"categories"})
    parts = {
        "train": (np.eye(4)[[0, 0, 0, 1, 1, 1]], np.array([5, 5, 7, 7, 7, 7])),
        "test": (np.eye(4)[[0, 0, 1, 1, 2]], np.array([5, 7, 7, 7, 7])),
    }
    data = types.SimpleNamespace(arrays=lambda part: parts[part])
    subject = types.SimpleNamespace(model=model, data=data, class_name=lambda label: label)
    assert not missing(subject, ["categories"])
    row = TASKS["clusters"].function(subject)
    assert row["clusters_accuracy"] == 3 / 5  # of the test data: 0 -> 5, 1 -> 7
    assert row["clusters_majority"] == 4 / 5  # an unseen category stands for 7, the most frequent
    assert 0.5 <= row["clusters_confidence"] <= 1
    assert row["clusters_used"] == 2
    assert row["clusters_pruned"] == [2, 3]
    assert row["clusters_shares"] == [0.5, 0.5, 0, 0]
    assert row["clusters_perplexity"] == pytest.approx(2)
    assert row["clusters_classes"] == [5, 7, None, None]
    assert (row["clusters_num_categories"], row["clusters_threshold"]) == (4, 1 / 40)
    assert (row["clusters_num_training"], row["clusters_num_examples"]) == (6, 5)
    assert all(name.startswith("clusters_") for name in row)
    # Three categories are in use for two classes, all equally far apart: 0 and 1 are joined first.
    assert row["clusters_cut_accuracy"] == 3 / 5
    # Pairs of class 7: one within category 1, two that meet below 0 and 1, three at the root.
    assert row["clusters_tree_purity"] == pytest.approx((1 + 2 * 3 / 4 + 3 * 4 / 5) / 6)


def test_more_categories_than_classes_are_joined():
    """Each of three classes is spread over two categories, that are mixed up with one another."""
    rng = np.random.default_rng(0)
    category = rng.integers(6, size=300)
    logits = 8.0 * np.eye(6)[category] + 5.0 * np.eye(6)[category ^ 1]
    probabilities = special.softmax(logits + 0.5 * rng.normal(size=(300, 6)), axis=1)
    found = evaluation.category_tree_scores(probabilities, category // 2)
    assert found == {"cut_accuracy": 1.0, "tree_purity": 1.0}
    assert evaluation.clustering_accuracy(category // 2, category) < 0.7
    half = np.where(category == 0, 5, category // 2)  # a class that is a category of its own
    assert evaluation.category_tree_scores(probabilities, half)["cut_accuracy"] < 1.0
    few = evaluation.category_tree_scores(probabilities[:3], np.arange(3))
    assert set(few) == {"cut_accuracy"}
    assert evaluation.category_tree_scores(probabilities, category // 2, limit=50) == found
