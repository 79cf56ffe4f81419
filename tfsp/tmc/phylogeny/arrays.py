"""A binary tree as checked arrays, and what follows from them alone."""

import functools

import numpy as np

from tfsp.tmc.phylogeny import checks, layout


class TreeArrays:
    """The arrays of a binary tree over N leaves: checked, and read-only.

    Arguments, attributes and errors are those of `Phylogeny`, the class that users see; here are
    the arrays, and what the functions of this package take and return.
    """

    def __init__(self, parent, time, names=None, root_time=0.0, support=None):
        self.parent, self.time, self.children = checks.check_tree(parent, time, root_time)
        self.num_nodes = len(self.parent)
        self.num_leaves = (self.num_nodes + 1) // 2
        self.root = int(np.flatnonzero(self.parent < 0)[0])
        self.names = checks.check_names(names, self.num_leaves)
        self.support = checks.check_support(support, self.num_nodes)
        self._frozen = True

    def __setattr__(self, name, value):
        if "_frozen" in self.__dict__:
            kind = type(self).__name__
            raise AttributeError(f"A {kind} cannot be changed: {name!r}. Make a new one.")
        super().__setattr__(name, value)

    def __reduce__(self):
        return type(self), (self.parent, self.time, self.names, self.root_time, self.support)

    @property
    def root_time(self):
        return float(self.time[self.root])

    @property
    def edges(self):
        """(parent, child) of every edge `[2N - 2, 2]` int32, by child."""
        below = np.flatnonzero(self.parent >= 0)
        return np.stack([self.parent[below], below], 1).astype(np.int32)

    @property
    def edge_lengths(self):
        """Length of the edge above every node `[V]`; at the root `root_time`."""
        start = np.where(self.parent >= 0, self.time[self.parent], 0.0)
        return self.time - start

    @functools.cached_property
    def layout(self):
        """The leaves from left to right, a `layout.Layout`."""
        return layout.depth_first(self.children, self.time)

    @property
    def leaf_counts(self):
        """Leaves at or below every node `[V]`; c(v), the internal nodes, is one less."""
        return self.layout.count

    @property
    def leaf_order(self):
        """Leaves int32 `[N]` as a drawing without crossings shows them."""
        return self.layout.order

    def leaves_below(self, node):
        """Leaves at or below `node`, ascending.

        Raises:
          ValueError: for a number that is not a node of the tree.
        """
        node = checks.check_node(node, self.num_nodes)
        start = self.layout.start[node]
        return np.sort(self.layout.order[start : start + self.layout.count[node]])
