"""How sure a hierarchy over data is: one tree for each look at the data, and their summary."""

from tfsp import arguments
from tfsp.evaluation.latent import encode_views
from tfsp.random import as_seed, fold_in
from tfsp.tmc import neighbour_tree, summarize_draws


def view_trees(model, data, others=None, num_trees=20, num_neighbours=None, seed=0, names=None):
    """The expected tree over data, and what of it does not depend on how each example is shown.

    Each of the trees is that of nearest neighbours (`tfsp.tmc.neighbour_tree`) of the codes of one
    random augmentation of every example, of `others` too. What they have in common is purer than
    the tree of mean codes, and `support` tells in how many of them a clade is;
    `tfsp.tmc.number_of_clusters` counts clusters in each.

    Args:
      model: a `StructuredVAE` with `consistency`.
      data: as in `evaluation.encode`, n examples, at most 10,000.
      others: more data, such as those of training, or None; see `neighbour_tree`.
      num_trees: how many, at least 2. Each takes as long as one `neighbour_tree`.
      num_neighbours: see `neighbour_tree`.
      seed: an int, or None for a fresh one.
      names: of the data, strings `[n]`, or None.

    Returns:
      `tfsp.tmc.TreeSummary` over the n examples.

    Raises:
      ValueError: for a model without `consistency`, and see `neighbour_tree`.
    """
    num_trees = arguments.integer("num_trees", num_trees, 2)
    trees, seed = [], as_seed(seed)
    for draw in range(num_trees):
        parts = [
            None
            if part is None
            else encode_views(model, part, 1, fold_in(seed, 2 * draw + side))[0]
            for side, part in enumerate((data, others))
        ]
        trees.append(neighbour_tree(parts[0], num_neighbours, parts[1]))
    return summarize_draws(trees, names)
