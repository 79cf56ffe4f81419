"""Support of clades is a probability: simulated trees, and the table by hand."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from scipy import stats
from script_runs import run as run_script

from tfsp import studies, viz
from tfsp.studies.support import clades
from tfsp.tmc import Phylogeny

FAILURE = 1e-6


@pytest.mark.parametrize("dim", [2, 6])
def test_clades_of_stated_support_are_true_in_so_many_cases(dim):
    """Over 200 trees, in every bin of support and in all: false alarms below 1e-6.

    The tree is chosen from the draws that its support is counted in, and so favours those that came
    up often: by .003 with 400 draws, which is allowed for.
    """
    found = studies.simulate_support(200, 8, dim, 400, seed=1, burn_in=4000, moves_per_draw=200)
    rows = studies.calibration(found, bins=(0, 0.3, 0.6, 0.9, 1))
    assert len(rows) == 4
    (whole,) = studies.calibration(found, bins=(0, 1))
    limit = stats.norm.isf(FAILURE / (2 * 5))
    for row in [*rows, whole]:
        assert abs(row["true"] - row["stated"]) < limit * row["error"] + 0.003
    assert whole["error"] < 0.02
    assert whole["clades"] == 200 * 6
    # Power: the same clades with transfer support, which is no probability, are far off.
    (other,) = studies.calibration(found, bins=(0, 1), column="transfer")
    assert other["stated"] - other["true"] > limit * other["error"] + 0.003
    assert np.all(found["agreement"] > 0.5)


def test_the_table_by_hand():
    found = {
        "tree": np.array([0, 0, 1, 1, 2]),
        "support": np.array([0.1, 0.5, 0.5, 0.9, 0.45]),
        "transfer": np.array([0.6, 0.7, 0.8, 0.9, 1.0]),
        "true": np.array([False, True, False, True, True]),
    }
    low, high = studies.calibration(found, bins=(0, 0.5, 1))
    assert (low["clades"], high["clades"]) == (4, 1)
    assert low["stated"] == pytest.approx(1.55 / 4)
    assert low["true"] == 0.5
    # Excess and clades of each tree: (.4, 2), (-.5, 1), (.55, 1).
    excess, number = np.array([0.4, -0.5, 0.55]), np.array([2, 1, 1])
    residual = excess - excess.sum() / 4 * number
    assert low["error"] == pytest.approx(np.sqrt(np.sum(residual**2) * 3 / 2) / 4)
    assert np.isnan(high["error"])
    (row,) = studies.calibration(found, bins=(0, 1), column="transfer")
    assert row["stated"] == pytest.approx(0.8)
    with pytest.raises(ValueError, match=r"`bins` must rise.*0.4"):
        studies.calibration(found, bins=(0, 0.6, 0.4, 1))
    with pytest.raises(ValueError, match="`column` must be"):
        studies.calibration(found, column="size")


def test_rows_are_clades_of_the_summary():
    few = dict(burn_in=100, moves_per_draw=20)
    done = []
    found = studies.simulate_support(3, 6, 3, 20, seed=4, report=done.append, **few)
    assert done == [0, 1, 2]
    np.testing.assert_array_equal(found["tree"], np.repeat(range(3), 4))
    assert set(found["size"]) <= {2, 3, 4, 5}
    again = studies.simulate_support(3, 6, 3, 20, seed=4, **few)
    np.testing.assert_array_equal(again["support"], found["support"])
    with pytest.raises(ValueError, match="num_leaves"):
        studies.simulate_support(3, 2)


def test_clades_are_sets_of_leaves():
    tree = Phylogeny([3, 3, 4, 4, -1], [1, 1, 1, 0.5, 0])
    assert clades(tree) == {frozenset({0, 1}): 3, frozenset({0, 1, 2}): 4}


def test_the_chart_has_a_line_for_each_group():
    row = {"stated": 0.3, "true": 0.4, "error": 0.1}
    figure = viz.calibration_curve({"a": [row], "b": [row, {**row, "stated": 0.8}]}, title="t")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]
    np.testing.assert_allclose(np.array(axes.containers[1][0].get_xdata(), float), [0.3, 0.8])
    plt.close(figure)
    with pytest.raises(ValueError, match="at least one calibration"):
        viz.calibration_curve({})


def test_the_script(tmp_path):
    out = tmp_path / "support"
    result = run_script(
        "figure_support", f"--out={out}", "--trees=2", "--leaves=4", "--dims=2", "--draws=10"
    )
    assert result.returncode == 0, result.stderr
    assert "D =  2" in (out / "table.txt").read_text()
    assert {path.name for path in out.iterdir()} == {
        "figure.png",
        "figure.pdf",
        "table.txt",
        "results.json",
    }
    assert (
        "exists, from an earlier grid"
        in run_script("figure_support", f"--out={out}", check=False).stderr
    )
