"""Draws the pictures of a trained run into its folder `figures/`.

python scripts/visualize.py --run_dir=runs/mnist-vamp
"""

from absl import app, flags

from tfsp import pictures
from tfsp.command_line import plain_errors
from tfsp.visualize import visualize_run

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Folder of the run.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the data sets, as in training.")
_DOWNLOAD = flags.DEFINE_bool("download", False, "Fetch the data set if it is not in data_dir.")
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "best", "'best' (on the validation data), 'last', or the number of an epoch."
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the samples and of t-SNE.")
_BESIDE = flags.DEFINE_list(
    "beside", [], "Folders of other runs, whose samples are drawn beside this one's."
)
_NODE_NUMBERS = flags.DEFINE_bool(
    "node_numbers", False, "Put its number beside every node of the pictures of a tree."
)
_FORMAT = flags.DEFINE_enum("format", "png", ["png", "pdf", "svg"], "Format of the pictures.")
_PICTURES = flags.DEFINE_list("pictures", None, pictures.flag_help())


@plain_errors
def main(_):
    figures = visualize_run(
        _RUN_DIR.value,
        _DATA_DIR.value,
        _DOWNLOAD.value,
        _CHECKPOINT.value,
        _SEED.value,
        f".{_FORMAT.value}",
        _BESIDE.value,
        _NODE_NUMBERS.value,
        _PICTURES.value,
    )
    for path in figures.values():
        print(path)


if __name__ == "__main__":
    flags.mark_flags_as_required(["run_dir"])
    app.run(main)
