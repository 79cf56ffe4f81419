"""The page of a run."""

import pathlib

from tfsp import experiment, run_leaves
from tfsp.explorer import page_file, suggested
from tfsp.explorer.constraints import read_constraints
from tfsp.explorer.generations import FOLDER
from tfsp.explorer.writing import write
from tfsp.run_directory import RunDirectory

CONSTRAINTS = "constraints.json"  # of a refined run
_FILE = "explorer.html"


def explore_run(
    run_dir,
    path=None,
    data_dir=None,
    download=False,
    checkpoint="best",
    limit=None,
    num_clusters=None,
    seed=0,
    num_questions=12,
):
    """Writes the page of a run (`write`), by default as explorer.html in its folder.

    Node numbers are those of the run's members.csv and of the pictures of its summary tree.
    Pictures are shown as they were before they were made binary.

    Args:
      run_dir: the run's folder.
      path: of the file; None takes RUN_DIR/explorer.html.
      data_dir, download: as in training; by default where the data were then.
      checkpoint: "best", "last" or an epoch.
      limit: the most rows of a part; None for all.
      num_clusters: of the tree; None takes as many as last.
      seed: of the summary and of the samples.
      num_questions: how many questions the page asks: triples of rows about whose place draws of a
        prior's tree disagree, see `tfsp.explorer.suggested`.

    Returns:
      the paths written, a list.

    Raises:
      FileNotFoundError: if there is no run or no such checkpoint.
      FileExistsError: for a file that is no page of the explorer.
      ValueError: see `collect`.
    """
    run = RunDirectory(run_dir)
    path = pathlib.Path(run.path / _FILE if path is None else path)
    page_file.check_free(path)
    model, config = experiment.load_run(run_dir, checkpoint)
    data_dir = data_dir or run.data_dir()
    data = experiment.load_data(config, data_dir, download)
    known = run_leaves.read(run.path, model, data)
    asked = suggested.questions(model, data, known, num_questions, limit, seed)
    names = dict.fromkeys((_called(run.path.resolve()), data.info.name))
    return write(
        model,
        data,
        path,
        limit=limit,
        num_clusters=num_clusters,
        seed=seed,
        title=" \N{MIDDLE DOT} ".join(names),
        shown=_not_binary(config, data_dir),
        questions=asked,
        answers=_known_answers(run, data),
        known=known.leaves,
    )


def _called(path):
    """The name of a run's folder; of a refined run (`generations`) also that of the run itself."""
    if path.parent.name == FOLDER:
        return f"{path.parent.parent.name}, refinement {path.name}"
    return path.name


def _known_answers(run, data):
    """What a refined run has learned from (`tfsp.refinement`), or None."""
    file = run.path / CONSTRAINTS
    return read_constraints(file, data) if file.exists() else None


def _not_binary(config, data_dir):
    """The run's data before they were made binary; None if they were not."""
    if config["data"]["binarization"] == "none":
        return None
    plain = {**config, "data": {**config["data"], "binarization": "none"}}
    return experiment.load_data(plain, data_dir)
