"""Triplets of leaves by enumeration of all topologies; a topology is a set of clades."""

from reference import tmc_trees


def displays(topology, triplets):
    """Whether each ({a, b}, c) has a clade that holds a and b, but not c."""
    return all(
        any(a in clade and b in clade and c not in clade for clade in topology)
        for a, b, c in triplets
    )


def displaying(num_leaves, triplets):
    """All topologies that display the triplets."""
    everything = tmc_trees.all_topologies(num_leaves)
    return [topology for topology in everything if displays(topology, triplets)]


def all_triplets(num_leaves):
    """Every ({a, b}, c) once, a < b."""
    n = range(num_leaves)
    return [(a, b, c) for a in n for b in range(a + 1, num_leaves) for c in n if c not in (a, b)]


def random_triplets(rng, parent, count):
    """Triplets that a tree displays, by its clades: a list of (a, b, c)."""
    num_leaves = (len(parent) + 1) // 2
    clades = tmc_trees.clades(parent)
    out = []
    while len(out) < count:
        some = [int(n) for n in rng.choice(num_leaves, 3, replace=False)]
        for i, c in enumerate(some):
            a, b = some[:i] + some[i + 1 :]
            if displays(clades, [(a, b, c)]):
                out.append((a, b, c))
    return out
