# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""What the tests see of the core: draws, a state under surgery, reference chains. Not shipped."""

import numpy as np

from tfsp import arguments

from libc.stdint cimport uint32_t
from libc.string cimport memcpy
from libcpp.memory cimport make_unique, unique_ptr

include "../python/core.pxi"
include "../python/checks.pxi"
include "../python/chain_options.pxi"


cdef extern from "custom_ops/tmc/core/random.h" namespace "tfsp::tmc" nogil:
    cdef cppclass Draws "tfsp::tmc::Random":
        Draws(uint64_t, uint64_t) except +ToPython
        uint64_t Bits()
        uint32_t Below(uint64_t)
        double Uniform()
        double Normal()
        double LogGamma(double)
        void Beta(double, double, double*, double*)


cdef extern from "custom_ops/tmc/core/sampler_state.h" namespace "tfsp::tmc" nogil:
    cdef struct SamplerNode:
        int32_t parent
        int32_t count
        double time
    cdef cppclass SamplerState:
        void Init(const CTree&, int, const double*, const double*, double, double,
                  cbool) except +ToPython
        int num_nodes()
        int num_leaves()
        SamplerNode& node(int)
        const double* Mean(int)
        double Variance(int)
        double LogZ(int)
        LogJointParts joint()


cdef extern from "custom_ops/tmc/core/moves.h" namespace "tfsp::tmc" nogil:
    cdef cppclass Regraft:
        int v, w, s, g, x, u
        double time


cdef extern from "custom_ops/tmc/core/surgery.h" namespace "tfsp::tmc" nogil:
    Regraft PruneSubtree(SamplerState*, int) except +ToPython
    void AttachSubtree(SamplerState*, const Regraft&) except +ToPython


cdef extern from "custom_ops/tmc/testing/full_recomputation.h" namespace "tfsp::tmc" nogil:
    Error RunRecomputed "tfsp::tmc::RunSampler<tfsp::tmc::FullRecomputation>"(
        const SamplerOptions&, int, const double*, const double*, CTree*, SamplerResult*,
        SamplerTrace*) except +ToPython


cdef extern from "custom_ops/tmc/testing/joint_test.h" namespace "tfsp::tmc" nogil:
    const int kNumJointStatistics
    Error JointTest(const SamplerOptions&, int, int, int64_t, double*) except +ToPython


def defaults():
    """The core's own defaults: of the density, of the mixture of moves."""
    cdef QuadratureOptions density
    cdef SamplerOptions chain
    return dict(
        concentration1=density.concentration1, concentration0=density.concentration0,
        num_nodes=(density.leaf_nodes, density.internal_nodes),
        variance_floor=density.variance_floor, added_variance=density.added_variance,
        edge_weights="bayes" if density.edge_weights == EdgeWeights.kBayes else "prior",
    ), (chain.concentration1, chain.concentration0), [chain.mixture[i] for i in range(4)]


def recomputed_chain(const int32_t[::1] parent, const double[::1] time,
                     const double[:, ::1] leaves, ChainOptions options,
                     const double[::1] leaf_variance=None, int64_t trace_every=0):
    """The chain of `sample_posterior`, every proposal judged by the log joint of the whole tree."""
    cdef CTree tree
    cdef SamplerResult result
    cdef SamplerTrace trace
    cdef Error error
    cdef const double* variance = NULL
    build(parent, time, leaves.shape[0], &tree)
    if leaf_variance is not None:
        variance = &leaf_variance[0]
    trace.every, trace.trees = trace_every, False
    with nogil:
        error = RunRecomputed(options.options, <int> leaves.shape[1], &leaves[0, 0], variance,
                              &tree, &result, &trace)
    check(error)
    return dict(
        parent=np.array(tree.parent, np.int32), time=np.array(tree.time),
        accepted=[result.accepted[i] for i in range(4)],
        proposed=[result.proposed[i] for i in range(4)], log_joint=np.array(trace.log_joint))


def joint_test(ChainOptions options, int num_leaves, int dims, int64_t replicates):
    if dims < 1 or replicates < 0:
        raise ValueError("num_dims must be at least 1 and num_replicates at least 0. Received: "
                         f"num_dims={dims}, num_replicates={replicates}.")
    out = np.empty((replicates, 2, kNumJointStatistics))
    cdef double[:, :, ::1] view = out
    cdef Error error
    if replicates == 0:
        return out
    with nogil:
        error = JointTest(options.options, num_leaves, dims, replicates, &view[0, 0, 0])
    check(error)
    return out


def random_draws(str kind, int64_t count, double a, double b, uint64_t seed0, uint64_t seed1):
    """`count` draws of the core's generator, for its tests: "bits", "below" (bound a), "uniform",
    "normal", "log_gamma" (shape a) or "beta" (a, b: draw and complement `[count, 2]`)."""
    cdef unique_ptr[Draws] owner = make_unique[Draws](seed0, seed1)
    cdef Draws* random = owner.get()
    cdef int64_t i
    cdef uint64_t[::1] bits
    cdef double[:, ::1] x
    if kind == "bits":
        out = np.empty(count, np.uint64)
        bits = out
        for i in range(count):
            bits[i] = random.Bits()
        return out
    out = np.zeros((count, 2))
    x = out
    for i in range(count):
        if kind == "below":
            x[i, 0] = random.Below(<uint64_t> a)
        elif kind == "uniform":
            x[i, 0] = random.Uniform()
        elif kind == "normal":
            x[i, 0] = random.Normal()
        elif kind == "log_gamma":
            x[i, 0] = random.LogGamma(a)
        elif kind == "beta":
            random.Beta(a, b, &x[i, 0], &x[i, 1])
        else:
            raise ValueError(f"Unknown kind of draw: {kind!r}.")
    return out if kind == "beta" else np.ascontiguousarray(out[:, 0])


cdef class State:
    """The state of a sampler, opened for surgery: the tests of the cached messages use it."""

    cdef SamplerState state
    cdef Regraft place
    cdef int dims

    def __init__(self, const int32_t[::1] parent, const double[::1] time,
                 const double[:, ::1] leaves, double concentration1, double concentration0):
        cdef CTree tree
        build(parent, time, leaves.shape[0], &tree)
        check_dims("leaves", leaves.shape[1])
        self.dims = <int> leaves.shape[1]
        self.state.Init(tree, self.dims, &leaves[0, 0], NULL, concentration1, concentration0,
                        False)

    def messages(self):
        """parent, time, internal nodes below, mean `[V, D]`, variance and log Z `[V]` (0 at
        leaves) and the three parts of the log joint, as they stand."""
        cdef int num_nodes = self.state.num_nodes(), v, k
        parent, time = np.empty(num_nodes, np.int32), np.empty(num_nodes)
        count = np.empty(num_nodes, np.int32)
        mean, variance = np.empty((num_nodes, self.dims)), np.empty(num_nodes)
        log_z = np.zeros(num_nodes)
        for v in range(num_nodes):
            parent[v], time[v] = self.state.node(v).parent, self.state.node(v).time
            count[v], variance[v] = self.state.node(v).count, self.state.Variance(v)
            for k in range(self.dims):
                mean[v, k] = self.state.Mean(v)[k]
            if v >= self.state.num_leaves():
                log_z[v] = self.state.LogZ(v)
        joint = self.state.joint()
        return dict(parent=parent, time=time, count=count, mean=mean, variance=variance,
                    log_z=log_z, joint=np.array([joint.likelihood, joint.topology, joint.times]))

    def prune(self, int v):
        """Takes the subtree at v out, not the root's nor its children's. Returns its sibling and
        its attachment time: `attach` with them restores the tree."""
        if v < 0 or v >= self.state.num_nodes() or self.state.node(v).parent < 0 or (
                self.state.node(self.state.node(v).parent).parent < 0):
            raise ValueError(f"Node {v} cannot be pruned: it must be a node below a child of the "
                             "root.")
        self.place = PruneSubtree(&self.state, v)
        return self.place.s, self.place.time

    def attach(self, int x, double time):
        self.place.x, self.place.time = x, time
        AttachSubtree(&self.state, self.place)
