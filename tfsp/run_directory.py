"""The folder of a run: config, checkpoints, logs, metrics, pictures, export."""

import contextlib
import json
import os
import pathlib
import re

from tfsp import atomic
from tfsp.lock import locked

FORMAT_VERSION = 1
_LOCK = "lock"
# What a run's config may lack, or have otherwise, and still be the same run.
_FREE = ("train.strategy", "data.cache", "data.cache_dir")
_EPOCH_FILE = re.compile(r"epoch-(\d+)\.keras")


class RunDirectory:
    """Paths and files of one run.

        config.json   checkpoints/   logs/   metrics.json   figures/   export/   shares/

    While it is trained there is also `lock`, and what is being written stands in `partial-...`.

    Args:
      path: the folder. Nothing is made until `start`.
      current: function of a config that the folder holds, as an earlier version may have written
        it, that gives it the form of this one; None leaves it as it is.
    """

    def __init__(self, path, current=None):
        self._current = current or (lambda config: config)
        self.path = pathlib.Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.logs = self.path / "logs"
        self.figures = self.path / "figures"
        self.export = self.path / "export"
        self.shares = self.path / "shares"
        self.metrics = self.path / "metrics.json"
        self.history = self.logs / "history.csv"
        self._config_file = self.path / "config.json"

    def check(self, config):
        """Raises ValueError if the folder cannot take a run with this config.

        That is where it holds a run with another config (the difference is shown) or files that
        are no run. How training is spread over devices (`train.strategy`) and where images of a
        folder are kept (`data.cache`, `data.cache_dir`) may differ, and a run without a checkpoint
        counts as none. Nothing is written.
        """
        if self._config_file.exists():
            if not self._trained():
                return
            config = json.loads(json.dumps(config))  # tuples become lists, as in the file
            sections = {key: value for key, value in config.items() if isinstance(value, dict)}
            before = json.loads(json.dumps(self.config(like=sections)))
            differences = [
                line for line in _differences(before, config) if not line.startswith(_FREE)
            ]
            if differences:
                raise ValueError(
                    f"{self.path} holds a run with another config:\n  "
                    + "\n  ".join(differences)
                    + "\nName another run directory, or give the run's own settings to resume it."
                )
        elif self.path.exists() and not all(map(_is_passing, self.path.iterdir())):
            raise ValueError(
                f"{self.path} is not empty and holds no run (no config.json). Name a new or an "
                "empty folder."
            )

    @contextlib.contextmanager
    def lock(self):
        """Holds the folder for this process alone, to train in it; readers need no lock.

        The folder is made, and removed again if no run is started in it.

        Raises:
          InUseError: with process and host, if another process trains in it.
          WriteError: if a file cannot be written.
        """
        made = []
        with atomic.explained(self.path):
            made = [p for p in (self.path, *self.path.parents) if not p.exists()]
            self.path.mkdir(parents=True, exist_ok=True)
        message = f"{self.path} is being trained"
        try:
            with locked(self.path / _LOCK, message):
                yield
        finally:
            for folder in made:
                with contextlib.suppress(OSError):  # not empty
                    folder.rmdir()

    def start(self, config):
        """Makes the folder for a run with this config, or goes on with the run that is there.

        Args:
          config: nested dict of plain values.

        Raises:
          ValueError: as `check`.
          WriteError: if a file cannot be written.
        """
        self.check(config)
        if not self._trained():
            text = json.dumps({"format_version": FORMAT_VERSION, **config}, indent=2)
            atomic.write(self._config_file, text + "\n")
        for folder in (self.checkpoints, self.logs):
            with atomic.explained(folder):
                folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.path, self.checkpoints, self.logs):
            atomic.clean(folder)

    def remember_data_dir(self, data_dir):
        """Keeps where the data were, for evaluation; it is no part of the config."""
        content = os.fsencode(pathlib.Path(data_dir).resolve())
        if content != self._data_dir_bytes():
            atomic.write(self.path / "data_dir.txt", content)

    def data_dir(self):
        """Where the data were when the run was trained, or None."""
        return os.fsdecode(self._data_dir_bytes()) or None

    def _data_dir_bytes(self):
        file = self.path / "data_dir.txt"
        return file.read_bytes() if file.exists() else b""

    def config(self, like=None):
        """The run's config, a nested dict.

        Args:
          like: a config whose sections, and their names of classes, the run's must have; None
            asks for nothing.

        Raises:
          FileNotFoundError: if there is no run.
          ValueError: with the path, if its config.json is broken or written by a newer version of
            the package.
        """
        file = self._config_file
        if not file.exists():
            raise FileNotFoundError(
                f"{self.path} holds no run: there is no config.json. Train one with "
                f"`scripts/train.py --config=... --run_dir={self.path}`."
            )
        try:
            config = json.loads(file.read_bytes())
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{file} is not valid JSON: {error}.") from error
        if not isinstance(config, dict):
            raise ValueError(
                f"{file} must hold a dict of settings. Received: {type(config).__name__}."
            )
        version = config.pop("format_version", None)
        if version != FORMAT_VERSION:
            raise ValueError(
                f"{file} has format version {version}; this version of tfsp reads {FORMAT_VERSION}."
            )
        lacking = list(_lacking(config, like or {}))
        if lacking:
            raise ValueError(
                f"{file} lacks {', '.join(lacking)}: it is damaged, or of another version of tfsp."
            )
        return self._current(config)

    def checkpoint_path(self, epoch):
        """File of the checkpoint after `epoch` epochs."""
        return self.checkpoints / f"epoch-{epoch:05d}.keras"

    def epochs(self):
        """Numbers of epochs after which there is a checkpoint, sorted; `best` does not count."""
        found = (_EPOCH_FILE.fullmatch(file.name) for file in self.checkpoints.glob("*.keras"))
        return sorted(int(match.group(1)) for match in found if match)

    @property
    def best(self):
        """The checkpoint with the best bound on the validation data."""
        return self.checkpoints / "best.keras"

    def checkpoint(self, which="best"):
        """Path of a checkpoint.

        Args:
          which: "best" (falls back to "last" where no validation was made), "last" (falls back to
            "best" where the others are lost), or an int.

        Raises:
          FileNotFoundError: if it is not there, with those that are.
        """
        epochs = self.epochs()
        only_best = which == "last" and not epochs
        if (which == "best" or only_best) and os.path.lexists(self.best):
            return self.best
        epoch = epochs[-1] if which in ("best", "last") and epochs else which
        if epoch not in epochs:
            raise FileNotFoundError(
                f"{self.path} has no checkpoint {which!r}. There are: "
                f"{', '.join(map(str, epochs)) or 'none'}"
                f"{' and best' if os.path.lexists(self.best) else ''}."
            )
        return self.checkpoint_path(epoch)

    def _trained(self):
        return bool(self.epochs()) or os.path.lexists(self.best)


def _is_passing(path):
    """Whether a folder may hold this and still count as empty: what a killed start has left."""
    return path.name == _LOCK or atomic.is_partial(path.name)


def _lacking(config, like):
    """Names of what `like` has at the top, or as the name of a class, and `config` has not."""
    for key, value in like.items():
        if key in _FREE:
            continue
        if key not in config or (isinstance(value, dict) and not isinstance(config[key], dict)):
            yield key
        elif isinstance(value, dict) and "name" in value and "name" not in config[key]:
            yield f"{key}.name"


def _differences(before, after, prefix=""):
    for key in sorted({*before, *after}):
        name = f"{prefix}{key}"
        a, b = before.get(key, "(absent)"), after.get(key, "(absent)")
        if isinstance(a, dict) and isinstance(b, dict):
            yield from _differences(a, b, f"{name}.")
        elif a != b and (a, b) != ("(absent)", None):  # not yet known to an older run, and unset
            yield f"{name}: {a!r} in the run, {b!r} now"
