"""Sampling trees of the time-marginalized coalescent for NumPy arrays, in C++ through Cython.

No TensorFlow. Trees, leaves and the letters a = `concentration1`, b = `concentration0` are those of
`tfsp.tmc.native`. Every function is stateless: the same arguments, the `seed` among them, give the
same result bit for bit on one machine (another C library may round a logarithm otherwise). The GIL
is released while the core works.

A `seed` is an integer in [0, 2**64) or a pair of them. Errors are ValueErrors that name the index
and the value.

Source: Vikram, Hoffman and Johnson 2018, "The LORACs prior for VAEs", arXiv:1810.06891; Boyles and
Welling 2012; for the moves Neal 2003 (subtree prune and regraft).
"""

import operator
from typing import NamedTuple

import numpy as np

from tfsp import arguments
from tfsp.tmc.native import _tmc
from tfsp.tmc.native.numpy import as_parent, as_real, is_bayes
from tfsp.tmc.native.options import DENSITY, MIXTURE, MOVES, A, B, Mixture, as_triplets

__all__ = [
    "DEFAULT_MIXTURE",
    "MOVES",
    "PosteriorSample",
    "attach_leaf",
    "prune_leaf",
    "sample_leaves",
    "sample_posterior",
    "sample_predictive",
    "sample_prior",
]

_INT32 = (-(2**31), 2**31 - 1)
_NEVER = 2**63 - 1
DEFAULT_MIXTURE = MIXTURE._asdict()


class PosteriorSample(NamedTuple):
    """What `sample_posterior` returns.

    Attributes:
      parent, time: the last tree, int32 and float64 `[V]`; labels as in the tree given.
      log_joint: log r(leaves, tree) in nats, recomputed at the end.
      accepted, proposed: number of moves by kind, a dict over `MOVES`.
      trace: None, or a dict: `log_joint` `[K]` and, with `trace_trees`, `parent` `[K, V]`
        and `time` `[K, V]`; row k is the state after (k + 1) * `trace_every` moves.
      drift: running log joint minus the recomputed one: rounding error of the whole chain.
    """

    parent: np.ndarray
    time: np.ndarray
    log_joint: float
    accepted: dict
    proposed: dict
    trace: dict | None
    drift: float


def _seed(seed):
    if type(seed) is int and 0 <= seed < 2**64:
        return seed, 0
    listed = isinstance(seed, tuple | list) or (isinstance(seed, np.ndarray) and seed.ndim)
    pair = tuple(seed) if listed else (seed, 0)
    try:
        whole = tuple(operator.index(s) for s in pair if not isinstance(s, bool))
    except TypeError:
        whole = ()
    if len(whole) != len(pair) or len(pair) != 2 or not all(0 <= s < 2**64 for s in whole):
        raise ValueError(
            "seed must be an integer in [0, 2**64) or a pair of them. Received: "
            f"{arguments.shown(seed)}."
        )
    return whole


def _whole(name, value, least=-(2**63), most=2**63 - 1):
    """`value` as an int of the core's type; the core checks which values make sense."""
    if type(value) is int and least <= value <= most:
        return value
    if isinstance(value, np.ndarray) and not value.ndim:
        value = value[()]
    return arguments.integer(name, value, least, most)


def _check_count(name, count, size):
    """Refuses arrays of more bytes than an address has bits for."""
    if count * size > 2**60:
        raise MemoryError(f"{name}={count} needs memory for {count * size} numbers: too many.")


def sample_posterior(
    parent,
    time,
    leaves,
    concentration1=A,
    concentration0=B,
    *,
    num_moves,
    seed,
    mixture=None,
    leaf_variance=None,
    trace_every=0,
    trace_trees=False,
    min_remaining=1e-6,
    refresh_every=0,
    portable=False,
    triplets=None,
):
    """Markov chain over trees whose stationary distribution is r(tree | leaves).

    Metropolis-Hastings with four kinds of moves: `spr` (a subtree goes to any edge that starts
    before it, at a uniform time), `local` (to a neighbouring edge), `slide` (one internal time),
    `gibbs` (the edge is drawn from its conditional distribution; costs O(N D), the others
    O(depth * D)).

    Args:
      parent, time: the starting tree `[V]`. Good starts have times near 0 or come from linkage;
        draws of `sample_prior` have times far too close to 1.
      leaves: locations `[N, D]`.
      concentration1, concentration0: a, b > 0 of the Beta prior of the times.
      num_moves: length of the chain, non-negative.
      seed: integer or pair of integers.
      mixture: dict from move to proportion, on any scale; moves left out are not made. Default
        `DEFAULT_MIXTURE`. `slide` alone keeps the topology; `spr`, `local` or `gibbs` alone
        reach every tree.
      leaf_variance: None, or `[N]`, the summed variances sum_k s_nk^2 of Gaussian beliefs about
        the leaves, whose means are then `leaves`: the chain samples the tree factor
        exp E_q[log r(z, tree)] of eq. (9), and `log_joint` is that expectation.
      trace_every: keep the log joint every so many moves; 0 keeps nothing.
      trace_trees: keep the trees as well.
      min_remaining: internal times stay at or below 1 - min_remaining. With equal leaves the
        posterior is improper without such a cap. Trees that start above it are accepted.
      refresh_every: recompute all messages every so many moves; 0 only at the start and the end.
      portable: do not use AVX2. Slower; the chain is the same. For tests.
      triplets: None, or distinct leaves (a, b, c), ints `[M, 3]`: the chain then samples the
        posterior given that in every row a and b meet strictly below the node where c joins them.
        The starting tree must satisfy them: `tfsp.tmc.constraints.follow` sees to that.

    Returns:
      `PosteriorSample`. With one or two leaves no move is proposed: nothing can move.

    Raises:
      ValueError: for malformed trees, leaves that are not finite, wrong options, and triplets that
        the starting tree does not satisfy.
    """
    options = _tmc.ChainOptions(
        concentration1,
        concentration0,
        Mixture.by_name(mixture)._asdict(),
        _whole("num_moves", num_moves),
        *_seed(seed),
        min_remaining=min_remaining,
        refresh_every=min(arguments.integer("refresh_every", refresh_every, 0), _NEVER),
        portable_kernels=portable,
        triplets=as_triplets(triplets),
    )
    out = _tmc.sample_posterior(
        as_parent(parent),
        as_real("time", time, 1),
        as_real("leaves", leaves, 2),
        options,
        None if leaf_variance is None else as_real("leaf_variance", leaf_variance, 1),
        min(arguments.integer("trace_every", trace_every, 0), _NEVER),
        trace_trees,
    )
    return PosteriorSample(
        out["parent"],
        out["time"],
        out["log_joint"],
        dict(zip(MOVES, out["accepted"], strict=True)),
        dict(zip(MOVES, out["proposed"], strict=True)),
        out["trace"],
        out["drift"],
    )


def sample_prior(num_leaves, concentration1=A, concentration0=B, *, seed, min_remaining=1e-12):
    """A tree from the prior TMC_N(a, b): Kingman's merges, then sticks from the root down.

    Args:
      num_leaves: N >= 1.
      concentration1, concentration0: a, b of the sticks' Beta distribution.
      seed: integer or pair of integers.
      min_remaining: sticks are cut off so that 1 - t stays above this, at least 1e-12: in deeper
        trees float64 times could not increase any more.

    Returns:
      parent int32 `[V]`, time float64 `[V]`; internal nodes in the order of the merges.

    Raises:
      ValueError: for `num_leaves` < 1 or concentrations outside (0, 10000].
    """
    return _tmc.sample_prior(
        _whole("num_leaves", num_leaves, *_INT32),
        concentration1,
        concentration0,
        *_seed(seed),
        min_remaining,
    )


def sample_leaves(parent, time, num_dims, *, seed):
    """Leaves given a tree: Brownian motion from N(0, I) at the root.

    Args:
      parent, time: the tree `[V]`.
      num_dims: D >= 1.
      seed: integer or pair of integers.

    Returns:
      float64 `[N, D]`; N(0, 2I) for a tree of one leaf.

    Raises:
      ValueError: for an invalid tree or `num_dims` < 1.
    """
    parent, num_dims = as_parent(parent), _whole("num_dims", num_dims, 1)
    _check_count("num_dims", num_dims, len(parent))
    return _tmc.sample_leaves(parent, as_real("time", time, 1), num_dims, *_seed(seed))


def sample_predictive(
    parent,
    time,
    leaves,
    concentration1=A,
    concentration0=B,
    *,
    num_samples,
    seed,
    edge_weights=DENSITY.edge_weights,
):
    """New leaves given tree and leaves, eq. (11): edge, time on it, location.

    Args:
      parent, time, leaves: `[V]`, `[V]`, `[N, D]`.
      concentration1, concentration0: a, b of the time prior.
      num_samples: S >= 0.
      seed: integer or pair of integers.
      edge_weights: "prior", p(e) from the topology (the paper's), or "bayes", given the times.

    Returns:
      edge int32 `[S]` (its lower node), time `[S]`, location `[S, D]`. A tree of one leaf has one
      place, node 0 at time 0.

    Raises:
      ValueError: for an invalid tree, leaves that are not finite, or wrong options.
    """
    leaves = as_real("leaves", leaves, 2)
    num_samples = _whole("num_samples", num_samples, 0)
    _check_count("num_samples", num_samples, leaves.shape[1])
    return _tmc.sample_predictive(
        as_parent(parent),
        as_real("time", time, 1),
        leaves,
        concentration1,
        concentration0,
        is_bayes(edge_weights),
        num_samples,
        *_seed(seed),
    )


def attach_leaf(parent, time, edge, at_time, leaf=-1, node=-1):
    """The tree with one leaf more on the edge above a node.

    Args:
      parent, time: the tree `[V]`.
      edge: node whose upper edge carries the new leaf. At the root, the leaf hangs from a new
        root at time 0 and the old root moves to `at_time` (1 if it is the only leaf).
      at_time: strictly inside the edge.
      leaf: number of the new leaf in the result, default N (the last one).
      node: number of the new internal node in the result, default 2N (the last one). All other
        nodes keep their order.

    Returns:
      parent `[V + 2]`, time `[V + 2]`.

    Raises:
      ValueError: for an invalid tree, or a place that is not on it.
    """
    return _tmc.attach_leaf(
        as_parent(parent),
        as_real("time", time, 1),
        _whole("edge", edge, *_INT32),
        at_time,
        _whole("leaf", leaf, *_INT32),
        _whole("node", node, *_INT32),
    )


def prune_leaf(parent, time, leaf):
    """The tree without one leaf and its parent.

    If the parent was the root, the leaf's sibling becomes the root and moves to time 0.

    Args:
      parent, time: the tree `[V]`, N >= 2.
      leaf: node in [0, N).

    Returns:
      parent `[V - 2]`, time `[V - 2]`, and the place: a dict with `edge`, `time`, `leaf`, `node`;
      `attach_leaf(parent, time, place["edge"], place["time"], place["leaf"], place["node"])` is the
      tree again, bit for bit.

    Raises:
      ValueError: for an invalid tree, a tree of one leaf, or an unknown leaf.
    """
    leaf = _whole("leaf", leaf, *_INT32)
    return _tmc.prune_leaf(as_parent(parent), as_real("time", time, 1), leaf)
