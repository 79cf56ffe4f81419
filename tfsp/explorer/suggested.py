"""Questions that a trained prior would have answered."""

import numpy as np

from tfsp.explorer.leaf_rows import leaf_rows

_SPARE = 3  # so many times as many are looked at, as some leaves stand for no row on the page


def questions(model, data, known, number, limit=None, seed=0):
    """Triples of rows about whose place draws of the tree disagree, random ones between them.

    What `prior.suggest` asks about leaves, put to the rows that these stand for (`leaf_rows`).

    Args:
      model: a `StructuredVAE`.
      data: the `tfsp.data.Data` it was trained on.
      known: `run_leaves.Known` rows.
      number: how many at most.
      limit: the most rows of each part that are on the page; None for all.
      seed: an integer.

    Returns:
      a list of triples of numbers of rows; none of a model without a tree that has started, and
      of one with more leaves than are summarised (`TreePrior.most_summarised`).
    """
    prior = model.prior
    if not number or "tree" not in prior.capabilities or not prior.is_started():
        return []
    if prior.num_leaves > prior.most_summarised:
        return []
    parts = ("train", "validation", "test")
    shown = set(np.concatenate([data.rows(part, limit) for part in parts]).tolist())
    rows = leaf_rows(model, data, known)
    triples = rows[prior.suggest(_SPARE * number, seed=seed).triples].tolist()
    return [triple for triple in triples if shown.issuperset(triple)][:number]
