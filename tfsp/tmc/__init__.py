"""The time-marginalized coalescent: binary trees with times over leaves in Brownian motion.

Names load when they are first used: `from tfsp.tmc import Phylogeny` needs NumPy alone.
"""

import importlib

__all__ = [
    "Attachment",
    "Chains",
    "Phylogeny",
    "TreeSummary",
    "active_columns",
    "category_hierarchy",
    "category_tree",
    "dendrogram_purity",
    "effective_sample_size",
    "expected_hierarchy",
    "induced_hierarchy",
    "lasting_clusters",
    "neighbour_graph",
    "neighbour_summary",
    "neighbour_tree",
    "number_of_clusters",
    "place_points",
    "potential_scale_reduction",
    "run_chains",
    "satisfies",
    "slice_locations",
    "subtree_purity",
    "summarize",
    "summarize_draws",
    "ward_tree",
]

_HOMES = {
    "Attachment": "tfsp.tmc.density.attachment",
    "Chains": "tfsp.tmc.chain",
    "Phylogeny": "tfsp.tmc.phylogeny",
    "TreeSummary": "tfsp.tmc.summary",
    "active_columns": "tfsp.tmc.summary",
    "category_hierarchy": "tfsp.tmc.summary",
    "category_tree": "tfsp.tmc.summary",
    "dendrogram_purity": "tfsp.tmc.purity",
    "effective_sample_size": "tfsp.tmc.chain",
    "expected_hierarchy": "tfsp.tmc.summary",
    "induced_hierarchy": "tfsp.tmc.density.induced",
    "lasting_clusters": "tfsp.tmc.summary",
    "neighbour_graph": "tfsp.tmc.summary",
    "neighbour_summary": "tfsp.tmc.summary",
    "neighbour_tree": "tfsp.tmc.summary",
    "number_of_clusters": "tfsp.tmc.summary",
    "place_points": "tfsp.tmc.density.induced",
    "potential_scale_reduction": "tfsp.tmc.chain",
    "run_chains": "tfsp.tmc.chain",
    "satisfies": "tfsp.tmc.constraints",
    "slice_locations": "tfsp.tmc.density.slices",
    "subtree_purity": "tfsp.tmc.purity",
    "summarize": "tfsp.tmc.summary",
    "summarize_draws": "tfsp.tmc.summary",
    "ward_tree": "tfsp.tmc.summary",
}
_MODULES = {  # of `native`, by the names under which they are documented
    "native_sampler": "tfsp.tmc.native.sampler",
    "ops": "tfsp.tmc.native.ops",
}


def __getattr__(name):
    if name in _HOMES:
        return globals().setdefault(name, getattr(importlib.import_module(_HOMES[name]), name))
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    raise AttributeError(f"module 'tfsp.tmc' has no attribute {name!r}")


def __dir__():
    return __all__
