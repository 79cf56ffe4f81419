"""Checkpoints at the end of each epoch."""

import math

import keras

from tfsp import arguments, checkpoint_file
from tfsp.callbacks.logs import add_row


class Checkpoint(keras.callbacks.Callback):
    """Saves the whole model (weights, optimiser, seeds) as a `.keras` file after each epoch.

    Files appear atomically: a kill in the middle of writing leaves the earlier ones whole.
    The last `keep` are kept, and besides them `best.keras`, the one with the highest `monitor`.
    Each holds the metrics of the epochs up to it, so that neither the best value nor a patience
    depends on `history.csv`. A `best.keras` that is there already counts with its own value.

    Args:
      run: a `RunDirectory`.
      keep: how many of the latest to keep; 0 keeps all.
      monitor: metric to maximise.
      history: rows of the epochs before this start, dicts of metrics (of a resumed run). A list is
        added to, and may be that of a `HistoryFile`.
      since: the first epoch that may be the best; those of another prior before it do not count.

    Raises:
      ValueError: if `keep` is not a non-negative integer.
      WriteError: at the end of an epoch.
    """

    def __init__(self, run, keep=2, monitor="val_elbo", history=(), since=0):
        super().__init__()
        self.run = run
        self.keep = arguments.integer("keep", keep, 0)
        self.monitor = monitor
        self.since = since
        self.rows = history if isinstance(history, list) else list(history)
        self.best = self._best_so_far()

    def on_epoch_end(self, epoch, logs=None):
        add_row(self.rows, self.model, epoch, logs)
        # The best first: a kill between the two leaves an epoch to be done again, and no gap.
        value = (logs or {}).get(self.monitor)
        if value is not None and value > self.best and epoch >= self.since:
            checkpoint_file.save(self.model, self.run.best, self.rows)
            self.best = value
        checkpoint_file.save(self.model, self.run.checkpoint_path(epoch + 1), self.rows)
        if self.keep:
            for old in self.run.epochs()[: -self.keep]:
                path = self.run.checkpoint_path(old)
                if not path.is_dir():  # which is none of ours
                    path.unlink(missing_ok=True)

    def _best_so_far(self):
        best, rows = self.run.best, None
        if best.exists() and not checkpoint_file.damage(best):
            rows = checkpoint_file.rows(best)
        rows = rows[-1:] if rows else self.rows
        return max(measured(rows, self.monitor, self.since), default=-math.inf)


def measured(rows, monitor, since=0):
    """Values of a metric in rows of epochs from `since` on, without what is not finite."""
    values = [row[monitor] for row in rows if monitor in row and row.get("epoch", since) >= since]
    return [value for value in values if math.isfinite(value)]
