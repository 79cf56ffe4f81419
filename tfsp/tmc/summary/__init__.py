"""One tree for many: posterior expectations of times, and the support of clades."""

from tfsp.tmc.summary.categories import category_distances, category_hierarchy, category_tree, hang
from tfsp.tmc.summary.draws import TreeSummary, summarize_draws
from tfsp.tmc.summary.hierarchy import expected_hierarchy
from tfsp.tmc.summary.neighbours import neighbour_graph, neighbour_summary, neighbour_tree
from tfsp.tmc.summary.number import lasting_clusters, number_of_clusters
from tfsp.tmc.summary.posterior import active_columns, summarize, ward_tree

__all__ = [
    "TreeSummary",
    "active_columns",
    "category_distances",
    "category_hierarchy",
    "category_tree",
    "expected_hierarchy",
    "hang",
    "lasting_clusters",
    "neighbour_graph",
    "neighbour_summary",
    "neighbour_tree",
    "number_of_clusters",
    "summarize",
    "summarize_draws",
    "ward_tree",
]
