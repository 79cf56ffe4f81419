"""Exchange with networkx."""

import numpy as np

from tfsp.tmc.phylogeny import Phylogeny


def to_networkx(tree):
    """A `networkx.DiGraph`: nodes 0..V-1 with `time` (leaves also `name`), edges with `length`."""
    import networkx

    graph = networkx.DiGraph()
    for v in range(tree.num_nodes):
        graph.add_node(v, time=float(tree.time[v]))
    for n, name in enumerate(tree.names or ()):
        graph.nodes[n]["name"] = name
    lengths = tree.edge_lengths
    graph.add_edges_from((u, v, {"length": float(lengths[v])}) for u, v in tree.edges.tolist())
    return graph


def from_networkx(graph):
    """A tree from a directed graph whose edges lead downwards and whose nodes have a `time`.

    Leaves are the nodes without successors. If they are the integers 0..N-1 they keep their
    numbers, else they are numbered in the graph's order. Names: the nodes' `name`, if all leaves
    have one; else the nodes themselves, where these are strings; else none.

    Raises: ValueError for a node without time, with two parents, or not binary.
    """
    nodes = list(graph.nodes)
    for node in nodes:
        if "time" not in graph.nodes[node]:
            raise ValueError(f"Every node needs a `time`. Received: node {node!r} has none.")
        if graph.in_degree(node) > 1:
            raise ValueError(
                f"Every node has one parent at most, and edges lead downwards. Received: node "
                f"{node!r} with parents {list(graph.predecessors(node))}."
            )
        if graph.out_degree(node) not in (0, 2):
            raise ValueError(
                f"Every node has two children or none. Received: node {node!r} with "
                f"{graph.out_degree(node)}."
            )
    leaves = [node for node in nodes if graph.out_degree(node) == 0]
    if set(leaves) == set(range(len(leaves))):
        leaves.sort()
    order = leaves + [node for node in nodes if graph.out_degree(node)]
    number = {node: v for v, node in enumerate(order)}
    parent = np.full(len(order), -1, np.int32)
    for u, v in graph.edges:
        parent[number[v]] = number[u]
    time = np.array([graph.nodes[node]["time"] for node in order], np.float64)
    names = [graph.nodes[node].get("name") for node in leaves]
    if None in names:
        names = leaves if all(isinstance(node, str) for node in leaves) else None
    roots = time[parent < 0]
    start = roots[0] if len(roots) == 1 and 0 <= roots[0] < 1 else 0.0
    return Phylogeny(parent, time, names, start)
