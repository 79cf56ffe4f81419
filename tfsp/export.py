"""From a run directory to a SavedModel."""

import pathlib

from tfsp import experiment
from tfsp.run_directory import RunDirectory


def export_run(run_dir, path=None, checkpoint="best"):
    """Writes a run's model as a SavedModel that needs TensorFlow and nothing else.

    Args:
      run_dir: the run's folder.
      path: where to; None takes `export/` in the run's folder. Must not hold anything yet.
      checkpoint: "best", "last" or an epoch.

    Returns: (path, names of the signatures). See `tfsp.models.serving.signatures`.

    Raises: FileExistsError if `path` holds something already.
    """
    model, _ = experiment.load_run(run_dir, checkpoint)
    path = pathlib.Path(path or RunDirectory(run_dir).export)
    return path, model.export(path)
