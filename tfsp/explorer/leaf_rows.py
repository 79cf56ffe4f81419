"""Which rows of data the leaves of a prior's tree stand for."""

import json
import pathlib
from typing import NamedTuple

import numpy as np

from tfsp import atomic, evaluation

_FILE = "leaves.json"


class Known(NamedTuple):
    """Rows that have been leaves of a LORACs tree since a refinement.

    Attributes:
      standing: dict row -> leaf, of rows that an inducing point stands for; it stays where it was.
      added: dict row -> leaf, of rows that came to the inducing points; they are where the row is.
    """

    standing: dict
    added: dict

    @property
    def leaves(self):
        """Dict row -> leaf, of both."""
        return {**self.standing, **self.added}


NONE = Known({}, {})


def read(run_dir):
    """The `Known` rows of a run, as `write` has noted them; `NONE` of one that is no refinement.

    Raises:
      ValueError: for a damaged file.
    """
    file = pathlib.Path(run_dir) / _FILE
    if not file.exists():
        return NONE
    try:
        content = json.loads(file.read_text())
        parts = (content[name] for name in Known._fields)
        return Known(*({int(row): int(leaf) for row, leaf in part.items()} for part in parts))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(
            f'{file} is damaged: expected {{"standing": {{"ROW": LEAF, ...}}, "added": ...}}. '
            "Refine the run that it was made from again."
        ) from None


def write(run_dir, known):
    """Notes which rows are which leaves."""
    content = {
        name: {str(row): leaf for row, leaf in sorted(part.items())}
        for name, part in known._asdict().items()
    }
    atomic.write(pathlib.Path(run_dir) / _FILE, json.dumps(content) + "\n")


def leaf_rows(model, data, known):
    """The row that each leaf of the prior's tree stands for.

    Of LORACs that is the training row nearest to the inducing point; where one row is the nearest
    to several, the leaf that it is nearest to has it. Of a TMC-VAE leaf n is the n-th training row.

    Args:
      model: a `StructuredVAE` whose prior is a tree that has started.
      data: the `tfsp.data.Data` it was trained on.
      known: `Known` rows.

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
