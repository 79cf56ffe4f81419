"""Support of clades: what keeps it, and how it travels."""

import networkx
import numpy as np
import pytest
from reference import tmc as reference

from tfsp.tmc import Phylogeny


def tree_with_support(num_leaves=6, names=None, seed=0):
    parent, time = reference.sample_prior(np.random.default_rng(seed), num_leaves)
    support = np.ones(2 * num_leaves - 1)
    support[num_leaves:] = np.random.default_rng(1).random(num_leaves - 1)
    return Phylogeny(parent, time, names, support=support)


def by_clade(tree):
    return {
        frozenset(tree.leaves_below(v).tolist()): tree.support[v]
        for v in range(tree.num_leaves, tree.num_nodes)
    }


def test_other_labels_keep_it():
    tree = tree_with_support(names=list("abcdef"))
    expected = by_clade(tree)
    for other in (tree.canonical(), tree.with_names(None), tree.rescaled()):
        assert by_clade(other) == expected
    order = [3, 1, 0, 5, 2, 4]
    found = by_clade(tree.reorder(order).reorder(np.argsort(order)))
    assert found == expected
    assert tree.with_support(None).support is None
    assert tree.with_support(None) == tree  # support is no part of the tree
    with pytest.raises(ValueError, match="read-only"):
        tree.support[7] = 0.5


def test_surgery_drops_it():
    tree = tree_with_support()
    assert tree.restrict([0, 1, 2]).support is None
    assert tree.prune(0).rest.support is None
    assert tree.attach(0, (tree.time[tree.parent[0]] + 1) / 2).support is None


def test_newick_and_back_to_the_last_bit():
    tree = tree_with_support(names=["a b", "c", "0.5", "d", "e", "f"])
    again = Phylogeny.from_newick(tree.to_newick(), names=tree.names)
    assert again == tree
    assert by_clade(again) == by_clade(tree)
    partly = tree.with_support(np.where(np.arange(11) == 8, np.nan, tree.support))
    found = Phylogeny.from_newick(partly.to_newick(), names=tree.names)
    values = np.array(sorted(by_clade(found).values()))
    np.testing.assert_array_equal(np.sort(values), np.sort(list(by_clade(partly).values())))
    assert np.isnan(values).sum() == 1


@pytest.mark.parametrize(
    ("text", "support"),
    [
        ("((a:.5,b:.5)0.9:.5,c:1);", [0.9, np.nan]),
        ("((a:.5,b:.5)90:.5,c:1)100;", [0.9, 1.0]),  # in percent
        ("((a:.5,b:.5)1:.5,c:1)1;", [1.0, 1.0]),
        ("((a:.5,b:.5)clade:.5,c:1)0.5;", None),  # a label, no number
        ("((a:.5,b:.5)-3:.5,c:1);", None),
        ("((a:.5,b:.5)400:.5,c:1);", None),
        ("((a:.5,b:.5):.5,c:1);", None),
    ],
)
def test_labels_of_other_programs(text, support):
    tree = Phylogeny.from_newick(text)
    if support is None:
        assert tree.support is None
        return
    inner = tree.lowest_common_ancestor(0, 1)
    np.testing.assert_array_equal(tree.support[[inner, tree.root]], support)
    np.testing.assert_array_equal(tree.support[:3], 1.0)


def test_a_split_node_has_its_support_once():
    tree = Phylogeny.from_newick("((a:.5,b:.5,c:.5)0.8:.5,d:1);", resolve=True)
    assert sorted(by_clade(tree).items(), key=lambda item: len(item[0]))[1][1] == 0.8
    assert np.isnan(tree.support).sum() == 2  # the pair that was made, and the root


def test_networkx_and_back():
    tree = tree_with_support(names=list("abcdef"))
    tree = tree.with_support(np.where(np.arange(11) == 8, np.nan, tree.support))
    graph = tree.to_networkx()
    assert "support" not in graph.nodes[8]
    again = Phylogeny.from_networkx(networkx.DiGraph(graph))
    np.testing.assert_array_equal(again.support, tree.support)
    assert Phylogeny.from_networkx(tree.with_support(None).to_networkx()).support is None


@pytest.mark.parametrize(
    ("support", "message"),
    [
        ([0.5] * 3, r"shape \(5,\)"),
        ([0.5, 0.5, 0.5, 2.0, 0.5], r"support\[3\] = 2\.0"),
        (["a"] * 5, "one number for each node"),
    ],
)
def test_bad_support_is_named(support, message):
    with pytest.raises(ValueError, match=message):
        Phylogeny([3, 3, 4, 4, -1], [1, 1, 1, 0.5, 0], support=support)
