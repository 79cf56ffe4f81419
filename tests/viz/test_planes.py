"""The planes of y and z: the same points, in the same colours, clusters named by the map."""

import matplotlib.colors
import numpy as np
import pytest

from tfsp import bijectors, viz
from tfsp.viz import style


def test_points_and_their_images():
    figure = viz.mapping_planes(lambda y: 3 * y[:, ::-1] + 1, num_points=200, seed=5)
    left, right = figure.axes
    y, z = (np.asarray(axes.collections[0].get_offsets()) for axes in (left, right))
    assert len(y) == 200
    np.testing.assert_allclose(z, 3 * y[:, ::-1] + 1, rtol=1e-5)
    # Without clusters the colour is the angle of y, in both planes.
    for axes in (left, right):
        angle = axes.collections[0].get_array()
        np.testing.assert_allclose(angle, np.arctan2(y[:, 1], y[:, 0]), rtol=1e-5)
    ring = np.asarray(left.collections[1].get_offsets())
    np.testing.assert_allclose(np.linalg.norm(ring, axis=1), 1.5, rtol=1e-5)
    assert [axes.get_title() for axes in (left, right)] == ["$y$", "$z = g(y)$"]


def test_sectors_have_a_colour_each():
    sectors = bijectors.Sectors(num_sectors=3)
    figure = viz.mapping_planes(sectors, num_points=300, titles=("before", "after"))
    left, right = figure.axes
    y = np.asarray(left.collections[0].get_offsets(), np.float32)
    np.testing.assert_allclose(right.collections[0].get_offsets(), sectors.forward(y), atol=1e-4)
    index = np.asarray(sectors.component(y))
    assert set(index) == {0, 1, 2}
    for axes in (left, right):
        colors = [matplotlib.colors.to_hex(c) for c in axes.collections[0].get_facecolors()]
        assert colors == [style.PALETTE[i] for i in index]
    assert left.get_title() == "before"


def test_components_can_be_given():
    figure = viz.mapping_planes(lambda y: y, lambda y: (y[:, 0] > 0).astype(int), num_points=50)
    colors = figure.axes[1].collections[0].get_facecolors()
    assert {matplotlib.colors.to_hex(c) for c in colors} == set(style.PALETTE[:2])


def test_errors():
    with pytest.raises(TypeError, match="`mapping` must be a function.*int"):
        viz.mapping_planes(3)
    with pytest.raises(ValueError, match=r"y.shape=\(4000, 2\), z.shape=\(4000, 1\)"):
        viz.mapping_planes(lambda y: y[:, :1])
    with pytest.raises(ValueError, match="NaN"):
        viz.mapping_planes(lambda y: y * np.nan)
    with pytest.raises(ValueError, match="must give integers"):
        viz.mapping_planes(lambda y: y, lambda y: 0.5 + np.zeros(len(y)))
    with pytest.raises(ValueError, match="At most 60 clusters"):
        viz.mapping_planes(lambda y: y, lambda y: np.arange(len(y)))
    with pytest.raises(ValueError, match="two texts"):
        viz.mapping_planes(lambda y: y, titles=("y",))
    with pytest.raises(ValueError, match="num_points"):
        viz.mapping_planes(lambda y: y, num_points=0)
