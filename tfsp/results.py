"""What a trained run is for: the table of members, pictures with the tree, the served model."""

from tfsp import evaluation
from tfsp.export import describe, export_run
from tfsp.notebook import Results
from tfsp.run_directory import RunDirectory
from tfsp.visualize import visualize_run

_TREES = ("summary_tree", "tree", "neighbours")  # pictures, the best first


def write(run_dir):
    """Writes members.csv, the pictures and the SavedModel of a run into its folder.

    What `evaluate.py --tasks=members`, `visualize.py` and `export.py` write. A served model that is
    there already, of a run that was resumed after its end, stays.

    Args:
      run_dir: the run's folder.

    Returns:
      a dict (`tfsp.notebook.Results`) of name -> path: "members", the pictures by their names, and
      "export".
    """
    run = RunDirectory(run_dir)
    row = evaluation.evaluate_run(run.path, progress=False, tasks=("members",))
    written = {"members": run.path / row["members_file"], **visualize_run(run.path)}
    if not (run.export / "saved_model.pb").exists():
        export_run(run.path)
    return Results({**written, "export": run.export})


def format_written(paths):
    """Lines of text that name what `write` has written: members, the tree, the served model."""
    *pictures, export = [path for name, path in paths.items() if name != "members"]
    lines = [f"Members: {paths['members']}"]
    tree = next((paths[name] for name in _TREES if name in paths), None)
    if tree is not None:
        lines.append(f"Tree: {tree}, beside {len(pictures) - 1} more pictures")
    lines += [f"Served model: {export}", f"Answers: {', '.join(sorted(describe(export)))}"]
    return "\n".join(lines)
