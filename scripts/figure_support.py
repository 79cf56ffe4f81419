"""Calibration of the support of clades: simulated trees, found again from their leaves.

    python scripts/figure_support.py --out=runs/support --trees=200

Trees come from the TMC prior, their leaves from Brownian motion in few dimensions (much noise) or
many; see `tfsp.studies.simulate_support`. Writes figure.png (share of true clades by stated
support), figure.pdf, table.txt and results.json.
"""

from absl import app, flags

from tfsp import studies, viz
from tfsp.command_line import plain_errors
from tfsp.visualize import check_grid_folder, write_results

_OUT = flags.DEFINE_string("out", "runs/support", "Folder for figure, table and results.")
_TREES = flags.DEFINE_integer("trees", 200, "Simulated trees, of each dimension.", lower_bound=2)
_LEAVES = flags.DEFINE_integer("leaves", 20, "Leaves of a tree.", lower_bound=3)
_DIMS = flags.DEFINE_list("dims", ["2", "5", "20"], "Dimensions: few are much noise.")
_DRAWS = flags.DEFINE_integer("draws", 400, "Draws of a summary.", lower_bound=2)
_SEED = flags.DEFINE_integer("seed", 0, "Of trees, leaves and chains.", lower_bound=0)
_LINE = (
    "D = {dim:2d}  stated ({low:.2f}, {high:.2f}], mean {stated:.3f}  true {true:.3f} "
    "± {error:.3f}  of {clades} clades"
)


@plain_errors
def main(_):
    check_grid_folder(_OUT.value)
    groups, rows = {}, []
    for dim in map(int, _DIMS.value):
        found = studies.simulate_support(
            _TREES.value, _LEAVES.value, dim, _DRAWS.value, seed=_SEED.value
        )
        groups[f"D = {dim}"] = studies.calibration(found)
        rows += [{"dim": dim, **row} for row in groups[f"D = {dim}"]]
        lines = [_LINE.format(**row) for row in rows if row["dim"] == dim]
        print(*lines, sep="\n", flush=True)
    table = "\n".join(_LINE.format(**row) for row in rows) + "\n"
    figure = viz.calibration_curve(groups)
    print(*write_results(_OUT.value, figure, table, {"rows": rows}), sep="\n")


if __name__ == "__main__":
    app.run(main)
