"""Single cells: counts come back exactly, and the file that is written is one of AnnData."""

import zipfile

import h5py
import networkx
import numpy as np
import pytest
from scipy import sparse

import tfsp
from tfsp.studies import cells
from tfsp.tmc import Phylogeny

RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(1.5, size=(12, 7)) * (RNG.uniform(size=(12, 7)) < 0.6)
TYPES = np.array([b"B", b"T reg", b"NK"])


@pytest.fixture
def stored(tmp_path):
    """A file as scanpy ships it: rounded log1p of counts per 10,000, totals over all genes."""
    path = tmp_path / "10x_pbmc68k_reduced.h5ad"
    totals = COUNTS.sum(axis=1) + RNG.integers(300, 900, size=12)
    obs = np.zeros(12, [("index", "S8"), ("bulk_labels", "i1"), ("n_counts", "<f4")])
    obs["index"] = [f"cell{i}".encode() for i in range(12)]
    obs["bulk_labels"], obs["n_counts"] = np.arange(12) % 3, totals
    logs = np.round(np.log1p(1e4 * COUNTS / totals[:, np.newaxis]), 3).astype(np.float32)
    raw = sparse.csr_array(logs)
    with h5py.File(path, "w") as file:
        for name in ("data", "indices", "indptr"):
            file[f"raw.X/{name}"] = getattr(raw, name)
        file["obs"] = obs
        file["raw.var"] = np.array([(f"g{i}".encode(),) for i in range(7)], [("index", "S4")])
        file["uns/bulk_labels_categories"] = TYPES
    return path


def test_counts_come_back(stored, tmp_path):
    found = cells.pbmc68k(stored)
    np.testing.assert_array_equal(found["counts"], COUNTS)
    assert found["labels"].tolist()[:4] == ["B", "T reg", "NK", "B"]
    assert found["genes"].tolist()[-1] == "g6"
    wheel = tmp_path / "scanpy.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.write(stored, "scanpy/datasets/10x_pbmc68k_reduced.h5ad")
    for key, value in cells.pbmc68k(wheel).items():
        np.testing.assert_array_equal(value, found[key])


def test_what_is_not_that_file_is_refused(stored, tmp_path):
    with pytest.raises(FileNotFoundError, match="name scanpy's wheel"):
        cells.pbmc68k(tmp_path / "none.whl")
    with zipfile.ZipFile(tmp_path / "other.whl", "w") as file:
        file.writestr("scanpy/__init__.py", "")
    with pytest.raises(ValueError, match="must be a wheel of scanpy"):
        cells.pbmc68k(tmp_path / "other.whl")
    with h5py.File(stored, "r+") as file:
        file["raw.X/data"][:] += 0.3
    with pytest.raises(ValueError, match="log1p of counts per 10,000"):
        cells.pbmc68k(stored)
    with h5py.File(stored, "r+") as file:
        del file["raw.var"]
    with pytest.raises(ValueError, match="as scanpy 1.11 ships it"):
        cells.pbmc68k(stored)


def test_the_file_that_is_written_is_read(stored, tmp_path):
    path, given = tmp_path / "cells.h5ad", cells.pbmc68k(stored)
    cells.write_h5ad(path, **given)
    loaded = tfsp.data.load(path, label="bulk_labels", validation_size=0, test_size=0)
    x, y = loaded.arrays("train")
    np.testing.assert_array_equal(x, COUNTS)
    assert [loaded.info.class_names[i] for i in y] == given["labels"].tolist()
    assert loaded.index("train").tolist() == given["cells"].tolist()
    assert list(loaded.info.columns) == given["genes"].tolist()
    with pytest.raises(FileExistsError):
        cells.write_h5ad(path, **given)


def test_the_file_is_anndata_s(stored, tmp_path):
    anndata = pytest.importorskip("anndata")
    cells.write_h5ad(tmp_path / "cells.h5ad", **cells.pbmc68k(stored))
    data = anndata.read_h5ad(tmp_path / "cells.h5ad")
    np.testing.assert_array_equal(data.X.toarray(), COUNTS)
    assert data.obs["bulk_labels"].tolist()[:3] == ["B", "T reg", "NK"]


def test_components_are_those_of_the_singular_values():
    counts = COUNTS + 1
    found = cells.components(counts, 3, seed=1)
    logs = np.log1p(1e4 * counts / counts.sum(axis=1, keepdims=True))
    left, values, _ = np.linalg.svd(logs - logs.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(found), np.abs(left[:, :3] * values[:3]), atol=1e-9)
    assert cells.components(counts).shape == (12, 7)


def test_trees_travel_as_text():
    import json

    tree = Phylogeny([3, 3, 4, 4, -1], [1, 1, 1, 0.5, 0], names=["a", "b", "c"])
    found = cells.found_arrays({"z": np.eye(3)}, {"k": np.arange(3)}, {"t": tree})
    assert set(found) == {"obsm/z", "obs/k", "obst/t"}
    graph = networkx.node_link_graph(json.loads(str(found["obst/t"])), edges="edges")
    assert Phylogeny.from_networkx(graph).same_topology(tree)
    assert {"a", "b", "c"} <= set(graph)
