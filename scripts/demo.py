"""The whole path on scikit-learn's digits: train, evaluate, draw, export. See `make demo`."""

import pathlib

from absl import app, flags
from ml_collections import config_flags

from tfsp import evaluation, experiment
from tfsp.command_line import plain_errors
from tfsp.export import export_run
from tfsp.run_directory import RunDirectory
from tfsp.visualize import visualize_run

_CONFIG = config_flags.DEFINE_config_file("config", "configs/vae/digits.py", "What to train.")
_RUN_DIR = flags.DEFINE_string(
    "run_dir", "runs/demo", "Folder of the runs, one for each prior. Finished ones are not redone."
)
_PRIORS = flags.DEFINE_list("priors", ["normal", "vamp"], "Priors to train and compare.")


@plain_errors
def main(_):
    rows, files = [], []
    for prior in _PRIORS.value:
        config = _CONFIG.value.copy_and_resolve_references()
        config.prior.name = prior
        run = RunDirectory(pathlib.Path(_RUN_DIR.value) / prior)
        print(f"\n== prior: {prior}")
        experiment.train(config, run.path)
        rows.append(evaluation.evaluate_run(run.path, progress=False))
        files += visualize_run(run.path).values()
        if not run.export.exists():
            export_run(run.path)
        files += [run.metrics, run.export]
    print("\nTest results (nats per image; S importance samples for log p):\n")
    print(evaluation.format_results(rows))
    print("\nWritten:")
    for file in files:
        print(f"  {file}")


if __name__ == "__main__":
    app.run(main)
