"""AnnData objects and .h5ad files, written here as their format says, and by anndata itself."""

import h5py
import numpy as np
import pytest
import scipy.sparse

from tfsp import data as tfsp_data
from tfsp.data import annotated

WHOLE = dict(validation_size=0, test_size=0)
N, D = 30, 4
COUNTS = np.random.default_rng(0).poisson(2, (N, D)).astype(np.float32)
CELLS = [f"cell {i}" for i in range(N)]
GENES = [f"gene {i}" for i in range(D)]
TYPES = np.array(["T", "B", "NK"])[np.arange(N) % 3]
CODES = np.array([2, 0, 1])[np.arange(N) % 3]


def mark(node, kind, **attributes):
    for name, value in {"encoding-type": kind, "encoding-version": "0.1.0", **attributes}.items():
        node.attrs[name] = value
    return node


def strings(group, name, values):
    return mark(
        group.create_dataset(name, data=list(values), dtype=h5py.string_dtype()), "string-array"
    )


def write_matrix(group, name, values, form):
    if form == "array":
        mark(group.create_dataset(name, data=values), "array")
        return
    matrix = scipy.sparse.csr_matrix(values).asformat(form)
    node = mark(group.create_group(name), f"{form}_matrix", shape=np.array(matrix.shape))
    for part in ("data", "indices", "indptr"):
        node.create_dataset(part, data=getattr(matrix, part))


def write(path, form="array", x=COUNTS):
    """An .h5ad file; the types of cells as each version of the format has them."""
    with h5py.File(path, "w") as file:
        mark(file, "anndata")
        if x is not None:
            write_matrix(file, "X", x, form)
        write_matrix(file.create_group("layers"), "double", COUNTS * 2, form)
        obs = mark(file.create_group("obs"), "dataframe", _index="_index")
        strings(obs, "_index", CELLS)
        strings(obs, "text", TYPES)
        obs.create_dataset("number", data=CODES)
        names, codes = np.unique(TYPES, return_inverse=True)
        category = mark(obs.create_group("category"), "categorical", ordered=False)
        strings(category, "categories", names)
        category.create_dataset("codes", data=codes.astype(np.int8))
        holes = mark(obs.create_group("holes"), "categorical", ordered=False)
        strings(holes, "categories", names)
        holes.create_dataset("codes", data=np.where(np.arange(N) < 2, -1, codes).astype(np.int8))
        nullable = mark(obs.create_group("nullable"), "nullable-integer")
        nullable.create_dataset("values", data=CODES)
        nullable.create_dataset("mask", data=np.arange(N) < 2)
        old = strings(obs.create_group("__categories"), "old", names)
        obs.create_dataset("old", data=codes.astype(np.int8)).attrs["categories"] = old.ref
        var = mark(file.create_group("var"), "dataframe", _index="gene_ids")
        strings(var, "gene_ids", GENES)
    return path


@pytest.mark.parametrize("form", ["array", "csr", "csc"])
@pytest.mark.parametrize("layer", [None, "double"])
def test_matrices_of_a_file(tmp_path, form, layer):
    options = {} if layer is None else {"layer": layer}
    data = tfsp_data.load(write(tmp_path / "c.h5ad", form), **WHOLE, **options)
    np.testing.assert_array_equal(data.arrays("train")[0], COUNTS * (1 if layer is None else 2))
    assert (data.info.name, data.info.kind, data.info.columns) == ("c", "table", tuple(GENES))
    assert data.index("train").tolist() == CELLS
    assert data.info.num_classes is None


def test_the_matrix_is_read_once(tmp_path, monkeypatch):
    read = annotated._matrix
    names = []
    monkeypatch.setattr(annotated, "_matrix", lambda node: names.append(node.name) or read(node))
    tfsp_data.load(write(tmp_path / "c.h5ad"), label="text")
    assert names == ["/X"]


@pytest.mark.parametrize("label", ["text", "category", "old", "number"])
def test_labels_of_a_file(tmp_path, label):
    data = tfsp_data.load(write(tmp_path / "c.h5ad"), label=label, labels=True, **WHOLE)
    np.testing.assert_array_equal(data.arrays("train")[1], CODES)
    assert data.info.class_names == (None if label == "number" else ("B", "NK", "T"))


@pytest.mark.parametrize("label", ["holes", "nullable"])
def test_missing_labels_of_a_file(tmp_path, label):
    path = write(tmp_path / "c.h5ad")
    with pytest.raises(tfsp_data.DataFormatError, match="2 of 30 rows have no label"):
        tfsp_data.load(path, label=label)
    data = tfsp_data.load(path, label=label, missing="drop", **WHOLE)
    np.testing.assert_array_equal(data.arrays("train")[1], CODES[2:])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (dict(label="who"), "no column 'who' of obs.*'category', 'holes', 'nullable', 'number'"),
        (dict(layer="raw"), "no layer 'raw'. Its layers: 'double'"),
        ({}, "has no X. Its layers: 'double'"),
    ],
)
def test_what_a_file_lacks(tmp_path, options, said):
    path = write(tmp_path / "c.h5ad", x=COUNTS if options else None)
    with pytest.raises(tfsp_data.DataFormatError, match=f"c.h5ad.*{said}"):
        tfsp_data.load(path, **options)


def test_files_of_another_kind(tmp_path):
    with h5py.File(tmp_path / "c.h5ad", "w") as file:
        file["x"] = COUNTS
    with pytest.raises(tfsp_data.DataFormatError, match="c.h5ad cannot be read.*read_h5ad"):
        tfsp_data.load(tmp_path / "c.h5ad")


@pytest.mark.parametrize("form", ["array", "csr", "backed", "view"])
def test_anndata_itself(tmp_path, form):
    anndata = pytest.importorskip("anndata")
    import pandas as pd

    obs = pd.DataFrame({"type": pd.Categorical(TYPES)}, index=CELLS)
    x = COUNTS if form == "array" else scipy.sparse.csr_matrix(COUNTS)
    made = anndata.AnnData(x, obs=obs, var=pd.DataFrame(index=GENES), layers={"double": x * 2})
    made.write_h5ad(tmp_path / "c.h5ad")
    rows = slice(None)
    if form == "backed":
        made = anndata.read_h5ad(tmp_path / "c.h5ad", backed="r")
    if form == "view":
        rows = np.arange(N) % 2 == 0
        made = made[rows]
        made.write_h5ad(tmp_path / "c.h5ad")
    for source in (made, tmp_path / "c.h5ad"):
        for layer in (None, "double"):
            options = {} if layer is None else {"layer": layer}
            data = tfsp_data.load(source, label="type", **options, **WHOLE)
            x, y = data.arrays("train")
            np.testing.assert_array_equal(x, COUNTS[rows] * (1 if layer is None else 2))
            np.testing.assert_array_equal(y, CODES[rows])
            assert data.info.class_names == ("B", "NK", "T")
            assert data.info.columns == tuple(GENES)
            assert data.index("train").tolist() == np.array(CELLS)[rows].tolist()
