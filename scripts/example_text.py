"""A tree and clusters of text embeddings, beside Ward's linkage, HDBSCAN and others.

    PYTHON scripts/peer_text.py docstrings.npz
    python scripts/example_text.py --data=docstrings.npz

The first command needs an environment of its own (see there) and embeds the docstrings of SciPy's
public functions; any .npz of embeddings x `[n, D]`, integer labels y `[n]` and their names classes
will do. The second trains for each seed a VAE, a LORACs tree and a CP-VAE on the embeddings and
scores their trees and clusters, and those that need no training, by the sub-packages. All but
HDBSCAN are told how many there are. OUT/table.txt has means and standard errors over seeds.
"""

import pathlib

import numpy as np
from absl import app, flags

from tfsp.command_line import plain_errors
from tfsp.sklearn import CategoryClustering, TreeClustering
from tfsp.studies import clusterings, hierarchies
from tfsp.tmc import neighbour_tree, ward_tree
from tfsp.visualize import check_grid_folder

_DATA = flags.DEFINE_string("data", None, "An .npz file: x, y, classes.", required=True)
_SEEDS = flags.DEFINE_integer("seeds", 3, "Runs of each method.", lower_bound=1)
_EPOCHS = flags.DEFINE_integer("epochs", 60, "Of each run, of 50 steps or more.", lower_bound=1)
_OUT = flags.DEFINE_string("out", "runs/text", "Folder of table.txt and results.json.")


def trees(points, labels):
    """Scores of what is made of points without training, by name."""
    yield "Ward", clusterings.of_tree(ward_tree(points), labels)
    yield "neighbours", clusterings.of_tree(neighbour_tree(points), labels)
    tree, clusters = hierarchies.hdbscan(points)
    yield "HDBSCAN", clusterings.scores(labels, clusters, tree)


def of_models(x, labels, seed):
    """(codes, method, scores) of models trained on embeddings."""
    shared = dict(epochs=_EPOCHS.value, random_state=seed)
    num_clusters = len(np.unique(labels))
    models = {
        "VAE": TreeClustering(num_clusters, **shared),
        "LORACs": TreeClustering(num_clusters, prior="loracs", **shared),
        "CP-VAE": CategoryClustering(num_clusters, **shared),
    }
    for name, model in models.items():
        yield name, "its own", clusterings.of_estimator(model, x, labels)
        for method, scores in trees(model.embedding_, labels):
            yield name, method, scores


@plain_errors
def main(_):
    check_grid_folder(_OUT.value)
    folder, rows = pathlib.Path(_OUT.value), []

    def add(seed, codes, method, scores):
        rows.append({"codes": codes, "method": method, "seed": seed, **scores})
        print(f"{seed}  {codes:12s}{method:18s}{clusterings.line(scores)}", flush=True)

    with np.load(_DATA.value) as file:
        x, labels = file["x"], file["y"]
    for method, scores in trees(x.astype(np.float64), labels):
        add(0, "none", method, scores)
    for seed in range(_SEEDS.value):
        add(seed, "none", "k-means", clusterings.k_means(x, labels, seed))
        for codes, method, scores in of_models(x, labels, seed):
            add(seed, codes, method, scores)
    folder.mkdir(parents=True, exist_ok=True)
    print(f"\n{clusterings.write_table(folder, rows, ('codes', 'method'))}")


if __name__ == "__main__":
    app.run(main)
