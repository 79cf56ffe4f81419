"""Writes the page of a run's tree, one HTML file: branches, members, names, constraints.

python scripts/explore.py --run_dir=runs/digits
"""

from absl import app, flags

from tfsp.command_line import plain_errors
from tfsp.explorer import explore_run

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Folder of the run.")
_OUTPUT = flags.DEFINE_string("output", None, "File of the page. Default: RUN_DIR/explorer.html.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the data sets, as in training.")
_DOWNLOAD = flags.DEFINE_bool("download", False, "Fetch the data set if it is not in data_dir.")
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "best", "'best' (on the validation data), 'last', or the number of an epoch."
)
_LIMIT = flags.DEFINE_integer("limit", None, "Rows of each part at most, a random subset of more.")
_NUM_CLUSTERS = flags.DEFINE_integer(
    "num_clusters", None, "Into how many clusters the tree is cut; without it as many as last."
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the summary of the tree and of the samples.")


@plain_errors
def main(_):
    paths = explore_run(
        _RUN_DIR.value,
        _OUTPUT.value,
        _DATA_DIR.value,
        _DOWNLOAD.value,
        _CHECKPOINT.value,
        _LIMIT.value,
        _NUM_CLUSTERS.value,
        _SEED.value,
    )
    for path in paths:
        print(path)


if __name__ == "__main__":
    flags.mark_flags_as_required(["run_dir"])
    app.run(main)
