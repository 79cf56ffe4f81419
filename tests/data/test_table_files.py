"""Files of tables: their headers and names, and what is damaged or cannot be read."""

import gzip
import sys

import numpy as np
import pytest
import scipy.sparse

from tfsp import data as tfsp_data

WHOLE = dict(validation_size=0, test_size=0)
X = np.round(np.random.default_rng(0).normal(size=(20, 2)), 3) * 9
LINES = [f"{a},{b}" for a, b in X.tolist()]


@pytest.fixture(autouse=True)
def _pandas():
    pytest.importorskip("pandas")


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_first_line_names_the_columns(tmp_path):
    path = write(tmp_path / "t.csv", "a, b", *LINES)
    data = tfsp_data.load(path, **WHOLE)
    assert (data.info.name, data.info.source) == ("t", str(path))
    assert data.info.columns == ("a", "b")
    assert data.index("train") is None
    np.testing.assert_array_equal(data.arrays("train")[0], X.astype(np.float32))


def test_a_first_line_of_numbers_is_no_header(tmp_path):
    path = write(tmp_path / "t.csv", *LINES)
    with pytest.raises(tfsp_data.DataFormatError, match="first line must name the columns.*header"):
        tfsp_data.load(path)
    # 0, 1, ... are names that pandas writes, where it has none itself.
    data = tfsp_data.load(write(tmp_path / "t.csv", "0,1", *LINES), **WHOLE)
    assert data.info.columns == ("0", "1")
    assert data.info.num_train == 20


@pytest.mark.parametrize("names", [True, False])
def test_an_index_that_pandas_wrote_is_no_column(tmp_path, names):
    import pandas as pd

    index = [f"cell {i}" for i in range(20)] if names else None
    pd.DataFrame(X, columns=["a", "b"], index=index).to_csv(tmp_path / "t.csv")
    data = tfsp_data.load(tmp_path / "t.csv", **WHOLE)
    assert data.info.columns == ("a", "b")
    assert (data.index("train") is None) == (not names)
    if names:
        assert data.index("train").tolist() == index


def test_missing_marks_and_others(tmp_path):
    lines = ["a,b", "1,NA", "2,", *LINES]
    path = write(tmp_path / "t.csv", *lines)
    with pytest.raises(tfsp_data.DataFormatError, match=r"2 missing.*rows \(0, 1\).*'b'"):
        tfsp_data.load(path)
    assert tfsp_data.load(path, missing="drop", **WHOLE).info.num_train == 20
    with pytest.raises(tfsp_data.DataFormatError, match=r"column 'b'.*numbers but for '\?'"):
        tfsp_data.load(write(path, "a,b", "1,?", *LINES))
    with pytest.raises(tfsp_data.DataFormatError, match="semicolons.*decimal"):
        tfsp_data.load(write(path, "a;b", "1,5;2"))


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz", "t.parquet", "t.h5ad"])
@pytest.mark.parametrize("damage", ["absent", "empty", "bytes", "cut"])
def test_files_that_cannot_be_read(tmp_path, name, damage):
    path = tmp_path / name
    good = gzip.compress("\n".join(["a,b", *LINES]).encode())
    content = {"empty": b"", "bytes": bytes(range(256)) * 9, "cut": good[: len(good) // 2]}
    error = tfsp_data.DataFormatError
    if damage == "absent":
        error = tfsp_data.DataNotFoundError
    else:
        path.write_bytes(content[damage])
    if name == "t.parquet":
        pytest.importorskip("pyarrow")
    with pytest.raises(error, match=name):
        tfsp_data.load(path)


def test_a_missing_library_is_named_with_its_command(tmp_path, monkeypatch):
    write(tmp_path / "t.csv", "a,b", *LINES)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"t.csv is read by pandas.*pip install 'tfsp\[tables\]'"):
        tfsp_data.load(tmp_path / "t.csv")
    # What needs no pandas does without.
    for source in (X, scipy.sparse.csr_array(X), (X, ["cat", "dog"] * 10)):
        assert tfsp_data.load(source).info.kind == "table"


def test_a_file_in_another_encoding_is_named(tmp_path):
    path = tmp_path / "own.csv"
    path.write_bytes("x,käse\n1,2\n".encode("latin-1"))
    with pytest.raises(tfsp_data.DataFormatError, match="is not in UTF-8 .*0xe4.* Save it"):
        tfsp_data.load(path)
