"""Numbers of nodes in every picture of a tree: each beside its own node."""

import numpy as np
import pytest

from tfsp import viz
from tfsp.tmc import Phylogeny, native
from tfsp.tmc.density import slices
from viz.test_hierarchy import Model
from viz.test_subtrees import PARENT, TIME, TREE, flat_images
from viz.test_trees import random_tree

BIG = Phylogeny(*random_tree(60, seed=3))


def written(figure):
    """Text -> where the node it belongs to stands, of the first axes."""
    found = {}
    for text in figure.axes[0].texts:
        if hasattr(text, "xy"):
            assert text.get_text() not in found
            found[text.get_text()] = np.array(text.xy, float)
    return found


@pytest.mark.parametrize("node", [None, BIG.root, int(BIG.parent[0])])
def test_leaves_of_a_subtree_keep_their_numbers(node):
    chosen = viz.largest_subtree(BIG, 30) if node is None else node
    leaves = {str(n) for n in BIG.leaves_below(chosen)}
    assert set(written(viz.subtree(BIG, node, max_leaf_text=60))) == leaves
    named = BIG.with_names([f"n{n}" for n in range(60)])
    named = viz.subtree(named, node, max_leaf_text=60)
    assert set(written(named)) == {f"n{n}" for n in leaves}


@pytest.mark.parametrize("orientation", ["right", "down", "circle"])
@pytest.mark.parametrize("images", [True, False])
def test_every_node_has_its_number(orientation, images):
    """At the node: its time along the axis, midway between its children across it."""
    pictures = flat_images(np.linspace(0, 1, 60)) if images else None
    figure = viz.tree(BIG, orientation=orientation, node_numbers=True, leaf_images=pictures)
    found = written(figure)
    assert set(found) == {str(v) for v in range(119)}
    where = np.array([found[str(v)] for v in range(119)])
    if orientation == "circle":
        along = np.linalg.norm(where, axis=1)
    else:
        along, across = where.T if orientation == "right" else where.T[::-1]
        inner = range(60, 119)
        middles = [across[BIG.children[v]].mean() for v in inner]
        np.testing.assert_allclose(across[60:], middles, atol=1e-9)
    np.testing.assert_allclose(along, BIG.time, atol=1e-9)
    assert written(viz.tree(BIG, orientation="right")) == {}


@pytest.mark.parametrize("node", [None, int(BIG.children[BIG.root].max())])
def test_nodes_of_a_subtree_have_the_numbers_of_the_whole(node):
    chosen = viz.largest_subtree(BIG, 30) if node is None else node
    below = {chosen, *BIG.leaves_below(chosen).tolist()}
    for leaf in BIG.leaves_below(chosen).tolist():
        v = leaf
        while v != chosen:
            v = int(BIG.parent[v])
            below.add(v)
    found = written(viz.subtree(BIG, node, node_numbers=True))
    inner = {v for v in below if v >= 60}
    assert {int(v) for v in found} == below
    for v in inner:
        assert found[str(v)][0] == pytest.approx(BIG.time[v], abs=1e-9)
    called = written(viz.subtree(BIG, node, node_numbers=[f"<{v}>" for v in range(119)]))
    assert {f"<{v}>" for v in below} <= set(called)


def test_a_number_is_not_said_twice():
    texts = [t.get_text() for t in viz.tree(TREE, node_numbers=True).axes[0].texts]
    assert sorted(texts) == [str(v) for v in range(9)]
    named = TREE.with_names(["a", "b", "c", "d", "e"])
    texts = [t.get_text() for t in viz.tree(named, node_numbers=True).axes[0].texts]
    assert sorted(texts) == sorted([*"abcde", *"012345678"])


def test_numbers_on_the_map():
    rng = np.random.default_rng(0)
    leaves = rng.normal(size=(5, 2))
    figure = viz.latent_tree(leaves, TREE, leaves, method="none", node_numbers=True)
    nodes, _ = native.node_posterior(TREE.parent, TREE.time, leaves)
    found = written(figure)
    assert len(found) == 9
    for v, place in enumerate(nodes):
        np.testing.assert_allclose(found[str(v)], place, rtol=1e-5)
    assert not written(viz.latent_tree(leaves, TREE, leaves, method="none"))


def test_numbers_of_slices():
    model = Model()
    times = [0.2, 0.6, 1.0]
    figure = viz.slices(model.tree, model.leaves, model, times=times, node_numbers=True)
    texts = [t for t in figure.axes[0].texts if hasattr(t, "xy")]
    rows = sorted({t.xy[1] for t in texts})
    for time, row in zip(times, rows, strict=True):
        cut = slices.slice_locations(model.tree, model.leaves, time)
        assert {int(t.get_text()) for t in texts if t.xy[1] == row} == set(cut.nodes.tolist())
    plain = viz.slices(model.tree, model.leaves, model, times=times)
    assert not [t for t in plain.axes[0].texts if hasattr(t, "xy")]


def test_numbers_of_inducing_points():
    """Each in the corner of its own image."""
    figure = viz.inducing_points(
        flat_images([0.1, 0.2, 0.3, 0.4, 0.5]), TREE, columns=2, pad=1, node_numbers=True
    )
    image = np.asarray(figure.axes[0].images[0].get_array())
    found = written(figure)
    assert len(found) == 5
    for number, (x, y) in found.items():
        grey = image[int(y) - 1, int(x)]
        np.testing.assert_allclose(grey, 0.1 * (int(number) + 1), rtol=1e-6)


def test_pictures_of_a_model_pass_it_on():
    model, rng = Model(), np.random.default_rng(1)
    codes = rng.normal(size=(40, 2))
    images = rng.uniform(size=(40, 4, 4, 1))
    figures = viz.hierarchy_pictures(model, codes, None, images, num_induced=9, node_numbers=True)
    for name, figure in figures.items():
        texts = {t.get_text() for t in figure.axes[0].texts if hasattr(t, "xy")}
        if name != "subtree_samples":
            assert texts, name
            assert texts <= {str(v) for v in range(23)}
    nodes = [node for _, _, node in model.asked]
    labels = [t.get_text() for t in figures["subtree_samples"].axes[0].texts]
    assert [label.split(":")[0] for label in labels] == [f"node {v}" for v in nodes]


@pytest.mark.parametrize("wrong", [[1, 2], "yes", 3, np.arange(10)])
def test_errors(wrong):
    for draw in (viz.tree, viz.subtree):
        with pytest.raises(ValueError, match="`node_numbers` must .*9 nodes"):
            draw((PARENT, TIME), node_numbers=wrong)
