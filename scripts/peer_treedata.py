"""Codes, clusters and a tree beside cells, and a picture, for `example_cells.py --treedata=PYTHON`.

    PYTHON peer_treedata.py cells.h5ad found.npz cells.h5td tree.png COLUMN

The environment: scripts/requirements-peer-treedata.txt. (The pycea of single cells is called
`pycea-lineage` on PyPI; `pycea` there is something else.) found.npz: arrays called "obsm/NAME"
`[n, D]`, "obs/NAME" integers `[n]`, and "obst/NAME", a tree whose leaves are the cells' names, as
the text that `json.dumps(networkx.node_link_data(tree.to_networkx("names")))` makes. The picture
is of the first tree, with what the column of `obs` says of each cell.
"""

import json
import sys

import anndata
import matplotlib

matplotlib.use("agg")

import networkx
import numpy as np
import pandas
import pycea
import treedata
from matplotlib import pyplot


def main():
    source, found, target, picture, column = sys.argv[1:]
    data = treedata.TreeData(anndata.read_h5ad(source))
    for key, value in np.load(found).items():
        slot, _, name = key.partition("/")
        if slot == "obsm":
            data.obsm[name] = value
        elif slot == "obs":
            data.obs[name] = pandas.Categorical(value)
        else:
            data.obst[name] = networkx.node_link_graph(json.loads(str(value)), edges="edges")
    data.write_h5td(target)
    figure, axes = pyplot.subplots(figsize=(8, 8), subplot_kw={"projection": "polar"})
    pycea.pl.tree(
        data,
        keys=[column],
        tree=next(iter(data.obst)),
        depth_key="time",
        polar=True,
        branch_linewidth=0.4,
        annotation_width=0.08,
        palette="tab10",
        ax=axes,
    )
    figure.savefig(picture, dpi=120, bbox_inches="tight")


if __name__ == "__main__":
    main()
