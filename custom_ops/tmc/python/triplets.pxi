# Constraints on the topology.


def check_triplets(const int32_t[:, ::1] triplets, int num_leaves):
    """Refuses rows that are not three distinct leaves."""
    if triplets.shape[0]:
        check(CheckTriplets(&triplets[0, 0], triplets.shape[0], num_leaves))


def satisfied(const int32_t[::1] parent, const int32_t[:, ::1] triplets):
    """Which triplets `[M, 3]` a tree satisfies: bool `[M]`."""
    cdef CTree tree
    cdef LeafOrder leaves
    cdef int64_t count = triplets.shape[0]
    out = np.empty(count, np.bool_)
    cdef cbool[::1] view = out
    build_shape(parent, &tree, &leaves)
    check_triplets(triplets, tree.num_leaves)
    if count == 0:
        return out
    with nogil:
        Satisfied(tree, &triplets[0, 0], count, &view[0])
    return out
