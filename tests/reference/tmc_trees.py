"""Topologies of the coalescent by enumeration, priors of topologies and times, random trees."""

import fractions
import itertools
import math

import numpy as np
from scipy import special


def children(parent):
    """Children of every node, a list of lists in ascending order."""
    out = [[] for _ in parent]
    for v, u in enumerate(parent):
        if u >= 0:
            out[u].append(v)
    return out


def ancestors(parent, v):
    """`v`, its parent, ..., the root."""
    path = [int(v)]
    while parent[path[-1]] >= 0:
        path.append(int(parent[path[-1]]))
    return path


def leaves_below(parent, v):
    """Frozen set of the leaves at or below node v."""
    num_leaves = (len(parent) + 1) // 2
    return frozenset(n for n in range(num_leaves) if v in ancestors(parent, n))


def subtree_sizes(parent):
    """c(v) `[V]`: internal nodes at or below v."""
    num_leaves = (len(parent) + 1) // 2
    count = np.zeros(len(parent), int)
    for v in range(num_leaves, len(parent)):
        for u in ancestors(parent, v):
            count[u] += 1
    return count


def clades(parent):
    """The labelled topology: a frozen set of the leaf sets below the internal nodes."""
    num_leaves = (len(parent) + 1) // 2
    return frozenset(leaves_below(parent, v) for v in range(num_leaves, len(parent)))


def parents_of(topology, num_leaves):
    """A `parent` array with the given clades; internal nodes in order of their clades' sizes."""
    order = sorted(topology, key=lambda c: (len(c), sorted(c)))
    sets = [frozenset([n]) for n in range(num_leaves)] + order
    parent = np.full(len(sets), -1, np.int32)
    for v, clade in enumerate(sets):
        above = [u for u, other in enumerate(sets) if clade < other]
        if above:
            parent[v] = min(above, key=lambda u: len(sets[u]))
    return parent


def count_topologies(num_leaves):
    """(2N - 3)!!, the number of labelled rooted binary topologies."""
    return math.prod(range(1, 2 * num_leaves - 2, 2))


def all_topologies(num_leaves):
    """Every labelled rooted binary topology, as a dict from clades to `parent`.

    Built by splitting the set of leaves in two in all ways, so no coalescent is involved.
    """

    def split(leaves):
        if len(leaves) == 1:
            yield frozenset()
            return
        first, rest = leaves[0], leaves[1:]
        for size in range(len(rest)):
            for chosen in itertools.combinations(rest, size):
                other = tuple(n for n in rest if n not in chosen)
                for a in split((first, *chosen)):
                    for b in split(other):
                        yield a | b | {frozenset(leaves)}

    return {t: parents_of(t, num_leaves) for t in split(tuple(range(num_leaves)))}


def coalescent_topology_probs(num_leaves):
    """P(topology) under Kingman's coalescent as exact fractions, by walking every merge order.

    With k lineages left each of the k (k - 1) / 2 pairs merges with the same probability.
    Returns: dict from clades to `fractions.Fraction`.
    """
    total = {}

    def walk(lineages, topology, probability):
        if len(lineages) == 1:
            total[topology] = total.get(topology, 0) + probability
            return
        pairs = list(itertools.combinations(lineages, 2))
        for a, b in pairs:
            rest = [c for c in lineages if c not in (a, b)]
            walk([*rest, a | b], topology | {a | b}, probability / len(pairs))

    walk([frozenset([n]) for n in range(num_leaves)], frozenset(), fractions.Fraction(1))
    return total


def topology_log_prob(parent):
    """log p = log (N-1)! - sum_v log c(v) - sum_{k=2..N} log C(k, 2), in nats."""
    num_leaves = (len(parent) + 1) // 2
    sizes = subtree_sizes(parent)[num_leaves:]
    return (
        math.lgamma(num_leaves)
        - math.fsum(math.log(c) for c in sizes)
        - math.fsum(math.log(math.comb(k, 2)) for k in range(2, num_leaves + 1))
    )


def stick_log_density(gap, left, whole, a, b):
    """log f(t given p), t = p + beta (1 - p), beta ~ Beta(a, b), Jacobian included.

    Args: gap = t - p, left = 1 - t, whole = 1 - p (apart, so that no digits are lost near 1).
    """
    beta, rest = gap / whole, left / whole
    density = (a - 1) * np.log(beta) + (b - 1) * np.log(rest) - special.betaln(a, b)
    return density - np.log(whole)


def time_log_prob(parent, time, a=2.0, b=2.0):
    """log density of the internal times below the root, given the topology."""
    num_leaves = (len(parent) + 1) // 2
    terms = []
    for v in range(num_leaves, len(parent)):
        if parent[v] >= 0:
            p, t = time[parent[v]], time[v]
            terms.append(float(stick_log_density(t - p, 1 - t, 1 - p, a, b)))
    return math.fsum(terms)


def lca_times(parent, time):
    """Times of the lowest common ancestors of all pairs of nodes `[V, V]`; t_v on the diagonal."""
    paths = [ancestors(parent, v) for v in range(len(parent))]
    out = np.empty((len(parent), len(parent)))
    for u in sorted(range(len(parent)), key=lambda u: len(paths[u])):  # deeper ones overwrite
        below = [v for v, path in enumerate(paths) if u in path]
        out[np.ix_(below, below)] = time[u]
    return out


def merge_at_random(rng, num_leaves, pick):
    """`parent` by merging two lineages at a time; internal labels shuffled."""
    labels = num_leaves + rng.permutation(max(num_leaves - 1, 0))
    parent = np.full(2 * num_leaves - 1, -1, np.int32)
    lineages = list(range(num_leaves))
    for label in labels:
        i, j = pick(len(lineages))
        a, b = lineages[i], lineages[j]
        parent[[a, b]] = label
        lineages = [c for c in lineages if c not in (a, b)] + [int(label)]
    return parent


def random_tree(rng, num_leaves, shape="coalescent"):
    """A random tree with well separated times, for tests; internal labels in random order.

    Args:
        shape: "coalescent", or "caterpillar": each merge takes the newest lineage.
    Returns: parent int32 `[V]`, time float64 `[V]`. 1 - t stays above about N^-2.
    """

    def pick(k):
        if shape == "caterpillar":
            return k - 1, int(rng.integers(k - 1))
        return tuple(rng.choice(k, 2, replace=False))

    parent = merge_at_random(rng, num_leaves, pick)
    below = children(parent)
    root = int(np.flatnonzero(parent < 0)[0])
    order = [root]
    for v in order:
        order.extend(below[v])
    height = np.zeros(len(parent), int)
    for v in reversed(order):
        height[v] = 1 + max(height[w] for w in below[v]) if below[v] else 0
    time = np.ones(len(parent))
    if num_leaves > 1:
        time[root] = 0.0
    for v in order[1:]:
        if below[v]:
            beta = rng.uniform(0.2, 1.8) / (height[v] + 1)
            time[v] = time[parent[v]] + beta * (1 - time[parent[v]])
    return parent, time


def sample_prior(rng, num_leaves, a=2.0, b=2.0):
    """A tree from the prior: Kingman's merges, then sticks from the root down."""
    parent = merge_at_random(rng, num_leaves, lambda k: tuple(rng.choice(k, 2, replace=False)))
    below = children(parent)
    time = np.ones(len(parent))
    todo = [int(np.flatnonzero(parent < 0)[0])]
    if num_leaves > 1:
        time[todo[0]] = 0.0
    while todo:
        v = todo.pop()
        for w in below[v]:
            if below[w]:
                time[w] = time[v] + rng.beta(a, b) * (1 - time[v])
            todo.append(w)
    return parent, time
