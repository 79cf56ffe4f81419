"""The summary of trees that have been drawn."""

import dataclasses
import warnings

import numpy as np

from tfsp import arguments, notebook
from tfsp.tmc.constraints import follow
from tfsp.tmc.native import summary as native
from tfsp.tmc.phylogeny import Phylogeny, checks, spacing

AGREEMENT = 0.95  # below it the chains have not met
MOST_LEAVES = 10_000  # N x N matrices: five of them are held at once, 4 GB of 10,000 leaves


@dataclasses.dataclass(frozen=True)
class TreeSummary:
    """What draws of a tree over N leaves have in common.

    Attributes:
      tree: a `Phylogeny`, whose times are expected ones; its `support` is `transfer`.
      height: `[N, N]`, the mean over draws of 1 - t_lca, 0 on the diagonal.
      spread: `[N, N]`, the standard deviation of t_lca over the draws.
      support: `[V]`, the share of draws that have just the clade below a node; 1 at leaves.
      transfer: `[V]`, transfer support: 1 - (leaves to move on average to turn the closest clade
        of a draw into this one) / (size - 1). One stray leaf hardly lowers it, where `support`
        falls to 0. 1 at leaves.
      agreement: the smallest correlation of mean t_lca between two chains; NaN for a single one.
        Below 0.95 the chains have not met, and nothing here is to be relied on.
      num_draws: S, in all chains together.
      draws: (parent, time), int32 and float64 `[S, V]`, for `expected_hierarchy`.
      columns: `[K]`, the latent dimensions that the trees were drawn over; None if unknown.
      r_hat: the potential scale reduction of t_lca that 95 of 100 pairs of leaves do not exceed,
        near 1 where the chains have met; NaN for a single chain or a single draw of each.

    Source: Lemoine et al. 2018, doi:10.1038/s41586-018-0043-0 (transfer support); Gelman & Rubin
      1992 (r_hat).
    """

    tree: Phylogeny
    height: np.ndarray
    spread: np.ndarray
    support: np.ndarray
    transfer: np.ndarray
    agreement: float
    num_draws: int
    draws: tuple
    columns: np.ndarray | None = None
    r_hat: float = float("nan")

    def __repr__(self):
        agreed = "" if np.isnan(self.agreement) else f", agreement {self.agreement:.3f}"
        return f"TreeSummary({self.tree.num_leaves} leaves, {self.num_draws} draws{agreed})"

    def _repr_html_(self):
        numbers = {name: getattr(self, name) for name in ("num_draws", "agreement", "r_hat")}
        return notebook.card("TreeSummary", notebook.listing(numbers), self.tree._repr_html_())


def summarize_draws(trees, names=None, columns=None, warn=True, triplets=None):
    """The tree that is closest to draws of trees, with the support of its clades.

    With T a tree's matrix of t_lca, E|T(draw) - T*|^2 = E|T(draw) - E T|^2 + |E T - T*|^2 for any
    tree T*: so the tree of least expected squared error is the one closest to the mean E T. Average
    linkage of E[1 - t_lca] finds it approximately; the times are 1 - its heights, the root is put
    at 0.

    Args:
      trees: a list of `Phylogeny`, or a pair (parent, time) of arrays `[S, V]`, or `[C, S, V]` for
        C chains, by which `agreement` goes. All over the same N leaves.
      names: of the leaves, strings `[N]`. None takes those of the trees, if they are the same.
      columns: kept in the result.
      warn: whether to warn of chains that do not agree.
      triplets: None, or `[M, 3]`, numbers of leaves or names: the tree that follows the mean as far
        as these constraints let it (`tfsp.tmc.constraints.follow`). Where all draws satisfy them
        the mean mostly does, but need not.

    Returns:
      `TreeSummary`.

    Raises:
      ValueError: for no trees, trees over different leaves or over more than 10,000, or invalid
        ones.
    """
    parent, time, names = _arrays(trees, names)
    check_size((parent.shape[-1] + 1) // 2)
    num_chains, num_draws, num_nodes = parent.shape
    moments = [native.lca_moments(p, t) for p, t in zip(parent, time, strict=True)]
    mean, square = (np.mean(part, axis=0) for part in zip(*moments, strict=True))
    spread = np.sqrt(np.maximum(square - mean**2, 0.0))
    np.fill_diagonal(spread, 0.0)
    agreement = _agreement([first for first, _ in moments])
    if warn and agreement < AGREEMENT:
        warnings.warn(
            f"The chains agree on the expected tree by {agreement:.2f} alone (correlation of mean "
            f"times; {AGREEMENT} is wanted), so that they have not met: draw more trees, further "
            "apart, or leave out latent dimensions that hardly vary.",
            stacklevel=3,
        )
    tree = follow(average_tree(1.0 - mean, names), triplets)
    support, transfer = clade_support(tree, parent.reshape(-1, num_nodes))
    return TreeSummary(
        tree.with_support(transfer),
        1.0 - mean,
        spread,
        support,
        transfer,
        agreement,
        num_chains * num_draws,
        (parent.reshape(-1, num_nodes).astype(np.int32), time.reshape(-1, num_nodes)),
        columns,
        _r_hat(moments, num_draws),
    )


def check_size(num_leaves):
    """Raises ValueError for more leaves than pairs of them can be held."""
    if num_leaves > MOST_LEAVES:
        raise ValueError(
            f"A summary holds a number for each pair of leaves, of at most {MOST_LEAVES} leaves. "
            f"Received: {num_leaves}. Take a random part of them."
        )


def average_tree(height, names=None):
    """The tree of average linkage: `height` `[N, N]`, expected 1 - t_lca, gives its times.

    Times are 1 minus the heights of the merges, the root is at 0.
    """
    num_leaves = len(height)
    if num_leaves == 1:
        return Phylogeny([-1], [1.0], names)
    from scipy.cluster import hierarchy

    matrix = hierarchy.linkage(height[np.triu_indices(num_leaves, 1)], "average")
    parent = Phylogeny.from_linkage(matrix).parent
    time = np.concatenate([np.ones(num_leaves), 1.0 - matrix[:, 2]])
    return Phylogeny(parent, spacing.separate(parent, time), names)


def clade_support(tree, parents):
    """Exact and transfer support `[V]` of a tree's clades among trees `[S, V]`, 1 at leaves."""
    distance = native.transfer_distances(tree.parent, parents)
    exact = np.mean(distance == 0, axis=0)
    transfer = 1.0 - np.mean(distance, axis=0) / np.maximum(tree.leaf_counts - 1, 1)
    return exact, transfer


def _agreement(means):
    """The smallest correlation between chains of what is above the diagonal."""
    if len(means) < 2:
        return float("nan")
    pairs = np.triu_indices(len(means[0]), 1)
    if len(pairs[0]) < 2:
        return 1.0
    times = np.array([mean[pairs] for mean in means])
    if np.any(np.ptp(times, axis=1) == 0):
        return 1.0 if np.ptp(times, axis=0).max() == 0 else 0.0
    return float(np.corrcoef(times).min())


def _r_hat(moments, num_draws, quantile=0.95):
    """The quantile over pairs of leaves of R-hat of t_lca, of (mean, mean square) of each chain."""
    num_leaves = len(moments[0][0])
    if min(len(moments), num_draws) < 2 or num_leaves < 2:
        return float("nan")
    pairs = np.triu_indices(num_leaves, 1)
    mean, square = (
        np.array([part[pairs] for part in parts]) for parts in zip(*moments, strict=True)
    )
    share = num_draws / (num_draws - 1)
    within = np.mean(np.maximum(square - mean**2, 0.0) * share, axis=0)
    between = np.var(mean, axis=0, ddof=1)
    within = np.maximum(within, np.finfo(float).tiny)  # chains that stand still, each elsewhere
    return float(np.quantile(np.sqrt(1 / share + between / within), quantile))


def _arrays(trees, names):
    """(parent `[C, S, V]`, time, names)."""
    if isinstance(trees, tuple) and len(trees) == 2 and not isinstance(trees[0], Phylogeny):
        parent, time = checks.as_array("parent", trees[0]), checks.as_array("time", trees[1])
        if parent.ndim not in (2, 3) or parent.shape != time.shape or not parent.size:
            raise ValueError(
                "`trees` must be a pair (parent, time) of arrays [S, V] or [C, S, V]. Received: "
                f"shapes {parent.shape} and {time.shape}."
            )
        if parent.ndim == 2:
            parent, time = parent[None], time[None]
        return parent, time, names
    trees = list(trees)
    if not trees:
        raise ValueError("`trees` must hold at least one tree. Received: none.")
    for i, tree in enumerate(trees):
        if not isinstance(tree, Phylogeny):
            raise ValueError(
                f"`trees` must be a list of Phylogeny, or a pair (parent, time). Received: "
                f"trees[{i}]={arguments.shown(tree)}."
            )
        if tree.num_leaves != trees[0].num_leaves or tree.names != trees[0].names:
            raise ValueError(
                "`trees` must be over the same leaves with the same names. Received: "
                f"{trees[0]!r} and {tree!r}."
            )
    parent = np.array([tree.parent for tree in trees])[None]
    time = np.array([tree.time for tree in trees])[None]
    return parent, time, trees[0].names if names is None else names
