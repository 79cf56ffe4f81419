"""The tree over the map of the latent space: points, branches, colours, legend, errors."""

import matplotlib.colors
import numpy as np
import pytest
from reference import tmc

from tfsp import viz
from tfsp.tmc import Phylogeny
from tfsp.viz import style

PARENT = [5, 5, 7, 6, 6, 8, 7, 8, -1]
TIME = [1.0, 1.0, 1.0, 1.0, 1.0, 0.6, 0.8, 0.3, 0.0]
TREE = Phylogeny(PARENT, TIME)
RNG = np.random.default_rng(0)
CODES, LEAVES, LABELS = RNG.normal(size=(40, 2)), RNG.normal(size=(5, 2)), np.arange(40) % 3


def legend_texts(figure):
    return [t.get_text() for t in figure.legends[0].get_texts()]


def test_nodes_stand_at_their_posterior_means():
    figure = viz.latent_tree(CODES, TREE, LEAVES, LABELS, method="none")
    (axes,) = figure.axes
    mean, _ = tmc.node_posterior(PARENT, TIME, LEAVES)
    inner, leaves, root = (np.stack(line.get_data(), 1) for line in axes.get_lines())
    np.testing.assert_allclose(inner, mean[[5, 6, 7]])
    np.testing.assert_allclose(leaves, LEAVES)
    np.testing.assert_allclose(root, mean[[8]])
    points, lines = axes.collections
    expected = {
        frozenset([tuple(mean[u].round(9)), tuple(mean[v].round(9))]) for u, v in TREE.edges
    }
    drawn = {frozenset(tuple(p.round(9)) for p in segment) for segment in lines.get_segments()}
    assert drawn == expected
    assert len(lines.get_segments()) == 8
    assert points.get_offsets().shape == (40, 2)
    for offset, color in zip(points.get_offsets(), points.get_facecolors(), strict=True):
        (index,) = np.flatnonzero(np.isclose(CODES, offset).all(1))
        assert matplotlib.colors.to_hex(color) == style.PALETTE[LABELS[index]]
    names = ["0", "1", "2", "branch", "inner node", "inducing point", "root"]
    assert legend_texts(figure) == names
    low, high = axes.transData.inverted().transform(axes.bbox.get_points())
    assert np.all((mean > low) & (mean < high))


@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_codes_and_nodes_are_projected_together(method):
    codes = np.concatenate([RNG.normal(size=(20, 4)), 30 + RNG.normal(size=(20, 4))])
    leaves = np.concatenate([RNG.normal(size=(2, 4)), 30 + RNG.normal(size=(3, 4))])
    figure = viz.latent_tree(codes, TREE, leaves, method=method)
    (axes,) = figure.axes
    points = np.asarray(axes.collections[0].get_offsets())
    assert len(points) == 40
    shown = np.stack(axes.get_lines()[1].get_data(), 1)
    # The first two inducing points lie in one cloud, the others in the second.
    high = np.max(codes[:, 0]) > 10
    assert high
    order = np.random.default_rng(0).permutation(40)
    clouds = [points[order < 20].mean(0), points[order >= 20].mean(0)]
    nearest = [int(np.argmin([np.sum((p - c) ** 2) for c in clouds])) for p in shown]
    assert nearest == [0, 0, 1, 1, 1]


def test_thinned_and_without_labels():
    figure = viz.latent_tree(CODES, TREE, LEAVES, method="none", max_points=7, title="a title")
    assert figure.axes[0].collections[0].get_offsets().shape == (7, 2)
    assert figure.axes[0].get_title() == "a title"
    assert legend_texts(figure) == ["branch", "inner node", "inducing point", "root"]
    named = viz.latent_tree(CODES, TREE, LEAVES, LABELS, ["x", "y", "z"], method="none")
    assert legend_texts(named)[:3] == ["x", "y", "z"]
    two = viz.latent_tree(CODES, ([2, 2, -1], [1, 1, 0]), LEAVES[:2], method="none")
    assert legend_texts(two) == ["branch", "inducing point", "root"]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"method": "umap"}, "tsne, pca, none.*'umap'"),
        ({"leaves": LEAVES[:4]}, r"`leaves` must have shape \(5, 2\).*\(4, 2\)"),
        ({"leaves": np.zeros((5, 3))}, r"\(5, 2\).*\(5, 3\)"),
        ({"codes": np.zeros(4)}, r"`codes` must have shape \[n, D\]"),
        ({"labels": [1, 2]}, r"\(40,\)"),
        ({"labels": np.linspace(0, 1, 40)}, "must be classes.*40 different"),
        ({"class_names": ["a"]}, "needs `labels`"),
        ({"max_points": 0}, "max_points"),
    ],
)
def test_errors(change, match):
    good = dict(codes=CODES, phylogeny=TREE, leaves=LEAVES, method="none")
    with pytest.raises(ValueError, match=match):
        viz.latent_tree(**{**good, **change})
