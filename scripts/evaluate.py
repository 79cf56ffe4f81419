"""Evaluates a trained run on its test data: bound, its parts, active units, log p(x).

python scripts/evaluate.py --run_dir=runs/mnist-vamp --num_samples=1000
"""

from absl import app, flags

from tfsp import evaluation
from tfsp.command_line import plain_errors

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Folder of the run.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the data sets, as in training.")
_DOWNLOAD = flags.DEFINE_bool("download", False, "Fetch the data set if it is not in data_dir.")
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "best", "'best' (on the validation data), 'last', or the number of an epoch."
)
_NUM_SAMPLES = flags.DEFINE_integer(
    "num_samples",
    None,
    "Importance samples per image for log p(x); 0 leaves it out. Default: the config's.",
    lower_bound=0,
)
_NUM_EXAMPLES = flags.DEFINE_integer(
    "num_examples",
    None,
    "Test images that log p(x) is estimated on; 0 for all. Default: the config's.",
    lower_bound=0,
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the draws.")


@plain_errors
def main(_):
    row = evaluation.evaluate_run(
        _RUN_DIR.value,
        _DATA_DIR.value,
        _DOWNLOAD.value,
        _NUM_SAMPLES.value,
        _NUM_EXAMPLES.value,
        _CHECKPOINT.value,
        _SEED.value,
    )
    print(evaluation.format_results([row]))


if __name__ == "__main__":
    flags.mark_flags_as_required(["run_dir"])
    app.run(main)
