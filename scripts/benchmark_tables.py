"""Clusters of scikit-learn's wine, breast cancer and digits, read as tables: tfsp and scikit-learn.

    python scripts/benchmark_tables.py --out=runs/tables

For each data set and seed fits `tfsp.sklearn.TreeClustering` (by neighbours of decoded codes, of
codes, and with LORACs as the prior) and `CategoryClustering` to the raw columns; and k-means, a
Gaussian mixture (the best of ten starts each), Ward's linkage and the tree of nearest neighbours to
standardised columns. Every method is told the number of classes and no label. OUT/table.txt has
means and standard errors over seeds, OUT/results.json all rows.
"""

import pathlib

from absl import app, flags

from tfsp.command_line import plain_errors
from tfsp.sklearn import CategoryClustering, TreeClustering
from tfsp.studies import clusterings
from tfsp.tmc import lasting_clusters, neighbour_summary, neighbour_tree, ward_tree
from tfsp.visualize import check_grid_folder

_SETS = ("wine", "breast_cancer", "digits")
_DATA = flags.DEFINE_list("data", list(_SETS), f"Of {', '.join(_SETS)}; also iris.")
_FIRST = flags.DEFINE_integer("first_seed", 0, "The first seed.", lower_bound=0)
_SEEDS = flags.DEFINE_integer("seeds", 3, "Runs of each method.", lower_bound=1)
_EPOCHS = flags.DEFINE_integer("epochs", 60, "Of each run, of 50 steps or more.", lower_bound=1)
_OUT = flags.DEFINE_string("out", "runs/tables", "Folder of table.txt and results.json.")


def load(name):
    """(columns, labels) of a set of scikit-learn's."""
    from sklearn import datasets

    if name not in (*_SETS, "iris"):
        raise ValueError(f"`data` must be of {', '.join(_SETS)}, iris. Received: {name!r}.")
    return getattr(datasets, f"load_{name}")(return_X_y=True)


def of_estimators(points, labels, seed):
    """(method, scores) of the estimators."""
    num_clusters = len(set(labels.tolist()))
    shared = dict(n_clusters=num_clusters, epochs=_EPOCHS.value, random_state=seed)
    found = TreeClustering(**shared)
    yield "TreeClustering", clusterings.of_estimator(found, points, labels)
    tree = neighbour_tree(found.embedding_)  # that of distance="codes": the model is the same
    clusters = tree.cut(num_clusters, "spread")
    yield "TreeClustering, distance='codes'", clusterings.scores(labels, clusters, tree)
    found = TreeClustering(prior="loracs", **shared)
    yield "TreeClustering, prior='loracs'", clusterings.of_estimator(found, points, labels)
    found = CategoryClustering(**shared)
    yield "CategoryClustering", clusterings.of_estimator(found, points, labels)


def of_columns(points, labels, seed):
    """(method, scores) of what is there without a model, on standardised columns."""
    from sklearn.preprocessing import StandardScaler

    columns = StandardScaler().fit_transform(points)
    yield "k-means", clusterings.k_means(columns, labels, seed)
    yield "Gaussian mixture", clusterings.gaussian_mixture(columns, labels, seed)
    yield "Ward", clusterings.of_tree(ward_tree(columns), labels)
    yield "neighbours", clusterings.of_tree(neighbour_tree(columns), labels)
    summary = neighbour_summary(columns, seed=seed).tree
    clusters = lasting_clusters(summary, len(set(labels.tolist())))
    yield "neighbours, summary", clusterings.scores(labels, clusters, summary)


@plain_errors
def main(_):
    check_grid_folder(_OUT.value)
    folder, rows = pathlib.Path(_OUT.value), []
    for data in _DATA.value:
        points, labels = load(data)
        for seed in range(_FIRST.value, _FIRST.value + _SEEDS.value):
            for kind in (of_estimators, of_columns):
                for method, scores in kind(points, labels, seed):
                    rows.append({"data": data, "method": method, "seed": seed, **scores})
                    text = f"{data:14s}{seed}  {method:34s}{clusterings.line(scores)}"
                    print(text, flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    print(f"\n{clusterings.write_table(folder, rows, ('data', 'method'))}")


if __name__ == "__main__":
    app.run(main)
