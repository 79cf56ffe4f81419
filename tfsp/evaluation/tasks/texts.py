"""What users read of the tasks, made from their registry: `--help` and docs/tasks.md."""

from tfsp.evaluation.needs import complete
from tfsp.evaluation.tasks import registry


def flag_help():
    """The help of a flag that takes tasks: a line for each."""
    return "\n".join(
        [
            "Comma-separated tasks. One that the run does not support is left out, with a warning. "
            "Results of other tasks that the run has already are kept.",
            *registry.TASKS.help_lines(),
        ]
    )


def markdown():
    """The page docs/tasks.md: a table of all tasks, then the details of each."""
    rows = ["| task | what it measures | needs | columns of the table |", f"|{' --- |' * 4}"]
    for name in registry.names():
        task = registry.TASKS[name]
        needs = ", ".join(complete(task.needs)) or "none"
        columns = ", ".join(f"`{key}`" for key in task.columns) or "none"
        rows.append(f"| `{name}` | {task.cell} | {needs} | {columns} |")
    return "\n".join([_HEAD, *rows, "", *registry.TASKS.sections()])


_HEAD = """# Tasks: what can be measured of a run

`scripts/evaluate.py --run_dir=RUN --tasks=bounds,few_shot`, or `tfsp.evaluation.evaluate_run`, adds
the results to the run's `metrics.json`. This page is made from the registry
(`tfsp/evaluation/tasks`, one file a task; a file put there is found) by
`python -c "from tfsp.evaluation import tasks; print(tasks.markdown(), end='')" > docs/tasks.md`.

All are in nats per example, but for `bits_per_dimension`; few_shot, retrieval, labelled_points,
tree, forest and attributes give shares in [0, 1] and take the codes of `model.encode`.
"""
