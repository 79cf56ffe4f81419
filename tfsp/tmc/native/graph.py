"""Agglomerative clustering of weighted graphs, in C++ through Cython. No TensorFlow."""

import numpy as np

from tfsp import arguments
from tfsp.tmc.native import _tmc

__all__ = ["link_graph"]

_MOST = 2**31 - 1


def link_graph(graph):
    """Merges of a graph's nodes: always the two parts that are linked most for what each is linked.

    The distance of two parts is w_a w_b / (W w_ab): w_ab is the weight of the edges between them,
    w_a that of all edges that end in a (an edge within a ends in it twice), W the sum of w_a. It is
    1 where there are as many edges between two parts as by chance. About O(E log n) on graphs of
    neighbours.

    Args:
      graph: scipy sparse array or matrix `[n, n]`, symmetric, its entries positive. The diagonal
        is left out.

    Returns:
      (pairs int32 `[M, 2]`, distance float64 `[M]`), in the order in which they were found: node
      `pairs[i, 0]` is merged into the part for which node `pairs[i, 1]` stands. There are n less
      the number of components of them.

    Raises:
      ValueError: for another shape, an asymmetric graph, or weights that are not positive and
        finite.

    Source: Bonald et al. 2018, arXiv:1806.01664, section 3.
    """
    from scipy import sparse  # not what `import tfsp` should wait for

    if not sparse.issparse(graph) or graph.ndim != 2 or graph.shape[0] != graph.shape[1]:
        raise ValueError(
            "`graph` must be a sparse array of scipy's, of shape [n, n]. Received: "
            f"{arguments.shown(graph)}."
        )
    if not 0 < graph.shape[0] <= _MOST:
        raise ValueError(f"`graph` must have at least one node. Received: shape {graph.shape}.")
    graph = sparse.csr_array(graph, dtype=np.float64, copy=True)
    graph.setdiag(0.0)
    graph.eliminate_zeros()
    graph.sum_duplicates()
    if not np.all(np.isfinite(graph.data) & (graph.data > 0)):
        wrong = graph.data[~(np.isfinite(graph.data) & (graph.data > 0))][0]
        raise ValueError(f"The weights of `graph` must be finite and positive. Received: {wrong}.")
    difference = abs(graph - graph.T).max() if graph.nnz else 0.0
    if difference > 0:
        raise ValueError(
            "`graph` must be symmetric: the weight from i to j that from j to i. Received: weights "
            f"that differ by up to {difference}. `graph + graph.T` is symmetric."
        )
    return _tmc.link_graph(
        graph.indptr.astype(np.int64), graph.indices.astype(np.int32), graph.data
    )
