"""Trains a model as a config says, in a run directory that a later start resumes.

    python scripts/train.py --config=configs/vae/mnist.py --config.prior.name=vamp \\
        --data_dir=~/tensorflow_datasets --run_dir=runs/mnist-vamp
    python scripts/train.py --data=table.csv --config.data.label=species --run_dir=runs/table
"""

from absl import app, flags

from tfsp import distribute, experiment, own_data, parts, results
from tfsp.command_line import define_config, given_settings, plain_errors

_CONFIG = define_config(
    "configs/loracs/own_data.py",
    "Config file, such as configs/vae/digits.py; many serve several rows, as "
    "configs/vae/mnist.py:vamp. Any setting can be changed on the command line: "
    "--config.train.epochs=20. A class first, then its settings: --config.prior.name=vamp "
    "--config.prior.num_components=50. --show_config lists them.\n" + parts.flag_help(),
)
_RUN_DIR = flags.DEFINE_string(
    "run_dir",
    None,
    "Folder of the run: config, checkpoints, logs. A run that is there already is resumed; one "
    "with another config is refused.",
)
_DATA = flags.DEFINE_string(
    "data",
    None,
    "Your own data, for any config: a folder of pictures (in a subfolder for each class, if there "
    "are classes), or a file .csv, .tsv, .parquet, .h5ad, .npy or .npz. Likelihood, binarisation, "
    "size of pictures and network are chosen by looking at them; three lines say what and why, and "
    "what you set by --config.SECTION.SETTING stays. Of a table --config.data.label names the "
    "column that is the class and --config.data.index the one that names the rows. Without "
    "--config the prior is a tree (LORACs, configs/loracs/own_data.py): then the hierarchy is a "
    "part of the model, has a probability for every place in it, and is served with it.",
)
_RESULTS = flags.DEFINE_bool(
    "results",
    None,
    "After training: members.csv (where every row of the data belongs), pictures with the tree in "
    "figures/, and the served model in export/; what evaluate --tasks=members, visualize and "
    "export write. Default: with --data.",
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the data sets (TensorFlow Datasets, or the field's own files)."
)
_DOWNLOAD = flags.DEFINE_bool("download", False, "Fetch the data set if it is not in data_dir.")
_STRATEGY = flags.DEFINE_enum(
    "strategy",
    "default",
    ["default", "mirrored", "multi_worker"],
    "'mirrored' trains on all GPUs of this machine (or all logical CPUs), a copy on each; "
    "'multi_worker' on all machines that TF_CONFIG or SLURM names, each started with this command.",
)
_DETERMINISTIC = flags.DEFINE_bool(
    "deterministic",
    False,
    "The same numbers at every run on this machine. Keras turns XLA off then: slower.",
)
_SHOW_CONFIG = flags.DEFINE_bool(
    "show_config", False, "Print every setting with its value, as set so far, and stop."
)


flags.register_multi_flags_validator(
    ["run_dir", "show_config"],
    lambda values: values["show_config"] or values["run_dir"],
    message="must be given, the folder of the run; --show_config alone needs none.",
)


@plain_errors
def main(_):
    if _DATA.value is None and not flags.FLAGS["config"].present:
        raise app.UsageError("Give --config=FILE, or --data=PATH, or both.")
    config = _CONFIG.value
    if flags.FLAGS["strategy"].present:
        config.train.strategy = _STRATEGY.value
    if flags.FLAGS["deterministic"].present:
        config.deterministic = _DETERMINISTIC.value
    write_results = _RESULTS.value if _RESULTS.value is not None else _DATA.value is not None
    several = config.train.strategy == "multi_worker"
    if several and write_results:
        raise app.UsageError("Results are one process's work: give --noresults, evaluate later.")
    if _DATA.value is not None:
        if several and not _SHOW_CONFIG.value:
            distribute.workers()  # before the look at the data, which takes TensorFlow
        print("\n".join(own_data.fit_config(config, _DATA.value, given_settings())))
    if _SHOW_CONFIG.value:
        print(config.copy_and_resolve_references())  # an error where the file could not be read
        return
    experiment.train(config, _RUN_DIR.value, _DATA_DIR.value, _DOWNLOAD.value)
    if write_results:
        print(results.format_written(results.write(_RUN_DIR.value)))


if __name__ == "__main__":
    app.run(main)
