"""Purity by answers: what is drawn is what was measured."""

import numpy as np
import pytest

from tfsp import viz

ROWS = [{"answers": n, "purity": p, "error": e} for n, p, e in ((0, 0.7, 0.02), (50, 0.9, 0.01))]


def test_points_and_errors_are_drawn():
    figure = viz.answer_curves({"random": ROWS, "in turn": ROWS[:1]})
    (axes,) = figure.axes
    one, other = axes.containers
    np.testing.assert_array_equal(one[0].get_xydata(), [[0, 0.7], [50, 0.9]])
    np.testing.assert_array_equal(other[0].get_xydata(), [[0, 0.7]])
    bars = one[2][0].get_segments()
    np.testing.assert_allclose([bar[:, 1] for bar in bars], [[0.68, 0.72], [0.89, 0.91]])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["random", "in turn"]
    assert axes.get_ylim()[1] == 1.0


@pytest.mark.parametrize("groups", [{}, {"a": []}])
def test_nothing_to_draw_is_refused(groups):
    with pytest.raises(ValueError, match="Received: none"):
        viz.answer_curves(groups)
