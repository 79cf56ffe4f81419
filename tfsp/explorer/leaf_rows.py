"""Which rows of data the leaves of a prior's tree stand for."""

import numpy as np

from tfsp import evaluation


def leaf_rows(model, data, known):
    """The row that each leaf of the prior's tree stands for.

    Of LORACs that is the training row nearest to the inducing point; where one row is the nearest
    to several, the leaf that it is nearest to has it. Of a TMC-VAE leaf n is the n-th training row.

    Args:
      model: a `StructuredVAE` whose prior is a tree that has started.
      data: the `tfsp.data.Data` it was trained on.
      known: `run_leaves.Known` rows.

    Returns:
      ints `[N]`, numbers of rows in the source (`Data.rows`), -1 for a leaf that stands for none.
    """
    rows = data.rows("train")
    if "inducing_points" not in model.prior.capabilities:
        return rows.copy()
    codes, _ = evaluation.encode(model, data, part="train")
    inducing = np.asarray(model.prior.inducing, codes.dtype)
    found = np.full(len(inducing), -1)
    for row, leaf in known.leaves.items():
        found[leaf] = row
    distance, place = (each[:, 0] for each in _neighbours(codes).kneighbors(inducing, 1))
    taken = set(known.leaves)
    for leaf in np.argsort(distance, kind="stable").tolist():
        row = int(rows[place[leaf]])
        if found[leaf] < 0 and row not in taken:
            found[leaf] = row
            taken.add(row)
    return found


def _neighbours(codes):
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors().fit(codes)
