"""Rows of data that are leaves of a refined run's tree: leaves.json in its folder."""

import json
import pathlib
from typing import NamedTuple

import numpy as np

from tfsp import atomic
from tfsp.data.splits import PARTS

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


def read(run_dir, model=None, data=None):
    """The `Known` rows of a run, as `write` has noted them; `NONE` of one that is no refinement.

    Args:
      run_dir: the run's folder.
      model, data: of the run; None leaves open whether there are such leaves and rows.

    Raises:
      ValueError: for a damaged file, and for one with leaves or rows that are not there.
    """
    file = pathlib.Path(run_dir) / _FILE
    if not file.exists():
        return NONE
    try:
        content = json.loads(file.read_text())
        parts = (content[name] for name in Known._fields)
        known = Known(*({int(row): leaf for row, leaf in part.items()} for part in parts))
        found = [leaf for part in known for leaf in part.values()]
        whole = all(type(leaf) is int and leaf >= 0 for leaf in found)
        right = whole and len(set(found)) == len(found) == len(known.leaves)
    except (ValueError, KeyError, TypeError, AttributeError):
        right = False
    if not right:
        raise ValueError(
            f'{file} is damaged: expected {{"standing": {{"ROW": LEAF, ...}}, "added": ...}}, each '
            "leaf once. Refine the run that it was made from again."
        )
    _check_there(file, known, model, data)
    return known


def _check_there(file, known, model, data):
    rows = (
        set() if data is None else set(np.concatenate([data.rows(part) for part in PARTS]).tolist())
    )
    missing = [row for row in known.leaves if data is not None and row not in rows]
    beyond = max(known.leaves.values(), default=-1)
    if missing:
        what = f"row {missing[0]}, which the data do not have"
    elif model is not None and beyond >= getattr(model.prior, "num_leaves", 0):
        what = f"leaf {beyond}, which the run's tree does not have"
    else:
        return
    raise ValueError(
        f"{file} names {what}: it is damaged, or the data have changed. Refine the run that it was "
        "made from again."
    )


def write(run_dir, known):
    """Notes which rows are which leaves."""
    content = {
        name: {str(row): leaf for row, leaf in sorted(part.items())}
        for name, part in known._asdict().items()
    }
    atomic.write(pathlib.Path(run_dir) / _FILE, json.dumps(content) + "\n")
