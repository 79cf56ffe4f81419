"""Pictures of categories: which images and numbers are where, order, limits, errors."""

import matplotlib.colors
import numpy as np
import pytest

from tfsp import viz
from tfsp.viz import style

MEANS = np.random.default_rng(0).uniform(size=(4, 6, 5, 4, 1))
WEIGHTS = [0.1, 0.0, 0.7, 0.2]


def labels(figure):
    return [[t.get_text() for t in axes.texts if t.get_text()] for axes in figure.axes]


def test_samples_per_category_by_share():
    figure = viz.samples_per_category(MEANS, WEIGHTS, title="Digits")
    assert labels(figure) == [["2  (70.0%)"], ["3  (20.0%)"], ["0  (10.0%)"], ["1  (0.0%)"]]
    for axes, k in zip(figure.axes, (2, 3, 0, 1), strict=True):
        drawn = np.asarray(axes.images[0].get_array())
        np.testing.assert_allclose(drawn, viz.tile(MEANS[k], rows=1)[..., 0], rtol=1e-6)
    assert figure.axes[0].get_title() == "Digits"


def test_samples_per_category_in_other_choices():
    counts = np.array([1, 0, 7, 2])  # scaled to shares
    figure = viz.samples_per_category(MEANS, counts, max_categories=2)
    assert labels(figure) == [["2  (70.0%)"], ["3  (20.0%)"]]
    assert labels(viz.samples_per_category(MEANS)) == [["0"], ["1"], ["2"], ["3"]]
    figure = viz.samples_per_category(MEANS, order=[3, 1], rows=3, invert=True)
    assert labels(figure) == [["3"], ["1"]]
    drawn = np.asarray(figure.axes[1].images[0].get_array())
    np.testing.assert_allclose(drawn, viz.tile(1 - MEANS[1], rows=3)[..., 0], rtol=1e-6)
    many = np.random.default_rng(1).uniform(size=(12, 45, 3, 3, 3))
    figure = viz.samples_per_category(many, np.arange(12))
    assert len(figure.axes) == 10  # the most used
    assert labels(figure)[0] == ["11  (16.7%)"]
    assert figure.axes[0].images[0].get_array().shape == (3 * 3 + 2, 15 * 3 + 14, 3)
    over = viz.samples_per_category(1.2 * MEANS)  # means of a Gaussian, cut
    assert np.asarray(over.axes[0].images[0].get_array()).max() <= 1


def heights(axes):
    return [stairs.get_data().values for stairs in axes.patches]


def test_histograms_share_bins_and_axes():
    truth = np.array([0.0, 0.0, 1.0, 2.0])
    samples = {"a": np.array([[0.5], [1.5]]), "b": [0.0, 99.0, -99.0, 2.0], "c": np.full(5, 1.0)}
    figure = viz.histograms(truth, samples, bins=2, margin=0.0, columns=3, title="Line")
    axes = figure.axes
    assert [a.get_title() for a in axes if a.get_visible()] == ["data", "a", "b", "c"]
    data = [0.5, 0.5]  # bins [0, 1) and [1, 2], of width 1
    np.testing.assert_allclose(heights(axes[0]), [data])
    np.testing.assert_allclose(heights(axes[1]), [[0.5, 0.5], data])
    np.testing.assert_allclose(heights(axes[2]), [[0.25, 0.25], data])  # half of it is beyond
    np.testing.assert_allclose(heights(axes[3]), [[0, 1], data])
    assert [t.get_text() for t in axes[2].texts] == ["50.0% beyond"]
    assert not any(a.texts for a in (axes[0], axes[1], axes[3]))
    for a in axes[:4]:
        assert a.get_xlim() == (0, 2)
        assert a.get_ylim() == pytest.approx((0, 0.8))
    assert matplotlib.colors.same_color(axes[0].patches[0].get_facecolor(), style.PALETTE[0])
    assert matplotlib.colors.same_color(axes[1].patches[0].get_facecolor(), style.PALETTE[6])
    # Three panels and one below: those with nothing below them name the axis.
    assert [a.get_xlabel() for a in axes[:4]] == ["", "$x$", "$x$", "$x$"]
    assert [a.get_ylabel() for a in axes[:4]] == ["density", "", "", "density"]


def test_histograms_have_a_margin():
    figure = viz.histograms([0.0, 1.0], {"a": [0.5, 1.2]})
    assert figure.axes[0].get_xlim() == (-0.25, 1.25)
    assert len(heights(figure.axes[0])[0]) == 80
    few = viz.histograms(np.arange(10_000) / 10_000, {"a": np.r_[np.zeros(9_999), 7.0]})
    assert few.axes[1].texts[0].get_text() == "<0.1% beyond"
    one = viz.histograms([3.0], {"a": [3.0]})  # data of a single value
    assert one.axes[0].get_xlim() == (2.5, 3.5)


def bars(figure):
    return [bar.get_height() for bar in figure.axes[0].patches]


def test_usage_is_sorted_and_tells_the_pruned():
    figure = viz.category_usage([0.02, 0.5, 0.0, 0.48], title=None)
    axes = figure.axes[0]
    assert bars(figure) == [0.5, 0.48, 0.02, 0.0]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["1", "3", "0", "2"]
    colors = [bar.get_facecolor() for bar in axes.patches]
    expected = [style.PALETTE[i] for i in (0, 0, 3, 3)]  # the threshold is 1/40
    assert all(map(matplotlib.colors.same_color, colors, expected))
    assert axes.get_title() == "2 of 4 categories used"
    assert axes.get_yscale() == "log"
    lines = {line.get_label(): line.get_ydata()[0] for line in axes.get_lines()}
    assert lines == {"threshold": pytest.approx(1 / 40), "even": 1 / 4}
    assert axes.get_ylim()[0] < 0.02
    figure = viz.category_usage([2, 50, 0, 48], threshold=0.01, title="Own")
    assert figure.axes[0].get_title() == "Own"
    assert matplotlib.colors.same_color(figure.axes[0].patches[2].get_facecolor(), style.PALETTE[0])


def test_usage_of_many_categories():
    weights = np.random.default_rng(0).dirichlet(np.full(150, 0.05))
    figure = viz.category_usage(weights)
    np.testing.assert_allclose(bars(figure), np.sort(weights)[::-1])
    assert len(figure.axes[0].get_xticks()) < 12
    used = np.sum(weights >= 1 / 1500)
    assert 0 < used < 150
    assert figure.axes[0].get_title() == f"{used} of 150 categories used"
    # Shares of next to nothing do not blow the scale up.
    assert figure.axes[0].get_ylim()[0] >= 1 / 1500 / 1000


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: viz.samples_per_category(MEANS[0]), ValueError, r"\[K, n, H, W, C\].*6, 5, 4, 1"),
        (lambda: viz.samples_per_category(MEANS, [1, 2]), ValueError, r"shape \(4,\).*\(2,\)"),
        (lambda: viz.samples_per_category(MEANS, [1, 2, -1, 0]), ValueError, "from -1 to 2"),
        (lambda: viz.samples_per_category(MEANS, order=[4]), ValueError, r"from 0 to 3.*\[4\]"),
        (lambda: viz.samples_per_category(MEANS, order=[]), ValueError, "`order` must hold"),
        (lambda: viz.samples_per_category(MEANS, order=[0.5]), ValueError, "`order` must hold"),
        (lambda: viz.samples_per_category(MEANS, rows=0), ValueError, "`rows`"),
        (
            lambda: viz.samples_per_category(MEANS, max_categories=1.5),
            ValueError,
            "max_categories.*1.5",
        ),
        (lambda: viz.histograms([1.0], [2.0]), TypeError, "dict from a model's name"),
        (lambda: viz.histograms([1.0], {}), TypeError, "of one model or more"),
        (lambda: viz.histograms(np.zeros((3, 2)), {"a": [1.0]}), ValueError, r"`truth`.*\(3, 2\)"),
        (lambda: viz.histograms([1.0], {"a": np.zeros((2, 2))}), ValueError, r"samples\['a'\]"),
        (lambda: viz.histograms([1.0], {"a": [np.nan]}), ValueError, "finite"),
        (lambda: viz.histograms([1.0], {"a": [1.0]}, bins=0), ValueError, "`bins`"),
        (lambda: viz.histograms([1.0], {"a": [1.0]}, margin=-1), ValueError, "`margin`"),
        (lambda: viz.category_usage([0.0, 0.0]), ValueError, "not all 0"),
        (lambda: viz.category_usage(np.ones((2, 2))), ValueError, r"\[K\]"),
        (
            lambda: viz.category_usage([1.0], threshold=0),
            ValueError,
            r"`threshold`.*\(0, 1\]: a.*: 0",
        ),
        (lambda: viz.category_usage([1.0], threshold=2), ValueError, r"\(0, 1\].*Received: 2"),
        (lambda: viz.category_usage([1.0], threshold="x"), ValueError, r"\(0, 1\].*Received: 'x'"),
    ],
)
def test_errors(call, error, match):
    with pytest.raises(error, match=match):
        call()
