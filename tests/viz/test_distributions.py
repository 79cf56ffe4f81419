"""Grids of targets and learned distributions: which points are where, limits, gaps, errors."""

import numpy as np
import pytest

from tfsp import viz


def make_points(count, seed=0, scale=1.0):
    return scale * np.random.default_rng(seed).normal(size=(count, 2))


TARGETS = {"ring": make_points(300), "star": make_points(200, 1, 5.0)}
SAMPLES = {
    "ring": {"VAE": make_points(100, 2), "InteL-VAE": make_points(150, 3)},
    "star": {"InteL-VAE": make_points(50, 4, 5.0)},
}


def test_a_row_for_each_target_and_a_column_for_each_model():
    figure = viz.distribution_grid(TARGETS, SAMPLES, kind="scatter", title="Figure")
    axes = np.array(figure.axes).reshape(2, 3)
    assert [a.get_title() for a in axes[0]] == ["data", "VAE", "InteL-VAE"]
    assert [a.get_ylabel() for a in axes[:, 0]] == ["ring", "star"]
    assert [a.get_visible() for a in axes[1]] == [True, False, True]  # star has no VAE
    shown = {(0, 0): TARGETS["ring"], (0, 1): SAMPLES["ring"]["VAE"]}
    shown |= {(0, 2): SAMPLES["ring"]["InteL-VAE"], (1, 2): SAMPLES["star"]["InteL-VAE"]}
    for place, points in shown.items():
        (drawn,) = axes[place].collections
        np.testing.assert_allclose(np.sort(drawn.get_offsets(), 0), np.sort(points, 0))
    for row, target in zip(axes, TARGETS.values(), strict=True):
        limits = {(a.get_xlim(), a.get_ylim()) for a in row if a.get_visible()}
        assert len(limits) == 1
        (x, y) = limits.pop()
        assert x[1] - x[0] == pytest.approx(1.5 * np.ptp(target, axis=0).max())
        assert x[1] - x[0] == pytest.approx(y[1] - y[0])


def test_histograms_count_the_points():
    targets = {"corner": np.array([[0.0, 0.0]] * 3 + [[1.0, 1.0]])}
    samples = {"corner": {"model": np.array([[1.0, 0.0]] * 4 + [[99.0, 0.0]])}}
    figure = viz.distribution_grid(targets, samples, bins=3, margin=0.0)
    data, model = (np.asarray(axes.images[0].get_array()) for axes in figure.axes)
    # Rows upwards along the second coordinate; the root of the counts.
    expected = np.zeros((3, 3))
    expected[0, 0], expected[2, 2] = np.sqrt(3), 1
    np.testing.assert_allclose(data, expected)
    expected = np.zeros((3, 3))
    expected[0, 2] = 2  # the point beyond the limits is not seen
    np.testing.assert_allclose(model, expected)
    assert figure.axes[0].images[0].origin == "lower"


def test_scatters_are_thinned():
    figure = viz.distribution_grid(TARGETS, SAMPLES, kind="scatter", max_points=40)
    assert len(figure.axes[0].collections[0].get_offsets()) == 40


def test_samples_outside_the_limits_leave_an_empty_panel():
    far = {"ring": {"model": make_points(20) + 1000}}
    figure = viz.distribution_grid({"ring": TARGETS["ring"]}, far)
    assert not np.asarray(figure.axes[1].images[0].get_array()).any()


def test_errors():
    with pytest.raises(ValueError, match="`kind` must be one of histogram, scatter"):
        viz.distribution_grid(TARGETS, SAMPLES, kind="contour")
    with pytest.raises(TypeError, match="`targets` must be a dict"):
        viz.distribution_grid(TARGETS["ring"], SAMPLES)
    with pytest.raises(TypeError, match=r"samples\['ring'\] must be a dict.*ndarray"):
        viz.distribution_grid(TARGETS, {"ring": TARGETS["ring"]})
    with pytest.raises(ValueError, match="`targets` lacks: 'cube'"):
        viz.distribution_grid(TARGETS, {"cube": {}})
    with pytest.raises(ValueError, match="holds no model"):
        viz.distribution_grid(TARGETS, {"ring": {}})
    with pytest.raises(ValueError, match=r"samples\['ring'\]\['VAE'\].*\[m, 2\].*\(5, 3\)"):
        viz.distribution_grid(TARGETS, {"ring": {"VAE": np.zeros((5, 3))}})
    with pytest.raises(ValueError, match=r"targets\['ring'\].*NaN"):
        viz.distribution_grid({**TARGETS, "ring": np.full((3, 2), np.nan)}, SAMPLES)
    with pytest.raises(ValueError, match="`bins` must be a positive integer. Received: 2.5"):
        viz.distribution_grid(TARGETS, SAMPLES, bins=2.5)
