"""Dendrogram purity of the digits' tree by the number of answers about three leaves each.

    python scripts/benchmark_oracle.py --seeds=5

An oracle that knows the classes says of leaves of classes x, x, y that the last is the odd one out,
and nothing of other triples. Leaves are the centres of k-means of principal components of
scikit-learn's digits. Questions are asked at random, by how much draws of the posterior disagree,
or both in turn; with `--subtrees=0.9` about clades of that support, all of whose leaves an answer
then holds for. Prints means over seeds with standard errors; `closed` is the share of the gap to
purity 1 that the answers close, `asked` the questions that they took.
"""

import collections

import numpy as np
from absl import app, flags

from tfsp import studies
from tfsp.command_line import plain_errors

_SEEDS = flags.DEFINE_integer("seeds", 5, "Sets of points.", lower_bound=1)
_POINTS = flags.DEFINE_integer("points", 100, "Leaves.", lower_bound=3)
_SHARES = flags.DEFINE_list("active_shares", ["0", "0.5", "1"], "Shares of active questions.")
_SUBTREES = flags.DEFINE_float("subtrees", None, "Support of clades to ask about as a whole.")
_COUNTS = flags.DEFINE_list("answers", ["0", "10", "20", "50", "100", "200"], "Answers.")


def _mean(values):
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return f"{np.mean(values):.3f} \u00b1 {error:.3f}"


@plain_errors
def main(_):
    counts = [int(count) for count in _COUNTS.value]
    print(f"{'active share':<14}{'answers':>8}{'asked':>8}  {'purity':<16}closed")
    for share in map(float, _SHARES.value):
        found = collections.defaultdict(list)
        for seed in range(_SEEDS.value):
            points, labels = studies.digit_points(_POINTS.value, seed=seed)
            rows = studies.purity_by_answers(
                points, labels, share, counts, subtrees=_SUBTREES.value, seed=seed
            )
            for row in rows:
                closed = 1 - (1 - row["purity"]) / (1 - rows[0]["purity"])
                found[row["answers"]].append((row["asked"], row["purity"], closed))
        for count, values in found.items():
            asked, purity, closed = np.transpose(values)
            line = f"{share:<14}{count:>8}{np.mean(asked):>8.0f}  {_mean(purity)}   {_mean(closed)}"
            print(line, flush=True)


if __name__ == "__main__":
    app.run(main)
