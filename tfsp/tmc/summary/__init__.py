"""One tree for many: posterior expectations of times, and the support of clades."""

from tfsp.tmc.summary.draws import TreeSummary, summarize_draws
from tfsp.tmc.summary.hierarchy import expected_hierarchy
from tfsp.tmc.summary.posterior import active_columns, summarize

__all__ = ["TreeSummary", "active_columns", "expected_hierarchy", "summarize", "summarize_draws"]
