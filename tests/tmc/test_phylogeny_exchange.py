"""Exchange with scipy's linkage matrices and with networkx; purity of classes."""

import itertools
import math

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import tmc
from scipy.cluster import hierarchy

from tfsp.tmc import Phylogeny, dendrogram_purity, subtree_purity
from tfsp.tmc.phylogeny.spacing import separate
from tmc.strategies import FAST, trees


@FAST
@given(trees())
def test_linkage_round_trip(tree):
    matrix = tree.to_linkage()
    assert matrix.shape == (tree.num_leaves - 1, 4)
    if tree.num_leaves > 1:
        assert hierarchy.is_valid_linkage(matrix)
        cophenetic = hierarchy.cophenet(matrix)
        np.testing.assert_array_equal(2 * cophenetic, tree.leaf_distances(condensed=True))
    other = Phylogeny.from_linkage(matrix, tree.names)
    assert other.same_topology(tree)
    np.testing.assert_allclose(other.lca_times(), tree.lca_times(), rtol=0, atol=3e-6)


@pytest.mark.parametrize("method", ["single", "complete", "average", "ward", "centroid", "median"])
def test_clusters_are_scipys(method):
    points = np.random.default_rng(0).normal(size=(40, 3))
    matrix = hierarchy.linkage(points, method)
    tree = Phylogeny.from_linkage(matrix)
    for k in (1, 2, 5, 17, 40):
        if method in ("centroid", "median") and k not in (1, 40):
            continue  # scipy cuts inverted heights in its own way
        expected = hierarchy.fcluster(matrix, k, "maxclust")
        labels = tree.cut(k)
        assert len(set(zip(labels, expected, strict=True))) == k
    inner = tree.time[40:]
    assert inner.min() == 0
    assert inner.max() <= 1 - 1e-6


def test_heights_become_times():
    matrix = np.array([[0, 1, 1.0, 2], [2, 3, 2.0, 2], [4, 5, 4.0, 4]])
    tree = Phylogeny.from_linkage(matrix, list("abcd"))
    np.testing.assert_array_equal(tree.time, [1, 1, 1, 1, 0.75, 0.5, 0])
    assert tree.names == ("a", "b", "c", "d")
    tree = Phylogeny.from_linkage(matrix, power=2)
    np.testing.assert_array_equal(tree.time[4:], [1 - 1 / 16, 0.75, 0])


@pytest.mark.parametrize("heights", ["zero", "equal", "tiny", "mixed"])
@pytest.mark.parametrize("num_leaves", [1, 2, 3, 50, 3000])
def test_ties_are_taken_apart(heights, num_leaves):
    """Duplicate points in one long chain: the hardest case for the gaps."""
    n = num_leaves
    matrix = np.zeros((n - 1, 4))
    matrix[:, 0] = np.arange(1, n)
    matrix[:, 1] = np.concatenate([[0], n + np.arange(n - 2)])[: n - 1]
    matrix[:, 2] = {
        "zero": 0.0,
        "equal": 1.0,
        "tiny": np.arange(n - 1) * 1e-12,
        "mixed": np.arange(n - 1) > n // 2,
    }[heights]
    tree = Phylogeny.from_linkage(matrix)
    assert n == 1 or tree.time[n:].max() <= 1 - 1e-6
    np.testing.assert_array_equal(np.sort(tree.time[n:])[::-1], tree.time[n:])


@FAST
@given(trees(), st.data())
def test_separate_touches_only_what_it_must(tree, data):
    np.testing.assert_array_equal(separate(tree.parent, tree.time), tree.time)
    flat = np.minimum(tree.time, data.draw(st.floats(0, 1)))
    out = separate(tree.parent, flat)
    assert Phylogeny(tree.parent, out).same_topology(tree)
    np.testing.assert_allclose(
        out[tree.num_leaves :], flat[tree.num_leaves :], rtol=0, atol=2e-6 * tree.num_leaves
    )


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros((2, 3)), r"\[N - 1, 4\].*\(2, 3\)"),
        (np.zeros(4), r"Received: shape \(4,\)"),
        ([[0, 3, 1, 2]], r"matrix\[0, 1\] = 3.0 must be a cluster made before.*\[0, 2\)"),
        ([[0, 1, 1, 2], [2, 4, 1, 3]], r"matrix\[1, 1\] = 4.0 must be"),
        ([[0, 0.5, 1, 2]], r"matrix\[0, 1\] = 0.5"),
        ([[0, math.nan, 1, 2]], r"matrix\[0, 1\] = nan"),
        ([[0, 1, -1, 2]], r"matrix\[0, 2\] = -1.0 must be"),
        ([[0, 1, math.inf, 2]], r"matrix\[0, 2\] = inf"),
        ([[0, 1, 1, 2], [1, 3, 1, 3]], "Cluster 1 is merged twice, in rows 0 and 1"),
        ([[0, 0, 1, 2]], "Cluster 0 is merged twice, in rows 0 and 0"),
    ],
)
def test_bad_linkage(matrix, message):
    with pytest.raises(ValueError, match=message):
        Phylogeny.from_linkage(np.array(matrix))


def test_falling_heights_are_raised():
    """Centroid linkage may merge lower than its parts."""
    tree = Phylogeny.from_linkage([[0, 1, 2.0, 2], [2, 4, 1.5, 3], [3, 5, 4.0, 4]])
    np.testing.assert_allclose(tree.time[4:], [0.5, 0.5, 0], rtol=0, atol=2e-6)
    np.testing.assert_array_equal(tree.parent, [4, 4, 5, 6, 5, 6, -1])


@pytest.mark.parametrize("wrong", [0, math.inf, "2", None])
def test_bad_power(wrong):
    with pytest.raises(ValueError, match=f"`power` must be a positive number. Received: {wrong!r}"):
        Phylogeny.from_linkage([[0, 1, 1, 2]], power=wrong)


@FAST
@given(trees())
def test_networkx_round_trip(tree):
    graph = tree.to_networkx()
    assert graph.number_of_nodes() == tree.num_nodes
    assert tree.num_leaves == 1 or networkx.is_arborescence(graph)
    for u, v, length in graph.edges.data("length"):
        assert length == tree.time[v] - tree.time[u]
    assert Phylogeny.from_networkx(graph) == tree


def test_networkx_graph_of_strings():
    graph = networkx.DiGraph([("r", "x"), ("r", "b"), ("x", "c"), ("x", "a")])
    times = {"r": 0, "x": 0.5, "a": 1, "b": 1, "c": 1}
    networkx.set_node_attributes(graph, times, "time")
    tree = Phylogeny.from_networkx(graph)
    assert tree.names == ("b", "c", "a")
    assert tree == Phylogeny([4, 3, 3, 4, -1], [1, 1, 1, 0.5, 0], ["b", "c", "a"])


def test_bad_graphs():
    graph = Phylogeny([3, 3, 4, 4, -1], [1, 1, 1, 0.5, 0]).to_networkx()
    timeless = graph.copy()
    del timeless.nodes[1]["time"]
    with pytest.raises(ValueError, match="node 1 has none"):
        Phylogeny.from_networkx(timeless)
    with pytest.raises(ValueError, match="Every node has two children or none"):
        Phylogeny.from_networkx(graph.reverse())
    knot = graph.copy()
    knot.add_edge(3, 2)
    with pytest.raises(ValueError, match=r"node 2 with parents \[4, 3\]"):
        Phylogeny.from_networkx(knot)
    star = graph.copy()
    star.add_node("x", time=1)
    star.add_edge(4, "x")
    with pytest.raises(ValueError, match="node 4 with 3"):
        Phylogeny.from_networkx(star)


def slow_dendrogram_purity(tree, labels):
    shares = []
    for i, j in itertools.combinations(range(tree.num_leaves), 2):
        if labels[i] == labels[j]:
            below = tree.leaves_below(tree.lowest_common_ancestor(i, j))
            shares.append(np.mean([labels[n] == labels[i] for n in below]))
    return math.fsum(shares) / len(shares)


@FAST
@given(trees(min_leaves=3), st.data())
def test_purity_matches_brute_force(tree, data):
    n = tree.num_leaves
    labels = data.draw(st.lists(st.sampled_from("xyz"), min_size=n, max_size=n))
    if len(set(labels)) < n:
        np.testing.assert_allclose(
            dendrogram_purity(tree, labels), slow_dendrogram_purity(tree, labels), rtol=1e-12
        )
    share, majority = subtree_purity(tree, labels)
    for v in range(tree.num_nodes):
        below = [labels[m] for m in tree.leaves_below(v)]
        counts = {c: below.count(c) for c in sorted(set(below))}
        best = max(counts, key=counts.get)  # the first of the largest
        assert majority[v] == best
        assert share[v] == counts[best] / len(below)


def test_purity_by_hand():
    tree = Phylogeny(*tmc.random_tree(np.random.default_rng(0), 6))
    assert dendrogram_purity(tree, np.zeros(6)) == 1
    tree = Phylogeny([5, 5, 4, 4, 6, 6, -1], [1, 1, 1, 1, 0.5, 0.25, 0])
    assert dendrogram_purity(tree, [7, 7, 8, 8]) == 1
    assert dendrogram_purity(tree, [7, 8, 7, 8]) == 0.5
    with pytest.raises(ValueError, match="no two leaves share a label"):
        dendrogram_purity(tree, [1, 2, 3, 4])
    with pytest.raises(ValueError, match=r"shape \(4,\).*\(3,\)"):
        dendrogram_purity(tree, [1, 2, 3])


@pytest.mark.parametrize("height", [-2e-16, -1e-10, -0.0])
def test_heights_below_zero_by_rounding(height):
    tree = Phylogeny.from_linkage([[0, 1, height, 2], [2, 3, 0.5, 3]])
    assert tree == Phylogeny.from_linkage([[0, 1, 0.0, 2], [2, 3, 0.5, 3]])
    large = Phylogeny.from_linkage([[0, 1, 1e6 * height, 2], [2, 3, 5e5, 3]])
    assert large.same_topology(tree)
    assert Phylogeny.from_linkage([[0, 1, height, 2]]).num_leaves == 2
    with pytest.raises(ValueError, match=r"matrix\[0, 2\] = -1e-08 must be"):
        Phylogeny.from_linkage([[0, 1, -1e-8, 2], [2, 3, 0.5, 3]])


def test_linkage_of_cosine_distances():
    """Points in one direction: 1 - cosine is 0 but for rounding, on either side."""
    points = np.outer(np.random.default_rng(0).uniform(0.1, 3, size=30), [0.1, 0.7, 0.3])
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    distance = 1 - points @ points.T
    matrix = hierarchy.linkage(distance[np.triu_indices(30, 1)], "average")
    assert matrix[:, 2].min() < 0  # else this tests nothing
    assert Phylogeny.from_linkage(matrix).num_leaves == 30


@pytest.mark.parametrize(
    "wrong", [[["a"] * 4], [[0, 1, 1j, 2]], [[None] * 4], np.zeros((1, 4), bool)]
)
def test_linkage_of_other_things(wrong):
    with pytest.raises(ValueError, match="`matrix` must hold real numbers. Received: dtype="):
        Phylogeny.from_linkage(wrong)


def shuffled(graph, rng, rename=lambda node: node):
    """The same graph in another order, under other names of its nodes."""
    out = networkx.DiGraph()
    nodes = list(graph.nodes(data=True))
    for i in rng.permutation(len(nodes)):
        out.add_node(rename(nodes[i][0]), **nodes[i][1])
    out.add_edges_from((rename(u), rename(v)) for u, v in graph.edges)
    return out


@FAST
@given(trees(), st.sampled_from([int, str, np.int64]), st.integers(0, 100))
def test_numbers_of_nodes_survive(tree, kind, seed):
    """As text and in any order: as after GraphML or JSON."""
    other = Phylogeny.from_networkx(shuffled(tree.to_networkx(), np.random.default_rng(seed), kind))
    np.testing.assert_array_equal(other.parent, tree.parent)
    np.testing.assert_array_equal(other.time, tree.time)
    assert other.names == tree.names


@FAST
@given(trees())
def test_networkx_by_names(tree):
    graph = tree.to_networkx(ids="names")
    assert all(isinstance(node, str) for node in graph)
    leaves = [node for node in graph if not graph.out_degree(node)]
    assert leaves == list(tree.names or map(str, range(tree.num_leaves)))
    assert Phylogeny.from_networkx(graph) == tree


def test_names_of_leaves_and_numbers_of_inner_nodes_may_be_alike():
    parent, time = [4, 4, 5, 6, 5, 6, -1], [1, 1, 1, 1, 0.7, 0.5, 0]
    names = ["4", "node_4", "2", "6"]
    tree = Phylogeny(parent, time, names)
    graph = tree.to_networkx(ids="names")
    assert set(graph) == {*names, "node_node_4", "5", "node_6"}
    assert Phylogeny.from_networkx(graph) == tree
    turned = Phylogeny(parent, time, ["3", "1", "2", "0"])
    assert Phylogeny.from_networkx(turned.to_networkx(ids="names")) == turned
    assert Phylogeny.from_networkx(turned.to_networkx()) == turned


def test_numbers_as_text_without_names():
    graph = networkx.DiGraph([("r", "x"), ("r", "0"), ("x", "10"), ("x", "1")])
    networkx.set_node_attributes(graph, {"r": 0, "x": 0.5, "0": 1, "1": 1, "10": 1}, "time")
    assert Phylogeny.from_networkx(graph).names == ("0", "10", "1")  # no 2 among them
    graph = networkx.relabel_nodes(graph, {"10": "2"})
    tree = Phylogeny.from_networkx(graph)
    assert tree == Phylogeny([4, 3, 3, 4, -1], [1, 1, 1, 0.5, 0])


def test_graphs_that_are_no_trees():
    tree = Phylogeny([3, 3, 4, 4, -1], [1, 1, 1, 0.5, 0])
    graph = tree.to_networkx()
    with pytest.raises(ValueError, match="must be directed.*Received: Graph, whose edges have no"):
        Phylogeny.from_networkx(graph.to_undirected())
    for wrong in (None, {}, "((a,b),c);", tree, np.eye(2)):
        with pytest.raises(ValueError, match="`graph` must be a networkx.DiGraph. Received: "):
            Phylogeny.from_networkx(wrong)
    with pytest.raises(ValueError, match="Received: a graph without nodes"):
        Phylogeny.from_networkx(networkx.DiGraph())
    for time in ("early", math.nan, 1j, [1]):
        bad = graph.copy()
        bad.nodes[3]["time"] = time
        with pytest.raises(ValueError, match="`time` must be a finite number: that of node 3. Rec"):
            Phylogeny.from_networkx(bad)
    two = graph.copy()
    two.add_node("x", time=1)
    with pytest.raises(ValueError, match="must have one root. Received: 'x', 4"):
        Phylogeny.from_networkx(two)
    circle = networkx.DiGraph([("a", "b"), ("b", "a"), ("a", "c"), ("b", "d")])
    networkx.set_node_attributes(circle, 0.5, "time")
    with pytest.raises(ValueError, match="must have one root. Received: none, but a circle"):
        Phylogeny.from_networkx(circle)
    with pytest.raises(ValueError, match='`ids` must be "numbers" or "names". Received: \'keys\''):
        tree.to_networkx(ids="keys")
    long = networkx.relabel_nodes(graph, {3: "x" * 10**6})
    del long.nodes["x" * 10**6]["time"]
    with pytest.raises(ValueError) as caught:
        Phylogeny.from_networkx(long)
    assert len(str(caught.value)) < 300
