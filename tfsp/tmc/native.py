"""Numerics of the time-marginalized coalescent for NumPy arrays, in C++ through Cython.

No TensorFlow. A tree of N leaves has V = 2N - 1 nodes: `parent` int `[V]` with -1 at the root,
`time` `[V]`; the leaves are nodes 0..N-1 at time 1, the root is at time 0, the internal nodes
N..V-1 stand in any order, and times grow strictly from parent to child. `leaves` `[N, D]` are the
leaves' locations: a Brownian motion whose root is N(0, I) and whose edges add variance equal to
their length. a = `concentration1` and b = `concentration0` belong to the Beta prior of the times.

Everything is float64 but for `z`, which may be float32 and is then served in float32. Log
probabilities are in nats. N = 1 is the tree of a single node, root and leaf: the leaf is N(0, 2I),
as if a root at time 0 stood above it, and a new point is N(leaf / 2, 3/2 I).

Functions check the tree and compute its messages at every call; `Tree` and `Predictive` keep them
for several calls. Errors are ValueErrors that name the index and the value.

Source: Vikram, Hoffman and Johnson 2018, "The LORACs prior for VAEs", arXiv:1810.06891; Boyles and
Welling 2012, "The time-marginalized coalescent prior for hierarchical clustering".
"""

import numpy as np

from tfsp import arguments
from tfsp.tmc.phylogeny.checks import as_array

try:
    from tfsp.tmc import _tmc
except ImportError as error:
    raise ImportError(
        "The native TMC module tfsp.tmc._tmc cannot be loaded. Build it with `make build` (needs "
        f"Cython and a C++17 compiler). The loader said: {error}"
    ) from error

__all__ = [
    "Predictive",
    "Tree",
    "attachment",
    "attachment_nodes",
    "attachment_quadrature",
    "attachment_time_log_prob",
    "edge_log_prob",
    "expected_log_joint",
    "expected_log_joint_and_gradient",
    "has_avx2",
    "log_joint",
    "log_joint_and_gradient",
    "log_likelihood",
    "node_posterior",
    "node_posterior_vjp",
    "predictive_log_prob",
    "predictive_log_prob_and_gradient",
    "time_log_prob",
    "topology_log_prob",
]

has_avx2 = _tmc.has_avx2


def _real(name, array, ndim, dtype=np.float64):
    """`array` as a contiguous array of `dtype` and rank `ndim`."""
    if type(array) is not np.ndarray or array.dtype != dtype or not array.flags.c_contiguous:
        array = as_array(name, array)
        if array.dtype.kind not in "fiu":
            raise ValueError(f"{name} must hold real numbers. Received: dtype={array.dtype}.")
        array = np.ascontiguousarray(array, dtype)
    if array.ndim != ndim:
        raise ValueError(f"{name} must have rank {ndim}. Received: shape={array.shape}.")
    return array


def _parent(parent):
    if type(parent) is np.ndarray and parent.dtype == np.int32 and parent.flags.c_contiguous:
        array = parent
    else:
        array = as_array("parent", parent)
        if array.dtype.kind not in "iu":
            raise ValueError(f"parent must hold integers. Received: dtype={array.dtype}.")
        wrong = np.flatnonzero((array < -(2**31)) | (array >= 2**31))  # the cast would wrap
        if wrong.size:
            v = wrong[0]
            raise ValueError(
                f"parent[{v}] = {array.ravel()[v]} must lie in [-1, {array.size}), the nodes."
            )
        array = np.ascontiguousarray(array, np.int32)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"parent must be a vector of 2 * N - 1 entries. Received: shape={array.shape}."
        )
    return array


def _rows(z):
    """`z` as contiguous float32 or float64 `[B, D]`; other real types become float64."""
    z = as_array("z", z)
    return _real("z", z, 2, z.dtype if z.dtype in (np.float32, np.float64) else np.float64)


def _is_bayes(edge_weights):
    if edge_weights not in ("prior", "bayes"):
        raise ValueError(
            f'edge_weights must be "prior" or "bayes". Received: {arguments.shown(edge_weights)}.'
        )
    return edge_weights == "bayes"


def _options(
    concentration1=2.0,
    concentration0=2.0,
    num_nodes=(24, 12),
    variance_floor=1e-3,
    edge_weights="prior",
    added_variance=0.0,
):
    try:
        on_leaf, on_internal = num_nodes
        on_leaf, on_internal = int(on_leaf), int(on_internal)
        if (on_leaf, on_internal) != tuple(num_nodes) or bool in map(type, num_nodes):
            raise TypeError
        on_leaf, on_internal = (min(max(n, 0), 10**6) for n in (on_leaf, on_internal))
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            "num_nodes must be two integers, the quadrature nodes on a leaf's edge and on another "
            f"edge. Received: {arguments.shown(num_nodes)}."
        ) from None
    return _tmc.Options(
        concentration1,
        concentration0,
        on_leaf,
        on_internal,
        variance_floor,
        added_variance,
        _is_bayes(edge_weights),
    )


class Tree:
    """A checked tree and its message variances, kept for several calls.

    Args:
        parent: ints `[V]`, -1 at the root.
        time: `[V]`.
        portable: True runs the portable kernels even where AVX2 is there (for tests).
    Raises: ValueError naming the index and the value: lengths, two roots, cycles, a node with
        other than two children, leaves not at 1, root not at 0, times that do not grow.

    The methods are the functions of the same names below, without the tree's arguments.
    """

    def __init__(self, parent, time, portable=False):
        self._tree = _tmc.Tree(_parent(parent), _real("time", time, 1), portable)

    num_leaves = property(lambda self: self._tree.num_leaves, doc="N.")
    num_nodes = property(lambda self: self._tree.num_nodes, doc="V = 2N - 1.")
    root = property(lambda self: self._tree.root, doc="Number of the root.")

    def topology_log_prob(self):
        return self._tree.topology_log_prob()

    def time_log_prob(self, concentration1=2.0, concentration0=2.0):
        return self._tree.time_log_prob(concentration1, concentration0)

    def log_likelihood(self, leaves):
        return self._tree.log_likelihood(_real("leaves", leaves, 2))

    def log_joint(self, leaves, concentration1=2.0, concentration0=2.0):
        return self._tree.log_joint(_real("leaves", leaves, 2), concentration1, concentration0)

    def log_joint_and_gradient(self, leaves, concentration1=2.0, concentration0=2.0):
        leaves = _real("leaves", leaves, 2)
        return self._tree.log_joint_and_gradient(leaves, concentration1, concentration0)

    def expected_log_joint(self, mean, variance, concentration1=2.0, concentration0=2.0):
        return self.expected_log_joint_and_gradient(mean, variance, concentration1, concentration0)[
            0
        ]

    def expected_log_joint_and_gradient(
        self, mean, variance, concentration1=2.0, concentration0=2.0
    ):
        mean, variance = _real("mean", mean, 2), _real("variance", variance, 2)
        return self._tree.expected_log_joint_and_gradient(
            mean, variance, concentration1, concentration0
        )

    def node_posterior(self, leaves):
        return self._tree.node_posterior(_real("leaves", leaves, 2))

    def node_posterior_vjp(self, mean_gradient):
        return self._tree.node_posterior_vjp(_real("mean_gradient", mean_gradient, 2))

    def edge_log_prob(self, edge_weights="prior", concentration1=2.0, concentration0=2.0):
        return self._tree.edge_log_prob(_is_bayes(edge_weights), concentration1, concentration0)

    def attachment_time_log_prob(self, edge, t, concentration1=2.0, concentration0=2.0):
        edge, t = as_array("edge", edge), as_array("t", t)
        if edge.dtype.kind not in "iu":
            raise ValueError(f"edge must hold integers. Received: dtype={edge.dtype}.")
        try:
            edge, t = np.broadcast_arrays(edge, t)
        except ValueError:
            raise ValueError(
                "edge and t must have shapes that broadcast. Received: "
                f"edge.shape={edge.shape}, t.shape={t.shape}."
            ) from None
        out = self._tree.attachment_time_log_prob(
            _real("edge", edge.ravel(), 1, np.int64),
            _real("t", t.ravel(), 1),
            concentration1,
            concentration0,
        )
        return out.reshape(edge.shape)

    def attachment_quadrature(self, **options):
        edge, t, log_weight, position, variance = self._tree.attachment_quadrature(
            _options(**options)
        )
        return dict(edge=edge, time=t, log_weight=log_weight, position=position, variance=variance)


class Predictive:
    """Density of a new leaf's location, attachment edge and time summed out, ready for many calls.

        log p(z) = log sum over edges e and quadrature nodes q of
                   p(e) w_eq N(z; (1 - x_q) M_u + x_q M_v, (var(t_q) + added_variance) I)

    M are the posterior means of the nodes, x_q the position of node q on the edge. The weights sum
    to one, so that the density is exactly normalised for any number of nodes; their number only
    controls how near it comes to continuous time.

    Args:
        parent, time, leaves: the tree, and its leaves' locations `[N, D]`.
        concentration1, concentration0: a, b of the time prior, in (0, 10000].
        num_nodes: quadrature nodes on a leaf's edge, on another edge; 1 to 256.
        variance_floor: a leaf's edge is cut where the new leaf's variance falls to this share of
            its value at the edge's upper end; in [1e-12, 1).
        edge_weights: "prior", p(e) from the topology alone (the paper's definition), or "bayes",
            from the times as well.
        added_variance: added to every node's variance, >= 0.
        dtype: float32 or float64, the type of `z` in all calls.
        tree: a `Tree` in place of `parent` and `time`.
    Raises: ValueError naming the argument and the value.
    """

    def __init__(self, parent=None, time=None, leaves=None, *, dtype=None, tree=None, **options):
        tree = Tree(parent, time) if tree is None else tree
        if not isinstance(tree, Tree):
            raise ValueError(f"tree must be a native.Tree. Received: {type(tree).__name__}.")
        try:
            dtype = np.dtype(np.float64 if dtype is None else dtype)
        except TypeError:
            dtype = arguments.shown(dtype)
        if dtype not in (np.float32, np.float64):
            raise ValueError(f"dtype must be float32 or float64. Received: {dtype}.")
        self._dtype = dtype
        self._table = _tmc.Predictive(
            tree._tree, _real("leaves", leaves, 2), _options(**options), dtype == np.float32
        )

    dtype = property(lambda self: self._dtype, doc="Type of `z` and of the results.")
    num_quadrature_nodes = property(
        lambda self: self._table.num_entries, doc="K, over all edges together."
    )

    def _z(self, z):
        return _real("z", z, 2, self._dtype)

    def log_prob(self, z):
        """log p(z) `[B]`; `z` is `[B, D]`."""
        return self._table.log_prob(self._z(z))

    def log_prob_and_gradient(self, z, upstream=None):
        """log p(z), and the gradients of sum_b upstream_b log p(z_b).

        Args: z: `[B, D]`. upstream: `[B]`, ones by default.
        Returns: log p `[B]`, gradient to z `[B, D]`, gradient to the leaves `[N, D]` (float64).
        """
        if upstream is not None:
            upstream = _real("upstream", upstream, 1, self._dtype)
        return self._table.log_prob_and_gradient(self._z(z), upstream)

    def attachment(self, z):
        """log q*(e given z) `[B, V]`, by the edge above each node; -inf at the root."""
        return self._table.edge_log_prob(self._z(z))

    def attachment_nodes(self, z):
        """log q*(e, t given z) `[B, K]` over the nodes of `attachment_quadrature`."""
        return self._table.entry_log_prob(self._z(z))


def topology_log_prob(parent):
    """log probability of the labelled topology under Kingman's coalescent, merge order summed out.

        r = (N-1)! / prod_v c(v) * prod_{i=1}^{N-1} 1 / C(i+1, 2)

    Args: parent: ints `[V]`; c(v) = internal nodes at or below v.
    Returns: float, nats. Raises: ValueError for an invalid tree. Source: eq. (1).
    """
    return _tmc.Tree(_parent(parent)).topology_log_prob()


def time_log_prob(parent, time, concentration1=2.0, concentration0=2.0):
    """log density of the times given the topology.

    t_v = t_u + beta_v (1 - t_u) with beta_v ~ Beta(a, b), for internal nodes v other than the
    root; Jacobian included. Returns: float, nats; 0 for N < 3.
    Raises: ValueError for an invalid tree or a, b outside (0, 10000].
    Source: eq. (2), its sign corrected.
    """
    return Tree(parent, time).time_log_prob(concentration1, concentration0)


def log_likelihood(parent, time, leaves):
    """log r(leaves given tree), nats, in O(N D).

    Args: leaves: `[N, D]`. Returns: float.
    Raises: ValueError for an invalid tree, a wrong shape, or leaves[n, k] not finite.
    """
    return Tree(parent, time).log_likelihood(leaves)


def log_joint(parent, time, leaves, concentration1=2.0, concentration0=2.0):
    """log r(tree, leaves): `topology_log_prob` + `time_log_prob` + `log_likelihood`, nats."""
    return Tree(parent, time).log_joint(leaves, concentration1, concentration0)


def log_joint_and_gradient(parent, time, leaves, concentration1=2.0, concentration0=2.0):
    """`log_joint` (float) and its gradient by the leaves `[N, D]`, by one more pass in O(N D)."""
    return Tree(parent, time).log_joint_and_gradient(leaves, concentration1, concentration0)


def expected_log_joint(parent, time, mean, variance, concentration1=2.0, concentration0=2.0):
    """E log r(tree, z) for leaves z_nk ~ N(mean_nk, variance_nk), independent; exact.

        log r(tree, mean) - 1/2 sum_nk variance_nk / nu_n,

    nu_n = variance of leaf n given all others. Args: mean, variance: `[N, D]`, variance >= 0.
    Returns: float, nats. Raises: ValueError naming index and value. Source: the TMC-VAE of the
    paper, in closed form.
    """
    return Tree(parent, time).expected_log_joint(mean, variance, concentration1, concentration0)


def expected_log_joint_and_gradient(
    parent, time, mean, variance, concentration1=2.0, concentration0=2.0
):
    """`expected_log_joint`, its gradients by `mean` `[N, D]` and by `variance` `[N, D]`."""
    return Tree(parent, time).expected_log_joint_and_gradient(
        mean, variance, concentration1, concentration0
    )


def node_posterior(parent, time, leaves):
    """Location of every node given the leaves.

    Returns: mean `[V, D]` (a leaf's is the leaf itself) and variance `[V]` of each coordinate
        (0 at leaves), which depends on the times alone.
    Raises: ValueError for an invalid tree, a wrong shape, or leaves[n, k] not finite.
    """
    return Tree(parent, time).node_posterior(leaves)


def node_posterior_vjp(parent, time, mean_gradient):
    """Transpose of the linear map leaves -> posterior means, in O(N D).

    Args: mean_gradient: dL/dmean `[V, D]`. Returns: dL/dleaves `[N, D]`.
    """
    return Tree(parent, time).node_posterior_vjp(mean_gradient)


def edge_log_prob(parent, time, edge_weights="prior", concentration1=2.0, concentration0=2.0):
    """log p(e_v) of a new leaf on the edge above v `[V]`; -inf at the root.

    "prior": proportional to w(v) = r_{N+1} / r_N, the ratio of the topologies' probabilities.
    "bayes": given the old tree's times too, w(v) Z_v with Z_v the integral over t of
    f(t | t_u) f(t_v | t) / f(t_v | t_u) (1 at leaves). Both sum to one: the place above the root
    is left out. For N = 1 the single place has log p = 0.
    """
    return Tree(parent, time).edge_log_prob(edge_weights, concentration1, concentration0)


def attachment_time_log_prob(parent, time, edge, t, concentration1=2.0, concentration0=2.0):
    """log p(t given e_v), density of the attachment time on the edge above v, nats.

    Leaf v: t_u + beta (1 - t_u), beta ~ Beta(a, b). Internal v: proportional to
    ((t - t_u) (t_v - t))^(a-1) (1 - t)^-a. Normalised over (t_u, t_v), -inf outside.
    Args: edge: ints, lower nodes of edges; t: times; shapes that broadcast. Returns: that shape.
    Raises: ValueError where an edge is no node of the tree, or the root.
    Source: eq. (C.16), which lacks 1 / (1 - t) and the normaliser.
    """
    return Tree(parent, time).attachment_time_log_prob(edge, t, concentration1, concentration0)


def attachment_quadrature(parent, time, **options):
    """Quadrature nodes over the attachment times of all edges; options as in `Predictive`.

    Returns: dict of arrays `[K]`: `edge` int32 (lower node), `time`, `log_weight` (sums to one per
        edge), `position` x = (t - t_u) / (t_v - t_u), `variance` of the new leaf's location, whose
        mean is (1 - x) M_u + x M_v. The edges stand in the order of their lower nodes.
    """
    return Tree(parent, time).attachment_quadrature(**options)


def predictive_log_prob(z, parent, time, leaves, **options):
    """log p(z) `[B]` of new leaves, edge and time summed out; options as in `Predictive`.

    Args: z: float32 or float64 `[B, D]`; the result has its type.
    Raises: ValueError naming the index and the value.
    """
    z = _rows(z)
    return Predictive(parent, time, leaves, dtype=z.dtype, **options).log_prob(z)


def predictive_log_prob_and_gradient(z, parent, time, leaves, upstream=None, **options):
    """log p(z) `[B]`, and gradients of sum_b upstream_b log p(z_b) to z and to the leaves.

    Returns: log p `[B]` and gradient `[B, D]` in z's type, gradient to the leaves float64 `[N, D]`.
    """
    z = _rows(z)
    table = Predictive(parent, time, leaves, dtype=z.dtype, **options)
    return table.log_prob_and_gradient(z, upstream)


def attachment(z, parent, time, leaves, **options):
    """log q*(e_v given z) `[B, V]`: where on the tree the points belong; -inf at the root."""
    z = _rows(z)
    return Predictive(parent, time, leaves, dtype=z.dtype, **options).attachment(z)


def attachment_nodes(z, parent, time, leaves, **options):
    """log q*(e, t given z) `[B, K]` over the nodes of `attachment_quadrature` (same options).

    A draw of (e, t) is a draw of a node: its `edge` and its `time`.
    """
    z = _rows(z)
    return Predictive(parent, time, leaves, dtype=z.dtype, **options).attachment_nodes(z)
