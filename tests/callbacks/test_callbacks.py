"""Callbacks: schedules, stops, logs."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsp import atomic, callbacks, models, networks
from tfsp.history_file import read_history
from tfsp.run_directory import RunDirectory


def tiny(**kwargs):
    model = models.VAE(networks.MLP(hidden=(8,)), latent_dim=2, seed=0, **kwargs)
    model.compile()
    return model


class Record(keras.callbacks.Callback):
    def __init__(self, read):
        super().__init__()
        self.read, self.values = read, []

    def on_train_batch_begin(self, batch, logs=None):
        self.values.append(self.read(self.model))


def test_kl_warm_up_is_linear_from_start_to_one(binary_images):
    record = Record(lambda model: float(model.kl_weight.numpy()))
    tiny().fit(
        binary_images,
        batch_size=64,
        epochs=6,
        verbose=0,
        callbacks=[callbacks.KLWarmUp(epochs=4, start=0.2), record],
    )
    np.testing.assert_allclose(record.values, [0.2, 0.4, 0.6, 0.8, 1.0, 1.0], rtol=1e-6)


def test_kl_warm_up_depends_on_the_epoch_alone(binary_images):
    record = Record(lambda model: float(model.kl_weight.numpy()))
    tiny().fit(
        binary_images,
        batch_size=64,
        initial_epoch=3,
        epochs=4,
        verbose=0,
        callbacks=[callbacks.KLWarmUp(epochs=50), record],
    )
    np.testing.assert_allclose(record.values, [0.01 + 0.99 * 3 / 50], rtol=1e-6)


@pytest.mark.parametrize(
    ("epochs", "start", "message"),
    [
        (-1, 0.1, "`epochs` must be a non-negative integer. Received: -1"),
        ("5", 0.1, "`epochs` must be a non-negative integer. Received: '5'"),
        (None, 0.1, "`epochs` must be a non-negative integer. Received: None"),
        (5, 1.5, r"`start` must be a number in \[0, 1\]. Received: 1.5"),
        (5, -0.1, r"`start` must be a number in \[0, 1\]. Received: -0.1"),
        (5, "0", r"`start` must be a number in \[0, 1\]. Received: '0'"),
    ],
)
def test_kl_warm_up_refuses_nonsense(epochs, start, message):
    with pytest.raises(ValueError, match=message):
        callbacks.KLWarmUp(epochs, start)


@pytest.mark.graphs
@pytest.mark.parametrize("steps_per_execution", [1, 2])
def test_nan_stops_training_and_names_term_and_step(binary_images, steps_per_execution):
    x = np.repeat(binary_images[:32], 5, axis=0)
    x[32 * 3 + 5, 4, 4, 0] = np.nan  # in the fourth batch: step 3, counted from 0
    # As a dataset, of which `fit` looks at the first batch alone beforehand.
    x = tf.data.Dataset.from_tensor_slices(x).batch(32)
    model = tiny()
    model.compile(steps_per_execution=steps_per_execution)
    stop = callbacks.StopOnNonFinite(lambda: "The last good checkpoint is here.")
    with pytest.raises(callbacks.NonFiniteError) as caught:
        model.fit(x, epochs=1, verbose=0, callbacks=[stop])
    message = str(caught.value)
    assert "log_likelihood" in message
    assert "step 3" in message
    assert "The last good checkpoint is here." in message


def test_nan_in_the_kl_alone_is_named(binary_images):
    model = tiny()
    model.build((None, 8, 8, 1))

    class Poisoned(type(model.prior)):
        def kl(self, q, z, training=False):
            return tf.fill([tf.shape(z)[1]], float("inf"))

    model.prior.__class__ = Poisoned
    with pytest.raises(callbacks.NonFiniteError, match="kl became NaN or infinite .* step 0"):
        model.fit(binary_images, verbose=0, callbacks=[callbacks.StopOnNonFinite()])


@pytest.mark.parametrize("where", ["weights", "optimizer"])
def test_weights_that_the_last_update_ruined_stop_training(where, binary_images):
    class Ruin(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                optimizer = self.model.optimizer.variables
                ruined = self.model.trainable_weights[1] if where == "weights" else optimizer[2]
                ruined.assign(np.full(ruined.shape, np.inf))

    stop = callbacks.StopOnNonFinite(lambda: "The last good checkpoint is here.")
    saved = []
    save = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: saved.append(epoch))
    with pytest.raises(callbacks.NonFiniteError) as caught:
        tiny().fit(binary_images, batch_size=32, verbose=0, callbacks=[Ruin(), stop, save])
    message = str(caught.value)
    assert "the last updates of epoch 1 made weights NaN or infinite (" in message
    assert "The last good checkpoint is here." in message
    assert saved == []


@pytest.mark.graphs
@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_a_validation_that_is_not_finite_stops_training(bad, binary_images):
    """Also the first one, after which there is nothing to compare with."""
    stop = callbacks.StopOnNonFinite()
    stop.set_model(tiny())
    stop.model.build((None, 8, 8, 1))
    stop.on_epoch_end(0, {"val_elbo": -5.0, "elbo": np.nan})  # of a measure of one's own
    with pytest.raises(callbacks.NonFiniteError, match="val_elbo became NaN .* after epoch 1"):
        stop.on_epoch_end(0, {"val_elbo": bad, "val_kl": 1.0})
    x = np.repeat(binary_images, 2, axis=0)
    x[-1, 0, 0, 0] = np.nan  # in a batch that `fit` does not look at beforehand
    validation = tf.data.Dataset.from_tensor_slices(x).batch(64)
    with pytest.raises(callbacks.NonFiniteError, match="val_elbo.* in the validation after epoch"):
        tiny().fit(binary_images, validation_data=validation, verbose=0)


def test_what_is_not_finite_is_never_the_best():
    rows = [{"epoch": i, "val_elbo": v} for i, v in enumerate([np.nan, -5.0, -6.0])]
    stopping = callbacks.EarlyStopping(2, history=rows)
    assert not stopping.done()
    assert stopping.values == [-5.0, -6.0]


def test_early_stopping_counts_over_a_restart(binary_images):
    values = [-5.0, -4.0, -4.5, -4.6]
    fresh = callbacks.EarlyStopping(patience=3)
    fresh.set_model(tiny())
    for epoch, value in enumerate(values):
        assert not fresh.done()
        fresh.on_epoch_end(epoch, {"val_elbo": value})
    assert not fresh.model.stop_training
    resumed = callbacks.EarlyStopping(3, history=[{"val_elbo": v} for v in values])
    resumed.set_model(tiny())
    for stopping in (fresh, resumed):
        stopping.on_epoch_end(4, {"val_elbo": -4.0})  # equal is not better
        assert stopping.done()
        assert stopping.model.stop_training


def test_epochs_of_an_earlier_prior_do_not_count(binary_images, tmp_path):
    """The bound may fall when a tree starts: what came before is neither waited on nor best."""
    values = [-5.0, -4.0, -9.0, -8.0, -8.5, -8.6]
    before = [{"epoch": i, "val_elbo": v} for i, v in enumerate(values[:3])]
    for history in ((), before):
        stopping = callbacks.EarlyStopping(patience=2, history=history, since=2)
        stopping.set_model(tiny())
        for epoch, value in list(enumerate(values))[len(history) :]:
            assert not stopping.done()
            stopping.on_epoch_end(epoch, {"val_elbo": value})
        assert stopping.done()

    run = RunDirectory(tmp_path / "run")
    run.start({})
    checkpoint = callbacks.Checkpoint(run, keep=0, since=2)
    model = tiny()
    model.build((None, 8, 8, 1))
    checkpoint.set_model(model)
    saved = []
    for epoch, value in enumerate(values):
        model.kl_weight.assign(epoch / 10)
        checkpoint.on_epoch_end(epoch, {"val_elbo": value})
        saved.append(run.best.exists())
    assert saved == [False, False, True, True, True, True]
    best = keras.saving.load_model(run.checkpoint("best"))
    np.testing.assert_allclose(best.kl_weight, 0.3)
    assert callbacks.Checkpoint(run, history=before, since=2).best == -8.0  # the file's own
    other = RunDirectory(tmp_path / "other")
    assert callbacks.Checkpoint(other, history=before, since=2).best == -9.0


def test_early_stopping_needs_its_metric(binary_images):
    with pytest.raises(ValueError, match="'val_elbo', which is not measured.*validation_data"):
        tiny().fit(binary_images, verbose=0, callbacks=[callbacks.EarlyStopping(2)])
    for wrong in (0, 2.5, "2", None):
        with pytest.raises(ValueError, match=f"`patience` must be a positive integer.*: {wrong!r}"):
            callbacks.EarlyStopping(wrong)


@pytest.mark.parametrize("keep", [-1, 1.5, "2", None, True])
def test_checkpoints_keep_a_number_of_files(keep, tmp_path):
    with pytest.raises(ValueError, match=f"`keep` must be a non-negative integer.*: {keep!r}"):
        callbacks.Checkpoint(RunDirectory(tmp_path), keep=keep)


def test_tensorboard_that_cannot_be_written_is_named(binary_images, tmp_path):
    (tmp_path / "file").touch()
    log = callbacks.TensorBoardLog(tmp_path / "file" / "events")
    with pytest.raises(atomic.WriteError, match="events could not be written: Not a directory"):
        tiny().fit(binary_images, verbose=0, callbacks=[log])


def test_history_file_drops_rows_of_epochs_to_be_redone(binary_images, tmp_path):
    path = tmp_path / "history.csv"
    fit = dict(x=binary_images, batch_size=64, verbose=0)
    tiny().fit(**fit, epochs=3, callbacks=[callbacks.HistoryFile(path)])
    first = read_history(path)
    assert [row["epoch"] for row in first] == [0, 1, 2]
    assert {"elbo", "kl", "loss", "kl_weight", "learning_rate"} <= set(first[0])
    tiny().fit(
        **fit, initial_epoch=1, epochs=2, callbacks=[callbacks.HistoryFile(path, first_epoch=1)]
    )
    second = read_history(path)
    assert [row["epoch"] for row in second] == [0, 1]
    assert second[0] == first[0]
    assert second[1] != first[1]


def test_epoch_line_counts_images(binary_images, capsys):
    tiny().fit(
        binary_images, batch_size=32, epochs=2, verbose=0, callbacks=[callbacks.EpochLine(64)]
    )
    lines = capsys.readouterr().out.strip().splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert all(" elbo -" in line and " images/s" in line for line in lines)


def epoch_line(capsys, logs, epochs=100, bound="elbo"):
    line = callbacks.EpochLine(6400)
    line.set_params({"epochs": epochs})
    line.set_model(types.SimpleNamespace(bound=types.SimpleNamespace(name=bound)))
    line.on_epoch_begin(0)
    line.on_epoch_end(epochs - 1, logs)
    out = capsys.readouterr().out
    assert out.endswith("\n")
    assert out.count("\n") == 1
    return out[:-1].split("  ")


def test_epoch_line_has_what_matters_most_and_fits(capsys):
    logs = {f"a_metric_of_a_very_long_name_number_{i}": 10.0**i for i in range(40)}
    logs |= {
        "kl": 23.081,
        "short": 1.0,
        "val_elbo": -98.114,
        "log_likelihood": -74.6,
        "elbo": -97.69,
    }
    first, seconds, *metrics = epoch_line(capsys, logs)
    assert first == "epoch 100/100"
    assert seconds.endswith(" s")
    assert metrics[:4] == ["elbo -97.69", "val_elbo -98.11", "log_likelihood -74.60", "kl 23.08"]
    assert epoch_line(capsys, {"elbo": -1.0, "kl": 0.5, "short": 2.0})[2:4] == [
        "elbo -1.00",
        "kl 0.50",
    ]
    assert epoch_line(capsys, {"elbo": -1.0, "short": 2.0})[-1] == "short 2.00"
    iwae = {"elbo": -2.0, "iwae": -1.0, "val_elbo": -4.0, "val_iwae": -3.0}
    parts = epoch_line(capsys, iwae, bound="iwae")
    assert parts[2:6] == ["iwae -1.00", "val_iwae -3.00", "elbo -2.00", "val_elbo -4.00"]


@pytest.mark.parametrize("value", [np.nan, -np.inf, -1e308, 123456789.125, np.float32(-3.25), 0])
def test_epoch_line_fits_whatever_the_numbers(value, capsys):
    names = ["loss", "elbo", "val_elbo", "log_likelihood", "kl", "iwae", "x" * 90, "y" * 200]
    names += [f"val_kl_{i}" for i in range(30)]
    for epochs in (1, 10**12):
        parts = epoch_line(capsys, dict.fromkeys(names, value), epochs)
        assert len("  ".join(parts)) <= 100
        bounds = [float(part.rpartition(" ")[2]) for part in parts if "elbo " in part]
        np.testing.assert_allclose(bounds, [value, value], rtol=5e-3)


@pytest.mark.parametrize(("image_epochs", "drawn"), [(2, [2, 3]), (0, [3])])
def test_tensorboard_holds_scalars_and_pictures(image_epochs, drawn, binary_images, tmp_path):
    def draw(model):
        return {"samples": np.asarray(model.sample(1, seed=0))[0]}

    tiny().fit(
        binary_images,
        batch_size=32,
        epochs=3,
        verbose=0,
        callbacks=[callbacks.TensorBoardLog(tmp_path, draw, image_epochs)],
        validation_data=(binary_images,),
    )
    steps = {}
    for file in tmp_path.iterdir():
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                steps.setdefault(value.tag, []).append(event.step)
    assert steps["elbo/train"] == steps["elbo/validation"] == [1, 2, 3]
    assert steps["samples"] == drawn
