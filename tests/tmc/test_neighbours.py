"""Clustering of graphs against agglomeration from its definition, and trees of neighbours."""

import itertools

import numpy as np
import pytest
from scipy import optimize, sparse

from tfsp.tmc import (
    Phylogeny,
    dendrogram_purity,
    neighbour_graph,
    neighbour_summary,
    neighbour_tree,
    ward_tree,
)
from tfsp.tmc.native.graph import link_graph


def random_graph(n, seed, share=0.4, whole=False):
    """A symmetric graph; with `whole` numbers as weights there are many ties."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(1, 4, (n, n)) if whole else rng.uniform(0.1, 3.0, (n, n))
    upper = np.triu(weights * (rng.random((n, n)) < share), 1)
    return upper + upper.T


def distance(graph, a, b):
    """d(a, b) from its definition, infinite where nothing links them."""
    between = graph[np.ix_(a, b)].sum()
    product = graph[a].sum() * graph[b].sum()
    return product / (between * graph.sum()) if between else np.inf


def follow(graph, pairs, distances):
    """Checks that each merge, in growing distance, is of the two closest parts."""
    parts = {i: [i] for i in range(len(graph))}
    for i in np.argsort(distances, kind="stable"):
        closest = min(distance(graph, a, b) for a, b in itertools.combinations(parts.values(), 2))
        gone, kept = pairs[i]
        found = distance(graph, parts[gone], parts[kept])
        np.testing.assert_allclose([found, distances[i]], closest, rtol=1e-12)
        parts[kept] = parts.pop(gone) + parts[kept]
    return list(parts.values())


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_the_two_closest_parts_merge(seed, whole):
    graph = random_graph(13, seed, whole=whole)
    parts = follow(graph, *link_graph(sparse.csr_array(graph)))
    number, _ = sparse.csgraph.connected_components(graph)
    assert len(parts) == number
    assert all(np.isinf(distance(graph, a, b)) for a, b in itertools.combinations(parts, 2))


@pytest.mark.parametrize("n", [2, 5, 9])
def test_where_all_are_alike(n):
    follow(np.ones((n, n)) - np.eye(n), *link_graph(sparse.csr_array(np.ones((n, n)))))
    ring = np.roll(np.eye(n), 1, axis=0)
    follow(ring + ring.T, *link_graph(sparse.csr_array(ring + ring.T)))


def test_nodes_without_edges():
    pairs, distances = link_graph(sparse.csr_array((3, 3)))
    assert pairs.shape == (0, 2)
    assert distances.shape == (0,)


def test_each_merge_is_at_least_as_far_as_those_of_its_parts():
    points = np.random.default_rng(0).normal(size=(2000, 5))
    graph = neighbour_graph(points) * 0.1  # sums are rounded
    pairs, distances = link_graph(graph)
    height = np.zeros(2000)
    for (gone, kept), found in zip(pairs, distances, strict=True):
        assert found >= max(height[gone], height[kept])
        height[kept] = found
    assert len(np.unique(pairs[:, 0])) == len(pairs)


@pytest.mark.parametrize("k", [1, 2, 7, 39])
def test_the_graph_of_neighbours(k):
    """Weights by their definition, the scale by a root finder."""
    points = np.random.default_rng(1).normal(size=(40, 3))
    if k == 39:
        points[7] = points[3]  # the nearest is at distance 0, and does not count as such
    distances = np.sqrt(np.sum((points[:, None] - points) ** 2, axis=-1))
    np.fill_diagonal(distances, np.inf)
    weights = np.zeros((40, 40))
    for own, row in zip(distances, weights, strict=True):
        near = np.argsort(own, kind="stable")[:k]
        beyond = np.maximum(own[near] - own[near][own[near] > 0].min(initial=np.inf), 0.0)

        def excess(scale, beyond=beyond):
            return np.sum(np.exp(-beyond / scale)) - np.log2(k)

        least = 1e-3 * own[near].mean()
        scale = optimize.brentq(excess, least, 1e3) if k > 2 and excess(least) < 0 else least
        row[near] = np.exp(-beyond / scale) if scale else 1.0
    expected = 1 - (1 - weights) * (1 - weights.T)
    np.testing.assert_allclose(neighbour_graph(points, k).toarray(), expected, atol=1e-9)


def test_how_many_neighbours():
    points = np.random.default_rng(1).normal(size=(380, 3))
    for n, k in ((380, 19), (299, 15), (61, 15), (59, 14), (7, 1)):
        found, expected = neighbour_graph(points[:n]), neighbour_graph(points[:n], k)
        np.testing.assert_array_equal(found.toarray(), expected.toarray())
    many = np.repeat(points[:60], 20, axis=0)  # all of the nearest are at distance 0 but for a few
    found, expected = neighbour_graph(many), neighbour_graph(many, 50)
    np.testing.assert_array_equal(found.toarray(), expected.toarray())
    assert np.isfinite(found.data).all()


def rings(n, seed):
    """Two rings, one within the other, which no centre tells apart."""
    rng = np.random.default_rng(seed)
    ring, angle = rng.integers(2, size=n), rng.uniform(0, 2 * np.pi, n)
    points = (1.0 + ring)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points + 0.08 * rng.normal(size=(n, 2)), ring


@pytest.mark.parametrize("seed", range(3))
def test_rings_are_told_apart(seed):
    points, ring = rings(600, seed)
    tree = neighbour_tree(points)
    assert dendrogram_purity(tree, ring) == 1.0
    assert dendrogram_purity(ward_tree(points), ring) < 0.8
    assert len(set(zip(tree.cut(2), ring, strict=True))) == 2
    # In any order of the points.
    order = np.random.default_rng(seed).permutation(600)
    assert dendrogram_purity(neighbour_tree(points[order]), ring[order]) == 1.0
    again = neighbour_tree(points)
    np.testing.assert_array_equal(again.parent, tree.parent)
    np.testing.assert_array_equal(again.time, tree.time)


def test_times_are_the_distances_of_parts():
    points, _ = rings(80, 0)
    graph = neighbour_graph(points, 12).toarray()
    tree = neighbour_tree(points, 12)
    number, _ = sparse.csgraph.connected_components(graph)
    assert number == 1
    inner = [v for v in range(80, 159) if v != tree.root]
    heights = {}
    for v in [*inner, tree.root]:
        a, b = (list(tree.leaves_below(child)) for child in tree.children[v])
        d = distance(graph, a, b)
        heights[v] = d / (1 + d)
    expected = [1 - heights[v] / heights[tree.root] for v in inner]
    np.testing.assert_allclose(tree.time[inner], expected, atol=1e-4)  # equal ones taken apart


def test_links_that_are_nearly_nothing():
    """Between points that repeat up to rounding links are so faint that distances overflow."""
    rng = np.random.default_rng(0)
    points = np.repeat(rng.normal(size=(100, 2)), 11, axis=0)
    points += 1e-9 * rng.normal(size=points.shape)
    assert np.isinf(link_graph(neighbour_graph(points))[1]).any()
    tree = neighbour_tree(points)
    clades = {frozenset(tree.leaves_below(v)) for v in range(1100, 2199)}
    assert {frozenset(range(i, i + 11)) for i in range(0, 1100, 11)} <= clades


def test_others_show_the_way():
    """Few points on each ring are linked by the many that are left out of the tree."""
    points, ring = rings(1000, 5)
    few, labels = points[:30], ring[:30]
    assert dendrogram_purity(neighbour_tree(few), labels) < 0.95
    tree = neighbour_tree(few, others=points[30:], names=[f"p{i}" for i in range(30)])
    assert dendrogram_purity(tree, labels) == 1.0
    assert tree.num_leaves == 30
    assert tree.names[3] == "p3"
    assert tree.time[tree.root] == 0.0


def test_what_is_not_linked_is_joined_by_its_centres():
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [50.0, 0.0], [0.0, 400.0]])
    of = np.repeat(np.arange(3), 20)
    tree = neighbour_tree(centres[of] + rng.normal(size=(60, 2)), 5)
    clades = [set(tree.leaves_below(v)) for v in range(60, 119)]
    for group in ({0}, {1}, {2}, {0, 1}):
        assert set(np.flatnonzero(np.isin(of, list(group)))) in clades
    # All links lie below height 1 and all joints between 1 and 2, of which the root has 2.
    joint = next(v for v in range(60, 119) if set(tree.leaves_below(v)) == set(range(40)))
    assert 0.0 < tree.time[joint] < 0.5
    assert all(tree.time[v] > 0.5 for v in range(60, 119) if len(tree.leaves_below(v)) <= 20)


def test_few_and_equal_points():
    assert neighbour_tree([[0.0], [1.0]]).num_leaves == 2
    assert neighbour_tree(np.zeros((7, 2))).num_leaves == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0.0]],), "At least 2 `points`"),
        ((np.zeros(3),), "`points` must be numbers of shape"),
        (([[0.0], [np.nan]],), r"points\[1, 0\]"),
        ((np.zeros((4, 1)), 4), "num_neighbours"),
        ((np.zeros((4, 2)), 1, np.zeros((3, 1))), r"`others` must have shape \[m, 2\]"),
    ],
)
def test_wrong_points(arguments, message):
    with pytest.raises(ValueError, match=message):
        neighbour_tree(*arguments)


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (np.ones((2, 2)), "sparse array"),
        (sparse.csr_array(np.ones((2, 3))), "sparse array"),
        (sparse.csr_array(np.array([[0.0, 1.0], [2.0, 0.0]])), "symmetric"),
        (sparse.csr_array(np.array([[0.0, -1.0], [-1.0, 0.0]])), "positive. Received: -1.0"),
        (sparse.csr_array(np.array([[0.0, np.nan], [np.nan, 0.0]])), "finite"),
    ],
)
def test_wrong_graphs(graph, message):
    with pytest.raises(ValueError, match=message):
        link_graph(graph)


def test_draws_are_trees_of_a_part_of_the_links():
    """Each by agglomeration from the definition over the links that the same generator keeps."""
    points, _ = rings(30, 2)
    found = neighbour_summary(points, 3, 0.6, num_neighbours=8, seed=(4, 1))
    graph = neighbour_graph(points, 8).toarray()
    rng = np.random.default_rng([4, 1])
    row, col = np.nonzero(np.triu(graph, 1))
    for parent, time in zip(*found.draws, strict=True):
        kept = rng.random(len(row)) < 0.6
        part = np.zeros((30, 30))
        part[row[kept], col[kept]] = graph[row[kept], col[kept]]
        part += part.T
        tree = Phylogeny(parent, time)
        above = [
            distance(part, *map(list, map(tree.leaves_below, pair))) for pair in tree.children[30:]
        ]
        linked = np.isfinite(above)
        heights = np.array(above)[linked] / (1 + np.array(above)[linked])
        assert np.sum(~linked) == sparse.csgraph.connected_components(part)[0] - 1
        order = np.argsort(-tree.time[30:][linked], kind="stable")
        assert (np.diff(heights[order]) > -1e-12).all()  # merges of links in growing distance
        merged = {frozenset(tree.leaves_below(v)) for v in np.flatnonzero(linked) + 30}
        pairs, _ = link_graph(sparse.csr_array(part))
        parts, expected = {i: {i} for i in range(30)}, set()
        for gone, other in pairs:
            parts[other] |= parts.pop(gone)
            expected.add(frozenset(parts[other]))
        assert merged == expected


def test_all_links_in_every_draw_are_the_tree():
    points, _ = rings(80, 1)
    others, _ = rings(300, 2)
    names = [f"p{i}" for i in range(80)]
    found = neighbour_summary(points, 2, 1.0, others=others, names=names)
    tree = neighbour_tree(points, others=others, names=names)
    assert found.tree.same_topology(tree)
    assert found.tree.names == tree.names
    np.testing.assert_array_equal(found.support, 1.0)
    assert found.num_draws == 2


def test_summaries_are_purer_where_clusters_touch():
    """Over ten sets of points, beside the tree of all links: by three standard errors."""
    gains = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        labels = rng.integers(5, size=300)
        points = 2.2 * np.eye(5)[labels] + rng.normal(size=(300, 5))
        found, single = neighbour_summary(points, seed=seed), neighbour_tree(points)
        gains.append(dendrogram_purity(found.tree, labels) - dendrogram_purity(single, labels))
    assert np.mean(gains) > 3 * np.std(gains, ddof=1) / np.sqrt(10)


def test_draws_go_by_the_seed():
    points, _ = rings(60, 3)
    first, again, other = (neighbour_summary(points, 4, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.height, again.height)
    assert np.abs(first.height - other.height).max() > 1e-3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_draws": 1}, "num_draws"),
        ({"share": 0.0}, "share"),
        ({"share": 1.5}, "share"),
        ({"others": np.zeros((3, 1))}, "`others` must have shape"),
    ],
)
def test_wrong_summaries(settings, message):
    with pytest.raises(ValueError, match=message):
        neighbour_summary(np.zeros((5, 2)), **settings)
