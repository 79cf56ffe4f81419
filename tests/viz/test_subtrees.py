"""Grids, subtrees and samples of a large tree: order, choice, pixels, colours, errors."""

import numpy as np
import pytest

from tfsp import viz
from tfsp.tmc import Phylogeny
from tfsp.viz.trees import tree_layout
from viz.test_trees import BLUE, MIXED, ORANGE, RED, branches, leaf_points, random_tree

# ((0, 1) at 0.6, (2, (3, 4) at 0.8) at 0.3) below the root, 8.
PARENT = [5, 5, 7, 6, 6, 8, 7, 8, -1]
TIME = [1.0, 1.0, 1.0, 1.0, 1.0, 0.6, 0.8, 0.3, 0.0]
TREE = Phylogeny(PARENT, TIME)


def flat_images(values):
    """Images of one grey level each."""
    return np.broadcast_to(np.reshape(values, (-1, 1, 1, 1)), (len(values), 4, 4, 1)).copy()


def grey_levels(image, rows, columns, pad):
    return image[2 :: 4 + pad, 2 :: 4 + pad, 0][:rows, :columns]


def test_inducing_points_stand_in_the_order_of_the_tree():
    tree = Phylogeny(*random_tree(12, seed=1))
    order = tree_layout.arrange(tree)[0]
    assert order.tolist() != list(range(12))
    _, y = leaf_points(viz.tree(tree))[0].T
    np.testing.assert_array_equal(np.argsort(y), order)
    values = np.linspace(0.1, 0.9, 12)
    for given, expected in ((tree, values[order]), (None, values)):
        figure = viz.inducing_points(flat_images(values), given, columns=4, pad=1)
        image = np.asarray(figure.axes[0].images[0].get_array())[..., None]
        np.testing.assert_allclose(grey_levels(image, 3, 4, 1).ravel(), expected)


def test_decoded_means_may_overshoot():
    figure = viz.inducing_points(flat_images([-0.1, 1.2]), columns=2, pad=1)
    image = np.asarray(figure.axes[0].images[0].get_array())
    assert image.min() == 0
    assert image.max() == 1


def test_largest_subtree_and_disjoint_ones():
    assert viz.largest_subtree(TREE) == 8
    assert viz.largest_subtree(TREE, 4) == 7
    assert viz.largest_subtree(TREE, 3) == 7
    assert viz.largest_subtree(TREE, 2) == 5  # as large as 6, but earlier
    assert viz.disjoint_subtrees(TREE, 5, 3) == [7, 5]
    assert viz.disjoint_subtrees(TREE, 1, 3) == [7]
    assert viz.disjoint_subtrees((PARENT, TIME), 5, 2) == [5, 6]


@pytest.mark.parametrize("most", [2, 5, 12, 50])
def test_disjoint_subtrees_against_their_definition(most):
    tree = Phylogeny(*random_tree(40, seed=3))
    found = viz.disjoint_subtrees(tree, 100, most)
    sizes = [len(tree.leaves_below(v)) for v in found]
    assert sizes == sorted(sizes, reverse=True)
    assert found
    leaves = np.concatenate([tree.leaves_below(v) for v in found])
    assert len(set(leaves)) == len(leaves)
    for v in range(tree.num_nodes):
        fits = 2 <= len(tree.leaves_below(v)) <= most
        inside = any(a in found for a in tree.ancestors(v)[1:])
        assert (v in found) == (fits and not inside)


def test_subtree_is_drawn_with_the_colours_of_the_whole():
    labels = ["a", "a", "c", "b", "b"]
    figure = viz.subtree(TREE, 7, labels=labels)
    assert branches(figure) == {
        ((0.3, 0.75), (0.3, 0), (1, 0)): RED,
        ((0.3, 0.75), (0.3, 1.5), (0.8, 1.5)): ORANGE,
        ((0.8, 1.5), (0.8, 1), (1, 1)): ORANGE,
        ((0.8, 1.5), (0.8, 2), (1, 2)): ORANGE,
    }
    (legend,) = figure.legends
    assert [t.get_text() for t in legend.get_texts()] == ["a", "b", "c"]
    assert leaf_points(viz.tree(TREE, labels))[1] == [BLUE, BLUE, RED, ORANGE, ORANGE]
    named = viz.subtree(TREE, 7, labels=[0, 0, 2, 1, 1], class_names=["x", "y", "z"])
    assert [t.get_text() for t in named.legends[0].get_texts()] == ["x", "y", "z"]
    assert set(branches(viz.subtree(TREE, max_leaves=2)).values()) == {MIXED}


def test_subtree_has_the_images_of_its_leaves():
    values = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    figure = viz.subtree(TREE, 7, leaf_images=flat_images(values))
    canvas = np.asarray(figure.axes[1].images[0].get_array())
    shown = np.unique(canvas[..., 0][canvas[..., 3] == 1].round(6))
    np.testing.assert_allclose(shown, values[2:])


def test_rows_of_examples_and_samples():
    samples = [flat_images([0.1, 0.2, 0.3]), flat_images([0.4, 0.5, 0.6])]
    examples = [flat_images([0.7]), flat_images(np.linspace(0.75, 0.95, 5))]
    figure = viz.subtree_samples(samples, examples, ["one", "two"], max_examples=3, pad=1)
    (axes,) = figure.axes
    image = np.asarray(axes.images[0].get_array())[..., None]
    left = 3 * 4 + 2
    np.testing.assert_allclose(
        grey_levels(image, 2, 3, 1), [[1, 1, 0.7], [0.75, 0.85, 0.95]], atol=1e-12
    )
    gap = image[:, left : left + 5]
    assert np.all(gap == 1)
    np.testing.assert_allclose(
        grey_levels(image[:, left + 5 :], 2, 3, 1), [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]
    )
    assert [t.get_text() for t in axes.texts] == ["one", "two"]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["below the node", "samples"]
    np.testing.assert_allclose(axes.get_xticks(), [7, left + 5 + 7])  # the middles of both parts
    inverted = viz.subtree_samples(samples, examples, max_examples=3, pad=1, invert=True)
    image = np.asarray(inverted.axes[0].images[0].get_array())[..., None]
    np.testing.assert_allclose(grey_levels(image, 2, 3, 1)[0], [1, 1, 0.3])


def test_colour_samples():
    samples, examples = np.full((2, 3, 4, 4, 3), 0.5), np.full((2, 1, 4, 4, 3), 0.25)
    image = np.asarray(viz.subtree_samples(samples, examples, pad=1).axes[0].images[0].get_array())
    assert image.shape == (9, 4 + 5 + 14, 3)


ONE = flat_images([0.5])


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: viz.inducing_points(flat_images([0.1]), TREE), ValueError, "per leaf, 5.*1 im"),
        (lambda: viz.inducing_points(np.zeros((5, 4))), ValueError, r"`leaf_images`.*\[n, H, W"),
        (lambda: viz.subtree(TREE, 3), ValueError, "internal node, 5 to 8.*3, a leaf"),
        (lambda: viz.subtree(TREE, 9), ValueError, "from 0 to 8: .*: 9"),
        (lambda: viz.subtree(TREE, labels=[1]), ValueError, r"`labels`.*\(5,\)"),
        (lambda: viz.subtree(TREE, leaf_images=ONE), ValueError, "per leaf, 5.*1 images"),
        (lambda: viz.subtree(TREE, max_leaves=1), ValueError, "max_leaves.*at least 2.*: 1"),
        (lambda: viz.largest_subtree(([-1], [1.0])), ValueError, "one leaf"),
        (lambda: viz.disjoint_subtrees(TREE, 0), ValueError, "count"),
        (lambda: viz.tree(TREE, [0, 0, 1, 1, 7], classes=[0, 1]), ValueError, "hold every.*7"),
        (lambda: viz.tree(TREE, classes=[0, 1]), ValueError, "needs `labels`"),
        (lambda: viz.subtree_samples([], []), ValueError, "one entry per subtree.*0 and 0"),
        (lambda: viz.subtree_samples([ONE], [ONE, ONE]), ValueError, "1 and 2"),
        (lambda: viz.subtree_samples([ONE, flat_images([0, 1])], [ONE] * 2), ValueError, "as many"),
        (lambda: viz.subtree_samples([ONE], [np.zeros((1, 8, 8, 1))]), ValueError, r"\(8, 8, 1\)"),
        (lambda: viz.subtree_samples([ONE], [ONE], ["a", "b"]), ValueError, "1 texts.*2"),
        (lambda: viz.subtree_samples([ONE[0]], [ONE]), ValueError, r"samples\[0\]"),
    ],
)
def test_errors(call, error, match):
    with pytest.raises(error, match=match):
        call()
