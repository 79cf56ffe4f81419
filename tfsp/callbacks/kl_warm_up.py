"""KL warm-up."""

import keras

from tfsp import arguments


class KLWarmUp(keras.callbacks.Callback):
    """Raises `model.kl_weight` linearly from `start` to 1 over the first `epochs` epochs.

    Epoch e (from 0) is trained with start + (1 - start) * min(1, e / epochs). The weight depends
    on the number of the epoch alone, so a resumed run goes on as if nothing had happened.

    Args:
      epochs: length of the warm-up; 0 sets the weight to 1 at once.
      start: weight of the first epoch. Default 0.01 (loracs.txt, appendix D.1).

    Raises:
      ValueError: if `epochs` < 0 or `start` is outside [0, 1].
    """

    def __init__(self, epochs, start=0.01):
        super().__init__()
        self.epochs = arguments.integer("epochs", epochs, 0)
        self.start = arguments.number("start", start, "[0, 1]")

    def on_epoch_begin(self, epoch, logs=None):
        progress = min(1.0, epoch / self.epochs) if self.epochs else 1.0
        self.model.kl_weight.assign(self.start + (1.0 - self.start) * progress)
