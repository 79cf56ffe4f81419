"""Exchange with networkx."""

import numpy as np

from tfsp import arguments
from tfsp.tmc.phylogeny.arrays import TreeArrays


def to_networkx(tree, ids="numbers"):
    """A `networkx.DiGraph`: nodes with `time`, edges downwards with `length`.

    Leaves also have their `name`, and nodes their `support`, where the tree has them.

    Args:
      ids: what the nodes of the graph are. "numbers": 0..V-1. "names": strings, a leaf's name
        (its number, in a tree without names), an inner node's number; an inner node whose
        number is the name of a leaf is called "node_" and its number. `treedata` and `pycea`
        expect trees in the latter form: names of leaves in `obs_names`, `depth_key="time"`.

    Raises:
      ValueError: for other `ids`.
    """
    import networkx

    if ids not in ("numbers", "names"):
        raise ValueError(f'`ids` must be "numbers" or "names". Received: {ids!r}.')
    label = list(range(tree.num_nodes)) if ids == "numbers" else _strings(tree)
    graph = networkx.DiGraph()
    graph.add_nodes_from((label[v], {"time": t}) for v, t in enumerate(tree.time.tolist()))
    for n, name in enumerate(tree.names or ()):
        graph.nodes[label[n]]["name"] = name
    if tree.support is not None:
        for v in np.flatnonzero(~np.isnan(tree.support)).tolist():
            graph.nodes[label[v]]["support"] = float(tree.support[v])
    lengths = tree.edge_lengths.tolist()
    graph.add_edges_from(
        (label[u], label[v], {"length": lengths[v]}) for u, v in tree.edges.tolist()
    )
    return graph


def _strings(tree):
    numbers = [str(v) for v in range(tree.num_nodes)]
    names = list(tree.names or numbers[: tree.num_leaves])
    inner, taken = numbers[tree.num_leaves :], set(names)
    while taken.intersection(inner):
        inner = [f"node_{v}" if v in taken else v for v in inner]
    return names + inner


def from_networkx(graph):
    """A tree from a directed graph whose edges lead downwards and whose nodes have a `time`.

    Leaves are the nodes without successors. Nodes 0..V-1 that begin with the leaves keep their
    numbers, be they integers or, as after reading a file, strings; else leaves 0..N-1 do; else the
    numbers follow the graph's order. Names: the nodes' `name`, if all leaves have one; else the
    leaves themselves, where these are strings other than "0".."N-1"; else none. Support: that of
    the nodes, NaN where one has none; None if no node has any.

    Raises:
      ValueError: for a graph that is not directed, without nodes, or not connected; for a node
        without time, with two parents, or not binary.
    """
    time = _times(graph)
    for node in graph:
        if graph.in_degree(node) > 1:
            parents = arguments.shorten(str(list(graph.predecessors(node))))
            raise ValueError(
                "Every node has at most one parent, and edges lead downwards. Received: node "
                f"{_shown(node)} with parents {parents}."
            )
        if graph.out_degree(node) not in (0, 2):
            raise ValueError(
                f"Every node has two children or none. Received: node {_shown(node)} with "
                f"{graph.out_degree(node)}."
            )
    leaves = [node for node in graph if graph.out_degree(node) == 0]
    inner = [node for node in graph if graph.out_degree(node)]
    names = [graph.nodes[node].get("name") for node in leaves]
    numbered = names != leaves and _are_numbers(leaves, 0)
    if numbered:
        leaves.sort(key=int)
        names = [graph.nodes[node].get("name") for node in leaves]
        if _are_numbers(inner, len(leaves)):
            inner.sort(key=int)
    if None in names:
        named = not numbered and all(isinstance(node, str) for node in leaves)
        names = leaves if named else None
    order = leaves + inner
    number = {node: v for v, node in enumerate(order)}
    parent = np.full(len(order), -1, np.int32)
    for u, v in graph.edges():
        parent[number[v]] = number[u]
    time = np.array([time[node] for node in order])
    roots = np.flatnonzero(parent < 0)
    if len(roots) != 1:
        found = ", ".join(_shown(order[v]) for v in roots[:3]) or "none, but a circle"
        raise ValueError(f"The graph must have one root. Received: {found}.")
    start = time[roots[0]]
    return TreeArrays(parent, time, names, start if 0 <= start < 1 else 0.0, _support(graph, order))


def _support(graph, order):
    found = [graph.nodes[node].get("support") for node in order]
    if all(support is None for support in found):
        return None
    return [np.nan if s is None else arguments.number("support", s) for s in found]


def _times(graph):
    """Node -> its time; checks what does not depend on the edges."""
    if not hasattr(graph, "is_directed"):
        raise ValueError(f"`graph` must be a networkx.DiGraph. Received: {type(graph).__name__}.")
    if not graph.is_directed():
        raise ValueError(
            "The graph must be directed, a networkx.DiGraph with edges from parent to child. "
            f"Received: {type(graph).__name__}, whose edges have no direction. Build one from the "
            "edges of `networkx.bfs_edges(graph, root)`, and copy the nodes' data."
        )
    if not len(graph):
        raise ValueError("A tree has at least one node. Received: a graph without nodes.")
    time = {}
    for node, found in graph.nodes.data("time"):
        if found is None:
            raise ValueError(f"Every node needs a `time`. Received: node {_shown(node)} has none.")
        time[node] = arguments.number("time", found, meaning=f"that of node {_shown(node)}")
    return time


def _are_numbers(nodes, first):
    """Whether the nodes are the numbers from `first` on in any order, or strings of them."""
    return {str(node) for node in nodes} == {str(first + i) for i in range(len(nodes))} and all(
        isinstance(node, str | int | np.integer) for node in nodes
    )


def _shown(node):
    return arguments.shown(node, 80)
