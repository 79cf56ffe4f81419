"""Draws of the posterior over trees given their leaves, and their summary."""

import concurrent.futures

import numpy as np

from tfsp import arguments
from tfsp.tmc.constraints import as_numbers, follow
from tfsp.tmc.native import sampler
from tfsp.tmc.native.options import A, B
from tfsp.tmc.phylogeny import Phylogeny, checks
from tfsp.tmc.summary.draws import check_size, summarize_draws

_SHARE = 0.05  # of the largest variance, below which a column does not count
_BURN_IN, _APART = 3000, 50  # moves for each leaf


def active_columns(leaves, share=_SHARE):
    """Columns whose variance is at least a share of the largest: ints `[K]`, K >= 1.

    A latent dimension that the model does not use varies by a hundredth of the others, and yet the
    Brownian motion has the same rate in all: it forces every split to be late, and keeps a chain
    over trees from moving.

    Args:
      leaves: `[N, D]`.
      share: in [0, 1].

    Raises:
      ValueError: for another shape, values that are not finite or a `share` outside [0, 1].
    """
    leaves = checks.as_points("leaves", leaves)
    variance = leaves.var(axis=0)
    share = arguments.number("share", share, "[0, 1]")
    return np.flatnonzero(variance >= share * variance.max())


def summarize(
    leaves,
    num_draws=None,
    moves_per_draw=None,
    burn_in=None,
    num_chains=2,
    columns="active",
    concentration1=A,
    concentration0=B,
    seed=0,
    names=None,
    warn=True,
    triplets=None,
    **options,
):
    """The expected tree over points under the posterior r(tree | leaves), with its support.

    Chains of their own start from Ward's linkage; their draws are summarised by `summarize_draws`.
    One draw is lost among very many worse ones, and says little: what the draws have in common is
    the estimate.

    Args:
      leaves: `[N, D]`, N >= 2.
      num_draws: S, in all chains together. None takes 400, of more than 500 leaves 200,000 / N, at
        least 100.
      moves_per_draw: proposals between two draws of a chain; None takes 50 N.
      burn_in: proposals of each chain before its first draw; None takes 3,000 N.
      num_chains: C, each on a thread of its own.
      columns: "active" (`active_columns`), "all", or the numbers of columns.
      concentration1, concentration0: a, b of the times' Beta prior.
      seed: an integer or a pair of integers, non-negative.
      names: of the leaves, or None.
      warn: whether to warn of chains that do not agree.
      triplets: None, or constraints `[M, 3]`, numbers of leaves or names: the posterior is then
        that of trees where in every row (a, b, c) leaves a and b meet strictly below the node where
        c joins them. Chains start from the tree nearest to Ward's that satisfies them, and the
        summary satisfies them too.
      **options: of `tfsp.tmc.native_sampler.sample_posterior`: mixture, leaf_variance.

    Returns:
      `TreeSummary`.

    Raises:
      ContradictionError: if no tree satisfies the triplets.
      ValueError: for arguments out of range, leaves that are not finite or more than 10,000.

    Source: Vikram et al. 2018, arXiv:1810.06891, section 2, for the posterior.
    """
    leaves = checks.as_points("leaves", leaves)
    num_leaves = len(leaves)
    check_size(num_leaves)
    columns = _columns(columns, leaves)
    num_chains = arguments.integer("num_chains", num_chains, 1, 1000)
    if num_draws is None:
        num_draws = int(np.clip(200_000 / num_leaves, 100, 400))
    num_draws = arguments.integer("num_draws", num_draws, num_chains)
    apart = _APART * num_leaves if moves_per_draw is None else moves_per_draw
    apart = arguments.integer("moves_per_draw", apart)
    burn_in = _BURN_IN * num_leaves if burn_in is None else burn_in
    burn_in = arguments.integer("burn_in", burn_in, 0)
    points = np.ascontiguousarray(leaves[:, columns])
    triplets = as_numbers(triplets, num_leaves, names)
    start = follow(ward_tree(points), triplets)
    each = -(-num_draws // num_chains)
    words = np.random.SeedSequence(np.ravel(seed).tolist()).generate_state(4 * num_chains)
    seeds = words.reshape(num_chains, 2, 2).tolist()

    def run(chain):
        """Parents and times `[S / C, V]` of one chain."""
        prior = (concentration1, concentration0)
        state = start.parent, start.time
        warm = sampler.sample_posterior(
            *state,
            points,
            *prior,
            num_moves=burn_in,
            seed=tuple(seeds[chain][0]),
            triplets=triplets,
            **options,
        )
        drawn = sampler.sample_posterior(
            warm.parent,
            warm.time,
            points,
            *prior,
            num_moves=each * apart,
            seed=tuple(seeds[chain][1]),
            trace_every=apart,
            trace_trees=True,
            triplets=triplets,
            **options,
        )
        return drawn.trace["parent"], drawn.trace["time"]

    with concurrent.futures.ThreadPoolExecutor(num_chains) as pool:
        parent, time = (
            np.array(part) for part in zip(*pool.map(run, range(num_chains)), strict=True)
        )
    return summarize_draws((parent, time), names, columns, warn, triplets)


def ward_tree(points):
    """Ward's linkage as a tree: times are 1 - (height / largest height)^2.

    Args:
      points: `[N, D]`, N >= 1.

    Returns:
      `Phylogeny` over the points, its root at 0.

    Raises:
      ValueError: for another shape or values that are not finite.
    """
    from scipy.cluster import hierarchy

    points = checks.as_points("points", points)
    if len(points) == 1:
        return Phylogeny([-1], [1.0])
    return Phylogeny.from_linkage(hierarchy.linkage(points, "ward"), power=2.0)


def _columns(columns, leaves):
    if isinstance(columns, str):
        if columns == "active":
            return active_columns(leaves)
        if columns == "all":
            return np.arange(leaves.shape[1])
    found = np.asarray(columns)
    whole = found.ndim == 1 and found.size and found.dtype.kind in "iu"
    if not whole or found.min() < 0 or found.max() >= leaves.shape[1]:
        raise ValueError(
            f"`columns` must be 'active', 'all' or numbers of columns in [0, {leaves.shape[1]}). "
            f"Received: {arguments.shown(columns)}."
        )
    return found
