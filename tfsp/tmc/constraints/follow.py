"""The tree that satisfies triplets and otherwise follows a given one."""

import collections

import numpy as np

from tfsp.tmc.constraints.build import build, components, within
from tfsp.tmc.constraints.triplets import as_numbers, satisfies
from tfsp.tmc.phylogeny import Phylogeny, checks, spacing, surgery


def constrained_linkage(points, triplets, names=None):
    """Ward's linkage of points, as far as triplets let it be: where a chain starts.

    Args:
      points: `[N, D]`.
      triplets: `[M, 3]`; numbers of leaves, or names.
      names: of the points, strings `[N]`, or None.

    Returns:
      `Phylogeny` that satisfies all triplets: `follow` of Ward's tree, whose times are
      1 - (height / largest height)^2.

    Raises:
      ContradictionError: if no tree satisfies all.
      ValueError: for points that are not finite, and triplets that are not three of them.
    """
    from scipy.cluster import hierarchy

    points = checks.as_points("points", points)
    if len(points) == 1:
        return follow(Phylogeny([-1], [1.0], names), triplets)
    tree = Phylogeny.from_linkage(hierarchy.linkage(points, "ward"), names, power=2.0)
    return follow(tree, triplets)


def follow(tree, triplets):
    """The tree that satisfies all triplets and else is `tree`: leaves in the way are moved.

    From the root down: the leaves are split as the tree splits them, but parts that the triplets
    hold together (`build`) go whole to one side: where most of their leaves are, a triplet across
    that the side leaves open counting as much as a leaf. What has moved hangs there as high as the
    triplets let it. What lies below a node with no triplet and no such leaf stays as
    it is, with its times. O((N + M) depth).

    Args:
      tree: `Phylogeny`, its root at 0.
      triplets: `[M, 3]`; numbers of leaves, or names where the tree has names.

    Returns:
      `Phylogeny`: `tree` itself if it satisfies them. Internal nodes have new numbers otherwise.

    Raises:
      ContradictionError: if no tree satisfies all.
      ValueError: for triplets that are not three distinct leaves.
    """
    rows = as_numbers(triplets, tree.num_leaves, tree.names)
    if np.all(satisfies(tree, rows)):
        return tree
    build(rows, tree.num_leaves, tree.names)  # refuses what contradicts itself
    parent, time = _Follow(tree).run(rows.tolist())
    return Phylogeny(parent, spacing.separate(parent, time), tree.names)


class _Follow:
    """One run from the root down.

    At a node there are leaves, of which some guide: the tree splits these. The others have moved.
    """

    def __init__(self, tree):
        self.tree = tree
        self.place = np.empty(tree.num_leaves, int)  # of each leaf from left to right
        self.place[tree.layout.order] = np.arange(tree.num_leaves)

    def run(self, rows):
        """(parent `[V]`, time `[V]`), times perhaps with ties."""
        num_leaves = self.tree.num_leaves
        num_nodes = 2 * num_leaves - 1
        parent, time = np.full(num_nodes, -1, np.int32), np.ones(num_nodes)
        everyone = list(range(num_leaves))
        waiting, free = [(everyone, set(everyone), rows, -1)], num_leaves
        while waiting:
            leaves, guides, rows, above = waiting.pop()
            start = time[above] if above >= 0 else -1.0
            if not rows and len(guides) == len(leaves):
                nodes, above_them, times = self._as_it_was(leaves, free, start)
                parent[nodes], time[nodes] = above_them, times
                parent[nodes[-1]], free = above, free + len(leaves) - 1
                continue
            node, free = free, free + 1
            parent[node] = above
            when, sides = self._split(components(leaves, rows), rows, guides, start)
            time[node] = when if above >= 0 else 0.0
            for side in sides:
                some = guides.intersection(side) or set(side)
                waiting.append((side, some, within(side, rows), node))
        return parent, time

    def _as_it_was(self, leaves, free, start):
        """The tree that leaves span: its nodes, their parents and times, the root last."""
        part = surgery.restrict(self.tree, leaves)
        label = np.concatenate([leaves, np.arange(free, free + len(leaves) - 1)]).astype(int)
        late, time = _after(start, part.root_time), part.time
        if len(leaves) > 1 and late != part.root_time:  # stretched to what is left
            time = late + (1.0 - late) * (time - part.root_time) / (1.0 - part.root_time)
        order = np.argsort(np.arange(part.num_nodes) == part.root, kind="stable")
        above = np.where(part.parent >= 0, label[part.parent], -1)
        return label[order], above[order], time[order]

    def _split(self, parts, rows, guides, start):
        """When two sides part, and their leaves; no part is on both."""
        moved = [part for part in parts if guides.isdisjoint(part)]
        if moved:  # one of them goes off here, the next below
            time, _ = self._first_side(guides)
            rest = [leaf for part in parts if part is not moved[0] for leaf in part]
            return start + (_after(start, time) - start) / (len(moved) + 1), (moved[0], rest)
        while True:
            time, first = self._first_side(guides)
            left = _left_open(rows, guides, first)
            sides = [], []
            for part in parts:
                here = [leaf for leaf in part if leaf in guides]
                strays = [sum(leaf not in first for leaf in here)]
                strays.append(len(here) - strays[0])
                costs = [strays[side] + sum(left[side][leaf] for leaf in here) for side in (0, 1)]
                side = int(costs[1] < costs[0]) if all(strays) else int(strays[0] > 0)
                sides[side].extend(part)
                guides.difference_update(n for n in here if (n in first) != (side == 0))
            if sides[0] and sides[1]:
                return _after(start, time), sides
            # All parts belong to one side: what stood on the other has moved.

    def _first_side(self, guides):
        """When the guides part in the tree, and those below the first child there."""
        in_order = sorted(guides, key=self.place.__getitem__)
        meet = self.tree.lowest_common_ancestor(in_order[0], in_order[-1])
        if len(guides) == 1:
            return 1.0, set(guides)
        end = self.tree.layout.start[self.tree.children[meet]].max()
        return self.tree.time[meet], {leaf for leaf in in_order if self.place[leaf] < end}


def _after(start, time):
    """A time after `start`: the one wanted, if it is."""
    return time if time > start else start + 0.1 * (1.0 - start)


def _left_open(rows, guides, first):
    """For both sides, by leaf a: triplets ({a, b}, c) across them that hold only where c is not."""
    counts = collections.Counter(), collections.Counter()
    for a, b, c in rows:
        if guides.issuperset((a, b, c)) and (a in first) != (b in first):
            counts[int(c not in first)][a] += 1
    return counts
