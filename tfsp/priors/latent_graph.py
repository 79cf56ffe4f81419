"""The dependency structure between nodes of latents, as an object."""

import numpy as np

from tfsp import arguments

STRUCTURES = ("independent", "chain", "full")


class LatentGraph:
    """A directed acyclic graph over nodes 1..N of latents; parents have the larger number.

    Args:
      gate_mean: `[N, N]` in [0, 1]; entry [i, j] is the probability of the edge from node i + 1 to
        node j + 1, zero unless i > j.
      threshold: an edge is there where its probability is above this.
      node_size: dimensions of each node, an integer or one for each.

    Attributes:
      adjacency: bool `[N, N]`, [i, j]: whether node i + 1 is a parent of node j + 1.
      gate_mean: float `[N, N]`, as given.
      node_sizes: tuple of N integers.

    Two graphs are equal if they have the same edges between nodes of the same sizes.

    Raises:
      ValueError: for an array that is not square, entries that are not probabilities, edges from a
        node to itself or to one with a larger number, and sizes that do not fit.

    Source: He et al. 2019, "Variational autoencoders with jointly optimized latent dependency
      structure", section 3.1.
    """

    def __init__(self, gate_mean, threshold=0.5, node_size=1):
        gate_mean = _check_lower(gate_mean, "gate_mean")
        if not np.all((gate_mean >= 0) & (gate_mean <= 1)):
            raise ValueError(
                "`gate_mean` must hold probabilities, numbers in [0, 1]. Received values from "
                f"{gate_mean.min():g} to {gate_mean.max():g}."
            )
        threshold = arguments.number("threshold", threshold, "[0, 1)")
        sizes = np.asarray(node_size)
        if sizes.dtype.kind not in "iu" or sizes.shape not in ((), gate_mean.shape[:1]):
            raise ValueError(
                f"`node_size` must be an integer or {len(gate_mean)} of them, one for each node. "
                f"Received: {node_size!r}."
            )
        if np.any(sizes < 1):
            raise ValueError(f"`node_size` must be positive. Received: {node_size!r}.")
        self.gate_mean = gate_mean
        self.adjacency = gate_mean > threshold
        self.node_sizes = tuple(np.broadcast_to(sizes, len(gate_mean)).tolist())
        for array in (self.gate_mean, self.adjacency):
            array.setflags(write=False)

    @classmethod
    def from_adjacency(cls, adjacency, node_size=1):
        """The graph with these edges for certain: `[N, N]` of 0 and 1."""
        return cls(check_adjacency(adjacency), node_size=node_size)

    @classmethod
    def named(cls, structure, num_nodes, node_size=1):
        """The graph "independent" (no edge), "chain" (n + 1 -> n) or "full" (every edge)."""
        return cls(adjacency_of(structure, num_nodes), node_size=node_size)

    @property
    def num_nodes(self):
        return len(self.adjacency)

    @property
    def edges(self):
        """(parent, child) of each edge, nodes counted from 1, sorted."""
        return [(int(i) + 1, int(j) + 1) for i, j in np.argwhere(self.adjacency)]

    def parents(self, n):
        """Parents of node n, 1 <= n <= N, in ascending order."""
        return [int(i) + 1 for i in np.flatnonzero(self.adjacency[:, self._index(n)])]

    def children(self, n):
        """Children of node n, 1 <= n <= N, in ascending order."""
        return [int(j) + 1 for j in np.flatnonzero(self.adjacency[self._index(n)])]

    @property
    def roots(self):
        """Nodes without parents; node N always is one."""
        return [int(n) + 1 for n in np.flatnonzero(~self.adjacency.any(axis=0))]

    def is_converged(self, tolerance=0.01):
        """Whether every gate's mean is within `tolerance` of 0 or of 1."""
        return bool(np.all(np.minimum(self.gate_mean, 1 - self.gate_mean) <= tolerance))

    def to_dot(self):
        """The graph in the DOT language of Graphviz; edges carry their probability."""
        lines = ["digraph latent_graph {"]
        for n, size in enumerate(self.node_sizes, start=1):
            lines.append(f'  z{n} [label="z{n} ({size})"];')
        for i, j in self.edges:
            lines.append(f'  z{i} -> z{j} [label="{self.gate_mean[i - 1, j - 1]:.2f}"];')
        return "\n".join([*lines, "}"]) + "\n"

    def to_networkx(self):
        """A `networkx.DiGraph`: nodes 1..N with `size`, edges with `gate_mean`.

        Raises:
          ImportError: without networkx.
        """
        import networkx

        graph = networkx.DiGraph()
        for n, size in enumerate(self.node_sizes, start=1):
            graph.add_node(n, size=size)
        for i, j in self.edges:
            graph.add_edge(i, j, gate_mean=float(self.gate_mean[i - 1, j - 1]))
        return graph

    def _index(self, n):
        return arguments.integer("n", n, 1, self.num_nodes, "nodes are numbered from 1") - 1

    def __eq__(self, other):
        if not isinstance(other, LatentGraph):
            return NotImplemented
        same = np.array_equal(self.adjacency, other.adjacency)
        return same and self.node_sizes == other.node_sizes

    def __hash__(self):
        return hash((self.adjacency.tobytes(), self.node_sizes))

    def __repr__(self):
        edges = ", ".join(f"{i} -> {j}" for i, j in self.edges) or "no edges"
        sizes = set(self.node_sizes)
        size = sizes.pop() if len(sizes) == 1 else list(self.node_sizes)
        state = "" if self.is_converged() else ", not converged"
        return f"LatentGraph({self.num_nodes} nodes of size {size}: {edges}{state})"


def adjacency_of(structure, num_nodes):
    """Float `[N, N]` of 0 and 1 for a name in `STRUCTURES` or an array that is one already.

    Raises:
      ValueError: for unknown names and for arrays that are not such a matrix.
    """
    if isinstance(structure, LatentGraph):
        structure = structure.adjacency
    if not isinstance(structure, str):
        return check_adjacency(structure, num_nodes)
    if structure not in STRUCTURES:
        raise ValueError(
            f"A structure must be one of {', '.join(map(repr, STRUCTURES))}, or an array "
            f"[N, N] of 0 and 1. Received: {structure!r}."
        )
    if structure == "full":
        return np.tril(np.ones((num_nodes, num_nodes)), -1)
    return np.eye(num_nodes, k=-1) * (structure == "chain")


def check_adjacency(adjacency, num_nodes=None):
    """`adjacency` as float `[N, N]` of 0 and 1, below the diagonal.

    Raises:
      ValueError: otherwise.
    """
    array = _check_lower(adjacency, "adjacency", num_nodes)
    if not np.all((array == 0) | (array == 1)):
        raise ValueError(
            "`adjacency` must hold 0 and 1: entry [i, j] says whether node i + 1 is a parent of "
            f"node j + 1. Received: {np.unique(array).tolist()}."
        )
    return array


def _check_lower(value, name, num_nodes=None):
    """A float copy of a matrix `[N, N]` that is zero on and above its diagonal."""
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`{name}` must be an array [N, N] of numbers. Received: {value!r}."
        ) from error
    wanted = "[N, N]" if num_nodes is None else f"[{num_nodes}, {num_nodes}]"
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not array.size:
        raise ValueError(f"`{name}` must have shape {wanted}. Received: shape {array.shape}.")
    if num_nodes is not None and len(array) != num_nodes:
        raise ValueError(
            f"`{name}` must have shape {wanted}, one row and one column for each node. Received: "
            f"shape {array.shape}."
        )
    above = np.argwhere(np.triu(np.nan_to_num(array) != 0))  # the callers report NaN
    if len(above):
        i, j = (int(k) + 1 for k in above[0])
        hint = " Is it transposed?" if i < j and not np.tril(array, -1).any() else ""
        raise ValueError(
            f"`{name}`[i, j] belongs to the edge from node i + 1 to node j + 1, and parents have "
            "the larger number: it must be zero unless i > j, so that there are no cycles. "
            f"Received an edge from node {i} to node {j}.{hint}"
        )
    return array
