"""What a run writes while it trains: a line, a CSV row and TensorBoard events for each epoch."""

import csv
import os
import time

import keras
import tensorflow as tf


class EpochLine(keras.callbacks.Callback):
    """Prints one line for each epoch: bound, KL, validation bound, images per second.

    Under `steps_per_execution` Keras's bar miscounts; `fit(verbose=0)` with this line does not.

    Args:
      images_per_epoch: number of training examples seen in an epoch.
    """

    def __init__(self, images_per_epoch):
        super().__init__()
        self.images_per_epoch = images_per_epoch

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()
        self._stop = None

    def on_train_batch_end(self, batch, logs=None):
        self._stop = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        speed = self.images_per_epoch / max((self._stop or time.perf_counter()) - self._start, 1e-9)
        parts = [f"epoch {epoch + 1}/{self.params['epochs']}"]
        for name in ("elbo", "iwae", "log_likelihood", "kl", "val_elbo", "val_iwae"):
            if name in logs:
                parts.append(f"{name} {logs[name]:.2f}")
        parts.append(f"{speed:,.0f} images/s")
        print("  ".join(parts), flush=True)


class HistoryFile(keras.callbacks.Callback):
    """Appends the metrics of each epoch to a CSV file; column `epoch` counts from 0.

    Args:
      path: the file. When training starts at epoch e, rows of epochs from e on (of a run that
        was killed between writing its row and its checkpoint) are dropped.
      first_epoch: where this start begins.
    """

    def __init__(self, path, first_epoch=0):
        super().__init__()
        self.path = path
        self.rows = [row for row in read_history(path) if row["epoch"] < first_epoch]

    def on_epoch_end(self, epoch, logs=None):
        learning_rate = self.model.optimizer.learning_rate
        row = {"epoch": epoch, **{k: float(v) for k, v in (logs or {}).items()}}
        row["kl_weight"] = float(self.model.kl_weight.numpy())
        row["learning_rate"] = float(keras.ops.convert_to_numpy(learning_rate))
        self.rows.append(row)
        partial = self.path.with_name(self.path.name + ".partial")
        with partial.open("w", newline="") as file:
            # Not every epoch measures everything: a tree's health only after its start.
            names = list(dict.fromkeys(name for row in self.rows for name in row))
            writer = csv.DictWriter(file, fieldnames=names, restval="")
            writer.writeheader()
            writer.writerows(self.rows)
        os.replace(partial, self.path)


def read_history(path):
    """Rows of a history file, dicts of floats with an int `epoch`; [] if there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            {k: int(v) if k == "epoch" else float(v) for k, v in row.items() if v != ""}
            for row in csv.DictReader(file)
        ]


class TensorBoardLog(keras.callbacks.Callback):
    """Writes metrics to TensorBoard each epoch, and pictures every `image_epochs` epochs.

    Args:
      folder: where the events go.
      draw: function (model) -> dict of name -> image `[H, W, C]` on [0, 1]; None for no pictures.
      image_epochs: how often; the last epoch is always drawn. 0 draws that alone.
    """

    def __init__(self, folder, draw=None, image_epochs=10):
        super().__init__()
        self.folder = folder
        self.draw = draw
        self.image_epochs = image_epochs

    def on_train_begin(self, logs=None):
        self.writer = tf.summary.create_file_writer(str(self.folder))

    def on_epoch_end(self, epoch, logs=None):
        last = epoch + 1 == self.params["epochs"]
        with self.writer.as_default():
            for name, value in (logs or {}).items():
                side = "validation" if name.startswith("val_") else "train"
                tf.summary.scalar(f"{name.removeprefix('val_')}/{side}", value, step=epoch + 1)
            due = last or (self.image_epochs and (epoch + 1) % self.image_epochs == 0)
            if self.draw is not None and due:
                for name, image in self.draw(self.model).items():
                    tf.summary.image(name, image[tf.newaxis], step=epoch + 1)
        self.writer.flush()

    def on_train_end(self, logs=None):
        self.writer.close()
