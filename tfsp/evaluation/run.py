"""Evaluation of a run directory: test results as JSON and as a table."""

import json

import numpy as np

from tfsp.atomic import WriteError
from tfsp.evaluation import shares
from tfsp.evaluation import tasks as tasks_of
from tfsp.evaluation.log_z import prior_name
from tfsp.evaluation.report import format_table, format_upright, read_rows, write_json
from tfsp.lock import locked
from tfsp.notebook import Results
from tfsp.run_directory import RunDirectory

_IDENTITY = ("data", "split", "binarization", "checkpoint", "seed")
_WIDTH = 100
_ALWAYS = ("data", "binarization", "prior")


def format_results(rows):
    """Rows of `evaluate_run` as a plain-text table; each row names its data.

    A table that is too wide for a terminal is transposed. Columns that no row has are left out, and
    so are few-shot accuracies with other than 1, 10 and 100 labels per class: `format_beside_paper`
    shows more.
    """
    # A row with `num_samples` is about log p(x), even if there is none.
    present = {key for row in rows for key in row}
    if "num_samples" in present:
        present |= {"log_p", "standard_error"}
    columns = [*_ALWAYS, *(name for name in tasks_of.columns() if name in present)]
    table = format_table(rows, columns)
    if max(map(len, table.splitlines())) <= _WIDTH:
        return table
    names = ["value"] if len(rows) == 1 else [f"run {i}" for i in range(1, len(rows) + 1)]
    return format_upright(rows, columns, names)


def format_spread(rows):
    """Mean and standard deviation (n - 1) over runs, such as those of several seeds, as a table.

    Args:
      rows: of `evaluate_run`, one for each run. Measures that not all of them have are left out.

    Returns:
      a plain-text table, a line for each measure; "" if no measure is left.
    """
    lines = []
    for name in tasks_of.columns():
        values = [row.get(name) for row in rows]
        if all(isinstance(value, (int, float)) for value in values):
            spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
            lines.append(
                {
                    "measure": name,
                    "mean": float(np.mean(values)),
                    "standard deviation": spread,
                    "runs": len(rows),
                }
            )
    return format_table(lines) if lines else ""


def evaluate_run(
    run_dir,
    data_dir=None,
    download=False,
    num_samples=None,
    num_examples=None,
    checkpoint="best",
    seed=0,
    progress=True,
    tasks=None,
    labels_per_class=None,
    num_label_sets=None,
    num_clusters=None,
    share=None,
):
    """Evaluates a run on its test data and adds the results to the run's `metrics.json`.

    For every model and prior; docs/tasks.md lists the tasks and the keys that they write. A task
    that the run does not support (no labels, no representative points), or that fails on its
    numbers, is left out with a warning that gives the reason; the others are measured.

    Args:
      run_dir: the run's folder.
      data_dir, download: as in training; by default where the data were then.
      num_samples: S for log p(x); None takes the config's `evaluate.num_samples`, 0 leaves log
        p(x) out.
      num_examples: how many test examples log p(x) is estimated on, a random subset that is the
        same in every call (`tfsp.subset`); None takes the config's `evaluate.num_examples`; 0
        means all.
      checkpoint: "best", "last" or an epoch.
      seed: of the draws and of the label sets.
      progress: show progress bars.
      tasks: names of tasks (`tfsp.evaluation.tasks.names()`), a sequence; None takes the default
        ones, "bounds" and "log_likelihood".
      labels_per_class, num_label_sets: of the few-shot task. None takes the paper's: 1, 10, 20,
        ..., 100 and 20 sets, with more than 100 classes 1, 2, 5, 10, 15 and 5 sets.
      num_clusters: of the task "members"; None takes as many as last.
      share: (index, count), index from 0: compute this share of the tasks alone and write it into
        the run's folder `shares`, see docs/shares.md. `tasks` are then those of the default ones
        that can be done in shares. The call without `share` takes what is there, computes what is
        missing, and has the same results bit for bit.

    Returns:
      the row, a `tfsp.notebook.Results`, which is a dict. Results of other tasks on the same data,
      checkpoint and seed that the run has already are in it too; those of a task that is run again
      are replaced. Rows with different S are kept apart. With `share` a list of the files written.

    Raises:
      ValueError: before anything is computed, for unknown tasks, for a broken `metrics.json`, and
        where the run supports none of the tasks; afterwards, where all of them have failed. For a
        bad `share`, and with one for tasks that cannot be done in shares.
    """
    share = shares.checked(share)
    if tasks is None:
        tasks = [
            name
            for name in tasks_of.default_names()
            if share is None or name in tasks_of.shared_names()
        ]
    tasks = [tasks] if isinstance(tasks, str) else list(tasks)
    run = RunDirectory(run_dir)
    read_rows(run.metrics)  # refused now, not after everything has been computed
    subject = tasks_of.of_run(
        run,
        data_dir,
        download,
        checkpoint,
        seed=seed,
        progress=progress,
        num_samples=num_samples,
        num_examples=num_examples,
        labels_per_class=labels_per_class,
        num_label_sets=num_label_sets,
        num_clusters=num_clusters,
        share=share,
    )
    if share is not None:
        return tasks_of.measure_share(subject, tasks)
    measured = tasks_of.measure(subject, tasks)
    info, config = subject.data.info, subject.config
    optimizer = getattr(subject.model, "optimizer", None)
    row = {
        "data": info.name,
        "split": info.split,
        "binarization": info.binarization,
        "num_classes": info.num_classes,
        "model": config["model"]["name"],
        "prior": prior_name(subject.model, config),
        "checkpoint": checkpoint,
        "steps": None if optimizer is None else int(optimizer.iterations),
        "seed": seed,
    }
    for results in measured.values():
        row |= results
    # Another evaluation of the run may have added results meanwhile, and may be adding some now.
    try:
        with locked(run.path / "metrics.lock", f"{run.metrics} is being written", wait=True):
            rows = _merged(read_rows(run.metrics), row, measured)
            write_json(run.metrics, {"results": rows})
    except WriteError as error:
        numbers = {
            key: value
            for results in measured.values()
            for key, value in results.items()
            if not isinstance(value, list)
        }
        error.state = f"What was measured, and could not be saved: {json.dumps(numbers)}"
        raise
    return Results(rows[-1])


def _merged(rows, row, tasks):
    """`rows` with `row` at the end, completed by the other keys of a row of the same identity.

    Rows of a checkpoint that has since been trained on (its number of steps has changed) are
    dropped: they are of weights that no longer exist.
    """
    same = [old for old in rows if all(old.get(key) == row.get(key) for key in _IDENTITY)]
    kept = [old for old in rows if old not in same]
    same = [old for old in same if old.get("steps", row["steps"]) == row["steps"]]
    asked = row.get("num_samples")
    fitting = [old for old in same if asked is None or old.get("num_samples", asked) == asked]
    if fitting:
        base = fitting[-1]
        same.remove(base)
    else:  # another S: all but log p(x) holds for it too
        base = same[-1] if same else {}
        base = {k: v for k, v in base.items() if tasks_of.owner(k) != "log_likelihood"}
    base = {k: v for k, v in base.items() if tasks_of.owner(k) not in tasks}
    return [*kept, *same, {**base, **row}]
