"""A checkpoint: a `.keras` file that also holds the metrics of all epochs up to it."""

import errno
import io
import json
import os
import zipfile

import h5py
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

    Raises:
      WriteError: if the file cannot be written.
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

    Raises:
      FileNotFoundError: if there is no such file.
      DamagedError: if `damage` finds some.
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

    The sums of all parts are checked, and that each can be read as what it is. A file that is whole
    may still hold what this version of Keras does not know.

    Raises:
      OSError: if the file is not there or may not be read.
    """
    if os.path.lexists(path) and not os.path.isfile(path):
        if os.path.islink(path) and not os.path.exists(path):
            return "it is a link to a file that is not there"
        return "it is no file" + (", but a folder" if os.path.isdir(path) else "")
    unreadable = ""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
            names = archive.namelist()
            if broken is None:
                unreadable = _unreadable(archive)
    except OSError as error:
        if error.errno != errno.EINVAL:  # of a seek to where a garbled table points
            raise
        return "its table of contents is garbled"
    except Exception as error:  # zipfile reports garbled bytes by many types
        return f"it is no whole zip file ({error})"
    if broken is not None:
        return f"its part {broken!r} has a wrong checksum"
    if "config.json" not in names or not any(n.startswith("model.weights.") for n in names):
        return f"it holds no model, but {', '.join(names)[:100] or 'nothing'}"
    if _METADATA not in names:
        return f"it lacks {_METADATA}"
    return unreadable


def rows(path):
    """The metrics in a checkpoint, as `save` was given; None in one of an earlier version."""
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(_METADATA)).get("history")


def _unreadable(archive):
    """Which part of a whole archive cannot be read as what its name says; "" if there is none."""
    for name in archive.namelist():
        try:
            if name.endswith(".json"):
                _check_json(name, json.loads(archive.read(name)))
            elif name.endswith(".h5"):
                _check_arrays(archive.read(name))
        except Exception as error:  # h5py reports garbled bytes by many types
            return f"its part {name!r} cannot be read ({error})"
    return ""


def _check_json(name, value):
    if not isinstance(value, dict):
        raise ValueError(f"expected a dict, received {type(value).__name__}")
    if name == "config.json" and "class_name" not in value:
        raise ValueError("expected the config of a model, with 'class_name'")
    rows = value.get("history") if name == _METADATA else None
    good = rows is None or (isinstance(rows, list) and all(map(_is_row, rows)))
    if not good:
        raise ValueError("expected 'history' to be a list of dicts of numbers with 'epoch'")


def _is_row(row):
    return (
        isinstance(row, dict)
        and isinstance(row.get("epoch"), int)
        and all(isinstance(value, int | float) for value in row.values())
    )


def _check_arrays(content):
    def check(name, item):
        if not isinstance(item, h5py.Dataset):
            return
        # Before it is read, so that a garbled shape does not fill the memory.
        if item.nbytes > len(content):
            raise ValueError(f"{name} has shape {item.shape}, more than the file holds")
        item[()]

    with h5py.File(io.BytesIO(content), "r") as file:
        file.visititems(check)
