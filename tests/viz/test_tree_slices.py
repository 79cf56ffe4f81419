"""Slices of a tree: which rows, which images, where they stand, what joins them."""

import numpy as np
import pytest

from tfsp import viz
from tfsp.tmc import Phylogeny, slice_locations
from tfsp.viz.trees import tree_slices as module
from viz.test_trees import random_tree

TREE = Phylogeny([5, 5, 7, 6, 6, 8, 7, 8, -1], [1, 1, 1, 1, 1, 0.6, 0.8, 0.3, 0])
LEAVES = np.array([[0.1], [0.3], [0.5], [0.7], [0.9]])


def decode(z):
    """A grey level for each latent."""
    return np.broadcast_to(np.reshape(z, (-1, 1, 1, 1)), (len(z), 8, 8, 1))


def read(figure):
    """Images on the canvas, top to bottom and left to right: (x, y, level); and the lines."""
    (axes,) = figure.axes
    canvas = np.asarray(axes.images[0].get_array())
    solid = canvas[..., 3] == 1
    before = np.pad(solid, ((1, 0), (1, 0)))
    corners = np.argwhere(solid & ~before[:-1, 1:] & ~before[1:, :-1])
    images = [(int(x), int(y), float(canvas[y, x, 0])) for y, x in corners]
    (lines,) = axes.collections
    return images, [np.asarray(line) for line in lines.get_segments()], canvas


def test_every_branch_is_an_image_over_its_descendants():
    times = [0.1, 0.5, 0.7, 1.0]
    figure = viz.slices(TREE, LEAVES, decode, times)
    images, lines, canvas = read(figure)
    # In the order of the drawing: 5 = (0, 1), then 7 = (2, (3, 4)).
    nodes = [[5, 7], [5, 2, 6], [0, 1, 2, 6], [0, 1, 2, 3, 4]]
    columns = [[0.5, 3], [0.5, 2, 3.5], [0, 1, 2, 3.5], [0, 1, 2, 3, 4]]
    assert len(images) == 14
    size = int(np.sum(canvas[0, :, 3] == 1)) // 2
    step = size + module._GAP
    rows = sorted({y for _, y, _ in images})
    for y, time, row, places in zip(rows, times, nodes, columns, strict=True):
        cut = slice_locations(TREE, LEAVES, time)
        level = dict(zip(cut.nodes.tolist(), cut.mean[:, 0], strict=True))
        found = [(x, value) for x, top, value in images if top == y]
        np.testing.assert_allclose([v for _, v in found], [level[n] for n in row], atol=1e-6)
        np.testing.assert_allclose([x for x, _ in found], np.array(places) * step, atol=0.51)
    assert len(lines) == 12  # one down to each image but those of the first row
    tops = {(x + size / 2, y) for x, y, _ in images}
    for line in lines:
        assert tuple(line[-1]) in tops
        assert (line[0][0], line[0][1] - size) in tops
    # The line into leaf 3 comes from branch 6, that into branch 2 of the second row from 7.
    leaf = next(line for line in lines if line[-1][1] == rows[3] and line[-1][0] > 3 * step)
    assert leaf[0][0] == pytest.approx(3.5 * step + size / 2, abs=0.51)
    two = next(a for a in lines if a[-1][1] == rows[1] and step < a[-1][0] < 3 * step)
    assert two[0][0] == pytest.approx(3 * step + size / 2, abs=0.51)
    texts = [t.get_text() for t in figure.axes[0].texts]
    assert texts == ["$t$ = 0.10", "$t$ = 0.50", "$t$ = 0.70", "$t$ = 1.00"]


def test_a_subtree_keeps_what_all_leaves_say():
    figure = viz.slices(TREE, LEAVES, decode, [0.2, 1.0], subtree=7, invert=True)
    images, _, _ = read(figure)
    cut = slice_locations(TREE, LEAVES, 0.2, 7)
    levels = [1 - cut.mean[0, 0], 0.5, 0.3, 0.1]
    np.testing.assert_allclose([v for _, _, v in images], levels, atol=1e-6)


def test_times_are_chosen_by_the_number_of_branches():
    tree = Phylogeny(*random_tree(60, seed=2))
    leaves = np.random.default_rng(0).normal(size=(60, 2))
    times = module.choose_times(tree, max_branches=20, num_times=5)
    counts = [len(slice_locations(tree, leaves, t).nodes) for t in times]
    assert counts == np.geomspace(2, 20, 5).round().astype(int).tolist()
    assert module.choose_times(TREE, max_branches=9)[-1] == 1.0
    node = viz.largest_subtree(tree, 12)
    times = module.choose_times(tree, node, 16, 4)
    counts = [len(slice_locations(tree, leaves, t, node).nodes) for t in times]
    assert counts[0] == 1
    assert times[-1] == 1
    assert counts[-1] == tree.leaf_counts[node]
    assert module.choose_times(tree, 3) == [1.0]  # a leaf
    figure = viz.slices(tree, leaves, lambda z: decode(z[:, :1] * 0.1 + 0.5), subtree=node)
    assert len(read(figure)[0]) > tree.leaf_counts[node]


def test_everything_lies_inside_with_a_title():
    figure = viz.slices(
        TREE, LEAVES, decode, title="A title that is wider than two images", times=[0]
    )
    figure.canvas.draw()
    box = figure.get_tightbbox(figure.canvas.get_renderer())
    width, height = figure.get_size_inches()
    assert 0 <= box.x0 < box.x1 <= width
    assert 0 <= box.y0 < box.y1 <= height


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"times": [0.5, 0.5]}, r"`times` .*: \[0.5, 0.5\]"),
        ({"times": [-0.1]}, r"`times` .*: \[-0.1"),
        ({"times": [[0.5]]}, r"`times` .*: \[\[0.5\]\]"),
        ({"times": [0.2, 0.9], "subtree": 6}, "At time 0.2 no branch"),
        ({"leaves": np.zeros((4, 1))}, "leaves"),
        ({"leaves": np.zeros(5)}, r"`leaves` must have shape \[N, D\]"),
        ({"max_branches": 1}, "max_branches.*at least 2.*: 1"),
        ({"subtree": 9}, "`subtree`.*from 0 to 8: .*: 9"),
    ],
)
def test_errors(change, match):
    with pytest.raises(ValueError, match=match):
        viz.slices(**{**dict(phylogeny=TREE, leaves=LEAVES, decode_mean=decode), **change})


def test_too_many_branches_for_a_page():
    tree = Phylogeny(*random_tree(80))
    with pytest.raises(ValueError, match="80 branches; at most 60"):
        viz.slices(tree, np.zeros((80, 1)), decode, [1.0])
