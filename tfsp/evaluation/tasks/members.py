"""The task "members"."""

import csv
import io
import os
import pathlib
import warnings

import numpy as np

from tfsp import atomic, run_leaves
from tfsp.evaluation.attach import attached_columns, attached_share
from tfsp.evaluation.tasks.registry import register

_FILE = "members.csv"


def _check(subject):
    if subject.run is None:
        raise ValueError("The task 'members' needs a run directory, in which it writes a table.")


def _share(subject):
    return attached_share(
        subject.model, subject.data, subject.share, subject.shares, seed=subject.seed
    )


@register(
    "members",
    check=_check,
    columns=("members_num_rows", "members_num_clusters", "members_file"),
    place=18,
    share=_share,
)
def of_subject(subject):
    """Where each row of the data belongs, as a table: members.csv in the run directory.

    A line for each row of all parts, in the order of the data: `row` (its index, its file, or its
    number), `part`, `node`, `probability`, `path` from the root, `cluster` and, where there are
    labels, `label`: the columns of `tfsp.evaluation.attach`. `--num_clusters` says into how many
    clusters the tree is cut; without it there are as many as last. Nodes of a tree prior are those
    of its summary, and `members` of the served model answers in the same numbers for new rows. Of a
    refined run rows that are leaves of its tree stand at their leaf. A
    members.csv that is there already and says something else is kept as members-1.csv, and so on.
    """
    known = run_leaves.read(subject.run.path, subject.model, subject.data).leaves
    columns = attached_columns(
        subject.model,
        subject.data,
        None,
        None,
        subject.num_clusters,
        None,
        subject.seed,
        known,
        subject.shares,
    )
    path = pathlib.Path(subject.run.path) / _FILE
    _write(path, _csv(columns))
    return {
        "members_file": path.name,
        "members_num_rows": len(columns["row"]),
        "members_num_nodes": len(np.unique(columns["node"])),
        "members_num_clusters": len(np.unique(columns["cluster"])),
    }


def _csv(columns):
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(columns)
    shown = {**columns, "probability": [f"{p:.6g}" for p in columns["probability"]]}
    lines.writerows(zip(*shown.values(), strict=True))
    return text.getvalue()


def _write(path, text):
    """Writes a file; another that is there gets the next free name."""
    if path.exists() and path.read_bytes() != text.encode():
        number = 1
        while (kept := path.with_stem(f"{path.stem}-{number}")).exists():
            number += 1
        os.rename(path, kept)
        warnings.warn(f"{path} was there already and differs: it is kept as {kept}.", stacklevel=2)
    atomic.write(path, text)
