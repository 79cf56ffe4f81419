"""Trees: whole, in parts, sliced, over maps of codes; samples below their nodes."""

from tfsp.viz.trees.hierarchy import hierarchy_pictures
from tfsp.viz.trees.subtrees import (
    disjoint_subtrees,
    inducing_points,
    largest_subtree,
    subtree,
    subtree_samples,
)
from tfsp.viz.trees.tree_map import latent_tree
from tfsp.viz.trees.tree_slices import slices
from tfsp.viz.trees.trees import tree

__all__ = [
    "disjoint_subtrees",
    "hierarchy_pictures",
    "inducing_points",
    "largest_subtree",
    "latent_tree",
    "slices",
    "subtree",
    "subtree_samples",
    "tree",
]
