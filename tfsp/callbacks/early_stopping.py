"""Early stopping that a resumed run remembers."""

import keras

from tfsp import arguments
from tfsp.callbacks.checkpoint import measured


class EarlyStopping(keras.callbacks.Callback):
    """Stops when `monitor` has not risen for `patience` epochs.

    `keras.callbacks.EarlyStopping` forgets at each start how long it has waited; this one takes
    the history of the epochs before.

    Args:
      patience: epochs without improvement, at least 1.
      monitor: metric to maximise.
      history: rows of the epochs before this start, dicts of metrics.
      since: the first epoch that counts; those of another prior before it are not waited on.

    Raises:
      ValueError: unless `patience` is a positive integer, or at the first epoch if `monitor` is not
        measured.
    """

    def __init__(self, patience, monitor="val_elbo", history=(), since=0):
        super().__init__()
        self.patience = arguments.integer("patience", patience)
        self.monitor = monitor
        self.since = since
        self.values = measured(history, monitor, since)

    def waited(self):
        """Epochs since the best value."""
        best = max(self.values)
        return len(self.values) - 1 - self.values.index(best)

    def done(self):
        """Whether a run with this history has stopped already."""
        return bool(self.values) and self.waited() >= self.patience

    def on_epoch_end(self, epoch, logs=None):
        if self.monitor not in (logs or {}):
            raise ValueError(
                f"Early stopping watches {self.monitor!r}, which is not measured. Measured: "
                f"{sorted(logs or {})}. Pass `validation_data` to `fit`."
            )
        if epoch < self.since:
            return
        self.values.append(logs[self.monitor])
        if self.done():
            print(f"Stopped: {self.monitor} has not risen for {self.patience} epochs.")
            self.model.stop_training = True
