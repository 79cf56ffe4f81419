# The density of a new leaf's location.


cdef class DensityOptions:
    """Checked options of the density. See `tfsp.tmc.native.options.Density`."""

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

    def __init__(self, Tree tree, const double[:, ::1] leaves, DensityOptions options, bint single):
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
