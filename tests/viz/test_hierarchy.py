"""The pictures of a model with a tree: all there, from the right parts of the model."""

import numpy as np
import pytest
from reference import tmc

from tfsp import subset, viz
from tfsp.evaluation import nearest_labels
from tfsp.tmc import Phylogeny, expected_hierarchy, induced_hierarchy, summarize
from tfsp.viz import style
from viz.test_trees import branches, leaf_points

NAMES = [
    "induced_hierarchy",
    "inducing_points",
    "latent_tree",
    "slices",
    "subtree",
    "subtree_samples",
    "tree",
]


class Model:
    """A tree over 12 points in 2 dimensions; an image is as grey as the first latent."""

    def __init__(self, num_leaves=12, leaves="inducing"):
        rng = np.random.default_rng(0)
        parent, time = tmc.random_tree(rng, num_leaves)
        self.tree = Phylogeny(parent, time)
        self.leaves = tmc.sample_leaves(rng, parent, time, 2)[:num_leaves]
        self.prior = self
        setattr(self, leaves, self.leaves)
        self.asked = []

    def phylogeny(self):
        return self.tree

    def options(self):
        return {"num_nodes": [8, 4], "edge_weights": "bayes"}

    def __call__(self, z):
        grey = 1 / (1 + np.exp(-np.asarray(z)[:, :1]))
        return np.broadcast_to(grey[:, None, None], (len(z), 4, 4, 1))

    def decode(self, z):
        class Means:
            mean = staticmethod(lambda: self(z))

        return Means()

    def sample(self, n, seed=None, subtree=None):
        self.asked.append((n, seed, subtree))
        return np.full((n, 4, 4, 1), subtree / self.tree.num_nodes)


@pytest.fixture(scope="module")
def data():
    model, rng = Model(), np.random.default_rng(1)
    which = np.arange(60) % 12
    codes = model.leaves[which] + 0.05 * rng.normal(size=(60, 2))
    return codes, which % 3, rng.uniform(size=(60, 4, 4, 1))


def test_all_pictures(data):
    codes, labels, images = data
    model = Model()
    figures = viz.hierarchy_pictures(model, codes, labels, images, num_induced=30, num_rows=2)
    assert sorted(figures) == NAMES
    for figure in figures.values():
        figure.canvas.draw()
    assert len(branches(figures["tree"])) == 22
    _, colors = leaf_points(figures["tree"])
    nearest = [labels[np.argsort(((codes - s) ** 2).sum(1))[0]] for s in model.leaves]
    assert colors == [style.PALETTE[k] for k in nearest]
    # The rows of samples: 10 each below disjoint subtrees, their own seeds.
    assert [n for n, _, _ in model.asked] == [10, 10]
    assert [node for _, _, node in model.asked] == viz.disjoint_subtrees(model.tree, 2, 2)
    assert len({seed for _, seed, _ in model.asked}) == 2
    rows = subset.rows(60, 30)
    induced = induced_hierarchy(
        codes[rows],
        model.tree.parent,
        model.tree.time,
        model.leaves,
        seed=0,
        num_nodes=(8, 4),
        edge_weights="bayes",
    )
    assert len(branches(figures["induced_hierarchy"])) == 58
    expected = viz.tree(
        induced, labels[rows], orientation="circle", time_power=hierarchy_power(induced)
    )
    assert branches(expected) == branches(figures["induced_hierarchy"])
    two = figures["latent_tree"].axes[0].collections[0].get_offsets()
    assert {tuple(p) for p in np.round(two, 9)} == {tuple(p) for p in np.round(codes, 9)}


def hierarchy_power(tree):
    inner = [tree.time[v] for v in range(tree.num_leaves, tree.num_nodes) if v != tree.root]
    median = np.median(inner)
    return round(float(np.clip(np.log(0.5) / np.log(1 - median), 0.1, 1)), 2)


def legend_of(figure):
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.filterwarnings("ignore:The chains agree")
def test_the_summary_comes_first_and_data_attach_to_it(data):
    codes, labels, images = data
    model = Model()
    summary = summarize(model.leaves, num_draws=60, moves_per_draw=200, burn_in=5000)
    assert summary.columns.tolist() == [0, 1]
    figures = viz.hierarchy_pictures(model, codes, labels, images, num_induced=30, summary=summary)
    assert next(iter(figures)) == "summary_tree"
    assert sorted(figures) == sorted([*NAMES, "summary_tree"])
    assert len(branches(figures["summary_tree"])) == 22
    assert "support 0.5" in legend_of(figures["summary_tree"])
    assert "support 0.5" not in legend_of(figures["tree"])
    rows = subset.rows(60, 30)
    options = dict(num_nodes=(8, 4), edge_weights="bayes")
    induced = expected_hierarchy(codes[rows], summary, model.leaves, **options).tree
    expected = viz.tree(
        induced, labels[rows], orientation="circle", time_power=hierarchy_power(induced)
    )
    assert branches(expected) == branches(figures["induced_hierarchy"])
    with pytest.raises(
        ValueError, match=r"`summary` must be over the 3 inducing points.*12 leaves"
    ):
        viz.hierarchy_pictures(Model(3), codes, summary=summary)


def test_without_images_or_labels(data):
    codes, _, _ = data
    figures = viz.hierarchy_pictures(Model(), codes)
    assert sorted(figures) == ["induced_hierarchy", "latent_tree", "tree"]
    assert set(branches(figures["tree"]).values()) == {"#4a4a4a"}


@pytest.mark.parametrize("num_leaves", [2, 3])
def test_the_smallest_trees(data, num_leaves):
    model = Model(num_leaves, leaves="mean")
    figures = viz.hierarchy_pictures(model, *data, num_induced=5)
    assert set(NAMES) - set(figures) == ({"subtree"} if num_leaves == 2 else set())


def test_inducing_points_are_labelled_as_where_purity_is_measured():
    """Two votes for each of two classes: the class of the nearer one, not the smaller number."""
    model, rng = Model(3), np.random.default_rng(3)
    away = rng.normal(size=(3, 5, 2))
    away *= (np.arange(1, 6) / np.linalg.norm(away, axis=-1))[..., None] * 1e-3
    codes = (model.leaves[:, None] + away).reshape(-1, 2)
    labels = np.array([7, 7, 2, 2, 9, 7, 2, 2, 7, 9, 2, 7, 7, 2, 9])
    expected = nearest_labels(model.leaves, codes, labels, k=5)
    assert expected.tolist() == [7, 7, 2]
    figures = viz.hierarchy_pictures(model, codes, labels, num_induced=5)
    place = {2: 0, 7: 1, 9: 2}
    assert leaf_points(figures["tree"])[1] == [style.PALETTE[place[k]] for k in expected]


def test_labels_of_inducing_points_may_be_given(data):
    """Classes that no code has among them; colours are the same in all pictures of the tree."""
    codes, labels, images = data
    given = np.where(np.arange(12) < 8, 2, 7)
    figures = viz.hierarchy_pictures(Model(), codes, labels, images, leaf_labels=given)
    colors = {2: style.PALETTE[2], 7: style.PALETTE[3]}  # among 0, 1, 2, 7
    assert leaf_points(figures["tree"])[1] == [colors[k] for k in given]
    leaves = Model().tree.leaves_below(viz.largest_subtree(Model().tree, 30))
    assert leaf_points(figures["subtree"])[1] == [colors[k] for k in given[leaves]]
    with pytest.raises(ValueError, match=r"`leaf_labels` must have shape \(12,\)"):
        viz.hierarchy_pictures(Model(), codes, labels, images, leaf_labels=given[:3])


def test_a_map_after_the_prior_is_gone_through(data):
    """Inducing points lie in the space of the prior: they are decoded through the view of it."""
    model, plain = Model(), Model()
    view = Model()
    view.decode = lambda z: plain.decode(-np.asarray(z))
    model.prior_view = lambda: view
    found = viz.hierarchy_pictures(model, *data)["inducing_points"].axes[0].images[0].get_array()
    other = viz.hierarchy_pictures(plain, *data)["inducing_points"].axes[0].images[0].get_array()
    grey = (np.asarray(other) > 0) & (np.asarray(other) < 1)  # not the white between
    np.testing.assert_allclose(np.asarray(found)[grey], 1 - np.asarray(other)[grey], atol=1e-6)


def test_errors(data):
    codes, labels, images = data
    for change, match in [
        ({"codes": codes[0]}, r"`codes` must have shape \[n, D\]"),
        ({"labels": labels[:5]}, r"\(60,\)"),
        ({"images": images[..., 0]}, r"\[n, H, W, C\]"),
        ({"images": images[:5]}, "one image per code.*60.*5"),
        ({"num_induced": 1}, "num_induced.*at least 2.*: 1"),
    ]:
        with pytest.raises(ValueError, match=match):
            viz.hierarchy_pictures(
                **{**dict(model=Model(), codes=codes, labels=labels, images=images), **change}
            )
