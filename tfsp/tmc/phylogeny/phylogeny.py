"""Phylogeny: a rooted binary tree with times and, if wanted, names of its leaves."""

import functools

import numpy as np

from tfsp import arguments
from tfsp.tmc.phylogeny import checks, cuts, dendrogram, graphs, layout, linkage, newick, surgery
from tfsp.tmc.phylogeny.arrays import TreeArrays


class Phylogeny(TreeArrays):
    """A binary tree over N leaves: immutable, validated, any labelling of the internal nodes.

    Leaves are nodes 0..N-1 at time 1, internal nodes are N..V-1 with V = 2N - 1, the root is at
    time 0 and times grow along every edge. Two trees are equal when they differ only in the
    labels of internal nodes and in support. The edge above a node carries that node's number.

    Args:
      parent: integers `[V]`, -1 at the root.
      time: float `[V]`, without unit.
      names: strings `[N]`, distinct; or None.
      root_time: time of the root, 0 unless the tree was cut out of a larger one
        (`subtree`, `prune`). `rescaled()` moves such a tree back to the root at 0.
      support: numbers in [0, 1] `[V]`, how sure the clade below each node is (NaN: unknown), as
        `tfsp.tmc.summarize` finds it; or None. Other labellings, other names and stretched times
        keep it, surgery does not: clades are others then.

    Attributes:
      parent: int32 `[V]`, read-only.
      time: float64 `[V]`, read-only.
      children: int32 `[V, 2]`, -1 at leaves, read-only.
      names: a tuple, or None.
      num_leaves: N.
      num_nodes: V.
      root: number of the root.
      support: float64 `[V]`, read-only, or None.

    Raises:
      ValueError: for an invalid tree, with the index and the value.
      TypeError: for arrays of the wrong kind.

    Source: Boyles & Welling 2012; Vikram et al. 2018, arXiv:1810.06891, section 2.
    """

    @classmethod
    def _of(cls, arrays):
        """The tree of checked arrays."""
        if type(arrays) is cls:
            return arrays
        tree = cls.__new__(cls)
        tree.__dict__.update(arrays.__dict__)
        return tree

    def __repr__(self):
        if self.num_leaves == 1:
            return f"Phylogeny(1 leaf{f', name {self.names[0]}' if self.names else ''})"
        inner = np.delete(self.time[self.num_leaves :], self.root - self.num_leaves)
        times = f", internal times {inner.min():.3g} to {inner.max():.3g}" if inner.size else ""
        start = f", root_time={self.root_time:.3g}" if self.root_time else ""
        named = ""
        if self.names:
            named = f", names {', '.join(self.names[:3])}{', ...' * (self.num_leaves > 3)}"
        return f"Phylogeny({self.num_leaves} leaves, root {self.root}{start}{times}{named})"

    def _repr_html_(self):
        return dendrogram.as_html(self)

    def __eq__(self, other):
        if not isinstance(other, Phylogeny):
            return NotImplemented
        if self.num_leaves != other.num_leaves or self.names != other.names:
            return False
        a, b = self.canonical(), other.canonical()
        return np.array_equal(a.parent, b.parent) and np.array_equal(a.time, b.time)

    def __hash__(self):
        tree = self.canonical()
        return hash((tree.parent.tobytes(), (tree.time + 0.0).tobytes(), self.names))

    # Structure ------------------------------------------------------------------------------

    @functools.cached_property
    def postorder(self):
        """All nodes, int32 `[V]`: children before parents, every subtree in one stretch."""
        return layout.postorder(self.children, self.layout)

    def leaf(self, name):
        """Number of the leaf called `name`.

        Raises:
          KeyError: for an unknown name, with some of the known ones.
        """
        if self.names is None or name not in self.names:
            known = "no names" if self.names is None else ", ".join(self.names[:5]) + ", ..."
            raise KeyError(
                f"No leaf is called {arguments.shown(name)}. The tree has: "
                f"{arguments.shorten(known)}."
            )
        return self.names.index(name)

    def ancestors(self, node):
        """`node`, its parent, ..., the root: a list."""
        path = [checks.check_node(node, self.num_nodes)]
        while self.parent[path[-1]] >= 0:
            path.append(int(self.parent[path[-1]]))
        return path

    def lowest_common_ancestor(self, *nodes):
        """The lowest node at or above all the given ones.

        Raises:
          ValueError: for no nodes, or numbers that are not nodes of the tree.
        """
        if not nodes:
            raise ValueError("`lowest_common_ancestor` needs at least one node. Received: none.")
        nodes = [checks.check_node(v, self.num_nodes) for v in nodes]
        found = nodes[0]
        for v in nodes[1:]:
            while v != found:  # times grow downwards: the later of two cannot be above the other
                if self.time[v] >= self.time[found]:
                    v = int(self.parent[v])
                else:
                    found = int(self.parent[found])
        return found

    def lca_times(self, leaves=None, dtype=np.float64):
        """Times of the lowest common ancestors of leaves `[N, N]`, 1 on the diagonal; O(N^2).

        One coordinate of the leaves has covariance 1 + lca_times.

        Args:
          leaves: leaf numbers `[M]`, to get `[M, M]` in time and memory O(N M).
          dtype: of the result; float32 halves the memory.

        Raises:
          ValueError: for numbers that are not leaves of the tree.
        """
        if leaves is None:
            leaves = np.arange(self.num_leaves)
        leaves = checks.as_leaves("leaves", leaves, self.num_leaves)
        return layout.lca_times(self.children, self.time, self.layout, leaves, dtype)

    def leaf_distances(self, leaves=None, condensed=False):
        """Path lengths between leaves, 2 (1 - lca time): `[N, N]`, or `[N (N - 1) / 2]`.

        Half of it is the cophenetic distance.

        Args:
          leaves: leaf numbers `[M]`; None takes all.
          condensed: return the upper triangle row by row, as `scipy.spatial.distance.pdist` does.
        """
        distance = 2 * (1 - self.lca_times(leaves))
        return distance[np.triu_indices(len(distance), 1)] if condensed else distance

    # Clusters -------------------------------------------------------------------------------

    def slice(self, time):
        """Clusters of leaves that still travel together at `time`: labels `[N]`, 0..K-1.

        Two leaves share a cluster when their lowest common ancestor is at `time` or later; a
        later slice refines an earlier one. Labels follow the smallest leaf of each cluster.

        Raises:
          ValueError: for a `time` outside [0, 1].
        """
        time = arguments.number("time", time, "[0, 1]")
        split = (self.time < time) & (np.arange(self.num_nodes) >= self.num_leaves)
        return layout.cluster_labels(self.layout, self.parent, split)

    def cut(self, num_clusters, method="time", weights=None, min_size=1):
        """K clusters, each a subtree: labels `[N]`, 0..K-1, by the smallest leaf of each.

        `tfsp.tmc.lasting_clusters` is another way, by how long clades stay together.

        Args:
          num_clusters: K.
          method: "time", the first slice with K clusters (equal times split in turn); or "spread",
            the K subtrees of least spread within (`cuts.tight`), which does not split off lone
            leaves as long as there is more to gain elsewhere.
          weights: `[N]`, what each leaf counts for in "spread", such as the data nearest to it.
          min_size: leaves of the smallest cluster that counts as one in "time", at least 1. Smaller
            groups, which part first in a summary of trees, join the cluster from which they part
            last; of several the largest.

        Raises:
          ValueError: for a `num_clusters` outside [1, N], another method, weights that are not
            positive numbers, or more clusters than there are of `min_size`.
        """
        min_size = arguments.integer("min_size", min_size, 1)
        num_clusters = arguments.integer("num_clusters", num_clusters, 1, self.num_leaves)
        if method == "time" and weights is None and min_size > 1:
            return cuts.joined(self, cuts.parted(self, num_clusters, min_size))
        if method == "spread" and min_size == 1:
            split = cuts.tight(self, num_clusters, weights)
        elif method == "time" and weights is None:
            split = np.zeros(self.num_nodes, bool)
            split[self.layout.inner[::-1][: num_clusters - 1]] = True
        else:
            raise ValueError(
                "`method` must be 'time', without weights, or 'spread', without `min_size`. "
                f"Received: {arguments.shown(method)}{'' if weights is None else ' with weights'}, "
                f"min_size={min_size}."
            )
        return layout.cluster_labels(self.layout, self.parent, split)

    # Labellings -----------------------------------------------------------------------------

    @functools.cached_property
    def _canonical(self):
        new = layout.canonical_labels(self.children, self.layout, self.root)
        parent, time = np.empty_like(self.parent), np.empty_like(self.time)
        parent[new] = np.where(self.parent >= 0, new[self.parent], -1)
        time[new] = self.time
        support = None if self.support is None else self.support[np.argsort(new)]
        return parent, time, support

    def canonical(self):
        """The same tree with internal nodes in postorder, smaller leaves first; root last."""
        parent, time, support = self._canonical
        return Phylogeny(parent, time, self.names, self.root_time, support)

    def same_topology(self, other):
        """Whether both trees have the same clades, whatever the times and internal labels.

        Leaves are matched by name where both trees have the same names in another order.
        """
        if not isinstance(other, Phylogeny):
            raise ValueError(f"`other` must be a Phylogeny. Received: {type(other).__name__}.")
        if self.num_leaves != other.num_leaves:
            return False
        if self.names != other.names and self.names and other.names:
            if set(self.names) != set(other.names):
                return False
            other = other.reorder([other.leaf(name) for name in self.names])
        return np.array_equal(self._canonical[0], other._canonical[0])

    def reorder(self, leaves):
        """The tree whose leaf i is this tree's leaf `leaves[i]`."""
        return self._of(surgery.reorder(self, leaves))

    def with_names(self, names):
        """The same tree with other names of leaves, or without (None)."""
        return Phylogeny(self.parent, self.time, names, self.root_time, self.support)

    def with_support(self, support):
        """The same tree with other support of its clades `[V]`, or without (None)."""
        return Phylogeny(self.parent, self.time, self.names, self.root_time, support)

    def rescaled(self):
        """Times stretched to put the root at 0: (t - root_time) / (1 - root_time).

        The prior of the times stays the same: sticks are relative.
        """
        if self.num_leaves == 1:
            return self
        time = (self.time - self.root_time) / (1 - self.root_time)
        time[: self.num_leaves] = 1.0
        return Phylogeny(self.parent, time, self.names, support=self.support)

    # Surgery and exchange, by the functions on arrays ------------------------------------------

    def restrict(self, leaves):
        """`surgery.restrict`: the tree that the given leaves span, times kept."""
        return self._of(surgery.restrict(self, leaves))

    def subtree(self, node):
        """The tree below `node`, times kept; its leaves are `leaves_below(node)`, in that order."""
        return self.restrict(self.leaves_below(node))

    def prune(self, node):
        """`surgery.prune`: takes the subtree at `node` off."""
        out = surgery.prune(self, node)
        return out._replace(rest=self._of(out.rest), subtree=self._of(out.subtree))

    def attach(self, edge, time, subtree=None, leaves=None, name=None):
        """`surgery.attach`: a new leaf or subtree on the edge above node `edge`, at `time`."""
        return self._of(surgery.attach(self, edge, time, subtree, leaves, name))

    def to_newick(self):
        """`newick.write`: one line of text that this package reads back to the last bit."""
        return newick.write(self)

    @classmethod
    def from_newick(cls, text, names=None, rescale=False, resolve=False, tolerance=1e-4):
        """`newick.read`: a tree from Newick text."""
        return cls._of(newick.read(text, names, rescale, resolve, tolerance))

    def to_linkage(self):
        """`linkage.to_linkage`: a scipy linkage matrix `[N - 1, 4]` with heights 1 - t."""
        return linkage.to_linkage(self)

    @classmethod
    def from_linkage(cls, matrix, names=None, power=1.0):
        """`linkage.from_linkage`: a tree from a scipy linkage matrix `[N - 1, 4]`."""
        return cls._of(linkage.from_linkage(matrix, names, power))

    def to_networkx(self, ids="numbers"):
        """`graphs.to_networkx`: a `networkx.DiGraph`, edges downwards, with times."""
        return graphs.to_networkx(self, ids)

    @classmethod
    def from_networkx(cls, graph):
        """`graphs.from_networkx`: a tree from a `networkx.DiGraph` with times."""
        return cls._of(graphs.from_networkx(graph))
