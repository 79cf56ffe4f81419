"""LORACs in training: saving, resuming, every kind of model, replicas."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from priors.loracs_cases import images, model
from tfsp import callbacks, experiment, likelihoods, models
from tfsp.config import default_config
from tfsp.history_file import read_history
from tfsp.run_directory import RunDirectory

# So little training leaves encodings around the origin, of which the prior warns.
pytestmark = pytest.mark.filterwarnings("ignore:LORACs:UserWarning")

LEARNED = dict(
    inducing_points="learned",
    inducing_gradient="score",
    inducing_learning_rate=0.1,
    edge_weights="bayes",
    num_chains=2,
)
EVERYTHING = dict(attachment="recognition", recognition_hidden=(6, 5), **LEARNED)


def train(vae, epochs, **kwargs):
    return vae.fit(
        images(), batch_size=20, epochs=epochs, verbose=0, shuffle=False, **kwargs
    ).history


@pytest.mark.slow
@pytest.mark.parametrize("prior", [{}, EVERYTHING], ids=["default", "everything"])
def test_a_saved_model_goes_on_exactly(prior, tmp_path):
    vae = model(prior)
    vae.compile(jit_compile=False)
    train(vae, 2)
    vae.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    ours, theirs = vae.prior, loaded.prior
    assert theirs.is_started()
    assert not theirs.wants_data
    for name in ("parent", "time", "inducing", "start_norm", "move_counts", "annealed_variance"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
    assert theirs.start_norm.numpy() > 0
    assert theirs.move_counts.numpy()[1].sum() == 60 * ours.num_chains
    np.testing.assert_array_equal(ours.seeds.state, theirs.seeds.state)
    assert ours.phylogeny(-1) == theirs.phylogeny(-1)
    assert theirs.get_config() == ours.get_config()
    one, two = (train(m, 3, initial_epoch=2) for m in (vae, loaded))
    assert one == two
    assert len(vae.weights) == len(loaded.weights) > 10
    for a, b in zip(vae.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.any(
        ours.time.numpy()[0]
        != keras.saving.load_model(tmp_path / "model.keras").prior.time.numpy()[0]
    )


def test_a_model_saved_before_the_start_still_starts(tmp_path):
    vae = model({"start_epoch": 2})
    vae.compile(run_eagerly=True)
    train(vae, 1)
    vae.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert not loaded.prior.is_started()
    assert loaded.prior.wants_data
    for m in (vae, loaded):
        train(m, 3, initial_epoch=1)
        assert m.prior.is_started()
    for a, b in zip(vae.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def config(**prior):
    settings = default_config()
    settings.data.update(train_size=100, validation_size=30, test_size=30)
    settings.model.latent_dim = 3
    settings.network.hidden = (8,)
    settings.prior.update(name="loracs", num_inducing=6, burn_in=200, moves_per_step=40, **prior)
    settings.train.update(
        batch_size=50, epochs=4, jit_compile=False, steps_per_execution=1, keep_checkpoints=0
    )
    return settings


class Killed(Exception):
    pass


class Kill(callbacks.EpochLine):
    def on_train_batch_end(self, batch, logs=None):
        if self.model.optimizer.iterations.numpy() >= 5:  # in the middle of the third epoch
            raise Killed


@pytest.mark.slow
@pytest.mark.parametrize(
    "prior",
    [{"start_epoch": 1, **LEARNED}, {"start_epoch": 3}],
    ids=["started", "not_yet"],
)
def test_two_and_two_epochs_equal_four_bit_for_bit(prior, tmp_path, monkeypatch):
    settings = config(**prior)
    whole = experiment.train(settings, tmp_path / "whole", verbose=0)
    with monkeypatch.context() as patch:
        patch.setattr(callbacks, "EpochLine", Kill)
        with pytest.raises(Killed):
            experiment.train(settings, tmp_path / "parts")
    assert RunDirectory(tmp_path / "parts").epochs() == [1, 2]
    before = experiment.load_run(tmp_path / "parts", 2)[0].prior
    assert before.is_started() == (prior["start_epoch"] < 2)
    keras.utils.set_random_seed(99)  # nothing may depend on the process's own seed
    parts = experiment.train(settings, tmp_path / "parts", verbose=0)
    assert parts.prior.is_started()
    assert np.any(parts.prior.time.numpy() != before.time.numpy())
    ours, theirs = ([*m.weights, *m.optimizer.variables] for m in (whole, parts))
    assert len(ours) == len(theirs) > 15
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)
    ours, theirs = (read_history(RunDirectory(tmp_path / n).history) for n in ("whole", "parts"))
    assert ours == theirs


@pytest.mark.parametrize("name", likelihoods.names())
def test_every_likelihood(name):
    vae = model({"start_epoch": 0}, likelihood=name)
    vae.compile(run_eagerly=True)
    history = train(vae, 1)
    assert vae.prior.is_started()
    assert np.isfinite(list(history.values())).all()
    assert vae.sample(3, seed=0, subtree=9).shape == (3, 8)
    assert vae.log_weights(images(), 2, seed=0).shape == (2, 60)


def pictures():
    return images(32, 64).reshape(-1, 8, 8, 1)


@pytest.mark.parametrize("network", ["loracs_conv", "intel_vae_conv"])
def test_convolutional_networks(network):
    prior = {"name": "loracs", "num_inducing": 4, "start_epoch": 0, "burn_in": 100}
    vae = models.VAE(network, prior=prior, latent_dim=3, seed=0)
    vae.compile(run_eagerly=True)
    x = np.pad(pictures(), [(0, 0), (10, 10), (10, 10), (0, 0)])
    history = vae.fit(x, batch_size=16, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    assert vae.sample(2, seed=0, subtree=5).shape == (2, 28, 28, 1)


SETTINGS = {
    "samples": (dict(num_samples=2), {}),
    "iwae": (dict(objective="iwae", num_samples=2), {}),
    "paper": (
        {},
        dict(
            inducing_points="learned",
            moves_per_step=100,
            move_mixture=(1, 0, 0, 0),
            tree_start="near_zero",
            attachment="recognition",
            recognition_hidden=(5, 5),
            burn_in=0,
        ),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_variants(name):
    settings, prior = SETTINGS[name]
    vae = model({"start_epoch": 1, **prior}, **settings)
    vae.compile()
    history = train(vae, 2, validation_data=(images(),))
    assert np.isfinite([history[k] for k in ("loss", "val_elbo", "kl")]).all()
    assert vae.prior.is_started()


@pytest.mark.slow
def test_two_replicas_have_one_tree():
    """The trees are moved on both and kept from the first; training stays a copy on each."""
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        vae = model(EVERYTHING)
        vae.compile()
    history = train(vae, 3)
    assert np.isfinite(history["elbo"]).all()
    prior = vae.prior
    assert prior.is_started()
    assert prior.move_counts.numpy()[1].sum() == 2 * 3 * 20  # of one replica, not of both
    for weight in [*vae.trainable_weights, *prior.weights]:
        copies = [v.numpy() for v in strategy.experimental_local_results(weight.value)]
        assert len(copies) == 2
        np.testing.assert_array_equal(*copies, err_msg=weight.path)
    for chain in range(2):
        assert prior.phylogeny(chain).num_leaves == 6
    assert np.any(prior.time.numpy()[0] != prior.time.numpy()[1])
