"""Phylogeny: structure, slices, labellings, equality, errors."""

import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import tmc

from tfsp.tmc import Phylogeny
from tmc.strategies import FAST, tree_arrays, trees

PARENT = [5, 5, 4, 4, 6, 6, -1]
TIME = [1, 1, 1, 1, 0.5, 0.25, 0]


def example(names=None):
    return Phylogeny(PARENT, TIME, names)


def test_attributes():
    tree = example()
    assert (tree.num_leaves, tree.num_nodes, tree.root, tree.root_time) == (4, 7, 6, 0.0)
    np.testing.assert_array_equal(tree.children[4:], [[2, 3], [0, 1], [4, 5]])
    assert np.all(tree.children[:4] == -1)
    np.testing.assert_array_equal(tree.edges, [[5, 0], [5, 1], [4, 2], [4, 3], [6, 4], [6, 5]])
    np.testing.assert_array_equal(tree.edge_lengths, [0.75, 0.75, 0.5, 0.5, 0.5, 0.25, 0])
    assert tree.ancestors(2) == [2, 4, 6]
    np.testing.assert_array_equal(tree.leaf_counts, [1, 1, 1, 1, 2, 2, 4])
    assert (
        repr(example(list("abcd")))
        == "Phylogeny(4 leaves, root 6, internal times 0.25 to 0.5, names a, b, c, ...)"
    )


def test_a_tree_cannot_be_changed_and_does_not_share_the_callers_arrays():
    parent, time = np.array(PARENT), np.array(TIME, float)
    tree = Phylogeny(parent, time)
    parent[0], time[4] = 4, 0.9
    assert tree.parent[0] == 5
    assert tree.time[4] == 0.5
    with pytest.raises(AttributeError, match="cannot be changed"):
        tree.root = 5
    for array in (tree.parent, tree.time, tree.children, tree.postorder, tree.leaf_order):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_one_leaf():
    tree = Phylogeny([-1], [1.0])
    assert (tree.root, tree.num_leaves) == (0, 1)
    np.testing.assert_array_equal(tree.lca_times(), [[1.0]])
    np.testing.assert_array_equal(tree.slice(1.0), [0])
    np.testing.assert_array_equal(tree.postorder, [0])
    assert tree.edges.shape == (0, 2)
    assert tree == tree.canonical() == tree.rescaled()
    assert repr(tree) == "Phylogeny(1 leaf)"


@FAST
@given(tree_arrays())
def test_structure_matches_the_reference(arrays):
    parent, time = arrays
    tree = Phylogeny(parent, time)
    n = tree.num_leaves
    lca = tmc.lca_times(parent, time)
    np.testing.assert_array_equal(tree.lca_times(), lca[:n, :n])
    np.testing.assert_array_equal(tree.leaf_counts - 1, tmc.subtree_sizes(parent))
    np.testing.assert_array_equal(tree.leaf_distances(), 2 * (1 - lca[:n, :n]))
    assert frozenset(frozenset(tree.leaves_below(v).tolist()) for v in range(n, 2 * n - 1)) == (
        tmc.clades(parent)
    )
    for a in range(tree.num_nodes):
        for b in range(tree.num_nodes):
            meet = tree.lowest_common_ancestor(a, b)
            assert meet in tree.ancestors(a)
            assert meet in tree.ancestors(b)
            assert time[meet] == lca[a, b]
    assert tree.lowest_common_ancestor(*range(n)) == tree.root


@FAST
@given(trees())
def test_postorder_puts_every_subtree_in_one_stretch(tree):
    order = tree.postorder
    assert sorted(order) == list(range(tree.num_nodes))
    place = np.argsort(order)
    for v in range(tree.num_nodes):
        size = 2 * tree.leaf_counts[v] - 1
        below = order[place[v] - size + 1 : place[v] + 1]
        assert all(v in tree.ancestors(w) for w in below)


@FAST
@given(trees(), st.data())
def test_lca_times_of_some_leaves(tree, data):
    some = data.draw(st.lists(st.integers(0, tree.num_leaves - 1), max_size=6))
    full = tree.lca_times()
    np.testing.assert_array_equal(tree.lca_times(some), full[np.ix_(some, some)])
    single = tree.lca_times(dtype=np.float32)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, full.astype(np.float32))


def test_condensed_distances_are_scipys():
    from scipy.spatial import distance

    tree = Phylogeny(*tmc.random_tree(np.random.default_rng(0), 9))
    np.testing.assert_array_equal(
        distance.squareform(tree.leaf_distances(condensed=True)), tree.leaf_distances()
    )


@FAST
@given(trees(), st.floats(0, 1), st.floats(0, 1))
def test_slices_are_the_definition_and_refine_each_other(tree, one, other):
    early, late = sorted((one, other))
    together = tree.lca_times() >= early
    labels = tree.slice(early)
    np.testing.assert_array_equal(labels[:, None] == labels[None], together)
    _, first = np.unique(labels, return_index=True)
    assert np.all(np.diff(first) > 0)  # numbered by their smallest leaves
    pairs = set(zip(tree.slice(late).tolist(), labels.tolist(), strict=True))
    assert len(pairs) == len(set(tree.slice(late)))  # each late cluster lies in one early one
    assert tree.slice(0).max() == 0
    assert len(set(tree.slice(1))) == tree.num_leaves


@FAST
@given(trees())
def test_cut_gives_the_number_asked_for(tree):
    for k in range(1, tree.num_leaves + 1):
        labels = tree.cut(k)
        assert labels.max() + 1 == k
        inner = np.sort(tree.time[tree.num_leaves :])
        if len(set(inner)) == len(inner) and k < tree.num_leaves:
            np.testing.assert_array_equal(labels, tree.slice(inner[k - 1]))


def test_slice_by_hand():
    tree = example()
    assert tree.slice(0.25).tolist() == [0, 0, 1, 1]
    assert tree.slice(0.26).tolist() == [0, 1, 2, 2]
    assert tree.slice(0.51).tolist() == [0, 1, 2, 3]


@FAST
@given(trees(), st.randoms(use_true_random=False))
def test_internal_labels_do_not_count(tree, random):
    n = tree.num_leaves
    new = list(range(n)) + random.sample(range(n, tree.num_nodes), tree.num_nodes - n)
    parent, time = np.empty(tree.num_nodes, int), np.empty(tree.num_nodes)
    parent[new] = np.where(tree.parent >= 0, np.array(new)[tree.parent], -1)
    time[new] = tree.time
    other = Phylogeny(parent, time, tree.names)
    assert other == tree
    assert hash(other) == hash(tree)
    assert other.same_topology(tree)
    canonical, again = tree.canonical(), other.canonical()
    np.testing.assert_array_equal(canonical.parent, again.parent)
    np.testing.assert_array_equal(canonical.time, again.time)
    assert np.all(canonical.parent[:-1] > np.arange(tree.num_nodes - 1))
    assert canonical.root == tree.num_nodes - 1
    assert tmc.clades(canonical.parent) == tmc.clades(tree.parent)


def test_topologies_are_told_apart():
    topologies = [
        Phylogeny(p, np.where(np.arange(7) < 4, 1.0, [0, 0, 0, 0, 0.5, 0.25, 0]))
        for p in tmc.all_topologies(4).values()
    ]
    for i, a in enumerate(topologies):
        for j, b in enumerate(topologies):
            assert a.same_topology(b) == (i == j)
            assert (a == b) == (i == j)


def test_equality_sees_times_and_names():
    tree = example()
    later = Phylogeny(PARENT, [1, 1, 1, 1, 0.5, np.nextafter(0.25, 1), 0])
    assert tree != later
    assert tree.same_topology(later)
    assert tree != example(list("abcd"))
    assert tree != "tree"
    assert not tree.same_topology(Phylogeny([-1], [1.0]))


@FAST
@given(trees(named=True), st.randoms(use_true_random=False))
def test_reorder(tree, random):
    order = random.sample(range(tree.num_leaves), tree.num_leaves)
    other = tree.reorder(order)
    np.testing.assert_array_equal(other.lca_times(), tree.lca_times()[np.ix_(order, order)])
    assert [other.leaf(tree.names[n]) for n in order] == list(range(tree.num_leaves))
    assert other.same_topology(tree)  # by names
    assert other.reorder(np.argsort(order)) == tree


@FAST
@given(trees())
def test_pickle(tree):
    other = pickle.loads(pickle.dumps(tree))
    assert other == tree
    assert not other.time.flags.writeable


def test_rescaled_sticks_are_the_same():
    tree = Phylogeny([3, 3, 4, 4, -1], [1, 1, 1, 0.75, 0.5], root_time=0.5)
    assert tree.root_time == 0.5
    np.testing.assert_array_equal(tree.rescaled().time, [1, 1, 1, 0.5, 0])
    assert "root_time=0.5" in repr(tree)


@pytest.mark.parametrize(
    ("parent", "time", "message"),
    [
        (PARENT[:-1], TIME, "`parent` and `time` .*same length.*\\(6,\\).*\\(7,\\)"),
        (PARENT[:-1], TIME[:-1], "odd number. Received: 6"),
        ([], [], "odd number. Received: 0"),
        ([5, 5, 4, 4, 6, 6, 9], TIME, r"parent\[6\] = 9 must lie in \[4, 7\)"),
        ([5, 5, 4, -2, 6, 6, -1], TIME, r"parent\[3\] = -2 must lie in"),
        ([5, 5, 4, 2**40, 6, 6, -1], TIME, r"parent\[3\] = 1099511627776 must lie in"),
        ([5, 5, 4, 4, 6, -1, -1], TIME, r"Received: 2 of them \(parent\[5\], parent\[6\]\)"),
        ([5, 5, 4, 4, 6, 6, 6], TIME, r"0 of them \(none\)"),
        ([5, 5, 4, 4, 6, 6, -1], [1, 1, 1, 1, 0.5, math.nan, 0], r"time\[5\] = nan must be fin"),
        ([5, 5, 4, 0, 6, 6, -1], TIME, r"parent\[3\] = 0 is a leaf"),
        ([5, 5, 5, 4, 6, 6, -1], TIME, r"node 4 must have two children. Received: 1"),
        ([5, 5, 6, 6, 5, 4, -1], TIME, r"node 4 must have two children"),
        ([6, 6, 4, 4, 5, 4, -1], TIME, r"node 4 must have two children. Received: 3"),
        ([5, 5, 4, 4, 6, 6, -1], [1, 1, 0.9, 1, 0.5, 0.2, 0], r"time\[2\] = 0.9 must be 1"),
        ([5, 5, 4, 4, 6, 6, -1], [1, 1, 1, 1, 0.5, 0.2, 0.1], r"time\[6\] = 0.1 must be 0.0"),
        ([5, 5, 4, 4, 6, 6, -1], [1, 1, 1, 1, 0.5, 0.0, 0], r"time\[5\] = 0.0 must be above"),
        ([5, 5, 4, 4, 6, 6, -1], [1, 1, 1, 1, 1.5, 0.2, 0], r"time\[2\] = 1.0 must be above"),
    ],
)
def test_bad_arrays(parent, time, message):
    with pytest.raises(ValueError, match=message):
        Phylogeny(np.array(parent, int), np.array(time, float))


def test_cycles_are_named():
    parent = [8, 8, 5, 6, 7, 6, 7, 5, -1]  # 5, 6 and 7 only lead to each other
    time = [1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0]
    with pytest.raises(ValueError, match=r"cycle: node 2 \(parent\[2\] = 5\).*the root 8"):
        Phylogeny(parent, time)


@pytest.mark.parametrize(
    ("parent", "time", "message"),
    [
        (np.array(PARENT, float), TIME, "`parent` must hold integers.*float64"),
        (PARENT, [str(t) for t in TIME], "`time` must hold real numbers"),
        (np.array(PARENT) > 0, TIME, "`parent` must hold integers.*bool"),
    ],
)
def test_wrong_kinds(parent, time, message):
    with pytest.raises(TypeError, match=message):
        Phylogeny(parent, time)


def test_bad_names_and_nodes():
    for names, message in [
        (["a"], "one entry per leaf, 4. Received: 1"),
        (["a", "b", "", "c"], r"names\[2\]=''"),
        (["a", "b", "a", "c"], r"names\[0\] and names\[2\] are both 'a'"),
        ([1, 2, 3, 4], r"names\[0\]=1"),
    ]:
        with pytest.raises(ValueError, match=message):
            example(names)
    tree = example(list("abcd"))
    assert tree.leaf("c") == 2
    with pytest.raises(KeyError, match="No leaf is called 'e'"):
        tree.leaf("e")
    wanted = "must be an integer from 0 to 6: a node of the tree. Received"
    with pytest.raises(ValueError, match=f"`node` {wanted}: 7"):
        tree.ancestors(7)
    for wrong in (1.0, "1", None, True):
        with pytest.raises(ValueError, match=f"`node` {wanted}: {wrong!r}"):
            tree.leaves_below(wrong)
    with pytest.raises(ValueError, match="`leaves` must be an integer from 0 to 3: .*Received: 4"):
        tree.lca_times([4])
    with pytest.raises(ValueError, match="at least one node"):
        tree.lowest_common_ancestor()
    for wrong in (1.5, math.nan, "0.5", None):
        with pytest.raises(ValueError, match=rf"`time` must be a num.* in \[0, 1\].*: {wrong!r}"):
            tree.slice(wrong)
    for wrong in (5, 0, 2.0, "2", None):
        with pytest.raises(ValueError, match=f"`num_clusters` .* from 1 to 4. .*: {wrong!r}"):
            tree.cut(wrong)
    with pytest.raises(ValueError, match="permutation"):
        tree.reorder([0, 1, 1, 2])


def test_import_needs_no_tensorflow():
    """NumPy alone is enough, where TensorFlow is not installed."""
    code = (
        "import sys;"
        "sys.modules.update(dict.fromkeys(['tensorflow', 'keras', 'scipy', 'networkx']));"
        "from tfsp.tmc import Phylogeny; from tfsp.tmc import native, native_sampler;"
        "parent, time = native_sampler.sample_prior(5, seed=1);"
        "print(Phylogeny(parent, time), native.topology_log_prob(parent) < 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("True\n")


def test_deep_trees_do_not_recurse():
    n = 20_000  # a caterpillar: 0 and 1 meet last
    parent = np.concatenate([[n], n + np.arange(n - 1), n + np.arange(1, n - 1), [-1]])
    time = np.concatenate([np.ones(n), 1 - np.arange(1, n) / (n - 1)])
    tree = Phylogeny(parent, time)
    assert tree.canonical() == tree
    assert Phylogeny.from_newick(tree.to_newick()) == tree
    assert tree.lowest_common_ancestor(0, 1) == n
    assert tree.cut(3).max() == 2
    assert tree.prune(n).rest.num_leaves == n - 2
