"""LORACs: the start from points, from encodings and in the course of `fit`."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import loracs as reference
from reference import tmc

from priors.loracs_cases import images, leaves_of, model, trees
from tfsp import priors
from tfsp.priors import loracs_start

POINTS = [[1.0, 0.0], [1.2, 0.3], [-1.0, 0.5], [0.0, -1.0]]
PARENT, TIME = [4, 4, 5, 6, 5, 6, -1], [1.0, 1.0, 1.0, 1.0, 0.7, 0.3, 0.0]


def small(**settings):
    prior = priors.LORACs(2, **{"num_inducing": 4, "burn_in": 50, **settings})
    prior.build()
    return prior


@pytest.mark.parametrize(
    ("inducing", "message"),
    [
        (POINTS[:3], r"\[num_inducing, latent_dim\] = \[4, 2\]. Received: \[3, 2\]"),
        (np.zeros((4, 3)), r"Received: \[4, 3\]"),
        (np.zeros(8), r"Received: \[8\]"),
        ([*POINTS[:3], [0.0, np.nan]], "must be finite"),
        ([*POINTS[:3], [0.0, np.inf]], "must be finite"),
    ],
)
def test_bad_points_are_refused_and_change_nothing(inducing, message):
    prior = small()
    before = prior.inducing.numpy(), prior.seeds.state.numpy()
    with pytest.raises(ValueError, match=message):
        prior.start(inducing)
    assert not prior.is_started()
    np.testing.assert_array_equal(prior.inducing, before[0])
    np.testing.assert_array_equal(prior.seeds.state, before[1])


@pytest.mark.parametrize(
    ("parent", "time", "message"),
    [
        ([1, 2], [0.0, 1.0], "parent must have"),
        (PARENT, [1, 1, 1, 1, 0.7, 0.3, 0.1], "node 6 is the root"),
        (PARENT, [1, 1, 1, 1, 0.3, 0.7, 0.0], "time"),
        (PARENT[:5], TIME[:5], "parent|leaves|time"),
    ],
)
def test_bad_trees_are_refused(parent, time, message):
    prior = small()
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        prior.start(POINTS, parent, time)
    assert not prior.is_started()


def test_start_from_a_tree_of_ones_own():
    prior = small(num_chains=2)
    assert prior.wants_data
    prior.start(POINTS, PARENT, TIME, burn_in=0)
    assert prior.is_started()
    assert not prior.wants_data
    np.testing.assert_array_equal(prior.parent, [PARENT, PARENT])
    np.testing.assert_array_equal(prior.time, [TIME, TIME])  # exactly, though given as lists
    np.testing.assert_array_equal(prior.inducing, np.array(POINTS, "float32"))
    np.testing.assert_allclose(prior.start_norm, np.mean(np.linalg.norm(POINTS, axis=1)), rtol=1e-6)
    burnt = small(num_chains=2)
    burnt.start(POINTS, PARENT, TIME)
    assert np.all(burnt.time.numpy()[:, 4:6] != TIME[4:6])
    assert np.all(burnt.time.numpy()[0, 4:6] != burnt.time.numpy()[1, 4:6])


def test_learned_points_are_in_place_whatever_their_unit():
    prior = small(inducing_points="learned", inducing_learning_rate=0.01)
    prior.start(POINTS)
    np.testing.assert_allclose(prior.inducing, POINTS, rtol=1e-6)
    np.testing.assert_allclose(prior.trainable_weights[0], 100 * np.array(POINTS), rtol=1e-6)


def test_where_the_tree_starts():
    """Ward's clustering merges what is near; the other start has all times close to 0."""
    rng = np.random.default_rng(0)
    labels = np.arange(12) // 3
    points = 20 * rng.normal(size=(4, 2))[labels] + rng.normal(size=(12, 2))
    prior = small(num_inducing=12, burn_in=0)
    prior.start(points)
    tree = prior.phylogeny()
    clades = tmc.clades(tree.parent)
    assert all(frozenset(np.flatnonzero(labels == k)) in clades for k in range(4))
    assert np.ptp(tree.time[12:]) > 0.5
    flat = small(num_inducing=12, burn_in=0, tree_start="near_zero", seed=3)
    flat.start(points)
    times = flat.phylogeny().time[12:]
    assert np.all((times >= 0) & (times <= 0.0101))
    for num_leaves in (2, 3, 40):
        seen = set()
        for seed in range(4):
            parent, time = loracs_start.near_zero_tree(num_leaves, np.random.default_rng(seed))
            assert np.isfinite(tmc.time_log_prob(parent, time))
            assert np.all(time[:num_leaves] == 1)
            seen.add(tmc.clades(parent))
        assert len(seen) > 1 or num_leaves == 2


def test_inducing_points_from_encodings():
    rng = np.random.default_rng(0)
    centres = 10 * rng.normal(size=(5, 3))
    codes = np.repeat(centres, 20, axis=0) + rng.normal(size=(100, 3))
    found = loracs_start.inducing_points(codes, 5, "kmeans", seed=0)
    # Lloyd's own steps from there do not move: they are the centres of their clusters.
    np.testing.assert_allclose(reference.kmeans(codes, found), found, rtol=1e-8)
    means = codes.reshape(5, 20, 3).mean(axis=1)
    found, means = (a[np.lexsort(a.T)] for a in (found, means))
    np.testing.assert_allclose(found, means, rtol=1e-6)
    some = loracs_start.inducing_points(codes, 30, "examples", seed=0)
    rows = [np.flatnonzero((codes == row).all(axis=1)) for row in some]
    assert all(len(row) == 1 for row in rows)
    assert len(np.unique(rows)) == 30
    assert np.any(some != loracs_start.inducing_points(codes, 30, "examples", seed=1))
    noise = loracs_start.inducing_points(codes, 500, "noise", seed=0)
    assert noise.shape == (500, 3)
    assert np.abs(noise.mean(axis=0)).max() < 5 / np.sqrt(500)
    assert np.abs(noise.std(axis=0) - 1).max() < 0.16  # 5 standard errors
    for method in ("kmeans", "examples"):
        with pytest.raises(ValueError, match="starts 101 inducing points.*Received: 100 examples"):
            loracs_start.inducing_points(codes, 101, method, seed=0)
        with pytest.raises(ValueError, match="The encodings must be finite"):
            loracs_start.inducing_points(np.where(codes > 5, np.nan, codes), 5, method, seed=0)


@pytest.mark.parametrize("start", ["kmeans", "examples"])
def test_adapt_starts_from_the_encodings_once(start):
    x = images()
    vae = model({"num_inducing": 8, "inducing_start": start})
    vae.adapt(x)
    prior, codes = vae.prior, vae.encode(x).numpy()
    inducing = prior.inducing.numpy()
    if start == "kmeans":
        np.testing.assert_allclose(
            reference.kmeans(codes, inducing.astype(float)), inducing, rtol=1e-3, atol=1e-5
        )
    else:
        distance = np.abs(codes[:, None] - inducing).max(axis=-1)
        assert np.all(distance.min(axis=0) < 1e-6)
    tree = prior.phylogeny()
    vae.adapt(1 - x)
    np.testing.assert_array_equal(prior.inducing, inducing)
    assert prior.phylogeny() == tree


def test_adapt_needs_a_model_and_enough_examples():
    with pytest.raises(ValueError, match=r"LORACs.*takes .*Encoded.*Received: ndarray"):
        small().adapt(images())
    with pytest.raises(ValueError, match="starts 6 inducing points.*Received: 5 examples"):
        model().adapt(images(5))


class Watch(keras.callbacks.Callback):
    """Whether the tree is in force, and the annealed variance, in the middle of each epoch."""

    def __init__(self):
        super().__init__()
        self.started, self.annealed, self.inducing = [], [], []

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0:
            prior = self.model.prior
            self.started.append(prior.is_started())
            self.annealed.append(float(prior.annealed_variance.numpy()))
            self.inducing.append(prior.inducing.numpy())


def fit(vae, epochs, run_eagerly=False, **kwargs):
    watch = Watch()
    vae.compile(jit_compile=False, run_eagerly=run_eagerly)
    vae.fit(images(), batch_size=30, epochs=epochs, verbose=0, callbacks=[watch], **kwargs)
    return watch


def test_fit_starts_the_tree_once_and_at_its_epoch():
    vae = model({"start_epoch": 2})
    calls, start = [], vae.prior.start
    vae.prior.start = lambda *args: calls.append(1) or start(*args)
    watch = fit(vae, 4)
    assert watch.started == [False, False, True, True]
    assert watch.annealed == [0.0] * 4
    assert len(calls) == 1
    assert np.any(watch.inducing[1] != watch.inducing[2])
    np.testing.assert_array_equal(watch.inducing[2], watch.inducing[3])
    # Moves of the last epoch: two steps of 20.
    assert vae.prior.move_counts.numpy()[1].sum() == 40


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [0, 0.5, 0.375, 0.25, 0.125, 0, 0]),
        ({"anneal_epochs": 2}, [0, 0.5, 0.25, 0, 0, 0, 0]),
        ({"anneal_epochs": 0}, [0] * 7),
        ({"edge_weights": "prior"}, [0] * 7),
    ],
)
def test_the_added_variance_of_bayes_weights_falls_to_zero(settings, expected):
    vae = model({"edge_weights": "bayes", "moves_per_step": 2, **settings})
    watch = Watch()
    vae.prior.connect(None, (8,))
    watch.set_model(vae)
    vae.prior.start(leaves_of(trees(1, 6)[0], 2))
    for epoch in range(7):  # `PriorSchedule` calls it at the beginning of each epoch
        vae.prior.begin_epoch(epoch)
        watch.on_train_batch_begin(0)
    np.testing.assert_allclose(watch.annealed, expected, rtol=1e-12)


def test_a_resumed_fit_goes_on_where_it_was():
    vae = model({"start_epoch": 1, "edge_weights": "bayes"})
    fit(vae, 2, run_eagerly=True)
    watch = fit(vae, 4, run_eagerly=True, initial_epoch=2)
    assert watch.started == [True, True]
    assert watch.annealed == [0.375, 0.25]


def test_points_are_put_elsewhere_and_the_tree_stays():
    prior = priors.LORACs(latent_dim=2, num_inducing=5, inducing_points="learned", burn_in=0)
    prior.build()
    prior.start(np.arange(10.0).reshape(5, 2))
    tree = prior.phylogeny()
    prior.relocate([3, 1], [[0.5, -1.0], [7.0, 8.0]])
    expected = [[0, 1], [7, 8], [4, 5], [0.5, -1], [8, 9]]
    np.testing.assert_array_equal(prior.inducing, expected)
    assert prior.phylogeny() == tree


@pytest.mark.parametrize("leaves", [[5], [-1], [1, 1], [0.5], [[1]]])
def test_only_leaves_are_put_elsewhere(leaves):
    prior = priors.LORACs(latent_dim=2, num_inducing=5)
    with pytest.raises(ValueError, match=r"distinct integers in \[0, 5\)"):
        prior.relocate(leaves, np.zeros((len(leaves), 2)))


@pytest.mark.parametrize("points", [np.zeros((2, 2)), np.zeros((1, 3)), [[np.nan, 0.0]]])
def test_only_finite_points_of_that_shape_are_taken(points):
    with pytest.raises(ValueError, match=r"finite, of shape \[1, 2\]"):
        priors.LORACs(latent_dim=2, num_inducing=5).relocate([0], points)
