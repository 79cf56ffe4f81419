# Agglomerative clustering of a graph.


def link_graph(const int64_t[::1] start, const int32_t[::1] indices, const double[::1] weights):
    """Merges of a symmetric graph in compressed rows: (gone, kept) int32 `[M, 2]`, distances `[M]`.
    """
    cdef vector[Merge] merges
    cdef int32_t n = start.shape[0] - 1
    cdef const int32_t* neighbours = &indices[0] if indices.shape[0] else NULL
    cdef const double* links = &weights[0] if weights.shape[0] else NULL
    cdef size_t i
    with nogil:
        LinkGraph(n, &start[0], neighbours, links, &merges)
    pairs, distances = np.empty((merges.size(), 2), np.int32), np.empty(merges.size())
    cdef int32_t[:, ::1] pair = pairs
    cdef double[::1] distance = distances
    for i in range(merges.size()):
        pair[i, 0] = merges[i].gone
        pair[i, 1] = merges[i].kept
        distance[i] = merges[i].distance
    return pairs, distances
