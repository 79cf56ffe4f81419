"""What the estimators answer is what the models, trees and votes below them say."""

import numpy as np
import pytest
from marks import slow_but
from scipy.cluster.hierarchy import is_valid_linkage
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.exceptions import NotFittedError

from tfsp import data, models
from tfsp.evaluation import encode
from tfsp.neighbours import nearest_labels
from tfsp.sklearn import CategoryClustering, Encoder, TreeClustering
from tfsp.tmc import Phylogeny, lasting_clusters, neighbour_tree

X = load_wine().data[::2]
SMALL = dict(latent_dim=2, hidden=(8,), epochs=2, batch_size=40, random_state=3)
LORACS = {"name": "loracs", "num_inducing": 10, "start_epoch": 1, "burn_in": 100}


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch):
    monkeypatch.setattr("tfsp.sklearn.encoder._LEAST_STEPS", 4)


def test_codes_are_those_of_the_model():
    encoder = Encoder(**SMALL)
    codes = encoder.fit_transform(X)
    np.testing.assert_array_equal(codes, encode(encoder.model_, X.astype("float32"))[0])
    np.testing.assert_array_equal(Encoder(**SMALL).fit(X).transform(X), codes)
    other = Encoder(**{**SMALL, "random_state": 4}).fit_transform(X)
    assert np.abs(other - codes).max() > 1e-3
    assert list(encoder.get_feature_names_out()) == ["encoder0", "encoder1"]
    assert encoder.model_.optimizer.iterations.numpy() == 8


@pytest.mark.slow
def test_columns_may_be_in_any_units():
    units = 10.0 ** np.linspace(-4, 6, X.shape[1])
    codes = Encoder(**SMALL).fit_transform(X)
    np.testing.assert_allclose(Encoder(**SMALL).fit_transform(X * units), codes, atol=1e-3)


@pytest.mark.parametrize("n_clusters", slow_but([3], [3, None]))
def test_clusters_are_cut_from_the_tree_of_neighbours(n_clusters):
    found = TreeClustering(n_clusters, n_neighbors=7, distance="codes", **SMALL).fit(X)
    tree = neighbour_tree(found.embedding_, 7)
    assert found.tree_ == tree
    labels = lasting_clusters(tree) if n_clusters is None else tree.cut(n_clusters, "spread")
    np.testing.assert_array_equal(found.labels_, labels)
    assert found.n_clusters_ == len(np.unique(labels))
    votes = nearest_labels(found.transform(X[:9] + 1.0), found.embedding_, labels, 5)
    np.testing.assert_array_equal(found.predict(X[:9] + 1.0), votes)


def test_neighbours_are_decoded_alike(monkeypatch):
    """Means over the learned scales, by hand; in any units, and however codes are decoded."""
    monkeypatch.setattr("tfsp.sklearn.encoder.BATCH", 40)
    found = TreeClustering(3, **SMALL).fit(X)

    def places(codes):
        given = found.model_.decode(codes.astype("float32"))
        scales = given.stddev().numpy().astype(float)
        assert np.ptp(scales, axis=0).max() < 1e-4 * scales.max()  # of features, not of examples
        return given.mean().numpy() / scales[0]

    tree = neighbour_tree(places(found.embedding_))
    assert found.tree_.same_topology(tree)
    assert not found.tree_.same_topology(neighbour_tree(found.embedding_))
    np.testing.assert_array_equal(found.labels_, found.tree_.cut(3, "spread"))
    points = places(found.embedding_)
    votes = nearest_labels(places(found.transform(X[:9] + 1.0)), points, found.labels_, 5)
    np.testing.assert_array_equal(found.predict(X[:9] + 1.0), votes)


@pytest.mark.slow
def test_children_are_merges_as_scikit_learn_has_them():
    found = TreeClustering(2, **SMALL).fit(X)
    assert found.children_.shape == (len(X) - 1, 2)
    counts = np.ones(2 * len(X) - 1)
    for merge, pair in enumerate(found.children_):
        assert (pair < len(X) + merge).all()
        counts[len(X) + merge] = counts[pair].sum()
    linkage = np.column_stack([found.children_, found.distances_, counts[len(X) :]])
    assert is_valid_linkage(linkage)
    assert Phylogeny.from_linkage(linkage).same_topology(found.tree_)


@pytest.mark.slow
def test_a_tree_as_the_prior_is_the_tree():
    found = TreeClustering(3, prior=LORACS, **SMALL).fit(X)
    assert found.model_.prior.is_started()
    assert found.tree_.num_leaves == len(X)
    assert found.n_clusters_ == 3
    np.testing.assert_array_equal(found.labels_, lasting_clusters(found.tree_, 3))


def test_the_tree_by_its_name_has_points_for_few_rows():
    estimator = TreeClustering(3, prior="loracs", **{**SMALL, "epochs": 30})
    prior = estimator._model(0, 89).prior
    assert (prior.num_inducing, prior.start_epoch) == (44, 5)
    assert estimator.prior == "loracs"  # as it was given


@pytest.mark.slow
def test_categories_are_clusters(monkeypatch):
    seen, adapt = [], models.CPVAE.adapt
    monkeypatch.setattr(
        models.CPVAE, "adapt", lambda model, x: (seen.append(np.asarray(x)), adapt(model, x))
    )
    found = CategoryClustering(4, **SMALL).fit(X)
    (started_from,) = seen  # each example once, though an epoch is more than a pass
    np.testing.assert_array_equal(np.sort(started_from[:, 0]), np.sort(X[:, 0].astype("float32")))
    shares = found.predict_proba(X)
    assert shares.shape == (len(X), 4)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(found.labels_, shares.argmax(axis=1))
    np.testing.assert_array_equal(found.predict(X), found.labels_)
    own = np.asarray(found.model_.responsibilities(X.astype("float32")))
    np.testing.assert_allclose(shares, own[:, found.categories_], 1e-5)
    assert sorted(found.categories_) == [0, 1, 2, 3]
    counts = np.bincount(found.labels_, minlength=4)
    assert np.all(np.diff(counts) <= 0)  # the largest is the first, and empty ones are the last
    assert found.transform(X).shape == (len(X), 2)


@pytest.mark.slow
def test_training_stops_where_the_bound_on_what_is_held_out_is_best():
    """And goes back there: high steps make the epoch after the best one worse by nats."""
    table = np.random.default_rng(0).normal(size=(200, 3))
    settings = {**SMALL, "learning_rate": 0.3, "epochs": 12, "patience": 1}
    found = Encoder(**settings).fit(table)
    bounds = found.model_.history.history["val_elbo"]
    assert len(bounds) == np.argmax(bounds) + 2 < 12
    seed = int(np.random.RandomState(3).randint(2**31))
    split = data.load(table, validation_size=20, test_size=0, table=True, seed=seed)
    again = found.model_.evaluate(split.validation, verbose=0, return_dict=True)["elbo"]
    assert abs(again - max(bounds)) < abs(again - bounds[-1])  # up to the draws of z
    whole = Encoder(**{**settings, "patience": 0}).fit(table)
    assert whole.model_.optimizer.iterations.numpy() == 12 * 5  # 200 examples in 5 batches


def test_settings_are_kept_as_they_are_given():
    for kind in (Encoder, TreeClustering, CategoryClustering):
        given = {**kind().get_params(), "hidden": (7, 5), "patience": 3, "verbose": 1}
        assert clone(kind(**given)).get_params() == given


def test_bad_input_is_refused():
    with pytest.raises(NotFittedError):
        TreeClustering().predict(X)
    with pytest.raises(ValueError, match="`distance` must be one of"):
        TreeClustering(distance="cosine", **SMALL).fit(X)
    with pytest.raises(ValueError, match="NaN"):
        Encoder(**SMALL).fit(np.where(X > 1000, np.nan, X))
    with pytest.raises(ValueError, match="minimum of 6"):
        TreeClustering(6, **SMALL).fit(X[:5])
    with pytest.raises(ValueError, match="`n_clusters` must be a positive integer"):
        TreeClustering(0, **SMALL).fit(X)
    with pytest.raises(ValueError, match="`n_clusters` must be a positive integer"):
        CategoryClustering("many", **SMALL).fit(X)
    with pytest.raises(ValueError, match="minimum of 9"):
        CategoryClustering(9, **SMALL).fit(X[:8])
