"""Evaluates a trained run on its test data: bound, its parts, active units, log p(x), and more.

python scripts/evaluate.py --run_dir=runs/mnist-vamp --num_samples=1000
python scripts/evaluate.py --run_dir=runs/mnist-vamp --tasks=few_shot,retrieval,labelled_points
python scripts/evaluate.py --run_dir=runs/seed-0,runs/seed-1 --tasks=proportions
python scripts/evaluate.py --run_dir=runs/mnist-vamp --tasks=log_likelihood --share=3/16
"""

from absl import app, flags

from tfsp import evaluation
from tfsp.command_line import plain_errors
from tfsp.evaluation import shares

_RUN_DIR = flags.DEFINE_list(
    "run_dir",
    None,
    "Folder of the run; or of several, such as those of several seeds, with commas between them: "
    "then their mean and standard deviation are printed too.",
)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the data sets, as in training.")
_DOWNLOAD = flags.DEFINE_bool("download", False, "Fetch the data set if it is not in data_dir.")
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "best", "'best' (on the validation data), 'last', or the number of an epoch."
)
_TASKS = flags.DEFINE_list("tasks", None, evaluation.tasks.flag_help())
_NUM_SAMPLES = flags.DEFINE_integer(
    "num_samples",
    None,
    "Importance samples per image for log p(x); 0 leaves it out. Default: the config's.",
    lower_bound=0,
)
_NUM_EXAMPLES = flags.DEFINE_integer(
    "num_examples",
    None,
    "Test images that log p(x) is estimated on, a random subset, the same each time; 0 for all. "
    "Default: the config's.",
    lower_bound=0,
)
_LABELS_PER_CLASS = flags.DEFINE_list(
    "labels_per_class",
    None,
    "Few-shot: numbers of labels, such as 1,10,100. Default: the paper's, 1,10,20,...,100, with "
    "more than 100 classes 1,2,5,10,15.",
)
_NUM_LABEL_SETS = flags.DEFINE_integer(
    "num_label_sets",
    None,
    "Few-shot: random choices of labels. Default: the paper's, 20, with more than 100 classes 5.",
    lower_bound=1,
)
_NUM_CLUSTERS = flags.DEFINE_integer(
    "num_clusters",
    None,
    "Members: clusters that the tree is cut into. Default: as many as last.",
    lower_bound=1,
)
_SHARE = flags.DEFINE_string("share", None, evaluation.tasks.share_help())
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the draws and of the few-shot labels.")
flags.register_validator(
    "labels_per_class",
    lambda values: all(value.isdecimal() and int(value) > 0 for value in values or []),
    message="must be positive integers with commas between them, such as 1,10,100.",
)


@plain_errors
def main(_):
    rows = [
        evaluation.evaluate_run(
            run_dir,
            _DATA_DIR.value,
            _DOWNLOAD.value,
            _NUM_SAMPLES.value,
            _NUM_EXAMPLES.value,
            _CHECKPOINT.value,
            _SEED.value,
            tasks=_TASKS.value,
            labels_per_class=[int(n) for n in _LABELS_PER_CLASS.value or []] or None,
            num_label_sets=_NUM_LABEL_SETS.value,
            num_clusters=_NUM_CLUSTERS.value,
            share=shares.parse(_SHARE.value),
        )
        for run_dir in _RUN_DIR.value
    ]
    if _SHARE.value is not None:  # each row is a list of files
        print(f"Share {_SHARE.value} is in", *(path for paths in rows for path in paths))
        return
    spread = evaluation.format_spread(rows) if len(rows) > 1 else ""
    tables = evaluation.format_results(rows), spread, evaluation.format_beside_paper(rows)
    print("\n\n".join(filter(None, tables)))


if __name__ == "__main__":
    flags.mark_flags_as_required(["run_dir"])
    app.run(main)
