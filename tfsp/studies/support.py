"""Whether the support of clades is what it says: trees drawn from the prior, and found again."""

import numpy as np

from tfsp import arguments
from tfsp.tmc import native_sampler, summarize
from tfsp.tmc.phylogeny import Phylogeny

BINS = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)


def simulate_support(
    num_trees=200, num_leaves=20, dim=4, num_draws=400, seed=0, report=None, **options
):
    """Stated support of clades, and whether the true tree has them.

    A tree comes from the TMC prior and its leaves from Brownian motion along it; then the tree is
    forgotten, and `summarize` is given the leaves. If its chains do sample the posterior, clades of
    support s are true in s of the cases: support is a probability, over data that are such as the
    prior says. The fewer dimensions, the less the leaves tell.

    Args:
      num_trees: simulated trees.
      num_leaves: N.
      dim: D.
      num_draws: of each summary, see `summarize`.
      seed: an integer.
      report: called with the number of each tree when it is done, or None.
      **options: of `summarize`: num_chains, burn_in, moves_per_draw, concentration1, ...

    Returns:
      dict of arrays, a clade (of 2 to N - 1 leaves, of a summary tree) each: `tree`, which tree it
      is of; `size`; `support` and `transfer` as stated; `true`, whether the true tree has it. And
      `agreement` `[num_trees]`.

    Raises:
      ValueError: for numbers out of range.

    Source: Cook, Gelman & Rubin 2006, "Validation of software for Bayesian models using posterior
      quantiles", for the idea.
    """
    num_trees = arguments.integer("num_trees", num_trees)
    num_leaves = arguments.integer("num_leaves", num_leaves, 3)
    dim = arguments.integer("dim", dim)
    concentrations = [options.get(f"concentration{i}") for i in (1, 0)]
    prior = [2.0 if value is None else value for value in concentrations]
    rows = {name: [] for name in ("tree", "size", "support", "transfer", "true")}
    agreement = []
    for i in range(num_trees):
        seeds = np.random.SeedSequence([seed, i]).generate_state(3, np.uint32).tolist()
        parent, time = native_sampler.sample_prior(num_leaves, *prior, seed=seeds[0])
        leaves = native_sampler.sample_leaves(parent, time, dim, seed=seeds[1])
        truth = clades(Phylogeny(parent, time))
        found = summarize(leaves, num_draws, columns="all", seed=seeds[2], warn=False, **options)
        agreement.append(found.agreement)
        for clade, v in clades(found.tree).items():
            if 1 < len(clade) < num_leaves:
                rows["tree"].append(i)
                rows["size"].append(len(clade))
                rows["support"].append(found.support[v])
                rows["transfer"].append(found.transfer[v])
                rows["true"].append(clade in truth)
        if report is not None:
            report(i)
    return {name: np.array(column) for name, column in rows.items()} | {
        "agreement": np.array(agreement)
    }


def clades(tree):
    """Leaves below a node, a frozenset -> the node, of internal nodes."""
    return {
        frozenset(tree.leaves_below(v).tolist()): v for v in range(tree.num_leaves, tree.num_nodes)
    }


def calibration(found, bins=BINS, column="support"):
    """How often clades are true, by their stated support.

    Args:
      found: of `simulate_support`.
      bins: edges, rising, from 0 to 1; a bin holds its upper edge.
      column: "support", or "transfer", which is no probability.

    Returns:
      list of dicts: low, high, clades (how many), stated (mean support), true (share), error (the
      standard error of true - stated, from tree to tree, as clades of a tree hang together; NaN for
      a single tree). Bins without clades are left out.

    Raises:
      ValueError: for bins that do not rise from 0 to 1, or another column.
    """
    bins = np.asarray(bins, float)
    if (
        bins.ndim != 1
        or len(bins) < 2
        or bins[0] != 0
        or bins[-1] != 1
        or np.any(np.diff(bins) <= 0)
    ):
        raise ValueError(f"`bins` must rise from 0 to 1. Received: {bins.tolist()}.")
    if column not in ("support", "transfer"):
        raise ValueError(f"`column` must be 'support' or 'transfer'. Received: {column!r}.")
    stated, true = found[column], found["true"].astype(float)
    place = np.clip(np.searchsorted(bins, stated, side="left"), 1, len(bins) - 1)
    rows = []
    for k in range(1, len(bins)):
        inside = place == k
        if not inside.any():
            continue
        number = np.bincount(found["tree"][inside])
        excess = np.bincount(found["tree"][inside], true[inside] - stated[inside])
        excess, number = excess[number > 0], number[number > 0]
        mean, trees = excess.sum() / number.sum(), len(number)
        # A ratio of two sums over trees, by the delta method.
        residual = excess - mean * number
        error = np.sqrt(np.sum(residual**2) * trees / max(trees - 1, 1)) / number.sum()
        rows.append(
            {
                "low": bins[k - 1],
                "high": bins[k],
                "clades": int(inside.sum()),
                "stated": float(stated[inside].mean()),
                "true": float(true[inside].mean()),
                "error": float(error) if trees > 1 else float("nan"),
            }
        )
    return rows
