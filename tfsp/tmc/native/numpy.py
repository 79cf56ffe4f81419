"""The functions of `tfsp.tmc.native`, whose docstring explains what a tree is."""

from typing import NamedTuple

import numpy as np

from tfsp import arguments
from tfsp.tmc.native.options import DENSITY, A, B, Density, check_edge_weights
from tfsp.tmc.phylogeny.checks import as_array, as_int32

try:
    from tfsp.tmc.native import _tmc
except ImportError as error:
    raise ImportError(
        "The native TMC module tfsp.tmc.native._tmc cannot be loaded. Build it with `make build` "
        f"(needs Cython and a C++17 compiler). The loader said: {error}"
    ) from error

has_avx2 = _tmc.has_avx2


def as_real(name, array, ndim, dtype=np.float64):
    """`array` as a contiguous array of `dtype` and rank `ndim`."""
    if type(array) is not np.ndarray or array.dtype != dtype or not array.flags.c_contiguous:
        array = as_array(name, array)
        if array.dtype.kind not in "fiu":
            raise ValueError(f"{name} must hold real numbers. Received: dtype={array.dtype}.")
        array = np.ascontiguousarray(array, dtype)
    if array.ndim != ndim:
        raise ValueError(f"{name} must have rank {ndim}. Received: shape={array.shape}.")
    return array


def as_parent(parent):
    """The tree's parents as contiguous int32 `[V]`."""
    array = as_int32("parent", parent, ValueError)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"parent must be a vector of 2 * N - 1 entries. Received: shape={array.shape}."
        )
    return array


def _points(z):
    """`z` as contiguous float32 or float64 `[B, D]`; other real types become float64."""
    z = as_array("z", z)
    return as_real("z", z, 2, z.dtype if z.dtype in (np.float32, np.float64) else np.float64)


def is_bayes(edge_weights):
    """Whether "bayes", of the two `EDGE_WEIGHTS`."""
    return check_edge_weights(edge_weights) == "bayes"


def _options(given):
    """Keywords of the density as the binding takes them."""
    options = Density.of(given)
    return _tmc.DensityOptions(
        options.concentration1,
        options.concentration0,
        *options.num_nodes,
        options.variance_floor,
        options.added_variance,
        options.edge_weights == "bayes",
    )


class EdgeVariances(NamedTuple):
    """What `edge_variances` returns: of the edge from u = parent(v) down to v.

    Attributes:
      cavity: `[V]`, variance of u's location given every leaf that is not below v; at the root 1,
        that of the virtual neighbour above it.
      upward: `[V]`, nu_v, variance of v's location given the leaves below it alone; 0 at leaves.
    """

    cavity: np.ndarray
    upward: np.ndarray


class Tree:
    """A checked tree and its message variances, kept for several calls.

    Args:
      parent: ints `[V]`, -1 at the root.
      time: `[V]`.
      portable: True runs the portable kernels even where AVX2 is there (for tests).

    Raises:
      ValueError: with the index and the value: wrong lengths, two roots, cycles, a node with other
        than two children, leaves not at 1, root not at 0, times that do not increase.

    The methods are the functions of the same names below, without the tree's arguments.
    """

    def __init__(self, parent, time, portable=False):
        self._tree = _tmc.Tree(as_parent(parent), as_real("time", time, 1), portable)

    num_leaves = property(lambda self: self._tree.num_leaves, doc="N.")
    num_nodes = property(lambda self: self._tree.num_nodes, doc="V = 2N - 1.")
    root = property(lambda self: self._tree.root, doc="Number of the root.")

    def topology_log_prob(self):
        return self._tree.topology_log_prob()

    def time_log_prob(self, concentration1=A, concentration0=B):
        return self._tree.time_log_prob(concentration1, concentration0)

    def log_likelihood(self, leaves):
        return self._tree.log_likelihood(as_real("leaves", leaves, 2))

    def log_joint(self, leaves, concentration1=A, concentration0=B):
        return self._tree.log_joint(as_real("leaves", leaves, 2), concentration1, concentration0)

    def log_joint_and_gradient(self, leaves, concentration1=A, concentration0=B):
        leaves = as_real("leaves", leaves, 2)
        return self._tree.log_joint_and_gradient(leaves, concentration1, concentration0)

    def expected_log_joint(self, mean, variance, concentration1=A, concentration0=B):
        return self.expected_log_joint_and_gradient(mean, variance, concentration1, concentration0)[
            0
        ]

    def expected_log_joint_and_gradient(self, mean, variance, concentration1=A, concentration0=B):
        mean, variance = as_real("mean", mean, 2), as_real("variance", variance, 2)
        return self._tree.expected_log_joint_and_gradient(
            mean, variance, concentration1, concentration0
        )

    def node_posterior(self, leaves):
        return self._tree.node_posterior(as_real("leaves", leaves, 2))

    def node_posterior_vjp(self, mean_gradient):
        return self._tree.node_posterior_vjp(as_real("mean_gradient", mean_gradient, 2))

    def edge_variances(self):
        return EdgeVariances(*self._tree.edge_variances())

    def leave_one_out_variances(self):
        return self._tree.leave_one_out_variances()

    def edge_log_prob(self, edge_weights=DENSITY.edge_weights, concentration1=A, concentration0=B):
        return self._tree.edge_log_prob(is_bayes(edge_weights), concentration1, concentration0)

    def attachment_time_log_prob(self, edge, t, concentration1=A, concentration0=B):
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
            as_real("edge", edge.ravel(), 1, np.int64),
            as_real("t", t.ravel(), 1),
            concentration1,
            concentration0,
        )
        return out.reshape(edge.shape)

    def attachment_quadrature(self, **options):
        edge, t, log_weight, position, variance = self._tree.attachment_quadrature(
            _options(options)
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
      **options: of `options.Density`: concentration1, concentration0, num_nodes, variance_floor,
        added_variance, edge_weights.
      dtype: float32 or float64, the type of `z` in all calls.
      tree: a `Tree` in place of `parent` and `time`.

    Raises:
      ValueError: with the argument and the value.
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
            tree._tree, as_real("leaves", leaves, 2), _options(options), dtype == np.float32
        )

    dtype = property(lambda self: self._dtype, doc="Type of `z` and of the results.")
    num_quadrature_nodes = property(
        lambda self: self._table.num_entries, doc="K, over all edges together."
    )

    def _z(self, z):
        return as_real("z", z, 2, self._dtype)

    def log_prob(self, z):
        """log p(z) `[B]`; `z` is `[B, D]`."""
        return self._table.log_prob(self._z(z))

    def log_prob_and_gradient(self, z, upstream=None):
        """log p(z), and the gradients of sum_b upstream_b log p(z_b).

        Args:
          z: `[B, D]`.
          upstream: `[B]`, ones by default.

        Returns:
          log p `[B]`, gradient to z `[B, D]`, gradient to the leaves `[N, D]` (float64).
        """
        if upstream is not None:
            upstream = as_real("upstream", upstream, 1, self._dtype)
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

    Args:
      parent: ints `[V]`; c(v) = internal nodes at or below v.

    Returns:
      float, nats.

    Raises:
      ValueError: for an invalid tree.

    Source: eq. (1).
    """
    return _tmc.Tree(as_parent(parent)).topology_log_prob()


def time_log_prob(parent, time, concentration1=A, concentration0=B):
    """log density of the times given the topology.

    t_v = t_u + beta_v (1 - t_u) with beta_v ~ Beta(a, b), for internal nodes v other than the
    root; Jacobian included.

    Returns:
      float, nats; 0 for N < 3.

    Raises:
      ValueError: for an invalid tree or a, b outside (0, 10000].

    Source: eq. (2), its sign corrected.
    """
    return Tree(parent, time).time_log_prob(concentration1, concentration0)


def log_likelihood(parent, time, leaves):
    """log r(leaves given tree), nats, in O(N D).

    Args:
      leaves: `[N, D]`.

    Returns:
      float.

    Raises:
      ValueError: for an invalid tree, a wrong shape, or leaves[n, k] not finite.
    """
    return Tree(parent, time).log_likelihood(leaves)


def log_joint(parent, time, leaves, concentration1=A, concentration0=B):
    """log r(tree, leaves): `topology_log_prob` + `time_log_prob` + `log_likelihood`, nats."""
    return Tree(parent, time).log_joint(leaves, concentration1, concentration0)


def log_joint_and_gradient(parent, time, leaves, concentration1=A, concentration0=B):
    """`log_joint` (float) and its gradient by the leaves `[N, D]`, by one more pass in O(N D)."""
    return Tree(parent, time).log_joint_and_gradient(leaves, concentration1, concentration0)


def expected_log_joint(parent, time, mean, variance, concentration1=A, concentration0=B):
    """E log r(tree, z) for leaves z_nk ~ N(mean_nk, variance_nk), independent; exact.

        log r(tree, mean) - 1/2 sum_nk variance_nk / nu_n,

    nu_n being the variance of leaf n given all others.

    Args:
      mean, variance: `[N, D]`, variance >= 0.

    Returns:
      float, nats.

    Raises:
      ValueError: with the index and the value.

    Source: the TMC-VAE of the paper, in closed form.
    """
    return Tree(parent, time).expected_log_joint(mean, variance, concentration1, concentration0)


def expected_log_joint_and_gradient(
    parent, time, mean, variance, concentration1=A, concentration0=B
):
    """`expected_log_joint`, its gradients by `mean` `[N, D]` and by `variance` `[N, D]`."""
    return Tree(parent, time).expected_log_joint_and_gradient(
        mean, variance, concentration1, concentration0
    )


def node_posterior(parent, time, leaves):
    """Location of every node given the leaves.

    Returns:
      mean `[V, D]` (a leaf's is the leaf itself) and variance `[V]` of each coordinate (0 at
      leaves), which depends on the times alone.

    Raises:
      ValueError: for an invalid tree, a wrong shape, or leaves[n, k] not finite.
    """
    return Tree(parent, time).node_posterior(leaves)


def node_posterior_vjp(parent, time, mean_gradient):
    """Transpose of the linear map leaves -> posterior means, in O(N D).

    Args:
      mean_gradient: dL/dmean `[V, D]`.

    Returns:
      dL/dleaves `[N, D]`.
    """
    return Tree(parent, time).node_posterior_vjp(mean_gradient)


def edge_variances(parent, time):
    """Variances of the messages at both ends of every edge: an `EdgeVariances`, in O(N).

    Source: the messages of appendix C.2.
    """
    return Tree(parent, time).edge_variances()


def leave_one_out_variances(parent, time):
    """nu_n `[N]`: variance of each coordinate of leaf n given all other leaves, in O(N)."""
    return Tree(parent, time).leave_one_out_variances()


def edge_log_prob(
    parent, time, edge_weights=DENSITY.edge_weights, concentration1=A, concentration0=B
):
    """log p(e_v) of a new leaf on the edge above v `[V]`; -inf at the root.

    "prior": proportional to w(v) = r_{N+1} / r_N, the ratio of the topologies' probabilities.
    "bayes": given the old tree's times too, w(v) Z_v with Z_v the integral over t of
    f(t | t_u) f(t_v | t) / f(t_v | t_u) (1 at leaves). Both sum to one: the place above the root
    is left out. For N = 1 the single place has log p = 0.
    """
    return Tree(parent, time).edge_log_prob(edge_weights, concentration1, concentration0)


def attachment_time_log_prob(parent, time, edge, t, concentration1=A, concentration0=B):
    """log p(t given e_v), density of the attachment time on the edge above v, nats.

    Leaf v: t_u + beta (1 - t_u), beta ~ Beta(a, b). Internal v: proportional to
    ((t - t_u) (t_v - t))^(a-1) (1 - t)^-a. Normalised over (t_u, t_v), -inf outside.

    Args:
      edge: ints, lower nodes of edges.
      t: times, of a shape that broadcasts with that of `edge`.

    Returns:
      the broadcast shape.

    Raises:
      ValueError: where an edge is not a node of the tree, or is the root.

    Source: eq. (C.16), which lacks 1 / (1 - t) and the normaliser.
    """
    return Tree(parent, time).attachment_time_log_prob(edge, t, concentration1, concentration0)


def attachment_quadrature(parent, time, **options):
    """Quadrature nodes over the attachment times of all edges; options as in `Predictive`.

    Returns:
      dict of arrays `[K]`: `edge` int32 (lower node), `time`, `log_weight` (sums to one per edge),
      `position` x = (t - t_u) / (t_v - t_u), `variance` of the new leaf's location, whose mean is
      (1 - x) M_u + x M_v. The edges stand in the order of their lower nodes.
    """
    return Tree(parent, time).attachment_quadrature(**options)


def predictive_log_prob(z, parent, time, leaves, **options):
    """log p(z) `[B]` of new leaves, edge and time summed out; options as in `Predictive`.

    Args:
      z: float32 or float64 `[B, D]`; the result has its type.

    Raises:
      ValueError: with the index and the value.
    """
    z = _points(z)
    return Predictive(parent, time, leaves, dtype=z.dtype, **options).log_prob(z)


def predictive_log_prob_and_gradient(z, parent, time, leaves, upstream=None, **options):
    """log p(z) `[B]`, and gradients of sum_b upstream_b log p(z_b) to z and to the leaves.

    Returns:
      log p `[B]` and gradient `[B, D]` in z's type, gradient to the leaves float64 `[N, D]`.
    """
    z = _points(z)
    table = Predictive(parent, time, leaves, dtype=z.dtype, **options)
    return table.log_prob_and_gradient(z, upstream)


def attachment(z, parent, time, leaves, **options):
    """log q*(e_v given z) `[B, V]`: where on the tree the points belong; -inf at the root."""
    z = _points(z)
    return Predictive(parent, time, leaves, dtype=z.dtype, **options).attachment(z)


def attachment_nodes(z, parent, time, leaves, **options):
    """log q*(e, t given z) `[B, K]` over the nodes of `attachment_quadrature` (same options).

    A draw of (e, t) is a draw of a node: its `edge` and its `time`.
    """
    z = _points(z)
    return Predictive(parent, time, leaves, dtype=z.dtype, **options).attachment_nodes(z)
