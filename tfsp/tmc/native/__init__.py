"""Numerics of the time-marginalized coalescent for NumPy arrays, in C++ through Cython.

No TensorFlow. A tree of N leaves has V = 2N - 1 nodes: `parent` int `[V]` with -1 at the root,
`time` `[V]`; the leaves are nodes 0..N-1 at time 1, the root is at time 0, the internal nodes
N..V-1 stand in any order, and times grow strictly from parent to child. `leaves` `[N, D]` are the
leaves' locations: a Brownian motion whose root is N(0, I) and whose edges add variance equal to
their length. a = `concentration1` and b = `concentration0` belong to the Beta prior of the times.

Everything is float64 but for `z`, which may be float32 and is then served in float32. Log
probabilities are in nats. N = 1 is the tree of a single node, root and leaf: the leaf is N(0, 2I),
as if a root at time 0 stood above it, and a new point is N(leaf / 2, 3/2 I).

Functions check the tree and compute its messages at every call; `Tree` and `Predictive` keep them
for several calls. Errors are ValueErrors that name the index and the value.

Source: Vikram, Hoffman and Johnson 2018, "The LORACs prior for VAEs", arXiv:1810.06891; Boyles and
Welling 2012, "The time-marginalized coalescent prior for hierarchical clustering".
"""

import importlib

__all__ = [
    "EdgeVariances",
    "Predictive",
    "Tree",
    "attachment",
    "attachment_nodes",
    "attachment_quadrature",
    "attachment_time_log_prob",
    "edge_log_prob",
    "edge_variances",
    "expected_log_joint",
    "expected_log_joint_and_gradient",
    "has_avx2",
    "leave_one_out_variances",
    "log_joint",
    "log_joint_and_gradient",
    "log_likelihood",
    "node_posterior",
    "node_posterior_vjp",
    "predictive_log_prob",
    "predictive_log_prob_and_gradient",
    "time_log_prob",
    "topology_log_prob",
]


def __getattr__(name):
    """Names load when they are first used: the ops of TensorFlow do without the Cython module."""
    if name in __all__:
        # Kept: to come here costs a call two microseconds, a tenth of a small tree's density.
        return globals().setdefault(
            name, getattr(importlib.import_module("tfsp.tmc.native.numpy"), name)
        )
    raise AttributeError(f"module 'tfsp.tmc.native' has no attribute {name!r}")


def __dir__():
    return __all__
