"""Which rows of data the leaves of a prior's tree stand for."""

import json
import pathlib

import numpy as np

from tfsp import atomic, evaluation

_FILE = "leaves.json"


def read(run_dir):
    """Rows that are leaves of a run's tree, as `write` has noted them: dict row -> leaf.

    Raises:
      ValueError: for a damaged file.
    """
    file = pathlib.Path(run_dir) / _FILE
    if not file.exists():
        return {}
    try:
        return {int(row): int(leaf) for row, leaf in json.loads(file.read_text())["rows"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(
            f'{file} is damaged: expected {{"rows": {{"ROW": LEAF, ...}}}}. Refine the run that '
            "it was made from again."
        ) from None


def write(run_dir, leaves):
    """Notes which rows are which leaves."""
    content = {"rows": {str(row): leaf for row, leaf in sorted(leaves.items())}}
    atomic.write(pathlib.Path(run_dir) / _FILE, json.dumps(content) + "\n")


def leaf_rows(model, data, known):
    """The row that each leaf of the prior's tree stands for.

    Of LORACs that is the training row nearest to the inducing point; where one row is the nearest
    to several, the leaf that it is nearest to has it. Of a TMC-VAE leaf n is the n-th training row.

    Args:
      model: a `StructuredVAE` whose prior is a tree that has started.
      data: the `tfsp.data.Data` it was trained on.
      known: dict row -> leaf, of leaves that are rows (`read`).

    Returns:
      ints `[N]`, numbers of rows in the source (`Data.rows`), -1 for a leaf that stands for none.
    """
    rows = data.rows("train")
    if "inducing_points" not in model.prior.capabilities:
        return rows.copy()
    codes, _ = evaluation.encode(model, data, part="train")
    inducing = np.asarray(model.prior.inducing, codes.dtype)
    found = np.full(len(inducing), -1)
    for row, leaf in known.items():
        found[leaf] = row
    distance, place = (each[:, 0] for each in _neighbours(codes).kneighbors(inducing, 1))
    taken = set(known)
    for leaf in np.argsort(distance, kind="stable").tolist():
        row = int(rows[place[leaf]])
        if found[leaf] < 0 and row not in taken:
            found[leaf] = row
            taken.add(row)
    return found


def _neighbours(codes):
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors().fit(codes)
