"""Pruning, attaching, restricting: what is taken off and put back is as before."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import tmc

from tfsp.tmc import Phylogeny
from tmc.strategies import FAST, trees


@FAST
@given(trees(min_leaves=2), st.data())
def test_prune_then_attach_restores_the_tree(tree, data):
    node = data.draw(st.integers(0, tree.num_nodes - 1).filter(lambda v: v != tree.root))
    pruned = tree.prune(node)
    assert pruned.rest.attach(pruned.edge, pruned.time, pruned.subtree, pruned.leaves) == tree
    gone = tree.leaves_below(node)
    kept = np.setdiff1d(np.arange(tree.num_leaves), gone)
    lca = tree.lca_times()
    np.testing.assert_array_equal(pruned.leaves, gone)
    np.testing.assert_array_equal(pruned.rest.lca_times(), lca[np.ix_(kept, kept)])
    np.testing.assert_array_equal(pruned.subtree.lca_times(), lca[np.ix_(gone, gone)])
    if tree.names:
        assert pruned.rest.names == tuple(tree.names[n] for n in kept)
        assert pruned.subtree.names == tuple(tree.names[n] for n in gone)
    if tree.parent[node] != tree.root:
        assert pruned.rest.root_time == 0


@FAST
@given(trees(named=False), st.data())
def test_attach_a_leaf_matches_the_reference_and_prune_undoes_it(tree, data):
    edge = data.draw(st.integers(0, tree.num_nodes - 1))
    if edge == tree.root:
        if tree.num_leaves > 1:
            return  # nothing lies above a root at 0
        larger = tree.attach(0, 0.0)
        assert larger == Phylogeny([2, 2, -1], [1, 1, 0])
    else:
        start, end = tree.time[tree.parent[edge]], tree.time[edge]
        larger = tree.attach(edge, start + data.draw(st.floats(0.1, 0.9)) * (end - start))
        new = larger.parent[tree.num_leaves]
        expected = tmc.attach(tree.parent, tree.time, edge, larger.time[new])
        assert larger == Phylogeny(*expected)
    pruned = larger.prune(tree.num_leaves)
    assert pruned.rest == tree
    assert pruned.subtree == Phylogeny([-1], [1.0])


@FAST
@given(trees(), st.data())
def test_restrict(tree, data):
    some = data.draw(
        st.lists(st.integers(0, tree.num_leaves - 1), min_size=1, max_size=8, unique=True)
    )
    part = tree.restrict(some)
    np.testing.assert_array_equal(part.lca_times(), tree.lca_times(some))
    if tree.names:
        assert part.names == tuple(tree.names[n] for n in some)


@FAST
@given(trees(), st.data())
def test_subtree(tree, data):
    node = data.draw(st.integers(0, tree.num_nodes - 1))
    part = tree.subtree(node)
    below = tree.leaves_below(node)
    assert part.root_time == tree.time[node]
    np.testing.assert_array_equal(part.lca_times(), tree.lca_times(below))
    whole = part.rescaled()
    assert whole.same_topology(part)
    if part.num_leaves > 1:
        assert whole.root_time == 0
        scale = 1 - part.root_time
        np.testing.assert_allclose(
            1 - whole.lca_times(), (1 - part.lca_times()) / scale, atol=1e-15
        )


def test_attach_subtree_with_names():
    tree = Phylogeny([2, 2, -1], [1, 1, 0], ["a", "b"])
    pair = Phylogeny([2, 2, -1], [1, 1, 0.75], ["c", "d"], root_time=0.75)
    larger = tree.attach(1, 0.5, pair, leaves=[0, 2])
    assert larger.names == ("c", "a", "d", "b")
    assert larger.lca_times()[0].tolist() == [1, 0, 0.75, 0.5]
    assert tree.attach(0, 0.5, name="e").names == ("a", "b", "e")


def test_attach_above_a_root():
    part = Phylogeny([2, 2, -1], [1, 1, 0.75], root_time=0.75)
    assert part.attach(2, 0.5).root_time == 0.5
    assert part.attach(2, 0.0).root_time == 0.0


def test_errors():
    tree = Phylogeny([3, 3, 4, 4, -1], [1, 1, 1, 0.5, 0])
    pair = Phylogeny([2, 2, -1], [1, 1, 0.25], root_time=0.25)
    for call, message in [
        (lambda: tree.prune(4), "root cannot be pruned.*node=4"),
        (lambda: tree.attach(3, 0.5), "above node 3, between 0.0 and 0.5. Received: time=0.5"),
        (lambda: tree.attach(3, 0.0), "Received: time=0.0"),
        (lambda: tree.attach(3, float("nan")), "`time` must be a finite number. Received: nan"),
        (lambda: tree.attach(3, "0.1"), "`time` must be a finite number. Received: '0.1'"),
        (lambda: tree.attach(3, 0.1, (pair,)), "`subtree` must be a Phylogeny. Received: tuple"),
        (lambda: tree.restrict(1), "`leaves` must be a list of leaf numbers. Received: 1"),
        (lambda: tree.attach(4, 0.0), "above node 4, between 0.0 and 0.0"),
        (lambda: tree.attach(3, 0.3, pair), "root of `subtree`, at 0.25. Received: time=0.3"),
        (lambda: tree.attach(5, 0.3), "`edge` .* from 0 to 4.* Received: 5"),
        (lambda: tree.attach(3, 0.1, pair, leaves=[1]), "2 ascending numbers.*\\[1\\]"),
        (lambda: tree.attach(3, 0.1, pair, leaves=[1, 1]), "2 ascending numbers"),
        (lambda: tree.attach(3, 0.1, pair, leaves=[1, 5]), "`leaves` .* Received: 5"),
        (lambda: tree.attach(3, 0.1, pair, name="x"), "single leaf"),
        (lambda: tree.attach(3, 0.1, name="x"), "the tree have none"),
        (lambda: tree.with_names("abc").attach(3, 0.1), "the new leaves have none"),
        (lambda: tree.restrict([]), "at least one leaf"),
        (lambda: tree.restrict([1, 2, 1]), "1 twice"),
        (lambda: tree.restrict([3]), "`leaves` .* from 0 to 2.* Received: 3"),
        (lambda: Phylogeny([2, 2, -1], [1, 1, 0.25], root_time=1.0), "`root_time` .*: 1.0"),
        (lambda: Phylogeny([2, 2, -1], [1, 1, 0], root_time="0"), r"`root_time` .* \[0, 1\).*'0'"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
