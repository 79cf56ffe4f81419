# A tree, its messages, and what follows from them.


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
        leave_one_out = self.leave_one_out_variances()
        cdef double[::1] loo = leave_one_out
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

    def attachment_quadrature(self, DensityOptions options):
        self.need_down()
        cdef int64_t size = NumQuadratureNodes(self.num_leaves, options.options)
        edge, columns = np.empty(size, np.int32), np.empty((4, size))
        cdef int32_t[::1] e = edge
        cdef double[:, ::1] c = columns
        with nogil:
            WriteQuadrature(self.tree, self.up, self.down, options.options, &e[0], &c[0, 0],
                            &c[1, 0], &c[2, 0], &c[3, 0], self.isa)
        return edge, columns[0], columns[1], columns[2], columns[3]

    def edge_variances(self):
        """cavity `[V]`, upward `[V]`."""
        self.need_down()
        cavity, upward = np.empty(self.num_nodes), np.empty(self.num_nodes)
        cdef double[::1] c = cavity, u = upward
        memcpy(&c[0], self.down.cavity.data(), self.num_nodes * sizeof(double))
        memcpy(&u[0], self.up.variance.data(), self.num_nodes * sizeof(double))
        return cavity, upward

    def leave_one_out_variances(self):
        self.need_down()
        out = np.empty(self.num_leaves)
        cdef double[::1] variance = out
        LeaveOneOutVariances(self.tree, self.down, &variance[0])
        return out
