"""Bars of average magnitudes by class, and what is decoded beside them."""

import matplotlib.colors
import numpy as np
import pytest

from tfsp import viz
from tfsp.viz import style

LABELS = np.repeat([2, 4, 7, 9], 25)
CODES = np.random.default_rng(0).normal(size=(100, 6)) * 0.1
CODES[LABELS == 2, 1] += 2.0
CODES[LABELS == 4, 3] -= 3.0
CODES[LABELS == 7, 5] += 1.0
CODES[:, 0] = 5.0  # large for all: no class's own


def bars(axes):
    return np.array([patch.get_height() for patch in axes.patches])


def test_bars_are_the_average_magnitudes():
    figure = viz.class_magnitudes(CODES, LABELS)
    assert [axes.get_ylabel() for axes in figure.axes] == ["2", "4", "7"]
    for axes, label, dim in zip(figure.axes, (2, 4, 7), (1, 3, 5), strict=True):
        np.testing.assert_allclose(bars(axes), np.abs(CODES[label == LABELS]).mean(axis=0))
        colors = [matplotlib.colors.to_hex(p.get_facecolor()) for p in axes.patches]
        assert [d for d, color in enumerate(colors) if color == style.PALETTE[6]] == [dim]


def test_traversals_move_the_dimension_of_the_class():
    seen = []

    def decode(z):
        seen.append(z)
        return np.broadcast_to(np.abs(np.tanh(z[:, :1, None, None])), (len(z), 4, 4, 1))

    figure = viz.class_magnitudes(
        CODES,
        LABELS,
        decode,
        classes=[4, 9],
        steps=5,
        class_names={2: "", 4: "coat", 7: "", 9: "b"},
    )
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == ["coat", "b"]
    assert figure.axes[1].get_title() == "moving $z_{3}$"
    z = np.concatenate(seen)
    assert z.shape == (10, 6)
    start = CODES[LABELS == 4].mean(axis=0)
    for dim in range(6):
        if dim != 3:
            np.testing.assert_allclose(z[:5, dim], start[dim], rtol=1e-5)
    values = np.linspace(*np.quantile(CODES[:, 3], [0.01, 0.99]), 5)
    np.testing.assert_allclose(z[:5, 3], values, rtol=1e-5)
    assert figure.axes[1].images[0].get_array().shape == (4, 5 * 4 + 4)


def test_dims_and_invert():
    figure = viz.class_magnitudes(
        CODES, LABELS, lambda z: np.zeros((len(z), 3, 3, 3)), [2], dims=[0], invert=True, title="t"
    )
    assert figure.axes[1].get_title() == "moving $z_{0}$"
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), 1.0)


def test_errors():
    with pytest.raises(ValueError, match=r"`labels` must have shape \(100,\)"):
        viz.class_magnitudes(CODES, LABELS[:5])
    with pytest.raises(ValueError, match="`classes` must be labels that occur: 2, 4, 7, 9"):
        viz.class_magnitudes(CODES, LABELS, classes=[3])
    with pytest.raises(ValueError, match="one dimension for each of 3 classes"):
        viz.class_magnitudes(CODES, LABELS, dims=[1])
    with pytest.raises(ValueError, match="integers from 0 to 5"):
        viz.class_magnitudes(CODES, LABELS, dims=[1, 2, 6])
    with pytest.raises(ValueError, match="one image per latent"):
        viz.class_magnitudes(CODES, LABELS, lambda z: np.zeros((1, 4, 4, 1)))
    with pytest.raises(ValueError, match="steps"):
        viz.class_magnitudes(CODES, LABELS, steps=1)
