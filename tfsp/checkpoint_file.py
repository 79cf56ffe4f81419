"""A checkpoint: a `.keras` file that also holds the metrics of all epochs up to it."""

import errno
import json
import zipfile

import keras

from tfsp import atomic

_METADATA = "metadata.json"  # of Keras, which writes it and takes more keys


class DamagedError(ValueError):
    """A checkpoint that cannot be read."""


def save(model, path, rows=()):
    """Writes `model` to `path`; a kill in the middle leaves the file of before.

    Args:
      model: a Keras model.
      path: ends in .keras.
      rows: dicts of metrics, one for each epoch, the last that of this checkpoint.

    Raises: WriteError.
    """
    with atomic.replacing(path) as partial:
        model.save(partial)
        with zipfile.ZipFile(partial, "a") as archive:
            metadata = json.loads(archive.read(_METADATA))
            metadata["history"] = list(rows)
            # In place of the old one: with a fourth part Keras unpacks the file when it loads it.
            archive.filelist.remove(archive.NameToInfo.pop(_METADATA))
            archive.writestr(_METADATA, json.dumps(metadata), zipfile.ZIP_DEFLATED)


def load(path):
    """The model in a checkpoint.

    Raises: FileNotFoundError; DamagedError if `damage` finds some.
    """
    found = damage(path)
    if found:
        raise DamagedError(f"{path} is damaged: {found}.")
    try:
        return keras.saving.load_model(path)
    except ValueError as error:
        if not path.exists():  # removed since the line before
            raise FileNotFoundError(errno.ENOENT, "No such file", str(path)) from error
        raise


def damage(path):
    """What is wrong with a checkpoint's file, in a few words; "" if nothing is.

    The sums of all parts are checked. A file that is whole may still hold what this version of
    Keras does not know.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
            names = archive.namelist()
    except OSError as error:
        if error.errno != errno.EINVAL:  # of a seek to where a garbled table points
            raise
        return "its table of contents is garbled"
    except Exception as error:  # zipfile tells of garbled bytes by many types
        return f"it is no whole zip file ({error})"
    if broken is not None:
        return f"its part {broken!r} has a wrong checksum"
    if "config.json" not in names or not any(n.startswith("model.weights.") for n in names):
        return f"it holds no model, but {', '.join(names)[:100] or 'nothing'}"
    return ""


def rows(path):
    """The metrics in a checkpoint, as `save` was given; None in one of an earlier version."""
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(_METADATA)).get("history")
