"""One way to get a trained model back: of a run, of a file that `model.save` has written."""

import pathlib
from typing import Any

import tfsp.models  # noqa: F401  (registers what saved models are made of)
from tfsp import checkpoint_file, run_reader
from tfsp.run_directory import RunDirectory


def load(path: str | pathlib.Path, checkpoint: str | int = "best") -> Any:
    """The model of a run, of a file of `model.save`, or what an export serves.

    What a model needs to take raw values is in it: standardisation, kinds of columns, totals of
    counts. (Decoding pictures and reading tables is `tfsp.data.load`'s.)

    Args:
      path: the folder of a run (`scripts/train.py --run_dir`); a `.keras` file of `model.save`; or
        the folder of an exported SavedModel, of which the functions by name come back, as
        `tf.saved_model.load` gives them.
      checkpoint: of a run: "best" on its validation data, "last", or the number of an epoch.

    Returns:
      a `keras.Model` that can be trained on, or the served object of a SavedModel.

    Raises:
      FileNotFoundError: where nothing is, for a folder of another kind, or a run that has no such
        checkpoint (yet).
      ValueError: for a file of another kind, or a run whose config is damaged.
      DamagedError: for a damaged file.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist. {_EXPECTED}")
    if path.is_file():
        if path.suffix != ".keras":
            raise ValueError(f"{path} is no `.keras` file. {_EXPECTED}")
        return checkpoint_file.load(path)
    if (path / "saved_model.pb").exists():
        import tensorflow as tf

        return tf.saved_model.load(str(path))
    run = RunDirectory(path)
    run.config()  # says so where the folder holds no run
    return run_reader.load(run, checkpoint)


_EXPECTED = (
    "Expected the folder of a run, a file that `model.save('name.keras')` has written, or the "
    "folder of an exported SavedModel."
)
