"""Shares: evaluation cut by batches, computed anywhere, and put together as if it had been whole.

What a batch yields depends on the model, the settings, the batch and its number (the seed of a
batch is made of the number), and on no other batch. Share 3 of 16 is every batch whose number
leaves the remainder 3 when it is divided by 16. The shares need not know of each other: each is
written to a file of its own (`tfsp.evaluation.share_files`), and the whole takes from these files
what fits and computes the rest. So it is the same numbers bit for bit, whatever was computed where,
on processors of one kind.
"""

import hashlib
import re
import warnings

import keras
import numpy as np
import tensorflow as tf

from tfsp import arguments, version
from tfsp.evaluation import share_files

_STREAM = re.compile(r"(^|/)seed_stream(_[0-9]+)?/state$")
_WANTED = (
    "`share` must be a pair (index, count), on the command line index/count such as 3/16. Indices "
    "count from 0: of 16 shares they are 0 to 15. Received: {}."
)


def parse(text):
    """The pair (index, count) of a text such as "3/16"; None of None.

    Raises:
      ValueError: for another text, and an index that is not among 0, ..., count - 1.
    """
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if not match:
        raise ValueError(_WANTED.format(arguments.shown(text)))
    return checked((int(match[1]), int(match[2])))


def checked(share):
    """`share` as a pair of ints (index, count); None of None.

    Raises:
      ValueError: for anything else, and an index that is not among 0, ..., count - 1.
    """
    if share is None:
        return None
    try:
        index, count = (arguments.integer("share", value, 0) for value in share)
    except (TypeError, ValueError):
        raise ValueError(_WANTED.format(arguments.shown(share))) from None
    if not index < count:
        raise ValueError(_WANTED.format(f"{index}/{count}"))
    return index, count


def collect(function, batches, name, model, settings, share=None, folder=None):
    """What `function` yields for all batches, or the file of a share of them.

    Args:
      function: of (number, x, rows) -> dict of arrays `[rows, ...]`. It must depend on nothing but
        these, the model's weights and `settings`.
      batches: iterable of (x, rows): arrays and how many of their examples count.
      name: what is computed, for the names of files.
      model: what has the weights.
      settings: dict of plain values, all that the numbers depend on besides.
      share: (index, count), or None for the whole.
      folder: of the files of shares; None uses none.

    Returns:
      dict of arrays `[n, ...]`, or with `share` the path of its file. What the files hold already,
      of the same model, settings and data, is not computed again.

    Raises:
      ValueError: for a bad `share`, or one without `folder`.
      WriteError: if the file cannot be written.
    """
    share = checked(share)
    if folder is None:
        if share is not None:
            raise ValueError(
                "A share is written to a file: say in which folder by `folder`, such as "
                "folder='runs/a/shares'."
            )
        found = [function(number, *batch) for number, batch in enumerate(batches)]
        return _joined(found)
    identity = {"what": name, **settings, "weights": _weights(model), **_versions()}
    files = share_files.Files(folder, name, identity)
    known = files.read(share)
    found, computed = {}, 0
    for number, (x, rows) in enumerate(batches):
        if share is not None and number % share[1] != share[0]:
            continue
        digest = _digest(x, rows)
        if number in known and known[number][0] == digest:
            found[number] = known[number]
            continue
        if known and share is None and not computed:
            lacking = ", ".join(files.missing()) or "none, but some are damaged or of other data"
            warnings.warn(
                f"The shares of {name!r} in {folder} are not the whole. Missing: {lacking}. What "
                "they lack is computed here.",
                stacklevel=3,
            )
        found[number] = digest, function(number, x, rows)
        computed += 1
    if share is None:
        return _joined([values for _, values in found.values()])
    if computed or found.keys() != known.keys() or not files.path(share).exists():
        files.write(share, found)
    return files.path(share)


def collect_labelled(function, batches, name, model, settings, share=None, folder=None):
    """(values `[n, ...]`, labels `[n]` or None) of batches, or the path of a share's file.

    Args:
      function: of (number of the batch, x) -> array `[len(x), ...]`.
      batches: iterable of (x, labels or None). Labels are in no file: they are the data's.
      name, model, settings, share, folder: as in `collect`.
    """
    labels = []

    def keeping_labels():
        for x, y in batches:
            labels.append(y)
            yield x, len(x)

    def values(number, x, _):
        return {"value": function(number, x)}

    found = collect(values, keeping_labels(), name, model, settings, share, folder)
    if share is not None:
        return found
    return found["value"], None if labels[0] is None else np.concatenate(labels)


def _joined(found):
    """Of a list of dicts of arrays the dict of the arrays in one piece."""
    return {key: np.concatenate([values[key] for values in found]) for key in found[0]}


def _digest(x, rows):
    """16 bytes that tell a batch from others."""
    state = hashlib.sha256(repr((x.shape, x.dtype.str, rows)).encode())
    state.update(x.tobytes())
    return state.digest()[:16]


def _weights(model):
    """A digest of the model's weights; draws of other tasks have moved the stream of seeds."""
    if not hasattr(model, "weights"):
        raise ValueError(
            "Shares need a model with `weights`, which tell whether they are of the same model. "
            f"Received: {type(model).__name__}."
        )
    state = hashlib.sha256()
    for weight in model.weights:
        if not _STREAM.search(weight.path):
            value = tf.convert_to_tensor(weight).numpy()
            state.update(repr((value.shape, value.dtype.name)).encode())
            state.update(value.tobytes())
    return state.hexdigest()[:32]


def _versions():
    return {"tfsp": version.__version__, "tensorflow": tf.__version__, "keras": keras.__version__}
