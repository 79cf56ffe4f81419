"""Slow references of the time-marginalized coalescent: one name for the three files.

    tmc_trees       topologies by enumeration, priors of topologies and times, random trees
    tmc_gaussian    Brownian motion on a tree by dense linear algebra, and plain recursions
    tmc_predictive  a new leaf: edges, times, predictive densities, the posterior of small trees

A tree is a pair `parent` int32 `[V]` (-1 at the root) and `time` float64 `[V]`; V = 2N - 1, the
leaves are nodes 0..N-1 at time 1, the root is at time 0, the internal nodes N..V-1 stand in any
order. For N = 1 the only node is root and leaf at time 1: N(0, 2I), as if a root stood above it.
NumPy and scipy only, and nothing here shares code with the package.
"""

from reference.tmc_gaussian import (
    cavities,
    expected_log_likelihood,
    log_likelihood,
    messages,
    node_covariance,
    node_posterior,
    node_posterior_covariance,
    sample_leaves,
)
from reference.tmc_predictive import (
    attach,
    attachment_log_prob,
    bayes_log_weights,
    edge_log_prob,
    edge_log_terms,
    edge_path,
    log_joint,
    new_leaf,
    predictive_log_prob,
    quadrature_rule,
    rule_log_terms,
    sample_attach_time,
    sample_predictive,
    time_density,
    topology_posterior,
)
from reference.tmc_trees import (
    all_topologies,
    ancestors,
    children,
    clades,
    coalescent_topology_probs,
    count_topologies,
    lca_times,
    random_tree,
    sample_prior,
    stick_log_density,
    subtree_sizes,
    time_log_prob,
    topology_log_prob,
)

__all__ = [
    "all_topologies",
    "ancestors",
    "attach",
    "attachment_log_prob",
    "bayes_log_weights",
    "cavities",
    "children",
    "clades",
    "coalescent_topology_probs",
    "count_topologies",
    "edge_log_prob",
    "edge_log_terms",
    "edge_path",
    "expected_log_likelihood",
    "lca_times",
    "log_joint",
    "log_likelihood",
    "messages",
    "new_leaf",
    "node_covariance",
    "node_posterior",
    "node_posterior_covariance",
    "predictive_log_prob",
    "quadrature_rule",
    "random_tree",
    "rule_log_terms",
    "sample_attach_time",
    "sample_leaves",
    "sample_predictive",
    "sample_prior",
    "stick_log_density",
    "subtree_sizes",
    "time_density",
    "time_log_prob",
    "topology_log_prob",
    "topology_posterior",
]
