"""Points, colours, names and errors of the scatter pictures."""

import matplotlib.colors
import matplotlib.text
import numpy as np
import pytest

from tfsp import viz
from tfsp.viz import style
from tfsp.viz.charts import latent


def make_codes(count=30, dims=4, seed=0):
    return np.random.default_rng(seed).normal(size=(count, dims))


def all_points(axes):
    return np.concatenate([c.get_offsets() for c in axes.collections])


def legend_texts(figure):
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_every_code_is_a_point_on_equal_axes(method):
    figure = viz.latent_map(make_codes(), np.arange(30) % 3, method=method)
    (axes,) = figure.axes
    assert all_points(axes).shape == (30, 2)
    assert axes.get_aspect() == 1.0
    assert len(axes.get_xticks()) == 0
    assert len(axes.get_yticks()) == 0
    low, high = axes.transData.inverted().transform(axes.bbox.get_points())
    assert (all_points(axes) > low).all()
    assert (all_points(axes) < high).all()


def test_none_draws_the_codes_themselves_in_the_colour_of_their_label():
    codes, labels = make_codes(dims=2), np.arange(30) % 3
    (axes,) = viz.latent_map(codes, labels, method="none").axes
    (points,) = axes.collections
    colors = np.array(style.PALETTE)
    for offset, color in zip(points.get_offsets(), points.get_facecolors(), strict=True):
        (index,) = np.flatnonzero(np.isclose(codes, offset).all(1))
        assert matplotlib.colors.to_hex(color) == colors[labels[index]]
    assert axes.get_xlabel() == "$z_{0}$"
    assert axes.get_ylabel() == "$z_{1}$"


def test_one_unit_is_as_long_on_both_axes():
    codes = make_codes(dims=2) * [5.0, 1.0]
    figure = viz.latent_map(codes, method="none")
    figure.canvas.draw()
    (axes,) = figure.axes
    (x0, y0), (x1, y1) = axes.transData.transform([[0, 0], [1, 1]])
    assert x1 - x0 == pytest.approx(y1 - y0, rel=1e-6)


def test_pca_agrees_with_the_singular_value_decomposition():
    codes = make_codes()
    points, texts = latent.project(codes, "pca")
    centred = codes - codes.mean(0)
    _, values, rows = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(points), np.abs(centred @ rows[:2].T), rtol=1e-9, atol=1e-12)
    share = 100 * values[0] ** 2 / (values**2).sum()
    assert texts[0] == f"PC 1 ({share:.0f}% of variance)"


@pytest.mark.parametrize(
    ("labels", "class_names", "expected"),
    [
        (np.arange(30) % 3, None, ["0", "1", "2"]),
        (np.arange(30) % 3, ["zero", "one", "two", "three"], ["zero", "one", "two"]),
        ((np.arange(30) % 3).astype(np.float32), None, ["0", "1", "2"]),
        (np.array(["b", "a"] * 15), None, ["a", "b"]),
        (np.array(["b", "a"] * 15), {"a": "first", "b": "second"}, ["first", "second"]),
        (np.array([b"cat", b"dog"] * 15, object), None, ["cat", "dog"]),
    ],
)
def test_legend(labels, class_names, expected):
    figure = viz.latent_map(make_codes(), labels, class_names, method="pca")
    assert legend_texts(figure) == expected
    handles = figure.legends[0].legend_handles
    assert [handle.get_color() for handle in handles] == list(style.PALETTE[: len(expected)])


def test_legend_lies_beside_the_map():
    figure = viz.latent_map(make_codes(), np.arange(30) % 3, method="pca")
    figure.canvas.draw()
    box = figure.legends[0].get_window_extent()
    assert figure.axes[0].bbox.x1 < box.x0
    assert box.x1 < figure.bbox.width


def test_many_classes_fit_and_differ_in_marker():
    labels = np.arange(120) % 58
    figure = viz.latent_map(make_codes(120), labels, method="pca")
    figure.canvas.draw()
    box = figure.legends[0].get_window_extent()
    assert box.y0 > 0
    assert box.y1 < figure.bbox.height
    assert box.x1 < figure.bbox.width
    handles = figure.legends[0].legend_handles
    assert len({(h.get_color(), h.get_marker()) for h in handles}) == len(handles) == 58
    assert len(all_points(figure.axes[0])) == 120


def test_direct_labels_stand_at_the_medians():
    codes, labels = make_codes(dims=2), np.arange(30) % 3
    figure = viz.latent_map(codes, labels, ["a", "b", "c"], method="none", annotate="direct")
    assert not figure.legends
    texts = figure.axes[0].texts
    assert [text.get_text() for text in texts] == ["a", "b", "c"]
    for index, text in enumerate(texts):
        expected = np.median(codes[labels == index], axis=0)
        np.testing.assert_allclose(text.get_position(), expected)


@pytest.mark.parametrize("labels", [np.linspace(0, 1, 80), np.arange(80)])
def test_scales_get_a_colour_bar(labels):
    figure = viz.latent_map(make_codes(80), labels, method="pca")
    assert len(figure.axes) == 2
    assert not figure.legends
    drawn = figure.axes[0].collections[0].get_array()
    np.testing.assert_allclose(np.sort(drawn), labels)


def test_no_labels_no_legend():
    figure = viz.latent_map(make_codes(), method="pca")
    assert not figure.legends
    assert len(figure.axes) == 1


def test_thinning_is_seeded():
    codes = make_codes(50, 2)
    first, again, other = (
        all_points(viz.latent_map(codes, method="none", max_points=20, seed=s).axes[0])
        for s in (0, 0, 1)
    )
    assert first.shape == (20, 2)
    assert len(np.unique(first, axis=0)) == 20
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_tsne_is_seeded_and_keeps_far_clusters_apart():
    codes = np.concatenate([make_codes(15, 60), make_codes(15, 60, seed=1) + 20])
    first, _ = latent.project(codes, "tsne", seed=3)
    again, _ = latent.project(codes, "tsne", seed=3)
    np.testing.assert_array_equal(first, again)
    distance = np.linalg.norm(first[:, None] - first[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    assert ((distance.argmin(1) < 15) == (np.arange(30) < 15)).all()


@pytest.mark.parametrize("count", [4, 5, 31])
def test_perplexity_is_lowered_for_few_points(count):
    points, _ = latent.project(make_codes(count), "tsne", perplexity=30)
    assert points.shape == (count, 2)
    assert np.isfinite(points).all()


@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_a_collapsed_encoder_is_drawn(method):
    figure = viz.latent_map(np.full((12, 3), 0.7), np.arange(12) % 2, method=method)
    figure.canvas.draw()
    np.testing.assert_array_equal(all_points(figure.axes[0]), 0.0)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"codes": np.zeros(5)}, r"codes.*\[n, D\].*\(5,\)"),
        ({"codes": make_codes(), "labels": np.zeros(29)}, r"\(30,\).*labels.shape=\(29,\)"),
        ({"codes": make_codes(), "labels": np.eye(30)}, "argmax"),
        ({"codes": make_codes(), "method": "umap"}, "tsne, pca, none.*'umap'"),
        ({"codes": make_codes(), "method": "none"}, r"\[n, 2\].*\(30, 4\)"),
        ({"codes": make_codes(3)}, r"at least 4 codes.*\(3, 4\)"),
        ({"codes": make_codes(dims=1), "method": "pca"}, r"at least 2 dimensions.*\(30, 1\)"),
        ({"codes": make_codes(), "perplexity": -1}, "perplexity"),
        ({"codes": make_codes(), "class_names": ["a"]}, "needs `labels`"),
        (
            {"codes": make_codes(), "labels": np.arange(30) % 3, "class_names": ["a", "b"]},
            "none for 2",
        ),
        ({"codes": make_codes(), "annotate": "arrows"}, "'legend' or 'direct'"),
        ({"codes": make_codes(99), "labels": [f"c{i}" for i in range(99)]}, "At most 60 classes"),
        ({"codes": make_codes() * np.nan}, "NaN"),
        ({"codes": make_codes(), "labels": [np.nan] * 30}, "labels.*finite"),
    ],
)
def test_errors(arguments, match):
    with pytest.raises(ValueError, match=match):
        viz.latent_map(**arguments)
