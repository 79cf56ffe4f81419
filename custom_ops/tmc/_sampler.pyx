# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: embedsignature=True, initializedcheck=False
"""Binding of the TMC samplers for NumPy; `tfsp.tmc.native_sampler` is the documented face."""

import numpy as np

from tfsp import arguments

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy
from libcpp cimport bool as cbool
from libcpp.memory cimport make_unique, unique_ptr
from libcpp.string cimport string
from libcpp.vector cimport vector


cdef extern from "custom_ops/tmc/python/errors.h" namespace "tfsp::tmc" nogil:
    void ToPython()


cdef extern from "custom_ops/tmc/core/tree.h" namespace "tfsp::tmc" nogil:
    cdef cppclass Tree:
        int num_leaves
        int num_nodes
        int root
        vector[int32_t] parent
        vector[double] time
        vector[int32_t] postorder
    string BuildTree(int, const int32_t*, const double*, Tree*) except +ToPython
    string CheckLengths(int64_t, int64_t, int64_t, int*) except +ToPython
    string CheckFinite[T](const char*, const T*, int64_t, int64_t) except +ToPython


cdef extern from "custom_ops/tmc/core/priors.h" namespace "tfsp::tmc" nogil:
    cdef enum class EdgeWeights:
        kPrior
        kBayes


cdef extern from "custom_ops/tmc/core/random.h" namespace "tfsp::tmc" nogil:
    cdef cppclass Random:
        Random(uint64_t, uint64_t) except +ToPython
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
    cdef cppclass LogJointParts:
        double likelihood
        double topology
        double times
    cdef cppclass SamplerState:
        void Init(const Tree&, int, const double*, const double*, double, double,
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


cdef extern from "custom_ops/tmc/core/sampler.h" namespace "tfsp::tmc" nogil:
    cdef cppclass SamplerOptions:
        double concentration1, concentration0
        double mixture[4]
        int64_t num_moves
        uint64_t seed[2]
        double min_remaining
        int64_t refresh_every
        cbool full_recomputation
        cbool portable_kernels
    cdef cppclass SamplerResult:
        double log_joint, drift
        LogJointParts parts
        int64_t accepted[4]
        int64_t proposed[4]
    cdef cppclass SamplerTrace:
        int64_t every
        cbool trees
        vector[double] log_joint
        vector[int32_t] parent
        vector[double] time
    string RunSampler(const SamplerOptions&, int, const double*, const double*, Tree*,
                      SamplerResult*, SamplerTrace*) except +ToPython


cdef extern from "custom_ops/tmc/core/simulate.h" namespace "tfsp::tmc" nogil:
    string SamplePrior(int, double, double, Random*, Tree*, double) except +ToPython
    void SampleLeaves(const Tree&, int64_t, Random*, double*) except +ToPython
    string SamplePredictive(const Tree&, int64_t, const double*, double, double, EdgeWeights,
                            int64_t, Random*, int32_t*, double*, double*) except +ToPython


cdef extern from "custom_ops/tmc/core/surgery.h" namespace "tfsp::tmc" nogil:
    cdef cppclass LeafPlace:
        int edge
        double time
        int leaf
        int node
    string AttachLeaf(const Tree&, LeafPlace, Tree*) except +ToPython
    string PruneLeaf(const Tree&, int, Tree*, LeafPlace*) except +ToPython
    Regraft PruneSubtree(SamplerState*, int) except +ToPython
    void AttachSubtree(SamplerState*, const Regraft&) except +ToPython


cdef extern from "custom_ops/tmc/core/joint_test.h" namespace "tfsp::tmc" nogil:
    const int kNumJointStatistics
    string JointTest(const SamplerOptions&, int, int, int64_t, double*) except +ToPython


cdef inline double number(str name, value) except? -1:
    if type(value) is float:
        return value
    try:
        return value
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"{name} must be a number. Received: {arguments.shown(value)}.") from None


cdef inline int check(const string& error) except -1:
    if not error.empty():
        # Not `error.decode()`: that copies the string, and nothing catches what a copy throws.
        raise ValueError(error.data()[:error.size()].decode("utf-8"))
    return 0


cdef int build(const int32_t[::1] parent, const double[::1] time, int64_t rows,
               Tree* tree) except -1:
    """`rows` < 0: no leaves to compare."""
    cdef int num_leaves = 0
    check(CheckLengths(parent.shape[0], time.shape[0], rows, &num_leaves))
    return check(BuildTree(num_leaves, &parent[0], &time[0], tree))


cdef int check_dims(str name, int64_t dims) except -1:
    """The samplers count dimensions in 32 bits, padded."""
    if dims < 1 or dims > 1 << 24:
        raise ValueError(f"{name} must have 1 to {1 << 24} columns. Received: {dims}.")
    return 0


cdef export(const Tree& tree):
    parent, time = np.empty(tree.num_nodes, np.int32), np.empty(tree.num_nodes)
    cdef int32_t[::1] p = parent
    cdef double[::1] t = time
    memcpy(&p[0], tree.parent.data(), tree.num_nodes * sizeof(int32_t))
    memcpy(&t[0], tree.time.data(), tree.num_nodes * sizeof(double))
    return parent, time


cdef class Options:
    """Options of the chain; values are checked where they are used."""

    cdef SamplerOptions options

    def __init__(self, concentration1, concentration0, mixture, int64_t num_moves,
                 uint64_t seed0, uint64_t seed1, min_remaining=1e-6,
                 int64_t refresh_every=0, bint full_recomputation=False,
                 bint portable_kernels=False):
        self.options.concentration1 = number("concentration1", concentration1)
        self.options.concentration0 = number("concentration0", concentration0)
        for i, (kind, share) in enumerate(mixture.items()):
            self.options.mixture[i] = number(f"mixture[{kind!r}]", share)
        self.options.num_moves = num_moves
        self.options.seed[0], self.options.seed[1] = seed0, seed1
        self.options.min_remaining = number("min_remaining", min_remaining)
        self.options.refresh_every = refresh_every
        self.options.full_recomputation = full_recomputation
        self.options.portable_kernels = portable_kernels


def sample_posterior(const int32_t[::1] parent, const double[::1] time,
                     const double[:, ::1] leaves, Options options,
                     const double[::1] leaf_variance=None, int64_t trace_every=0,
                     bint trace_trees=False):
    cdef Tree tree
    cdef SamplerResult result
    cdef SamplerTrace trace
    cdef string error
    cdef const double* variance = NULL
    cdef int64_t rows = leaves.shape[0], dims = leaves.shape[1]
    build(parent, time, rows, &tree)
    check_dims("leaves", dims)
    if leaf_variance is not None:
        if leaf_variance.shape[0] != rows:
            raise ValueError(f"leaf_variance must have one entry per leaf, {rows}. Received: "
                             f"{leaf_variance.shape[0]}.")
        variance = &leaf_variance[0]
    trace.every, trace.trees = trace_every, trace_trees
    with nogil:
        error = RunSampler(options.options, <int> dims, &leaves[0, 0], variance, &tree, &result,
                           &trace)
    check(error)
    new_parent, new_time = export(tree)
    out = dict(
        parent=new_parent, time=new_time, log_joint=result.log_joint, drift=result.drift,
        log_likelihood=result.parts.likelihood, log_topology=result.parts.topology,
        log_times=result.parts.times, accepted=[result.accepted[i] for i in range(4)],
        proposed=[result.proposed[i] for i in range(4)], trace=None)
    cdef size_t kept, v
    cdef double[::1] joint_view
    cdef int32_t[:, ::1] parent_view
    cdef double[:, ::1] time_view
    if trace_every > 0:
        kept = trace.log_joint.size()
        joint = np.empty(kept)
        out["trace"] = dict(log_joint=joint)
        if kept:
            joint_view = joint
            memcpy(&joint_view[0], trace.log_joint.data(), kept * sizeof(double))
        if trace_trees:
            v = tree.num_nodes
            parents, times = np.empty((kept, v), np.int32), np.empty((kept, v))
            out["trace"].update(parent=parents, time=times)
            if kept:
                parent_view, time_view = parents, times
                memcpy(&parent_view[0, 0], trace.parent.data(), kept * v * sizeof(int32_t))
                memcpy(&time_view[0, 0], trace.time.data(), kept * v * sizeof(double))
    return out


def sample_prior(int num_leaves, concentration1, concentration0, uint64_t seed0, uint64_t seed1,
                 min_remaining):
    cdef Tree tree
    cdef double a = number("concentration1", concentration1)
    cdef double b = number("concentration0", concentration0)
    cdef double least = number("min_remaining", min_remaining)
    cdef string error
    cdef unique_ptr[Random] random = make_unique[Random](seed0, seed1)
    with nogil:
        error = SamplePrior(num_leaves, a, b, random.get(), &tree, least)
    check(error)
    return export(tree)


def sample_leaves(const int32_t[::1] parent, const double[::1] time, int64_t dims, uint64_t seed0,
                  uint64_t seed1):
    cdef Tree tree
    build(parent, time, -1, &tree)
    if dims < 1:
        raise ValueError(f"num_dims must be at least 1. Received: {dims}.")
    out = np.empty((tree.num_leaves, dims))
    cdef double[:, ::1] leaves = out
    cdef unique_ptr[Random] random = make_unique[Random](seed0, seed1)
    with nogil:
        SampleLeaves(tree, dims, random.get(), &leaves[0, 0])
    return out


def sample_predictive(const int32_t[::1] parent, const double[::1] time,
                      const double[:, ::1] leaves, concentration1, concentration0, bint bayes,
                      int64_t count, uint64_t seed0, uint64_t seed1):
    cdef Tree tree
    cdef double a = number("concentration1", concentration1)
    cdef double b = number("concentration0", concentration0)
    cdef string error
    build(parent, time, leaves.shape[0], &tree)
    if leaves.shape[1] < 1:
        raise ValueError("leaves must have at least one column. Received: 0.")
    if count < 0:
        raise ValueError(f"num_samples must not be negative. Received: {count}.")
    edge, when = np.empty(count, np.int32), np.empty(count)
    location = np.empty((count, leaves.shape[1]))
    if count == 0:
        return edge, when, location
    cdef int32_t[::1] e = edge
    cdef double[::1] t = when
    cdef double[:, ::1] z = location
    cdef unique_ptr[Random] random = make_unique[Random](seed0, seed1)
    with nogil:
        error = SamplePredictive(tree, leaves.shape[1], &leaves[0, 0], a, b,
                                 EdgeWeights.kBayes if bayes else EdgeWeights.kPrior, count,
                                 random.get(), &e[0], &t[0], &z[0, 0])
    check(error)
    return edge, when, location


def attach_leaf(const int32_t[::1] parent, const double[::1] time, int edge, at_time, int leaf,
                int node):
    cdef Tree tree, larger
    cdef LeafPlace place
    build(parent, time, -1, &tree)
    place.edge, place.time = edge, number("at_time", at_time)
    place.leaf, place.node = leaf, node
    check(AttachLeaf(tree, place, &larger))
    return export(larger)


def prune_leaf(const int32_t[::1] parent, const double[::1] time, int leaf):
    cdef Tree tree, smaller
    cdef LeafPlace place
    build(parent, time, -1, &tree)
    check(PruneLeaf(tree, leaf, &smaller, &place))
    rest = export(smaller)
    return rest[0], rest[1], dict(edge=place.edge, time=place.time, leaf=place.leaf,
                                  node=place.node)


def joint_test(Options options, int num_leaves, int dims, int64_t replicates):
    if dims < 1 or replicates < 0:
        raise ValueError("num_dims must be at least 1 and num_replicates at least 0. Received: "
                         f"num_dims={dims}, num_replicates={replicates}.")
    out = np.empty((replicates, 2, kNumJointStatistics))
    cdef double[:, :, ::1] view = out
    cdef string error
    if replicates == 0:
        return out
    with nogil:
        error = JointTest(options.options, num_leaves, dims, replicates, &view[0, 0, 0])
    check(error)
    return out


def random_draws(str kind, int64_t count, double a, double b, uint64_t seed0, uint64_t seed1):
    """`count` draws of the core's generator, for its tests: "bits", "below" (bound a), "uniform",
    "normal", "log_gamma" (shape a) or "beta" (a, b: draw and complement `[count, 2]`)."""
    cdef unique_ptr[Random] owner = make_unique[Random](seed0, seed1)
    cdef Random* random = owner.get()
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
        cdef Tree tree
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
