"""Curves of several models: data, bands, axes, legend, errors."""

import matplotlib.colors
import numpy as np
import pytest

from tfsp import viz
from tfsp.viz import style

RECALL = np.linspace(0, 1, 11)
SHOTS = {
    "normal": ([1, 10, 100], [0.39, 0.69, 0.83], [0.03, 0.02, 0.01]),
    "LORACs": ([1, 10, 100], [0.58, 0.83, 0.88], None),
}


def lines(figure):
    return {line.get_label(): np.stack(line.get_data(), 1) for line in figure.axes[0].get_lines()}


def legend_lies_beside(figure):
    figure.canvas.draw()
    box = figure.legends[0].get_window_extent()
    return figure.axes[0].bbox.x1 < box.x0 and box.x1 <= figure.bbox.width


def test_retrieval_curves():
    given = {"normal": (RECALL, 1 - 0.9 * RECALL), "a longer name": (RECALL, 1 - 0.4 * RECALL)}
    figure = viz.retrieval_curves(given, title="Digits")
    (axes,) = figure.axes
    drawn = lines(figure)
    assert list(drawn) == list(given)
    for name, (recall, precision) in given.items():
        np.testing.assert_allclose(drawn[name], np.stack([recall, precision], 1), rtol=1e-6)
    colors = [line.get_color() for line in axes.get_lines()]
    assert colors == list(style.PALETTE[:2])
    assert axes.get_xlabel() == "recall"
    assert axes.get_ylabel() == "precision"
    assert axes.get_title() == "Digits"
    assert axes.get_xlim() == (0, 1)
    assert [t.get_text() for t in figure.legends[0].get_texts()] == list(given)
    assert legend_lies_beside(figure)


def test_more_models_than_colours_differ_in_their_lines():
    figure = viz.retrieval_curves({str(i): (RECALL, RECALL) for i in range(13)})
    looks = {(line.get_color(), line.get_linestyle()) for line in figure.axes[0].get_lines()}
    assert len(looks) == 13


def test_few_shot_curves():
    figure = viz.few_shot_curves(SHOTS)
    (axes,) = figure.axes
    for name, (labels, mean, _) in SHOTS.items():
        np.testing.assert_allclose(lines(figure)[name], np.stack([labels, mean], 1), rtol=1e-6)
    assert axes.get_xscale() == "log"
    np.testing.assert_array_equal(axes.get_xticks(), [1, 10, 100])
    assert [t.get_text() for t in axes.get_xticklabels()] == ["1", "10", "100"]
    bands = axes.collections
    assert len(bands) == 2
    corners = bands[0].get_paths()[0].vertices
    for x, mean, sd in zip(*SHOTS["normal"], strict=True):
        ys = corners[np.isclose(corners[:, 0], x), 1]
        np.testing.assert_allclose([ys.min(), ys.max()], [mean - sd, mean + sd], rtol=1e-6)
    flat = bands[1].get_paths()[0].vertices
    for x, mean in zip(*SHOTS["LORACs"][:2], strict=True):
        np.testing.assert_allclose(flat[np.isclose(flat[:, 0], x), 1], mean, rtol=1e-6)
    assert matplotlib.colors.same_color(bands[0].get_facecolor()[0, :3], style.PALETTE[0])
    assert legend_lies_beside(figure)


def test_ticks_of_models_with_other_numbers_of_labels():
    many = np.arange(1, 31)
    figure = viz.few_shot_curves({"a": (many, many / 30, None), "b": ([50], [0.5], [0.1])})
    ticks = figure.axes[0].get_xticks()
    assert len(ticks) == 8
    assert ticks[0] == 1
    assert ticks[-1] == 50


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: viz.retrieval_curves({}), TypeError, "of one model or more"),
        (lambda: viz.retrieval_curves([1]), TypeError, "dict from a model's name"),
        (lambda: viz.retrieval_curves({"m": RECALL}), TypeError, "'m'.*recall, precision.*ndarray"),
        (lambda: viz.retrieval_curves({"m": (RECALL,)}), TypeError, "tuple of length 1"),
        (lambda: viz.retrieval_curves({"m": (RECALL, [1.0])}), ValueError, "one length.*11.*1"),
        (lambda: viz.retrieval_curves({"m": ([0, 2], [1, 1])}), ValueError, r"recall must lie in"),
        (lambda: viz.retrieval_curves({"m": ([1, 0], [1, 1])}), ValueError, r"'m'.*recall.*1.0, 0"),
        (lambda: viz.retrieval_curves({"m": ([[1]], [1])}), ValueError, "must be a vector"),
        (lambda: viz.few_shot_curves({"m": ([1], [0.5])}), TypeError, "labels, mean, sd.*length 2"),
        (lambda: viz.few_shot_curves({"m": ([0], [0.5], None)}), ValueError, "at least 1"),
        (
            lambda: viz.few_shot_curves({"m": ([1, 1], [0, 0], None)}),
            ValueError,
            r"'m'.*labels .*\[1.0, 1.0\]",
        ),
        (lambda: viz.few_shot_curves({"m": ([1], [np.nan], None)}), ValueError, "finite"),
        (lambda: viz.few_shot_curves({"m": ([1], [50.0], None)}), ValueError, r"mean must lie in"),
    ],
)
def test_errors(call, error, match):
    with pytest.raises(error, match=match):
        call()
