"""Dendrogram purity of a tree by the number of answers about its leaves, on digits or MNIST.

    python scripts/benchmark_oracle.py --out=runs/oracle-digits
    python scripts/benchmark_oracle.py --data=mnist --data_dir=DIR --seeds=3 --out=runs/oracle-mnist

An oracle that knows the classes says of leaves of classes x, x, y that the last is the odd one out,
and nothing of other triples. Leaves are the centres of k-means of principal components. Questions
are asked at random, by how much draws of the posterior disagree ("active"), both in turn, or in
turn about whole clades of which draws are sure ("subtrees"). Prints means over seeds with standard
errors; `closed` is the share of the gap to purity 1 that the answers close, `asked` the questions
that they took. Writes figure.png, figure.pdf, table.txt and results.json.
"""

import numpy as np
from absl import app, flags

from tfsp import data, studies, viz
from tfsp.command_line import plain_errors
from tfsp.visualize import check_grid_folder, write_results

_WAYS = {
    "random": {"active_share": 0.0},
    "active": {"active_share": 1.0},
    "in turn": {"active_share": 0.5},
    "subtrees": {"active_share": 0.5, "subtrees": 0.5},
}
_DATA = flags.DEFINE_string("data", "digits", "Name of a set of images with classes.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the data sets.")
_SEEDS = flags.DEFINE_integer("seeds", 5, "Sets of points.", lower_bound=1)
_POINTS = flags.DEFINE_integer("points", 100, "Leaves.", lower_bound=3)
_WAY = flags.DEFINE_list("ways", list(_WAYS), f"How it is asked: of {', '.join(_WAYS)}.")
_COUNTS = flags.DEFINE_list("answers", ["0", "10", "20", "50", "100", "200"], "Answers.")
_OUT = flags.DEFINE_string("out", "runs/oracle", "Folder of figure, table and results.")
_LINE = "{way:10s}{answers:5d} answers{asked:7.0f} asked  purity {purity:.3f} \u00b1 {error:.3f}"
_CLOSED = "  closed {closed:.2f} \u00b1 {closed_error:.2f}"


@plain_errors
def main(_):
    check_grid_folder(_OUT.value)
    unknown = [way for way in _WAY.value if way not in _WAYS]
    if unknown:
        raise ValueError(f"`ways` must be of {', '.join(_WAYS)}. Received: {unknown[0]!r}.")
    images, classes = data.load(_DATA.value, data_dir=_DATA_DIR.value).arrays("train")
    found = {way: [] for way in _WAY.value}
    counts = [int(count) for count in _COUNTS.value]
    for seed in range(_SEEDS.value):
        points, labels = studies.centre_points(images, classes, _POINTS.value, seed=seed)
        for way in _WAY.value:
            rows = studies.purity_by_answers(points, labels, counts=counts, seed=seed, **_WAYS[way])
            found[way] += [{"seed": seed, "first": rows[0]["purity"], **row} for row in rows]
            print(f"{seed} {way}: {[round(row['purity'], 3) for row in rows]}", flush=True)
    means = {way: [_mean(rows, n) for n in counts] for way, rows in found.items()}
    means = {way: [row for row in rows if row is not None] for way, rows in means.items()}
    lines = [_line(way, row) for way, rows in means.items() for row in rows]
    print("", *lines, sep="\n")
    table = "\n".join(lines) + "\n"
    title = f"{_DATA.value}, {_POINTS.value} leaves, {_SEEDS.value} seeds"
    figure = viz.answer_curves(means, title)
    print(*write_results(_OUT.value, figure, table, {"rows": found, "means": means}), sep="\n")


def _mean(rows, answers):
    """Means over seeds with standard errors; None where not all seeds came so far."""
    rows = [row for row in rows if row["answers"] == answers]
    if len(rows) < _SEEDS.value:
        return None
    purity = np.array([row["purity"] for row in rows])
    first = np.array([row["first"] for row in rows])
    closed = 1 - (1 - purity) / np.maximum(1 - first, 1e-12)
    asked = float(np.mean([row["asked"] for row in rows]))
    root = max(1, len(rows) - 1) ** 0.5 * len(rows) ** 0.5
    error, closed_error = (
        float(np.linalg.norm(values - values.mean()) / root) for values in (purity, closed)
    )
    return {
        "answers": answers,
        "asked": asked,
        "purity": float(purity.mean()),
        "error": error,
        "closed": float(closed.mean()),
        "closed_error": closed_error,
    }


def _line(way, row):
    return (_LINE + (_CLOSED if row["answers"] else "")).format(way=way, **row)


if __name__ == "__main__":
    app.run(main)
