"""Panels, limits and colours of two-dimensional data beside samples."""

import matplotlib.colors
import numpy as np
import pytest

from tfsp import viz
from tfsp.viz import style


def make_points(count, dims=2, seed=0):
    return np.random.default_rng(seed).normal(size=(count, dims))


def all_points(axes):
    return np.concatenate([c.get_offsets() for c in axes.collections])


def test_scatter_2d_puts_data_and_samples_on_the_same_limits():
    data, samples = make_points(40, 2), make_points(25, 2, seed=1) * 2 + 1
    figure = viz.scatter_2d(data, samples)
    left, right = figure.axes
    assert [left.get_title(), right.get_title()] == ["data", "model samples"]
    np.testing.assert_allclose(np.sort(all_points(left), 0), np.sort(data, 0))
    np.testing.assert_allclose(np.sort(all_points(right), 0), np.sort(samples, 0))
    assert left.get_xlim() == right.get_xlim()
    assert left.get_ylim() == right.get_ylim()
    for points in (data, samples):
        assert left.get_xlim()[0] < points[:, 0].min()
        assert points[:, 0].max() < left.get_xlim()[1]
        assert left.get_ylim()[0] < points[:, 1].min()
        assert points[:, 1].max() < left.get_ylim()[1]


def test_scatter_2d_colours_classes_and_thins():
    figure = viz.scatter_2d(make_points(60, 2), labels=np.arange(60) % 2, max_points=50)
    (axes,) = figure.axes
    assert len(all_points(axes)) == 50
    colors = {matplotlib.colors.to_hex(c) for c in axes.collections[0].get_facecolors()}
    assert colors == set(style.PALETTE[:2])


def test_scatter_2d_errors():
    with pytest.raises(ValueError, match=r"points.*\[n, 2\].*\(30, 4\)"):
        viz.scatter_2d(make_points(30, 4))
    with pytest.raises(ValueError, match=r"samples.*\[m, 2\].*\(30, 3\)"):
        viz.scatter_2d(make_points(30), make_points(30, 3))
