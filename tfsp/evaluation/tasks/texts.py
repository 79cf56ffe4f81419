"""What users read of the tasks, made from their registry: `--help` and docs/tasks.md."""

from tfsp.evaluation.needs import complete
from tfsp.evaluation.tasks import registry


def flag_help():
    """The help of a flag that takes tasks: a line for each."""
    return "\n".join(
        [
            "Comma-separated tasks. One that the run does not support is left out, with a warning. "
            "Results of other tasks that the run has already are kept. Default: "
            f"{','.join(registry.default_names())}; with --share those of them that have shares.",
            *registry.TASKS.help_lines(),
        ]
    )


def share_help():
    """The help of a flag that takes a share."""
    return (
        "Compute a share alone, such as 3/16 (of 0/16, 1/16, ..., 15/16), and write it into the "
        "run's folder 'shares'. The call without --share takes the shares that are there and "
        f"computes the rest. Tasks that have shares: {', '.join(registry.shared_names())}. See "
        "docs/shares.md."
    )


def markdown():
    """The page docs/tasks.md: a table of all tasks, then the details of each."""
    rows = ["| task | what it measures | needs | shares | columns of the table |"]
    rows.append(f"|{' --- |' * 5}")
    for name in registry.names():
        task = registry.TASKS[name]
        needs = ", ".join(complete(task.needs)) or "none"
        columns = ", ".join(f"`{key}`" for key in task.columns) or "none"
        shares = "no" if task.share is None else "yes"
        rows.append(f"| `{name}` | {task.cell} | {needs} | {shares} | {columns} |")
    return "\n".join([_HEAD, *rows, "", *registry.TASKS.sections()])


_HEAD = """# Tasks: what can be measured of a run

`scripts/evaluate.py --run_dir=RUN --tasks=bounds,few_shot`, or `tfsp.evaluation.evaluate_run`, adds
the results to the run's `metrics.json`. This page is made from the registry
(`tfsp/evaluation/tasks`, one file a task; a file put there is found) by
`python -c "from tfsp.evaluation import tasks; print(tasks.markdown(), end='')" > docs/tasks.md`.

Those with shares can be spread over processes and machines: docs/shares.md.

All are in nats per example, but for `bits_per_dimension`; few_shot, retrieval, labelled_points,
tree, forest and attributes give shares in [0, 1] and take the codes of `model.encode`.
"""
