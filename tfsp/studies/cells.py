"""Counts of the single-cell set `pbmc68k_reduced`, from where scanpy keeps it to an .h5ad file."""

import io
import json
import pathlib
import zipfile

import numpy as np

from tfsp.random import short_seed

_FILE = "10x_pbmc68k_reduced.h5ad"
_TOTAL = 10_000  # to which the counts of a cell were scaled
_FAR = 0.1  # of a count from an integer: by the rounding of what is stored at most
_STRINGS, _FRAME = ("string-array", "0.2.0"), ("dataframe", "0.2.0")


def pbmc68k(path):
    """700 blood cells, 765 genes: dict of counts, cells, genes and labels.

    The file holds log1p of counts per 10,000 as `raw`, rounded to three decimals, and the totals;
    the counts are the integers from which these come.

    Args:
      path: of scanpy's wheel, or of 10x_pbmc68k_reduced.h5ad.

    Returns:
      dict: counts float32 `[700, 765]`, cells and labels (cell types) strings `[700]`, genes
      strings `[765]`.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: for a wheel without the set, and a file that is not it.

    Source: Zheng et al. 2017, Nature Communications 8, 14049, reduced by scanpy's authors.
    """
    import h5py

    with h5py.File(_opened(pathlib.Path(path)), "r") as file:
        try:
            raw, obs = file["raw.X"], file["obs"][()]
            parts = [raw[name][()] for name in ("data", "indices", "indptr")]
            genes = file["raw.var"]["index"]
            types = file["uns/bulk_labels_categories"][()][obs["bulk_labels"]]
        except (KeyError, ValueError, TypeError) as error:
            raise ValueError(
                f"{path} must be `pbmc68k_reduced` as scanpy 1.11 ships it ({_FILE}). Received: "
                f"another file ({error})."
            ) from error
    return {
        "counts": _counts(parts, obs["n_counts"], len(genes)),
        "cells": _text(obs["index"]),
        "genes": _text(genes),
        "labels": _text(types),
    }


def components(counts, num_components=50, seed=0):
    """Principal components of log1p of counts per 10,000, as is usual: `[n, num_components]`.

    Args:
      counts: `[n, G]`, at least one in each row.
      num_components: at most n and G of them.
      seed: an integer, of the solver.
    """
    from sklearn.decomposition import PCA

    counts = np.asarray(counts, np.float64)
    logs = np.log1p(_TOTAL * counts / counts.sum(axis=1, keepdims=True))
    number = min(num_components, *logs.shape)
    return PCA(number, random_state=short_seed(seed)).fit_transform(logs)


def found_arrays(codes, clusters, trees):
    """What scripts/peer_treedata.py puts beside the cells, as arrays for one .npz file.

    Args:
      codes: dict name -> `[n, D]`.
      clusters: dict name -> integers `[n]`.
      trees: dict name -> `Phylogeny` whose leaves have the names of the cells.

    Returns:
      dict of arrays: "obsm/NAME", "obs/NAME", "obst/NAME".
    """
    import networkx

    graphs = {
        f"obst/{name}": np.array(
            json.dumps(networkx.node_link_data(tree.to_networkx("names"), edges="edges"))
        )
        for name, tree in trees.items()
    }
    codes = {f"obsm/{name}": value for name, value in codes.items()}
    return codes | {f"obs/{name}": value for name, value in clusters.items()} | graphs


def write_h5ad(path, counts, cells, genes, labels, column="bulk_labels"):
    """Writes counts as an .h5ad file of AnnData (0.8 and later), without the anndata library.

    Args:
      path: of the file, which must not exist.
      counts: `[n, G]`; X of the file, compressed sparse rows.
      cells, genes: names, strings `[n]` and `[G]`.
      labels: strings `[n]`, kept as a categorical column of `obs`.
      column: its name.

    Raises:
      FileExistsError: if there is such a file.

    Source: https://anndata.readthedocs.io/en/latest/fileformat-prose.html
    """
    import h5py
    from scipy import sparse

    rows = sparse.csr_array(np.asarray(counts, np.float32))
    with h5py.File(path, "x") as file:
        _kind(file, "anndata", "0.1.0")
        x = _kind(file.create_group("X"), "csr_matrix", "0.1.0")
        x.attrs["shape"] = rows.shape
        for name in ("data", "indices", "indptr"):
            x.create_dataset(name, data=getattr(rows, name), compression="gzip")
        obs = _frame(file.create_group("obs"), cells, [column])
        categories, codes = np.unique(labels, return_inverse=True)
        group = _kind(obs.create_group(column), "categorical", "0.2.0")
        group.attrs["ordered"] = False
        group.create_dataset("codes", data=codes.astype(np.int8))
        _strings(group, "categories", categories)
        _frame(file.create_group("var"), genes, [])


def _opened(path):
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}: name scanpy's wheel, or {_FILE}.")
    if not zipfile.is_zipfile(path):
        return path
    with zipfile.ZipFile(path) as wheel:
        names = [name for name in wheel.namelist() if name.endswith(_FILE)]
        if not names:
            raise ValueError(
                f"{path} must be a wheel of scanpy 1.11 with {_FILE}. Received: one without it."
            )
        return io.BytesIO(wheel.read(names[0]))


def _counts(parts, totals, num_genes):
    from scipy import sparse

    logs = sparse.csr_array(tuple(parts), shape=(len(totals), num_genes)).toarray()
    found = np.expm1(logs.astype(np.float64)) * totals[:, np.newaxis] / _TOTAL
    counts = np.round(found)
    if np.abs(found - counts).max() > _FAR:
        raise ValueError(
            "`raw` must be log1p of counts per 10,000. Received: numbers that are up to "
            f"{np.abs(found - counts).max():.2f} from integers when brought back."
        )
    return counts.astype(np.float32)


def _text(values):
    return np.char.decode(np.asarray(values), "utf-8")


def _kind(node, kind, version):
    node.attrs["encoding-type"], node.attrs["encoding-version"] = kind, version
    return node


def _frame(group, index, columns):
    import h5py

    _kind(group, *_FRAME).attrs["_index"] = "_index"
    group.attrs["column-order"] = np.array(columns, h5py.string_dtype())
    _strings(group, "_index", index)
    return group


def _strings(group, name, values):
    import h5py

    values = np.asarray(values, object)
    _kind(group.create_dataset(name, data=values, dtype=h5py.string_dtype()), *_STRINGS)
