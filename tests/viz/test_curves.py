"""Panels, lines and scales of training curves, from dicts and from log files."""

import keras
import numpy as np
import pytest

from tfsp import viz
from tfsp.viz import style
from tfsp.viz.charts import curves


def make_history(epochs=5):
    rng = np.random.default_rng(0)
    names = ["loss", "kl", "kl_discrete", "log_likelihood", "elbo", "accuracy"]
    history = {name: rng.normal(size=epochs).tolist() for name in names}
    history |= {f"val_{name}": rng.normal(size=epochs).tolist() for name in ("elbo", "kl")}
    history["kl_continuous"] = [0.0] * epochs
    history["learning_rate"] = (1e-3 * 0.5 ** np.arange(epochs)).tolist()
    return history


def lines_of(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def labels_of(figure):
    return [axes.get_ylabel() for axes in figure.axes]


def test_panels_come_in_order_with_units_and_zeros_left_out():
    assert labels_of(viz.training_curves(make_history())) == [
        "ELBO (nats)",
        "log likelihood (nats)",
        "KL divergence (nats)",
        "KL, discrete (nats)",
        "loss (nats)",
        "accuracy",
        "learning rate",
    ]


def test_train_and_validation_share_a_panel():
    history = make_history()
    figure = viz.training_curves(history, metrics=["kl", "loss"])
    kl, loss = figure.axes
    assert list(lines_of(kl)) == ["train", "validation"]
    assert list(lines_of(loss)) == ["train"]
    for label, key in (("train", "kl"), ("validation", "val_kl")):
        line = lines_of(kl)[label]
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4, 5])
        np.testing.assert_array_equal(line.get_ydata(), history[key])
    assert lines_of(kl)["train"].get_color() == style.TRAIN_COLOR
    assert lines_of(kl)["validation"].get_color() == style.VALIDATION_COLOR
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["train", "validation"]


def test_without_validation_there_is_no_legend():
    assert not viz.training_curves({"elbo": [1.0, 2.0]}).legends


@pytest.mark.parametrize("epochs", [1, 2, 3, 7, 60, 1000])
def test_epochs_are_marked_by_integers(epochs):
    figure = viz.training_curves({"elbo": np.arange(1.0, epochs + 1)})
    figure.canvas.draw()
    (axes,) = figure.axes
    ticks = axes.get_xticks()
    assert len(ticks)
    assert np.all(ticks == np.round(ticks))
    assert np.all(np.diff(ticks) > 0)
    assert axes.get_xlabel() == "epoch"


@pytest.mark.parametrize("count", range(1, 9))
def test_the_lowest_panel_of_each_column_names_the_epoch(count):
    history = {f"m{i}": [1.0, 2.0] for i in range(count)}
    figure = viz.training_curves(history)
    figure.canvas.draw()
    assert len(figure.axes) == count
    columns = {}
    for axes in figure.axes:
        columns.setdefault(round(axes.bbox.x1), []).append(axes)
    for members in columns.values():
        lowest = min(members, key=lambda axes: axes.bbox.y0)
        for axes in members:
            assert (axes.get_xlabel() == "epoch") == (axes is lowest)
            shown = any(tick.label1.get_visible() for tick in axes.xaxis.get_major_ticks())
            assert shown == (axes is lowest)


def test_learning_rate_has_a_logarithmic_axis():
    figure = viz.training_curves(make_history(), metrics=["elbo", "learning_rate"])
    assert [axes.get_yscale() for axes in figure.axes] == ["linear", "log"]


def test_gaps():
    history = {"elbo": [-3.0, np.nan, np.inf, -1.0], "val_elbo": [-3.5, np.nan, -2.0, np.nan]}
    (axes,) = viz.training_curves(history).axes
    np.testing.assert_array_equal(lines_of(axes)["train"].get_ydata(), [-3, np.nan, np.nan, -1])
    # Validated at some epochs only: the line joins them.
    np.testing.assert_array_equal(lines_of(axes)["validation"].get_xdata(), [1, 3])


def test_a_diverged_quantity_is_said_to_have_no_values():
    figure = viz.training_curves({"elbo": [np.nan, np.nan], "kl": [1.0, 2.0]})
    assert figure.axes[0].texts[0].get_text() == "no finite values"


@pytest.fixture(name="logged", scope="module")
def make_logged(tmp_path_factory):
    """History and CSVLogger file of a small Keras model, validated every second epoch."""
    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("logs") / "log.csv"
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    x = np.random.default_rng(0).normal(size=(16, 2)).astype("float32")
    history = model.fit(
        x,
        x[:, :1],
        epochs=4,
        verbose=0,
        validation_data=(x, x[:, :1]),
        validation_freq=2,
        callbacks=[keras.callbacks.CSVLogger(path)],
    )
    return history, path


def test_a_keras_log_file_is_read(logged):
    history, path = logged
    for source in (path, str(path)):
        figure = viz.training_curves(source)
        assert labels_of(figure) == ["loss (nats)", "mae"]
        lines = lines_of(figure.axes[0])
        np.testing.assert_array_equal(lines["train"].get_xdata(), [1, 2, 3, 4])
        np.testing.assert_allclose(lines["train"].get_ydata(), history.history["loss"], 1e-5)
        np.testing.assert_array_equal(lines["validation"].get_xdata(), [2, 4])
        np.testing.assert_allclose(
            lines["validation"].get_ydata(), history.history["val_loss"], 1e-5
        )


def test_a_history_of_sparse_validation_points_to_the_file(logged):
    history, _ = logged
    with pytest.raises(ValueError, match=r"equally long.*CSVLogger file"):
        viz.training_curves(history)


def test_a_keras_history_is_read():
    history = keras.callbacks.History()
    history.history = {"elbo": [1.0, 2.0]}
    assert labels_of(viz.training_curves(history)) == ["ELBO (nats)"]


def write(tmp_path, text):
    path = tmp_path / "log.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_log_file_with_vectors_gaps_and_a_broken_last_line(tmp_path):
    text = 'epoch,elbo,gates,val_elbo\n0,-3,"[0.1, 0.2]",NA\n1,-2,"[0.1, 0.3]",-2.5\n2,-1.'
    epochs, series = curves.read(write(tmp_path, text))
    np.testing.assert_array_equal(epochs, [1, 2])
    assert set(series) == {"elbo", "val_elbo"}
    np.testing.assert_array_equal(series["elbo"], [-3, -2])
    np.testing.assert_array_equal(series["val_elbo"], [np.nan, -2.5])


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "log.csv is empty"),
        ("a,b\n1,2\n", "'epoch' among them"),
        ("epoch,elbo\n", "no epochs yet"),
        ("epoch,elbo\n0,1\n1,spam\n", "line 3: expected a number for 'elbo'.*'spam'"),
        ("epoch,elbo\n0,1,2\n1,1\n", "line 2: expected 2 values.*3"),
        ("epoch,elbo\n0,1\n1,2\n0,3\n", r"must increase.*\[0, 1, 0\]"),
    ],
)
def test_broken_log_files(text, match, tmp_path):
    with pytest.raises(ValueError, match=match):
        viz.training_curves(write(tmp_path, text))


def test_missing_log_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        viz.training_curves(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("history", "metrics", "match"),
    [
        ({}, None, "no epochs"),
        ({"elbo": []}, None, "no epochs"),
        ({"elbo": [1.0], "kl": [1.0, 2.0]}, None, "equally long"),
        ({"elbo": ["a"]}, None, "list of numbers"),
        ({"elbo": [[1.0], [2.0]]}, None, "list of numbers"),
        ({"elbo": [0.0, 0.0]}, None, "zero throughout"),
        ({"elbo": [1.0]}, ["kl"], "elbo. Received.*kl"),
        ({"elbo": [1.0]}, [], "metrics"),
        (3, None, "Received: int"),
    ],
)
def test_errors(history, metrics, match):
    with pytest.raises(ValueError, match=match):
        viz.training_curves(history, metrics)


def test_a_zero_quantity_is_drawn_on_request():
    assert labels_of(viz.training_curves(make_history(), "kl_continuous")) == [
        "KL, continuous (nats)"
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("kl_weight", "KL weight"),
        ("iwae", "IWAE bound (nats)"),
        ("active_units", "active units"),
        ("bits_per_dim", "bits per dimension"),
    ],
)
def test_axis_label(name, expected):
    assert curves.axis_label(name) == expected
