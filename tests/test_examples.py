"""The worked examples and the benchmark of tables, on tiny data and for a few steps."""

import json

import numpy as np
import pytest
from script_runs import loaded, run

from tfsp.studies import cells
from tfsp.tmc import Phylogeny

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch):
    monkeypatch.setattr("tfsp.sklearn.encoder._LEAST_STEPS", 2)


def rows(folder):
    return json.loads((folder / "results.json").read_text())["rows"]


@pytest.mark.parametrize("script", ["benchmark_tables", "example_cells", "example_text"])
def test_flags_are_explained(script):
    with loaded(script) as (_, values):
        for name in values:
            assert values[name].help, name


def test_unknown_tables_are_refused(tmp_path):
    result = run("benchmark_tables", "--data=mnist", f"--out={tmp_path / 'o'}", check=False)
    assert result.returncode != 0
    assert "`data` must be of wine, breast_cancer, digits, iris" in result.stderr


@pytest.mark.slow
def test_tables(tmp_path):
    out = run(
        "benchmark_tables", "--data=iris", "--seeds=1", "--epochs=1", f"--out={tmp_path}"
    ).stdout
    found = {row["method"]: row for row in rows(tmp_path)}
    assert len(found) == 9
    assert round(found["Ward"]["ari"], 3) == 0.615  # as in scikit-learn's own comparisons
    assert "purity" not in found["k-means"]
    assert (tmp_path / "table.txt").read_text().strip() in out
    again = run("benchmark_tables", f"--out={tmp_path}", check=False)
    assert again.returncode != 0
    assert "Choose another folder" in again.stderr


@pytest.mark.slow
def test_cells(tmp_path, monkeypatch):
    counts = RNG.poisson(3.0, size=(24, 6))
    names = [f"cell{i}" for i in range(24)]
    types = np.array(["B", "NK"])[np.arange(24) % 2]
    cells.write_h5ad(tmp_path / "cells.h5ad", counts, names, list("abcdef"), types)
    asked = {}

    def ask(python, script, **given):
        asked.update(given, python=python, script=script.name)
        leiden = {
            f"{name}_leiden{end}": np.arange(24) % 2
            for name in ("scvi", "pca")
            for end in ("", "_k")
        }
        return {"scvi": RNG.normal(size=(24, 3)).astype(np.float32), **leiden}

    monkeypatch.setattr("tfsp.studies.peers.ask", ask)
    folder = tmp_path / "out"
    run(
        "example_cells",
        f"--data={tmp_path / 'cells.h5ad'}",
        "--seeds=1",
        "--epochs=1",
        "--scvi=other",
        f"--out={folder}",
    )
    np.testing.assert_array_equal(asked["counts"], counts)
    assert (asked["num_clusters"], asked["script"]) == (2, "peer_scvi.py")
    found = {(row["codes"], row["method"]): row for row in rows(folder)}
    assert found["scVI", "Leiden of that number"]["ari"] == 1.0
    assert {codes for codes, _ in found} == {"PCA", "VAE", "LORACs", "CP-VAE", "scVI"}
    assert set(Phylogeny.from_newick((folder / "tree.nwk").read_text()).names) == set(names)
    with np.load(folder / "found.npz") as file:
        assert file["obsm/CP-VAE"].shape == (24, 8)
        assert file["obs/LORACs_clusters"].shape == (24,)


@pytest.mark.slow
def test_text(tmp_path):
    x = RNG.normal(size=(30, 5)).astype(np.float32)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    np.savez(tmp_path / "in.npz", x=x, y=np.arange(30) % 3, classes=["a", "b", "c"])
    run(
        "example_text",
        f"--data={tmp_path / 'in.npz'}",
        "--seeds=1",
        "--epochs=1",
        f"--out={tmp_path}",
    )
    found = {(row["codes"], row["method"]) for row in rows(tmp_path)}
    assert {("none", "HDBSCAN"), ("LORACs", "its own"), ("CP-VAE", "Ward")} <= found
    assert len(found) == 4 + 3 * 4
