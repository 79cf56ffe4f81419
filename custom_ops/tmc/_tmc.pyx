# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: embedsignature=True, initializedcheck=False
"""Binding of the TMC core for NumPy; `tfsp.tmc.native` is the documented face."""

import numpy as np

from tfsp import arguments

from cython cimport floating
from libc.stdint cimport int32_t, int64_t
from libcpp cimport bool as cbool
from libcpp.string cimport string
from libcpp.vector cimport vector


cdef extern from "custom_ops/tmc/python/errors.h" namespace "tfsp::tmc" nogil:
    void ToPython()


cdef extern from "custom_ops/tmc/core/tree.h" namespace "tfsp::tmc" nogil:
    cdef cppclass CTree "tfsp::tmc::Tree":
        int num_leaves
        int num_nodes
        int root
    string BuildTree(int, const int32_t*, const double*, CTree*) except +ToPython
    string CheckLengths(int64_t, int64_t, int64_t, int*) except +ToPython
    string CheckFinite[T](const char*, const T*, int64_t, int64_t) except +ToPython


cdef extern from "custom_ops/tmc/core/simd.h" namespace "tfsp::tmc" nogil:
    cdef enum class Isa:
        kAuto
        kPortable
    cbool UseAvx2(Isa)


cdef extern from "custom_ops/tmc/core/buffer.h" namespace "tfsp::tmc" nogil:
    cdef cppclass Buffer[T]:
        void Resize(size_t, size_t) except +ToPython
        T* data()


cdef extern from "custom_ops/tmc/core/priors.h" namespace "tfsp::tmc" nogil:
    cdef enum class EdgeWeights:
        kPrior
        kBayes
    string CheckConcentrations(double, double) except +ToPython
    double TopologyLogProb(const CTree&) except +ToPython
    double TimeLogProb(const CTree&, double, double) except +ToPython
    void EdgeLogProb(const CTree&, EdgeWeights, double, double, double*) except +ToPython
    double AttachmentTimeLogProb(const CTree&, int, double, double, double) except +ToPython


cdef extern from "custom_ops/tmc/core/messages.h" namespace "tfsp::tmc" nogil:
    cdef cppclass UpwardVariances:
        vector[double] variance
    cdef cppclass DownwardVariances:
        vector[double] posterior
    void ComputeUpwardVariances(const CTree&, UpwardVariances*) except +ToPython
    void ComputeDownwardVariances(const CTree&, const UpwardVariances&,
                                  DownwardVariances*) except +ToPython
    double UpwardMeans(const CTree&, const UpwardVariances&, const double*, int64_t, double*,
                       Isa) except +ToPython
    void LikelihoodGradient(const CTree&, const UpwardVariances&, const double*, int64_t,
                            const double*, double*, Isa) except +ToPython


cdef extern from "custom_ops/tmc/core/posterior.h" namespace "tfsp::tmc" nogil:
    double NodePosteriorMeans(const CTree&, const UpwardVariances&, const DownwardVariances&,
                              const double*, int64_t, double*, Isa) except +ToPython
    void NodePosteriorAdjoint(const CTree&, const UpwardVariances&, const DownwardVariances&,
                              const double*, int64_t, double*, Isa) except +ToPython
    void LeaveOneOutVariances(const CTree&, const DownwardVariances&, double*) except +ToPython
    double ExpectedLikelihoodOffset(const CTree&, const double*, const double*,
                                    int64_t) except +ToPython


cdef extern from "custom_ops/tmc/core/quadrature.h" namespace "tfsp::tmc" nogil:
    cdef cppclass QuadratureOptions:
        double concentration1, concentration0
        int leaf_nodes, internal_nodes
        double variance_floor, added_variance
        EdgeWeights edge_weights
    string CheckOptions(const QuadratureOptions&) except +ToPython
    int64_t NumQuadratureNodes(int, const QuadratureOptions&) except +ToPython
    void WriteQuadrature(const CTree&, const UpwardVariances&, const DownwardVariances&,
                         const QuadratureOptions&, int32_t*, double*, double*, double*, double*,
                         Isa) except +ToPython


cdef extern from "custom_ops/tmc/core/predictive.h" namespace "tfsp::tmc" nogil:
    cdef cppclass PredictiveTable[T]:
        int64_t dim
        int num_tree_nodes
        int64_t num_entries
    cdef cppclass PredictiveOutputs[T]:
        T* log_prob
        T* z_gradient
        T* node_weight
        T* spread_weight
        T* edge_log_prob
        T* entry_log_prob
    void BuildPredictiveTable[T](const CTree&, const UpwardVariances&, const DownwardVariances&,
                                 const double*, int64_t, const QuadratureOptions&,
                                 PredictiveTable[T]*, Isa) except +ToPython
    void PredictiveRows[T](const PredictiveTable[T]&, const T*, int64_t, int64_t,
                           const PredictiveOutputs[T]&, Isa) except +ToPython
    void MeansGradient[T](const PredictiveTable[T]&, const T*, const T*, int64_t, const T*,
                          int64_t, int64_t, double*, Isa) except +ToPython
    void AddSpreadGradient[T](const PredictiveTable[T]&, const double*, const T*, int64_t,
                              const T*, double*) except +ToPython


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


cdef int check_shape(str name, int64_t rows, int64_t columns, int64_t want_rows,
                     int64_t want_columns) except -1:
    """Negative `want_*`: any number; but at least one column."""
    if (want_rows >= 0 and rows != want_rows) or columns < 1 or (
            want_columns >= 0 and columns != want_columns):
        want = (f"[{'B' if want_rows < 0 else want_rows}, "
                f"{'D >= 1' if want_columns < 0 else want_columns}]")
        raise ValueError(f"{name} must have shape {want}. Received: [{rows}, {columns}].")
    return 0


def has_avx2():
    """Whether the vectorised kernels run with AVX2 and FMA on this processor."""
    return UseAvx2(Isa.kAuto)


cdef class Tree:
    """A validated tree with its message variances. See `tfsp.tmc.native.Tree`."""

    cdef CTree tree
    cdef UpwardVariances up
    cdef DownwardVariances down
    cdef Isa isa
    cdef bint has_time, has_down
    cdef readonly int num_leaves, num_nodes, root

    def __init__(self, const int32_t[::1] parent, const double[::1] time=None,
                 bint portable=False):
        cdef int num_leaves = 0
        self.has_time = time is not None
        self.isa = Isa.kPortable if portable else Isa.kAuto
        check(CheckLengths(parent.shape[0], time.shape[0] if self.has_time else parent.shape[0],
                           -1, &num_leaves))
        check(BuildTree(num_leaves, &parent[0], &time[0] if self.has_time else NULL, &self.tree))
        if self.has_time:
            ComputeUpwardVariances(self.tree, &self.up)
        self.num_leaves, self.num_nodes = num_leaves, self.tree.num_nodes
        self.root = self.tree.root

    cdef int need_down(self) except -1:
        if not self.has_down:
            ComputeDownwardVariances(self.tree, self.up, &self.down)
            self.has_down = True
        return 0

    cdef int check_leaves(self, const double[:, ::1] leaves, str name) except -1:
        check_shape(name, leaves.shape[0], leaves.shape[1], self.num_leaves, -1)
        return check(CheckFinite[double](
            name.encode(), &leaves[0, 0], leaves.shape[0], leaves.shape[1]))

    def topology_log_prob(self):
        return TopologyLogProb(self.tree)

    def time_log_prob(self, concentration1, concentration0):
        cdef double a = number("concentration1", concentration1)
        cdef double b = number("concentration0", concentration0)
        check(CheckConcentrations(a, b))
        return TimeLogProb(self.tree, a, b)

    cdef double likelihood(self, const double[:, ::1] leaves, double* gradient) except? -1:
        cdef int64_t dim = leaves.shape[1]
        cdef Buffer[double] means
        cdef double value
        self.check_leaves(leaves, "leaves")
        with nogil:
            means.Resize(self.num_leaves - 1, dim)
            value = UpwardMeans(self.tree, self.up, &leaves[0, 0], dim, means.data(), self.isa)
            if gradient != NULL:
                LikelihoodGradient(self.tree, self.up, &leaves[0, 0], dim, means.data(), gradient,
                                   self.isa)
        return value

    def log_likelihood(self, const double[:, ::1] leaves):
        return self.likelihood(leaves, NULL)

    def log_joint(self, const double[:, ::1] leaves, concentration1, concentration0):
        cdef double a = number("concentration1", concentration1)
        cdef double b = number("concentration0", concentration0)
        check(CheckConcentrations(a, b))
        return (TopologyLogProb(self.tree) + TimeLogProb(self.tree, a, b)
                + self.likelihood(leaves, NULL))

    def log_joint_and_gradient(self, const double[:, ::1] leaves, concentration1, concentration0):
        cdef double a = number("concentration1", concentration1)
        cdef double b = number("concentration0", concentration0)
        check(CheckConcentrations(a, b))
        check_shape("leaves", leaves.shape[0], leaves.shape[1], self.num_leaves, -1)
        out = np.empty((leaves.shape[0], leaves.shape[1]))
        cdef double[:, ::1] gradient = out
        cdef double value = self.likelihood(leaves, &gradient[0, 0])
        return TopologyLogProb(self.tree) + TimeLogProb(self.tree, a, b) + value, out

    def expected_log_joint_and_gradient(self, const double[:, ::1] mean,
                                        const double[:, ::1] variance, a, b):
        cdef int64_t n, k, dim = mean.shape[1]
        value, mean_gradient = self.log_joint_and_gradient(mean, a, b)
        check_shape("variance", variance.shape[0], variance.shape[1], self.num_leaves, dim)
        self.check_leaves(variance, "variance")
        for n in range(self.num_leaves):
            for k in range(dim):
                if variance[n, k] < 0:
                    raise ValueError(f"variance[{n}, {k}] = {variance[n, k]} must be >= 0.")
        self.need_down()
        leave_one_out = np.empty(self.num_leaves)
        cdef double[::1] loo = leave_one_out
        LeaveOneOutVariances(self.tree, self.down, &loo[0])
        value += ExpectedLikelihoodOffset(self.tree, &loo[0], &variance[0, 0], dim)
        variance_gradient = np.repeat(-0.5 / leave_one_out[:, None], dim, axis=1)
        return value, mean_gradient, variance_gradient

    def node_posterior(self, const double[:, ::1] leaves):
        self.check_leaves(leaves, "leaves")
        self.need_down()
        mean, variance = np.empty((self.num_nodes, leaves.shape[1])), np.empty(self.num_nodes)
        cdef double[:, ::1] m = mean
        cdef double[::1] v = variance
        cdef int i
        with nogil:
            NodePosteriorMeans(self.tree, self.up, self.down, &leaves[0, 0], leaves.shape[1],
                               &m[0, 0], self.isa)
            for i in range(self.num_nodes):
                v[i] = self.down.posterior[i]
        return mean, variance

    def node_posterior_vjp(self, const double[:, ::1] mean_gradient):
        cdef int64_t dim = mean_gradient.shape[1]
        check_shape("mean_gradient", mean_gradient.shape[0], dim, self.num_nodes, -1)
        self.need_down()
        out = np.empty((self.num_leaves, dim))
        cdef double[:, ::1] gradient = out
        with nogil:
            NodePosteriorAdjoint(self.tree, self.up, self.down, &mean_gradient[0, 0], dim,
                                 &gradient[0, 0], self.isa)
        return out

    def edge_log_prob(self, bint bayes, concentration1, concentration0):
        cdef double a = number("concentration1", concentration1)
        cdef double b = number("concentration0", concentration0)
        check(CheckConcentrations(a, b))
        out = np.empty(self.num_nodes)
        cdef double[::1] log_prob = out
        EdgeLogProb(self.tree, EdgeWeights.kBayes if bayes else EdgeWeights.kPrior, a, b,
                    &log_prob[0])
        return out

    def attachment_time_log_prob(self, const int64_t[::1] edge, const double[::1] t,
                                 concentration1, concentration0):
        cdef double a = number("concentration1", concentration1)
        cdef double b = number("concentration0", concentration0)
        check(CheckConcentrations(a, b))
        out = np.empty(edge.shape[0])
        cdef double[::1] log_prob = out
        cdef int64_t i
        for i in range(edge.shape[0]):
            if edge[i] < 0 or edge[i] >= self.num_nodes or edge[i] == self.root:
                raise ValueError(
                    f"edge[{i}] = {edge[i]} must be a node of [0, {self.num_nodes}) other than the "
                    f"root {self.root}.")
            log_prob[i] = AttachmentTimeLogProb(self.tree, <int> edge[i], t[i], a, b)
        return out

    def attachment_quadrature(self, Options options):
        self.need_down()
        cdef int64_t size = NumQuadratureNodes(self.num_leaves, options.options)
        edge, columns = np.empty(size, np.int32), np.empty((4, size))
        cdef int32_t[::1] e = edge
        cdef double[:, ::1] c = columns
        with nogil:
            WriteQuadrature(self.tree, self.up, self.down, options.options, &e[0], &c[0, 0],
                            &c[1, 0], &c[2, 0], &c[3, 0], self.isa)
        return edge, columns[0], columns[1], columns[2], columns[3]


cdef class Options:
    """Checked options of the quadrature."""

    cdef QuadratureOptions options

    def __init__(self, concentration1, concentration0, int leaf_nodes, int internal_nodes,
                 variance_floor, added_variance, bint bayes):
        self.options.concentration1 = number("concentration1", concentration1)
        self.options.concentration0 = number("concentration0", concentration0)
        self.options.leaf_nodes, self.options.internal_nodes = leaf_nodes, internal_nodes
        self.options.variance_floor = number("variance_floor", variance_floor)
        self.options.added_variance = number("added_variance", added_variance)
        self.options.edge_weights = EdgeWeights.kBayes if bayes else EdgeWeights.kPrior
        check(CheckOptions(self.options))


cdef class Predictive:
    """Table of the collapsed predictive density. See `tfsp.tmc.native.Predictive`."""

    cdef PredictiveTable[float] single_table
    cdef PredictiveTable[double] double_table
    cdef Buffer[double] mean
    cdef bint single
    cdef readonly Tree tree
    cdef readonly int64_t dim, num_entries

    def __init__(self, Tree tree, const double[:, ::1] leaves, Options options, bint single):
        tree.check_leaves(leaves, "leaves")
        tree.need_down()
        self.tree, self.single, self.dim = tree, single, leaves.shape[1]
        self.num_entries = NumQuadratureNodes(tree.num_leaves, options.options)
        with nogil:
            self.mean.Resize(tree.num_nodes, self.dim)
            NodePosteriorMeans(tree.tree, tree.up, tree.down, &leaves[0, 0], self.dim,
                               self.mean.data(), tree.isa)
            if single:
                BuildPredictiveTable[float](
                    tree.tree, tree.up, tree.down, self.mean.data(), self.dim, options.options,
                    &self.single_table, tree.isa)
            else:
                BuildPredictiveTable[double](
                    tree.tree, tree.up, tree.down, self.mean.data(), self.dim, options.options,
                    &self.double_table, tree.isa)

    @property
    def dtype(self):
        return np.dtype(np.float32 if self.single else np.float64)

    cdef int check_z(self, const floating[:, ::1] z) except -1:
        check_shape("z", z.shape[0], z.shape[1], -1, self.dim)
        if z.shape[0] > 0:
            if floating is float:
                check(CheckFinite[float](b"z", &z[0, 0], z.shape[0], z.shape[1]))
            else:
                check(CheckFinite[double](b"z", &z[0, 0], z.shape[0], z.shape[1]))
        return 0

    cdef int rows(self, const floating[:, ::1] z,
                  PredictiveOutputs[floating]* out) except -1 nogil:
        if floating is float:
            PredictiveRows[float](self.single_table, &z[0, 0], 0, z.shape[0], out[0],
                                  self.tree.isa)
        else:
            PredictiveRows[double](self.double_table, &z[0, 0], 0, z.shape[0], out[0],
                                   self.tree.isa)
        return 0

    def log_prob(self, const floating[:, ::1] z):
        self.check_z(z)
        result = np.empty(z.shape[0], self.dtype)
        cdef floating[::1] log_prob = result
        cdef PredictiveOutputs[floating] out
        if z.shape[0] == 0:
            return result
        out.log_prob = &log_prob[0]
        with nogil:
            self.rows(z, &out)
        return result

    def log_prob_and_gradient(self, const floating[:, ::1] z, const floating[::1] upstream):
        """log p [B], gradient to z [B, d], gradient to the leaves [N, d] (float64)."""
        self.check_z(z)
        cdef int64_t size = z.shape[0], num_nodes = self.tree.num_nodes
        cdef bint weighted = upstream is not None
        if weighted and upstream.shape[0] != size:
            raise ValueError(f"upstream must have one entry per row of z, {size}. "
                             f"Received: {upstream.shape[0]}.")
        value = np.empty(size, self.dtype)
        z_gradient = np.empty((size, self.dim), self.dtype)
        leaf_gradient = np.zeros((self.tree.num_leaves, self.dim))
        if size == 0:
            return value, z_gradient, leaf_gradient
        cdef floating[::1] log_prob = value
        cdef floating[:, ::1] dz = z_gradient
        cdef double[:, ::1] ds = leaf_gradient
        cdef Buffer[floating] node, spread
        cdef Buffer[double] dm
        cdef const floating* g = &upstream[0] if weighted else NULL
        cdef PredictiveOutputs[floating] out
        cdef int64_t i, k
        out.log_prob, out.z_gradient = &log_prob[0], &dz[0, 0]
        node.Resize(size, num_nodes)
        spread.Resize(size, num_nodes)
        dm.Resize(num_nodes, self.dim)
        out.node_weight, out.spread_weight = node.data(), spread.data()
        with nogil:
            self.rows(z, &out)
            if floating is float:
                MeansGradient[float](self.single_table, &z[0, 0], g, size, node.data(), 0,
                                     num_nodes, dm.data(), self.tree.isa)
                AddSpreadGradient[float](self.single_table, self.mean.data(), g, size,
                                         spread.data(), dm.data())
            else:
                MeansGradient[double](self.double_table, &z[0, 0], g, size, node.data(), 0,
                                      num_nodes, dm.data(), self.tree.isa)
                AddSpreadGradient[double](self.double_table, self.mean.data(), g, size,
                                          spread.data(), dm.data())
            NodePosteriorAdjoint(self.tree.tree, self.tree.up, self.tree.down, dm.data(),
                                 self.dim, &ds[0, 0], self.tree.isa)
            if weighted:
                for i in range(size):
                    for k in range(self.dim):
                        dz[i, k] = dz[i, k] * g[i]
        return value, z_gradient, leaf_gradient

    def edge_log_prob(self, const floating[:, ::1] z):
        self.check_z(z)
        result = np.empty((z.shape[0], self.tree.num_nodes), self.dtype)
        cdef floating[:, ::1] log_prob = result
        cdef PredictiveOutputs[floating] out
        if z.shape[0] == 0:
            return result
        out.edge_log_prob = &log_prob[0, 0]
        with nogil:
            self.rows(z, &out)
        return result

    def entry_log_prob(self, const floating[:, ::1] z):
        self.check_z(z)
        result = np.empty((z.shape[0], self.num_entries), self.dtype)
        cdef floating[:, ::1] log_prob = result
        cdef PredictiveOutputs[floating] out
        if z.shape[0] == 0:
            return result
        out.entry_log_prob = &log_prob[0, 0]
        with nogil:
            self.rows(z, &out)
        return result
