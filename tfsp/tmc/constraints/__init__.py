"""Constraints on a tree's topology: what a user knows about its leaves.

A *triplet* ({a, b}, c), the row a, b, c, says that leaves a and b meet strictly below the node
where c joins them. The chains of `tfsp.tmc` take `triplets=`, ints `[M, 3]`, and sample the
posterior given all of them.

    triplets   which of them a tree satisfies; names of leaves in the place of numbers
    build      whether there is a tree that satisfies all, and which must disagree if not
    follow     the tree nearest to a given one that satisfies all: where a chain starts
    links      must-links and cannot-links as triplets
    questions  which triplets are worth asking for

Source: Vikram & Dasgupta 2016, "Interactive Bayesian hierarchical clustering", arXiv:1602.03258.
"""

from tfsp.tmc.constraints.build import ContradictionError, build, decided
from tfsp.tmc.constraints.follow import constrained_linkage, follow
from tfsp.tmc.constraints.links import link_triplets
from tfsp.tmc.constraints.questions import Questions, suggest
from tfsp.tmc.constraints.triplets import as_numbers, satisfies

__all__ = [
    "ContradictionError",
    "Questions",
    "as_numbers",
    "build",
    "constrained_linkage",
    "decided",
    "follow",
    "link_triplets",
    "satisfies",
    "suggest",
]
