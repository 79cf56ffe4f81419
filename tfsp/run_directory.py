"""The folder of a run: config, checkpoints, logs, metrics, pictures, export."""

import json
import os
import pathlib
import re

FORMAT_VERSION = 1
_EPOCH_FILE = re.compile(r"epoch-(\d+)\.keras")


class RunDirectory:
    """Paths and files of one run.

        config.json   checkpoints/   logs/   metrics.json   figures/   export/

    Args:
      path: the folder. Nothing is made until `start`.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.logs = self.path / "logs"
        self.figures = self.path / "figures"
        self.export = self.path / "export"
        self.metrics = self.path / "metrics.json"
        self.history = self.logs / "history.csv"

    def check(self, config):
        """Raises ValueError if the folder cannot take a run with this config.

        That is where it holds a run with another config (the difference is shown) or files that
        are no run. How training is spread over devices (`train.strategy`) may differ, and a run
        without a checkpoint counts as none. Nothing is written.
        """
        if (self.path / "config.json").exists():
            if not self.epochs():
                return
            config = json.loads(json.dumps(config))  # tuples become lists, as in the file
            differences = [
                line
                for line in _differences(self.config(), config)
                if not line.startswith(("train.strategy:", "presets"))
            ]
            if differences:
                raise ValueError(
                    f"{self.path} holds a run with another config:\n  "
                    + "\n  ".join(differences)
                    + "\nName another run directory, or give the run's own settings to resume it."
                )
        elif self.path.exists() and any(self.path.iterdir()):
            raise ValueError(
                f"{self.path} is not empty and holds no run (no config.json). Name a new or an "
                "empty folder."
            )

    def start(self, config):
        """Makes the folder for a run with this config, or goes on with the run that is there.

        Args:
          config: nested dict of plain values.

        Raises: ValueError as `check`.
        """
        self.check(config)
        for folder in (self.checkpoints, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        file = self.path / "config.json"
        if not self.epochs():
            text = json.dumps({"format_version": FORMAT_VERSION, **config}, indent=2)
            partial = file.with_name("config.json.partial")
            partial.write_text(text + "\n")
            os.replace(partial, file)

    def remember_data_dir(self, data_dir):
        """Keeps where the data were, for evaluation; it is no part of the config."""
        (self.path / "data_dir.txt").write_text(str(pathlib.Path(data_dir).resolve()))

    def data_dir(self):
        """Where the data were when the run was trained, or None."""
        file = self.path / "data_dir.txt"
        return file.read_text() if file.exists() else None

    def config(self):
        """The run's config, a nested dict.

        Raises: FileNotFoundError if there is no run; ValueError if its config.json is broken or
          written by a newer version of the package.
        """
        file = self.path / "config.json"
        if not file.exists():
            raise FileNotFoundError(
                f"{self.path} holds no run: there is no config.json. Train one with "
                f"`scripts/train.py --config=... --run_dir={self.path}`."
            )
        try:
            config = json.loads(file.read_text())
        except json.JSONDecodeError as error:
            raise ValueError(f"{file} is not valid JSON: {error}.") from error
        version = config.pop("format_version", None)
        if version != FORMAT_VERSION:
            raise ValueError(
                f"{file} has format version {version}; this version of tfsp reads {FORMAT_VERSION}."
            )
        return config

    def checkpoint_path(self, epoch):
        """File of the checkpoint after `epoch` epochs."""
        return self.checkpoints / f"epoch-{epoch:05d}.keras"

    def epochs(self):
        """Numbers of epochs after which there is a checkpoint, sorted."""
        found = (_EPOCH_FILE.fullmatch(file.name) for file in self.checkpoints.glob("*.keras"))
        return sorted(int(match.group(1)) for match in found if match)

    @property
    def best(self):
        """The checkpoint with the best bound on the validation data."""
        return self.checkpoints / "best.keras"

    def checkpoint(self, which="best"):
        """Path of a checkpoint.

        Args:
          which: "best" (falls back to "last" where no validation was made), "last", or an int.

        Raises: FileNotFoundError if it is not there, with those that are.
        """
        epochs = self.epochs()
        if which == "best" and self.best.exists():
            return self.best
        epoch = epochs[-1] if which in ("best", "last") and epochs else which
        if epoch not in epochs:
            raise FileNotFoundError(
                f"{self.path} has no checkpoint {which!r}. There are: "
                f"{', '.join(map(str, epochs)) or 'none'}"
                f"{' and best' if self.best.exists() else ''}."
            )
        return self.checkpoint_path(epoch)


def _differences(before, after, prefix=""):
    for key in sorted({*before, *after}):
        name = f"{prefix}{key}"
        a, b = before.get(key, "(absent)"), after.get(key, "(absent)")
        if isinstance(a, dict) and isinstance(b, dict):
            yield from _differences(a, b, f"{name}.")
        elif a != b and (a, b) != ("(absent)", None):  # not yet known to an older run, and unset
            yield f"{name}: {a!r} in the run, {b!r} now"
