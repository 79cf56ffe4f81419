# The samplers.


cdef export(const CTree& tree):
    parent, time = np.empty(tree.num_nodes, np.int32), np.empty(tree.num_nodes)
    cdef int32_t[::1] p = parent
    cdef double[::1] t = time
    memcpy(&p[0], tree.parent.data(), tree.num_nodes * sizeof(int32_t))
    memcpy(&t[0], tree.time.data(), tree.num_nodes * sizeof(double))
    return parent, time


def sample_posterior(const int32_t[::1] parent, const double[::1] time,
                     const double[:, ::1] leaves, ChainOptions options,
                     const double[::1] leaf_variance=None, int64_t trace_every=0,
                     bint trace_trees=False):
    cdef CTree tree
    cdef SamplerResult result
    cdef SamplerTrace trace
    cdef Error error
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
    cdef CTree tree
    cdef double a = number("concentration1", concentration1)
    cdef double b = number("concentration0", concentration0)
    cdef double least = number("min_remaining", min_remaining)
    cdef Error error
    cdef unique_ptr[Random] random = make_unique[Random](seed0, seed1)
    with nogil:
        error = SamplePrior(num_leaves, a, b, random.get(), &tree, least)
    check(error)
    return export(tree)


def sample_leaves(const int32_t[::1] parent, const double[::1] time, int64_t dims, uint64_t seed0,
                  uint64_t seed1):
    cdef CTree tree
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
    cdef CTree tree
    cdef double a = number("concentration1", concentration1)
    cdef double b = number("concentration0", concentration0)
    cdef Error error
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
    cdef CTree tree, larger
    cdef LeafPlace place
    build(parent, time, -1, &tree)
    place.edge, place.time = edge, number("at_time", at_time)
    place.leaf, place.node = leaf, node
    check(AttachLeaf(tree, place, &larger))
    return export(larger)


def prune_leaf(const int32_t[::1] parent, const double[::1] time, int leaf):
    cdef CTree tree, smaller
    cdef LeafPlace place
    build(parent, time, -1, &tree)
    check(PruneLeaf(tree, leaf, &smaller, &place))
    rest = export(smaller)
    return rest[0], rest[1], dict(edge=place.edge, time=place.time, leaf=place.leaf,
                                  node=place.node)
