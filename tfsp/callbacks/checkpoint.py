"""Checkpoints at the end of each epoch."""

import math
import os

import keras


class Checkpoint(keras.callbacks.Callback):
    """Saves the whole model (weights, optimiser, seeds) as a `.keras` file after each epoch.

    Files appear at one stroke: a kill in the middle of writing leaves the earlier ones whole.
    The last `keep` are kept, and besides them `best.keras`, the one with the highest `monitor`.

    Args:
      run: a `RunDirectory`.
      keep: how many of the latest to keep; 0 keeps all.
      monitor: metric to maximise.
      history: rows of the epochs before this start, dicts of metrics (of a resumed run).
      since: the first epoch that may be the best; those of another prior before it do not count.
    """

    def __init__(self, run, keep=2, monitor="val_elbo", history=(), since=0):
        super().__init__()
        self.run = run
        self.keep = keep
        self.monitor = monitor
        self.since = since
        rows = [row for row in history if monitor in row and row.get("epoch", since) >= since]
        self.best = max((row[monitor] for row in rows), default=-math.inf)

    def on_epoch_end(self, epoch, logs=None):
        # The best first: a kill between the two leaves an epoch to be done again, and no gap.
        value = (logs or {}).get(self.monitor)
        if value is not None and value > self.best and epoch >= self.since:
            self.best = value
            self._save(self.run.best)
        self._save(self.run.checkpoint_path(epoch + 1))
        if self.keep:
            for old in self.run.epochs()[: -self.keep]:
                self.run.checkpoint_path(old).unlink()

    def _save(self, path):
        partial = path.with_name(f"partial-{path.name}")
        self.model.save(partial)
        os.replace(partial, path)
