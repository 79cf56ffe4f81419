# What many trees over the same leaves have in common.


cdef int build_shape(const int32_t[::1] parent, CTree* tree, LeafOrder* leaves) except -1:
    """A tree without its times, whose root need not be at 0, and the order of its leaves."""
    cdef int num_leaves = 0
    check(CheckLengths(parent.shape[0], parent.shape[0], -1, &num_leaves))
    check(BuildTree(num_leaves, &parent[0], NULL, tree))
    OrderLeaves(tree[0], leaves)
    return 0


def lca_sums(const int32_t[:, ::1] parents, const double[:, ::1] times, bint squares):
    """Sums over trees `[S, V]` of one of t_lca(i, j), t_lca(j, i); and of squares, or None."""
    cdef CTree tree
    cdef LeafOrder leaves
    cdef int64_t s, num_nodes = parents.shape[1], n = (parents.shape[1] + 1) // 2
    total = np.zeros((n, n))
    second = np.zeros((n, n)) if squares else None
    cdef double[:, ::1] first_view = total
    cdef double[:, ::1] second_view = second if squares else total
    cdef double* second_data = &second_view[0, 0] if squares else NULL
    for s in range(parents.shape[0]):
        build_shape(parents[s], &tree, &leaves)
        tree.time.assign(&times[s, 0], &times[s, 0] + num_nodes)
        with nogil:
            AddLcaTimes(tree, leaves, &first_view[0, 0], second_data)
    return total, second


def transfer_distances(const int32_t[::1] parent, const int32_t[:, ::1] parents):
    """Transfer distances of the clades of one tree from S others: int32 `[S, V]`."""
    cdef CTree tree, other
    cdef LeafOrder leaves, other_leaves
    cdef vector[int32_t] shared
    cdef int64_t s
    out = np.empty((parents.shape[0], parents.shape[1]), np.int32)
    cdef int32_t[:, ::1] distance = out
    build_shape(parent, &tree, &leaves)
    for s in range(parents.shape[0]):
        build_shape(parents[s], &other, &other_leaves)
        with nogil:
            TransferDistances(tree, leaves, other, other_leaves, &shared, &distance[s, 0])
    return out
