"""The time-marginalized coalescent as TensorFlow ops: one Python face for each native op.

A tree of N leaves has V = 2N - 1 nodes: `parent` int32 `[V]` with -1 at the root, `time` float64
`[V]`; leaves are nodes 0..N-1 at time 1, the root is at time 0, internal nodes stand in any order.
`leaves` `[N, D]` are the leaves' locations, float32 or float64: a Brownian motion whose root is
N(0, I) and whose edges add variance equal to their length. a = `concentration1` and b =
`concentration0` belong to the Beta prior of the times. Log probabilities are in nats.

All run in `tf.function`, `fit`, `tf.data` and under a distribution strategy, on the CPU, and check
their arguments: a wrong tree or a number that is not finite raises
`tf.errors.InvalidArgumentError` with the index and the value. There is no XLA kernel: a layer
that calls them sets `supports_jit = False`. `tfsp.tmc.native` is the same core for NumPy.

Source: Vikram, Hoffman & Johnson 2018, arXiv:1810.06891 (equation numbers below), with the
corrections stated at each function; Boyles & Welling 2012.
"""

import collections
import math
import operator

import numpy as np
import tensorflow as tf

from tfsp import arguments
from tfsp.random import as_seed
from tfsp.tmc.native import library
from tfsp.tmc.native.options import (
    DENSITY,
    MIXTURE,
    MOVES,
    A,
    B,
    Density,
    as_triplets,
    check_edge_weights,
)
from tfsp.tmc.phylogeny.checks import as_int32

MOVE_KINDS = MOVES
DEFAULT_MIXTURE = tuple(MIXTURE)

Sampled = collections.namedtuple("Sampled", "parent time log_joint accepted proposed")
EdgeVariances = collections.namedtuple("EdgeVariances", "cavity upward")
Quadrature = collections.namedtuple("Quadrature", "edge time log_weight position variance")


def topology_log_prob(parent):
    """log p(tree topology) under Kingman's coalescent, merge order summed out: `[]` float64.

    r = (N-1)! / prod_v c(v) * prod_{i=1}^{N-1} 1 / C(i+1, 2), with c(v) the internal nodes at or
    below v.

    Source: eq. (1).
    """
    return library.load().tfsp_tmc_topology_log_prob(_parent(parent))


def time_log_prob(parent, time, concentration1=A, concentration0=B):
    """log density of the times given the topology: `[]` float64; 0 for N < 3.

    t_v = t_u + beta_v (1 - t_u), beta_v ~ Beta(a, b), for internal nodes other than the root;
    Jacobian included.

    Source: eq. (2), its sign corrected.
    """
    return library.load().tfsp_tmc_time_log_prob(
        *_tree(parent, time), _concentrations(concentration1, concentration0)
    )


def log_likelihood(parent, time, leaves):
    """log r(leaves given tree), all internal locations summed out: `[]` float64.

    Gradient: to `leaves`. Cost O(N D).

    Source: section 2; appendix C.2 ("Query 1").
    """
    return library.load().tfsp_tmc_log_likelihood(*_tree(parent, time), _leaves(leaves))[0]


def expected_log_likelihood(parent, time, mean, variance):
    """E_q[log r(leaves given tree)] for leaves ~ N(mean, diag(variance)): `[]` float64.

    = log r(mean) - 1/2 sum_nk variance_nk / nu_n, exact, with nu_n the variance of leaf n given
    all others. Gradients: to `mean` and `variance`.

    Args:
      mean, variance: `[N, D]`.

    Source: eq. (9) of the TMC-VAE.
    """
    parent, time = _tree(parent, time)
    mean, variance = _leaves(mean), _float64(variance)
    if not variance.shape.is_compatible_with(mean.shape) or variance.shape.rank != 2:
        raise ValueError(
            "`mean` and `variance` must have the same shape [N, D]. Received: "
            f"{mean.shape} and {variance.shape}."
        )
    with tf.control_dependencies(
        [
            tf.debugging.assert_non_negative(variance, "variance must not be negative"),
            tf.debugging.assert_all_finite(variance, "variance must be finite"),
        ]
    ):
        variance = tf.identity(variance)
    penalty = tf.reduce_sum(variance / leave_one_out_variances(parent, time)[:, tf.newaxis])
    return log_likelihood(parent, time, mean) - 0.5 * penalty


def log_joint(parent, time, leaves, concentration1=A, concentration0=B):
    """log r(tree, leaves): topology, times and likelihood added: `[]` float64.

    Gradient: to `leaves`.
    """
    return (
        topology_log_prob(parent)
        + time_log_prob(parent, time, concentration1, concentration0)
        + log_likelihood(parent, time, leaves)
    )


def node_posterior(parent, time, leaves):
    """Locations of all nodes given the leaves: mean `[V, D]` as `leaves`, variance `[V]` float64.

    The variance holds for every dimension; it is 0 at the leaves. Gradient of the mean: to
    `leaves`, O(N D) by the adjoint (the forward gradients of appendix C.2 take O(N^2 D) memory).
    """
    return tuple(library.load().tfsp_tmc_node_posterior(*_tree(parent, time), _leaves(leaves)))


def leave_one_out_variances(parent, time):
    """nu_n, the variance of each coordinate of leaf n given all other leaves: `[N]` float64.

    No gradient. Cost O(N).

    Raises:
      tf.errors.InvalidArgumentError: for an invalid tree.
    """
    return library.load().tfsp_tmc_leave_one_out_variance(*_tree(parent, time))


def edge_variances(parent, time):
    """What an edge's attachment density needs of the times: cavity, upward `[V]` float64 each.

    For the edge from u = parent(v) down to v, in units of one dimension's variance:

      cavity[v]: A0, variance of u's location given every leaf that is not below v. At the root: 1,
        that of the virtual neighbour above it (for a tree of one leaf as well).
      upward[v]: nu_v, variance of v's location given the leaves below it alone (a flat prior on v).
        0 at the leaves.

    With l the edge's length, C = A0 + nu_v + l and s the time since u, a new leaf that attaches
    there has variance (1 - t_u + A0) - (A0 + s)^2 / C. No gradient. Cost O(N).

    Returns:
      a named tuple.

    Raises:
      tf.errors.InvalidArgumentError: for an invalid tree.

    Source: the messages of appendix C.2; cavity and upward variance of eq. (11)'s predictive.
    """
    return EdgeVariances(*library.load().tfsp_tmc_edge_variances(*_tree(parent, time)))


def edge_log_prob(
    parent, time, concentration1=A, concentration0=B, edge_weights=DENSITY.edge_weights
):
    """log p(e_v), that a new leaf attaches to the edge above v: `[V]` float64, -inf at the root.

    Args:
      edge_weights: "prior" (the topology alone, the paper's) or "bayes" (given the times).
    """
    return library.load().tfsp_tmc_edge_log_prob(
        *_tree(parent, time),
        _concentrations(concentration1, concentration0),
        edge_weights=check_edge_weights(edge_weights),
    )


def attachment_quadrature(parent, time, **options):
    """The rule that sums the attachment edge and time out: a named tuple of `[Q]` vectors.

    edge int32 (its lower node), time, log_weight (they sum to one for each edge), position
    (t - t_u) / (t_v - t_u), variance of the new leaf; its mean is (1 - position) M_u + position
    M_v. Options as in `predictive_log_prob`.
    """
    parameters, attributes = _options(options)
    return Quadrature(
        *library.load().tfsp_tmc_quadrature(*_tree(parent, time), parameters, **attributes)
    )


def predictive_log_prob(z, parent, time, leaves, gradients=True, **options):
    """log p(z given tree, leaves), attachment edge and time summed out: `[..., D]` -> `[...]`.

        log p(z) = logsumexp over edges e and nodes q of
                   [ log p(e) + log w_eq + log N(z; m(t_q), var(t_q) I) ]

    A normalised density for any number of nodes. Gradients: to `z` and `leaves`.

    Args:
      z: float32 or float64, as `leaves`; the result has its type.
      gradients: False saves a third of the work where no gradient is needed (computing one then
        raises LookupError).
      **options: of `options.Density`: concentration1, concentration0, num_nodes, variance_floor,
        added_variance, edge_weights.

    Source: eq. (11); the edge and time of (13)-(15) summed out instead of recognised.
    """
    op = library.load().tfsp_tmc_predictive
    flat, shape = _rows(z)
    parameters, attributes = _options(options)
    leaves = tf.cast(_leaves(leaves), flat.dtype)
    log_prob = op(flat, *_tree(parent, time), leaves, parameters, gradients=gradients, **attributes)
    return tf.reshape(log_prob[0], shape)


def attachment(z, parent, time, leaves, **options):
    """log q*(e_v given z), where on the tree z belongs: `[..., D]` -> `[..., V]`, -inf at the root.

    The exact posterior of the edge under the density of `predictive_log_prob`, whose options it
    takes. No gradient.

    Source: the optimum that eq. (15) approximates.
    """
    flat, shape = _rows(z)
    parameters, attributes = _options(options)
    leaves = tf.cast(_leaves(leaves), flat.dtype)
    log_prob = library.load().tfsp_tmc_attachment(
        flat, *_tree(parent, time), leaves, parameters, **attributes
    )
    return tf.reshape(log_prob, tf.concat([shape, tf.shape(log_prob)[1:]], axis=0))


def sample_posterior(
    parent,
    time,
    leaves,
    concentration1=A,
    concentration0=B,
    num_moves=2000,
    seed=None,
    mixture=DEFAULT_MIXTURE,
    leaf_variance=None,
    triplets=None,
):
    """Moves a tree by Markov chain Monte Carlo on r(tree given leaves). Stateless.

    Args:
      num_moves: proposals.
      seed: None, an int, an int32 pair or a `SeedStream`; the same seed gives the same chain.
      mixture: proportions of SPR, local SPR, slide and Gibbs regraft moves.
      leaf_variance: None, or `[N]`, variances of uncertain leaves summed over dimensions (the
        TMC-VAE's q(z_n)): the chain then follows exp E_q[log r(tree, leaves)].
      triplets: None, or distinct leaves (a, b, c), ints `[M, 3]`: the chain then follows the
        posterior given that in every row a and b meet strictly below the node where c joins them,
        as they must in the tree given.

    Returns:
      a named tuple: parent int32 `[V]`, time float64 `[V]`, log_joint `[]`, accepted and proposed
      int64 `[4]`, by `MOVE_KINDS`. Trees of one or two leaves do not move.

    Source: section 2.1 (SPR); the other moves make it mix tens of times faster.
    """
    if _is_empty(leaf_variance):
        raise ValueError("`leaf_variance` must be None or hold one number for each leaf, not [].")
    empty = tf.zeros([0], tf.float64)
    return Sampled(
        *library.load().tfsp_tmc_sample_posterior(
            *_tree(parent, time),
            tf.cast(_leaves(leaves), tf.float64),
            empty if leaf_variance is None else _float64(leaf_variance),
            _concentrations(concentration1, concentration0),
            _float64(mixture),
            _integer("num_moves", num_moves, tf.int64),
            as_seed(seed),
            triplets if tf.is_tensor(triplets) else tf.constant(as_triplets(triplets)),
        )
    )


def sample_prior(num_leaves, concentration1=A, concentration0=B, seed=None):
    """A tree from the prior: parent int32 `[V]`, time float64 `[V]`.

    Args:
      seed: None, an int, an int32 pair or a `SeedStream`.
    """
    return tuple(
        library.load().tfsp_tmc_sample_prior(
            _integer("num_leaves", num_leaves, tf.int32),
            _concentrations(concentration1, concentration0),
            as_seed(seed),
        )
    )


@tf.RegisterGradient("TfspTmcLogLikelihood")
def _log_likelihood_gradient(op, upstream, _):
    gradient = _no_second_derivative(op.outputs[1])
    return None, None, tf.cast(upstream, gradient.dtype) * gradient


@tf.RegisterGradient("TfspTmcNodePosterior")
def _node_posterior_gradient(op, upstream, _):
    parent, time, _ = op.inputs
    return None, None, library.load().tfsp_tmc_node_posterior_grad(parent, time, upstream)


@tf.RegisterGradient("TfspTmcPredictive")
def _predictive_gradient(op, upstream, *_):
    if not op.get_attr("gradients"):
        raise LookupError(
            "This log density was computed with gradients=False. Call `predictive_log_prob` with "
            "gradients=True where a gradient is wanted."
        )
    z, parent, time, leaves, parameters = op.inputs
    _, z_gradient, node_weight, spread_weight = op.outputs
    names = ("leaf_nodes", "internal_nodes", "edge_weights")
    attributes = {name: op.get_attr(name) for name in names}
    attributes["edge_weights"] = tf.compat.as_str(attributes["edge_weights"])
    leaves_gradient = library.load().tfsp_tmc_predictive_leaves_grad(
        z, parent, time, leaves, parameters, node_weight, spread_weight, upstream, **attributes
    )
    z_gradient = _no_second_derivative(z_gradient)
    return upstream[:, tf.newaxis] * z_gradient, None, None, leaves_gradient, None


def _no_second_derivative(gradient):
    return tf.raw_ops.PreventGradient(
        input=gradient, message="The TMC ops have first derivatives only."
    )


for _name in (
    "TfspTmcTopologyLogProb",
    "TfspTmcTimeLogProb",
    "TfspTmcLeaveOneOutVariance",
    "TfspTmcEdgeVariances",
    "TfspTmcEdgeLogProb",
    "TfspTmcQuadrature",
    "TfspTmcAttachment",
    "TfspTmcSamplePosterior",
    "TfspTmcSamplePrior",
):
    tf.no_gradient(_name)


def _parent(parent):
    """As int32, where nothing is rounded or wrapped on the way."""
    if tf.is_tensor(parent):
        if parent.dtype != tf.int32:
            raise TypeError(f"parent must be int32. Received a tensor of {parent.dtype.name}.")
        return tf.convert_to_tensor(parent)
    if isinstance(parent, tf.Variable) or hasattr(parent, "value"):
        return tf.convert_to_tensor(parent, tf.int32)
    return tf.convert_to_tensor(as_int32("parent", parent, TypeError))


def _tree(parent, time):
    return _parent(parent), _float64(time)


def _float64(value):
    """As float64, a Python or NumPy number exactly: `tf.cast` would go through float32."""
    if tf.is_tensor(value) or isinstance(value, tf.Variable) or hasattr(value, "value"):
        return tf.cast(value, tf.float64)
    if isinstance(value, (list, tuple)) and any(tf.is_tensor(part) for part in value):
        return tf.stack([_float64(part) for part in value])
    return tf.convert_to_tensor(np.asarray(value, np.float64))


def _integer(name, value, dtype):
    """A scalar integer tensor, where nothing is rounded or wrapped on the way."""
    if tf.is_tensor(value):
        if not value.dtype.is_integer:
            raise TypeError(f"{name} must be an integer. Received a tensor of {value.dtype.name}.")
        known = tf.get_static_value(value)
        if known is None or np.ndim(known):
            return tf.cast(value, dtype)
        value = known
    try:
        value = operator.index(value)
    except TypeError as error:
        raise TypeError(
            f"{name} must be a scalar integer. Received: {arguments.shown(value)}."
        ) from error
    if not dtype.min <= value <= dtype.max:
        raise ValueError(
            f"{name} must lie in [{dtype.min}, {dtype.max}]. Received: {arguments.shown(value)}."
        )
    return tf.constant(value, dtype)


def _is_empty(value):
    return value is not None and 0 in tuple(np.shape(value))


def _leaves(leaves):
    return tf.convert_to_tensor(leaves)


def _concentrations(concentration1, concentration0):
    return tf.stack([_float64(concentration1), _float64(concentration0)])


def _options(given):
    """(parameters float64 `[4]`, attributes) of the density from its keywords."""
    options = Density.of(given)
    numbers = ("concentration1", "concentration0", "variance_floor", "added_variance")
    parameters = tf.stack([_float64(getattr(options, name)) for name in numbers])
    leaf_nodes, internal_nodes = options.num_nodes
    return parameters, dict(
        leaf_nodes=leaf_nodes, internal_nodes=internal_nodes, edge_weights=options.edge_weights
    )


def _rows(z):
    """z as `[B, D]`, and the shape of everything but its last axis."""
    z = tf.convert_to_tensor(z)
    if z.shape.rank == 0:
        raise ValueError(f"z must be [..., D]. Received: shape {z.shape}.")
    leading = z.shape[:-1]
    shape = leading.as_list() if z.shape.is_fully_defined() else tf.shape(z)[:-1]
    if z.shape.is_fully_defined():
        flat = tf.reshape(z, [math.prod(shape), z.shape[-1]])
        return flat, tf.constant(shape, tf.int32)
    size = tf.shape(z)[-1] if z.shape[-1] is None else z.shape[-1]
    return tf.reshape(z, [-1, size]), shape
