"""The whole path on scikit-learn's digits: train, evaluate, draw, export. See `make demo`."""

import pathlib

from absl import app, flags

from tfsp import evaluation, experiment
from tfsp.command_line import define_config, plain_errors
from tfsp.explorer import explore_run
from tfsp.export import export_run
from tfsp.run_directory import RunDirectory
from tfsp.visualize import visualize_run

_CONFIG = define_config("configs/loracs/digits.py", "What to train.")
_RUN_DIR = flags.DEFINE_string(
    "run_dir", "runs/demo", "Folder of the runs, one for each prior. Finished ones are not redone."
)
_PRIORS = flags.DEFINE_list("priors", ["normal", "loracs"], "Priors to train and compare.")
_TASKS = ("bounds", "log_likelihood", "few_shot", "retrieval")
_LABELS_PER_CLASS = (1, 10, 50)
_COLUMNS = ("prior", "elbo", "log_p", "few_shot_1", "few_shot_10", "few_shot_50", "retrieval_auc")


def _tree_report(row):
    return (
        "\nDendrogram purity (1 is perfect, .1 is chance; no label was used in training) of trees\n"
        f"over the {row['tree_num_points']} test images and over the inducing points: the summary "
        "of trees by\nnearest neighbours, that of the prior's posterior, one draw of it, and "
        "Ward's linkage of the same\npoints:\n\n"
        + evaluation.format_table(
            [
                _tree_row("summary, neighbours", row, "neighbours_purity"),
                _tree_row("summary, posterior", row, "summary_purity"),
                _tree_row("one draw", row, "purity"),
                _tree_row("Ward", row, "ward_purity"),
                _tree_row("Ward, points weighted by data", row, "counts_ward_purity"),
            ],
            ("tree", "test_images", "inducing_points"),
        )
        + f"\n\nChains agree on the posterior's summary by {row['tree_summary_agreement']:.2f}."
    )


def _tree_row(name, row, key):
    images = row.get(f"tree_induced_{key}")
    return {"tree": name, "test_images": images, "inducing_points": row[f"tree_{key}"]}


@plain_errors
def main(_):
    rows, files, pages = [], [], []
    for prior in _PRIORS.value:
        config = _CONFIG.value.copy_and_resolve_references()
        config.prior.name = prior
        run = RunDirectory(pathlib.Path(_RUN_DIR.value) / prior)
        print(f"\n== prior: {prior}")
        experiment.train(config, run.path)
        tasks = (*_TASKS, "tree", "members") if prior == "loracs" else _TASKS
        rows.append(
            evaluation.evaluate_run(
                run.path, progress=False, tasks=tasks, labels_per_class=_LABELS_PER_CLASS
            )
        )
        files += visualize_run(run.path).values()
        if not (run.export / "saved_model.pb").exists():
            export_run(run.path)
        files += [run.metrics, run.export]
        if "members_file" in rows[-1]:
            files.append(run.path / rows[-1]["members_file"])
            pages += explore_run(run.path)
    print("\nTest results, both trained equally long (nats per image; shares of right answers):\n")
    print(evaluation.format_table(rows, _COLUMNS))
    for row in rows:
        if "tree_purity" in row:
            print(_tree_report(row))
    print("\nWritten:")
    for file in files + pages:
        print(f"  {file}")
    for page in pages:
        print(f"\nThe tree to look into, in a browser: {page.resolve().as_uri()}")


if __name__ == "__main__":
    app.run(main)
