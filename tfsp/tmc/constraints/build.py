"""Whether triplets agree with one another, by the algorithm BUILD."""

import numpy as np

from tfsp.tmc.constraints.triplets import as_numbers, leaf_name


class ContradictionError(ValueError):
    """No tree satisfies the triplets.

    Attributes:
      triplets: int32 `[K, 3]`, some of them that contradict one another; without any one of these
        the others do not.
    """

    def __init__(self, message, triplets):
        super().__init__(message)
        self.triplets = triplets


def build(triplets, num_leaves, names=None):
    """The tree of clades that triplets ask for, or a refusal.

    Two leaves belong together below a node if a triplet says ({a, b}, c) of three leaves below it,
    or a chain of such: the parts that are left are its children. If there is only one part, no tree
    satisfies the triplets. Every binary tree that refines the result satisfies them.

    Args:
      triplets: `[M, 3]`; numbers of leaves, or names.
      num_leaves: N >= 1.
      names: of the leaves, strings `[N]`, or None.

    Returns:
      parent int32 `[K]` of a tree whose nodes may have more than two children: the leaves first,
      then the root, then the other nodes, parents before children.

    Raises:
      ContradictionError: if no tree satisfies all, with a smallest set that contradicts itself.
      ValueError: for triplets that are not three distinct leaves.

    Source: Aho, Sagiv, Szymanski & Ullman 1981, doi:10.1137/0210030.
    """
    rows = as_numbers(triplets, num_leaves, names).tolist()
    parent, stuck = _build(range(num_leaves), rows)
    if stuck:
        raise _contradiction(_conflict(stuck), names)
    return np.array([parent[v] for v in range(len(parent))], np.int32)


def decided(triplets, num_leaves, rows):
    """Whether `triplets` already decide which of three leaves is the odd one: bool `[K]`.

    Args:
      triplets: `[M, 3]`, consistent, numbers of leaves.
      num_leaves: N.
      rows: ints `[K, 3]`, in any order.
    """
    given = as_numbers(triplets, num_leaves).tolist()
    parent = build(given, num_leaves).tolist()
    return np.array([_is_decided(given, parent, row) for row in np.asarray(rows).tolist()], bool)


def components(leaves, rows):
    """Parts of `leaves` that triplets within them hold together: a list of lists, in order."""
    above = {leaf: leaf for leaf in leaves}

    def top(leaf):
        while above[leaf] != leaf:
            above[leaf] = leaf = above[above[leaf]]
        return leaf

    for a, b, _ in rows:
        above[top(a)] = top(b)
    parts = {}
    for leaf in leaves:
        parts.setdefault(top(leaf), []).append(leaf)
    return list(parts.values())


def within(part, rows):
    """The triplets whose three leaves are all in `part`."""
    if len(part) < 3 or not rows:
        return []
    part = set(part)
    return [row for row in rows if row[2] in part and row[0] in part and row[1] in part]


def _build(leaves, rows):
    """(parents by node, []), or (None, triplets at a node whose leaves do not fall apart)."""
    leaves = list(leaves)
    parent, root = {}, len(leaves)
    if len(leaves) == 1:
        return {0: -1}, []
    waiting, free = [(leaves, rows, -1)], root
    while waiting:
        part, inside, above = waiting.pop()
        node, free = free, free + 1
        parent[node] = above
        parts = components(part, inside)
        if len(parts) == 1:
            return None, inside
        for child in parts:
            if len(child) == 1:
                parent[child[0]] = node
            else:
                waiting.append((child, within(child, inside), node))
    return parent, []


def _stuck(rows):
    """Some of the triplets that contradict one another, [] if they agree."""
    leaves = sorted({leaf for row in rows for leaf in row})
    return _build(leaves, rows)[1] if rows else []


def _is_decided(given, parent, row):
    """Whether BUILD's tree alone names the odd leaf; if it names none, each may be."""
    a, b, c = row
    ways = []
    for leaf in row:
        ways.append([leaf])
        while parent[ways[-1][-1]] >= 0:
            ways[-1].append(parent[ways[-1][-1]])
    shared = [len(set(ways[i]).intersection(ways[j])) for i, j in ((0, 1), (0, 2), (1, 2))]
    if shared[0] == shared[1] == shared[2]:
        return False
    known = shared.index(max(shared))
    answers = [(a, b, c), (a, c, b), (b, c, a)]
    return all(_stuck([*given, answer]) for i, answer in enumerate(answers) if i != known)


def _conflict(rows):
    """A smallest set of contradicting triplets among `rows`, which do contradict one another.

    Source: Junker 2004, "QuickXplain".
    """
    rows = list(dict.fromkeys((min(a, b), max(a, b), c) for a, b, c in rows))

    def search(kept, changed, others):
        if changed and _stuck(kept):
            return []
        if len(others) == 1:
            return others
        half = len(others) // 2
        first, second = others[:half], others[half:]
        of_second = search(kept + first, True, second)
        return search(kept + of_second, bool(of_second), first) + of_second

    return search([], False, rows)


def _contradiction(rows, names):
    named = [[leaf_name(leaf, names) for leaf in row] for row in rows]
    text = ", ".join(f"({{{a}, {b}}}, {c})" for a, b, c in named)
    return ContradictionError(
        "No tree satisfies all triplets. Received these, of which one at least must go: "
        f"{text}. (({{a, b}}, c) says that a and b meet below the node where c joins them.)",
        np.array(rows, np.int32),
    )
