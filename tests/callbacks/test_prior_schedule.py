"""What a prior does between epochs of `fit`: start, anneal, tell how it is."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsp import callbacks, models, networks, priors
from tfsp.history_file import read_history


class Recorder(priors.NormalPrior):
    """A normal prior that wants data and writes down what is asked of it."""

    has_health = True

    def __init__(self, latent_dim, start_epoch=0, **kwargs):
        super().__init__(latent_dim, **kwargs)
        self.start_epoch = start_epoch
        self.calls, self.amiss, self.data = [], {}, None

    @property
    def wants_data(self):
        return self.data is None

    def adapt(self, examples):
        self.data = examples.x
        self.calls.append("adapt")

    def begin_epoch(self, epoch):
        self.calls.append(f"begin {epoch}")

    def health(self, codes):
        self.calls.append("health" if codes is None else f"health {codes.shape[0]}")
        return {"pulse": 60.0 + len(self.calls)}

    def warnings(self, health, epoch):
        assert set(health) == {"pulse"}
        return self.amiss.get(epoch, ())

    def get_config(self):
        return {**super().get_config(), "start_epoch": self.start_epoch}


class Scheduled(Recorder):
    """A prior that anneals and tells of its weights, but has no use for examples."""

    wants_data = False
    health_needs_codes = False


def fit(x, prior, epochs=3, **kwargs):
    model = models.VAE(networks.MLP(hidden=(4,)), prior=prior, latent_dim=2, seed=0)
    model.compile(run_eagerly=True)
    return model.fit(x, batch_size=32, epochs=epochs, verbose=0, **kwargs).history


def test_the_order_of_calls(binary_images):
    prior = Recorder(2, start_epoch=1)
    history = fit(binary_images, prior)
    assert prior.calls == [
        *("begin 0", "health 64"),
        *("adapt", "begin 1", "health 64"),
        *("begin 2", "health 64"),
    ]
    np.testing.assert_array_equal(prior.data, binary_images)
    assert history["pulse"] == [62.0, 65.0, 67.0]


def test_a_resumed_fit_starts_what_is_overdue(binary_images):
    prior = Recorder(2, start_epoch=1)
    fit(binary_images, prior, initial_epoch=2)
    assert prior.calls == ["adapt", "begin 2", "health 64"]


def test_examples_are_limited_and_come_without_labels(binary_images):
    many = np.repeat(binary_images, 10, axis=0)
    labels = np.arange(len(many))
    prior = Recorder(2)
    fit(tf.data.Dataset.from_tensor_slices((many, labels)).batch(50), prior, epochs=1)
    np.testing.assert_array_equal(prior.data, many)
    assert prior.calls[-1] == "health 200"


def test_examples_of_ones_own(binary_images):
    """An array, or a function asked for so many, and only if there is need."""
    asked = []
    for source in (binary_images[:7], lambda limit: asked.append(limit) or binary_images[:7]):
        prior = Recorder(2)
        batches = ((binary_images[:8],) for _ in range(100))
        fit(
            batches,
            prior,
            steps_per_epoch=2,
            shuffle=False,
            callbacks=callbacks.PriorSchedule(source),
        )
        np.testing.assert_array_equal(prior.data, binary_images[:7])
        assert prior.calls[-1] == "health 7"
        assert asked == ([None, 200] if callable(source) else [])  # the start, then the health
    never = callbacks.PriorSchedule(lambda limit: pytest.fail("nobody needs examples"))
    fit(binary_images, "normal", callbacks=never)


def test_a_generator_is_refused_where_examples_are_needed(binary_images):
    for prior in (Recorder(2), {"name": "loracs", "num_inducing": 4}):
        with pytest.raises(ValueError, match=r"PriorSchedule\(examples\).*Received: generator"):
            fit(((binary_images[:8],) for _ in range(10)), prior, steps_per_epoch=2)
    fit(((binary_images[:8],) for _ in range(10)), "normal", steps_per_epoch=2, shuffle=False)


def batches(x, **kwargs):
    return dict(x=((x[:8],) for _ in range(100)), steps_per_epoch=2, shuffle=False, **kwargs)


def test_a_generator_is_enough_for_a_schedule(binary_images):
    prior = Scheduled(2)
    history = fit(prior=prior, epochs=2, **batches(binary_images))
    assert prior.calls == ["begin 0", "health", "begin 1", "health"]
    assert history["pulse"] == [62.0, 64.0]


def test_without_examples_health_of_codes_is_left_out(binary_images):
    prior = Recorder(2)
    prior.adapt(priors.Encoded(binary_images[:3], None))
    history = fit(prior=prior, epochs=2, **batches(binary_images))
    assert prior.calls == ["adapt", "begin 0", "begin 1"]
    assert "pulse" not in history
    prior = Recorder(2, start_epoch=1)
    with pytest.raises(ValueError, match=r"Recorder starts from data in epoch 1\. Give examples"):
        fit(prior=prior, callbacks=callbacks.PriorSchedule(), **batches(binary_images))
    assert prior.calls == ["begin 0"]


def test_codes_are_computed_only_for_those_who_need_them(binary_images, monkeypatch):
    encoded = []
    encode = models.VAE.encode
    monkeypatch.setattr(models.VAE, "encode", lambda *args: encoded.append(1) or encode(*args))
    never = callbacks.PriorSchedule(lambda limit: pytest.fail("nobody needs examples"))
    prior = Scheduled(2)
    fit(binary_images, prior, callbacks=never)
    assert prior.calls.count("health") == 3
    assert not encoded
    fit(binary_images, Recorder(2))
    assert len(encoded) == 3


@pytest.mark.parametrize(
    ("name", "settings", "measure", "weight", "expected"),
    [
        (
            "cp_vae",
            {"start": "random", "temperature_decay": 0.8},
            "categories_perplexity",
            "temperature",
            0.4,
        ),
        (
            "graph_vae",
            {"num_nodes": 2, "temperature_decay": 0.8},
            "temperature",
            "temperature",
            0.8,
        ),
        (
            "discrete_vae",
            {"num_chains": 4, "num_sweeps": 1, "unit_warmup_epochs": 2},
            "log_z",
            "kl_weight",
            0.75,  # half of the way from 1/2
        ),
    ],
)
def test_models_with_a_schedule_take_generators(
    name, settings, measure, weight, expected, binary_images
):
    network = networks.MLP(hidden=(4,))
    model = models.build({"name": name, "encoder": network, "latent_dim": 4, **settings})
    model.compile(run_eagerly=True)
    history = model.fit(**batches(binary_images), epochs=2, verbose=0).history
    assert len(history[measure]) == 2
    np.testing.assert_allclose(getattr(model.prior, weight), expected, rtol=1e-6)


def test_each_kind_of_warning_is_shown_once(binary_images):
    prior = Recorder(2)
    prior.amiss = {
        0: [("cold", "It is cold.")],
        1: [("cold", "It is colder."), ("dark", "It is dark.")],
        2: [("dark", "It is darker.")],
    }
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(binary_images, prior)
    shown = [str(w.message) for w in caught if "It is" in str(w.message)]
    assert shown == ["It is cold.", "It is dark."]


def test_history_files_take_measures_that_come_and_go(binary_images, tmp_path):
    """A tree's health begins with the tree; a rare move is counted only where it was tried."""
    path = tmp_path / "history.csv"

    class Some(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch != 2:
                logs[f"extra_{epoch}"] = float(epoch)

    fit(binary_images, "normal", callbacks=[Some(), callbacks.HistoryFile(path)])
    rows = read_history(path)
    assert [row["epoch"] for row in rows] == [0, 1, 2]
    assert [row.get("extra_1") for row in rows] == [None, 1.0, None]
    assert rows[0]["extra_0"] == 0.0
    again = callbacks.HistoryFile(path, first_epoch=2)
    assert again.rows == rows[:2]


def test_a_prior_that_never_started_is_told_of(binary_images):
    with pytest.warns(UserWarning, match="before the prior Recorder has started.*after 5 epochs"):
        fit(binary_images, Recorder(2, start_epoch=5), epochs=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(binary_images, Recorder(2, start_epoch=1), epochs=2)


def test_a_second_fit_goes_on_with_the_epochs(binary_images, tmp_path):
    prior = Recorder(2, start_epoch=3)
    model = models.VAE(networks.MLP(hidden=(4,)), prior=prior, latent_dim=2, seed=0)
    model.compile(run_eagerly=True)
    with pytest.warns(UserWarning, match="before the prior Recorder has started"):
        model.fit(binary_images, batch_size=32, epochs=2, verbose=0)
    model.fit(binary_images, batch_size=32, epochs=2, verbose=0)
    begun = [call for call in prior.calls if not call.startswith("health")]
    assert begun == ["begin 0", "begin 1", "begin 2", "adapt", "begin 3"]


def test_a_loaded_model_keeps_its_temperature(binary_images, tmp_path):
    model = models.GraphVAE(
        networks.MLP(hidden=(4,)), latent_dim=4, num_nodes=2, temperature_decay=0.5
    )
    model.compile(run_eagerly=True)
    model.fit(binary_images, batch_size=32, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    history = again.fit(binary_images, batch_size=32, epochs=1, verbose=0).history
    assert history["temperature"] == [0.25]


@pytest.mark.parametrize(
    ("prior", "needed"),
    [
        ({"name": "vamp", "num_components": 33, "start": "data"}, 33),
        pytest.param(
            {"name": "loracs", "num_inducing": 40, "start_epoch": 2}, 40, marks=pytest.mark.slow
        ),
        pytest.param(
            {"name": "tmc", "num_points": 50, "start_epoch": 2}, 50, marks=pytest.mark.slow
        ),
    ],
    ids=["vamp", "loracs", "tmc"],
)
def test_too_few_examples_are_told_of_at_once(prior, needed, binary_images):
    model = models.VAE(networks.MLP(hidden=(4,)), prior=prior, latent_dim=2, seed=0)
    model.compile(run_eagerly=True)
    dataset = tf.data.Dataset.from_tensor_slices(binary_images[:32]).batch(8)
    for x in (binary_images[:32], dataset):
        with pytest.raises(ValueError, match=f"at least {needed} examples. Received: 32"):
            model.fit(x, epochs=3, verbose=0)
    assert model.optimizer.iterations.numpy() == 0
    categories = models.CPVAE(networks.MLP(hidden=(4,)), latent_dim=2, num_categories=40)
    categories.compile(run_eagerly=True)
    with pytest.raises(ValueError, match="at least 40 examples. Received: 32"):
        categories.fit(dataset, epochs=6, verbose=0)
    # Nor is there a need of examples where training ends before the start.
    with pytest.warns(UserWarning, match="before the prior"):
        categories.fit(dataset, epochs=5, verbose=0)


def test_a_tmc_vae_that_has_started_ends_without_a_warning(recwarn):
    model = models.TMCVAE(
        "mlp", prior={"name": "tmc", "start_epoch": 1, "burn_in": 20}, latent_dim=2
    )
    model.compile("adam", jit_compile=False)
    model.fit(np.zeros((12, 4, 4, 1), np.float32), epochs=2, batch_size=6, verbose=0)
    assert not [w for w in recwarn if "Training ended" in str(w.message)]
