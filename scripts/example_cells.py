"""Clusters and a tree of single cells from their counts, beside scVI + Leiden and PCA + Ward.

    pip download --no-deps scanpy==1.11.5
    python scripts/example_cells.py --source=scanpy-1.11.5-py3-none-any.whl --data=cells.h5ad

makes cells.h5ad of scanpy's `pbmc68k_reduced` unless it is there, and for each seed trains a VAE, a
LORACs tree and a CP-VAE with negative binomial counts. OUT/table.txt has the scores against the
cell types, which nothing is trained on but whose number every method is told; OUT/found.npz the
codes, clusters and the tree of the first seed, OUT/tree.nwk the tree by itself. `--scvi=PYTHON` and
`--treedata=PYTHON` name Pythons of other environments: of scVI (scripts/peer_scvi.py), and of
treedata and pycea, which write OUT/cells.h5td and draw OUT/tree.png (scripts/peer_treedata.py).
Another .h5ad of raw counts will do as well: `--data=mine.h5ad --label=cell_type`.
"""

import pathlib

import numpy as np
from absl import app, flags

from tfsp import atomic, data
from tfsp.command_line import plain_errors
from tfsp.sklearn import CategoryClustering, TreeClustering
from tfsp.studies import cells, clusterings, peers
from tfsp.tmc import neighbour_tree, ward_tree
from tfsp.visualize import check_grid_folder

_DATA = flags.DEFINE_string("data", None, "An .h5ad file of counts.", required=True)
_SOURCE = flags.DEFINE_string("source", None, "Scanpy's wheel, of which --data is made.")
_LABEL = flags.DEFINE_string("label", "bulk_labels", "Column of obs that scores.")
_SEEDS = flags.DEFINE_integer("seeds", 3, "Runs of each method.", lower_bound=1)
_EPOCHS = flags.DEFINE_integer("epochs", 60, "Of each run, of 50 steps or more.", lower_bound=1)
_OUT = flags.DEFINE_string("out", "runs/cells", "Folder of what is written.")
_SCVI = flags.DEFINE_string("scvi", None, "Python of an environment with scvi-tools.")
_TREEDATA = flags.DEFINE_string("treedata", None, "Python of an environment with treedata, pycea.")
_SCRIPTS = pathlib.Path(__file__).parent


def fitted(counts, num_clusters, seed):
    """The estimators, fitted to counts, by name."""
    shared = dict(likelihood="negative_binomial", epochs=_EPOCHS.value, random_state=seed)
    return {
        "VAE": TreeClustering(num_clusters, **shared).fit(counts),
        "LORACs": TreeClustering(num_clusters, prior="loracs", **shared).fit(counts),
        "CP-VAE": CategoryClustering(num_clusters, **shared).fit(counts),
    }


def rows_of(counts, labels, found, seed):
    """(codes, method, scores)."""
    codes = {"PCA": cells.components(counts, seed=seed)}
    codes |= {name: each.embedding_ for name, each in found.items()}
    for name, each in found.items():
        yield name, "its own", clusterings.scores(labels, each.labels_, vars(each).get("tree_"))
    if _SCVI.value:
        asked = dict(counts=counts, num_clusters=len(np.unique(labels)), seed=seed)
        said = peers.ask(_SCVI.value, _SCRIPTS / "peer_scvi.py", **asked)
        codes["scVI"] = said["scvi"]
        for key, name in (("scvi", "scVI"), ("pca", "PCA")):
            for end, how in (("", "at resolution 1"), ("_k", "of that number")):
                yield name, f"Leiden {how}", clusterings.scores(labels, said[f"{key}_leiden{end}"])
    for name, points in codes.items():
        yield name, "Ward", clusterings.of_tree(ward_tree(points), labels)
        yield name, "neighbours", clusterings.of_tree(neighbour_tree(points), labels)


@plain_errors
def main(_):
    check_grid_folder(_OUT.value)
    folder, path, rows = pathlib.Path(_OUT.value), pathlib.Path(_DATA.value), []
    if _SOURCE.value and not path.exists():
        cells.write_h5ad(path, **cells.pbmc68k(_SOURCE.value))
    loaded = data.load(path, label=_LABEL.value, validation_size=0, test_size=0)
    counts, labels = loaded.arrays("train")
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(_SEEDS.value):
        found = fitted(counts, len(set(labels)), seed)
        for codes, method, scores in rows_of(counts, labels, found, seed):
            rows.append({"codes": codes, "method": method, "seed": seed, **scores})
            print(f"{seed}  {codes:8s}{method:22s}{clusterings.line(scores)}", flush=True)
        if not seed:
            write(folder, path, found, loaded.index("train"))
    print(f"\n{clusterings.write_table(folder, rows, ('codes', 'method'))}")


def write(folder, path, found, names):
    """The codes, the clusters and LORACs' tree over the cells; by treedata where it is there."""
    tree = found["LORACs"].tree_.with_names(names)
    codes = {name: each.embedding_ for name, each in found.items()}
    clusters = {f"{name}_clusters": each.labels_ for name, each in found.items()}
    np.savez(folder / "found.npz", **cells.found_arrays(codes, clusters, {"LORACs": tree}))
    atomic.write(folder / "tree.nwk", tree.to_newick() + "\n")
    if _TREEDATA.value:
        made = (folder / name for name in ("found.npz", "cells.h5td", "tree.png"))
        peers.run(_TREEDATA.value, _SCRIPTS / "peer_treedata.py", path, *made, _LABEL.value)


if __name__ == "__main__":
    app.run(main)
