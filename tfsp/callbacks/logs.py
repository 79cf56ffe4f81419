"""What a run writes while it trains: a line, a CSV row and TensorBoard events for each epoch."""

import time

import keras
import tensorflow as tf

from tfsp import atomic
from tfsp.history_file import read_history, write_history

_COLUMNS = 100  # of a line
_WIDEST = 10  # characters of a number that is written out
_GAP = "  "


class EpochLine(keras.callbacks.Callback):
    """Prints one line of at most 100 columns for each epoch.

    The epoch and its seconds, then what fits, the most important first: the bound that is trained
    in training and in validation, the ELBO likewise, its two parts, images per second, and then
    the other metrics in their order. The files of the run have all of them.

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
        seconds = max((self._stop or time.perf_counter()) - self._start, 1e-9)
        bound = getattr(getattr(self.model, "bound", None), "name", "elbo")
        shown = f"{seconds:.1f} s" if seconds >= 10 else f"{seconds:.2f} s"
        parts = [f"epoch {epoch + 1}/{self.params['epochs']}", shown]
        parts += _metrics(logs or {}, bound, f"{self.images_per_epoch / seconds:,.0f} images/s")
        print(_fitting(parts), flush=True)


def _metrics(logs, bound, speed):
    """Texts of an epoch's metrics, the most important first."""
    first = dict.fromkeys((bound, f"val_{bound}", "elbo", "val_elbo", "log_likelihood", "kl"))
    leading = [name for name in first if name in logs]
    others = [name for name in logs if name not in first]
    texts = {name: f"{name} {_shown(float(value))}" for name, value in logs.items()}
    return [texts[name] for name in leading] + [speed] + [texts[name] for name in others]


def _shown(value):
    text = f"{value:.2f}"
    return text if len(text) <= _WIDEST else f"{value:.3g}"


def _fitting(parts):
    """The first part and those after it that a line still has room for."""
    line = parts[0]
    for part in parts[1:]:
        if len(line) + len(_GAP) + len(part) <= _COLUMNS:
            line += _GAP + part
    return line


class HistoryFile(keras.callbacks.Callback):
    """Writes the metrics of each epoch to a CSV file; column `epoch` counts from 0.

    Args:
      path: the file. When training starts at epoch e, rows of epochs from e on (of a run that
        was killed between writing its row and its checkpoint) are dropped.
      first_epoch: where this start begins.
      rows: those of the epochs before; None reads them from the file.

    Raises:
      ValueError: as `read_history`.
      WriteError: at the end of an epoch.
    """

    def __init__(self, path, first_epoch=0, rows=None):
        super().__init__()
        self.path = path
        rows = read_history(path) if rows is None else rows
        self.rows = [row for row in rows if row["epoch"] < first_epoch]

    def on_epoch_end(self, epoch, logs=None):
        add_row(self.rows, self.model, epoch, logs)
        write_history(self.path, self.rows)


def add_row(rows, model, epoch, logs):
    """Adds the metrics of an epoch to `rows` unless another callback has done so."""
    if rows and rows[-1].get("epoch") == epoch:
        return
    row = {"epoch": epoch, **{k: float(v) for k, v in (logs or {}).items()}}
    if hasattr(model, "kl_weight"):
        row["kl_weight"] = float(model.kl_weight.numpy())
    row["learning_rate"] = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
    rows.append(row)


class TensorBoardLog(keras.callbacks.Callback):
    """Writes metrics to TensorBoard each epoch, and pictures every `image_epochs` epochs.

    Args:
      folder: where the events go.
      draw: function (model) -> dict of name -> image `[H, W, C]` on [0, 1]; None for no pictures.
      image_epochs: how often; the last epoch is always drawn. 0 draws that alone.

    Raises:
      WriteError: at the beginning of training or the end of an epoch.
    """

    def __init__(self, folder, draw=None, image_epochs=10):
        super().__init__()
        self.folder = folder
        self.draw = draw
        self.image_epochs = image_epochs

    def on_train_begin(self, logs=None):
        with atomic.explained(self.folder):
            self.writer = tf.summary.create_file_writer(str(self.folder))
            self.writer.flush()

    def on_epoch_end(self, epoch, logs=None):
        last = epoch + 1 == self.params["epochs"]
        due = last or (self.image_epochs and (epoch + 1) % self.image_epochs == 0)
        images = self.draw(self.model) if self.draw is not None and due else {}
        with atomic.explained(self.folder), self.writer.as_default():
            for name, value in (logs or {}).items():
                side = "validation" if name.startswith("val_") else "train"
                tf.summary.scalar(f"{name.removeprefix('val_')}/{side}", value, step=epoch + 1)
            for name, image in images.items():
                tf.summary.image(name, image[tf.newaxis], step=epoch + 1)
            self.writer.flush()

    def on_train_end(self, logs=None):
        with atomic.explained(self.folder):
            self.writer.close()
