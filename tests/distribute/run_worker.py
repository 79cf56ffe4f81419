"""A worker of a run: `python run_worker.py RUN_DIR SETTINGS [EPOCH]`, killed in that epoch.

Ends as `scripts/train.py` does, and prints a hash of all weights and whether it has written into
the run directory.
"""

import json
import os
import signal
import sys

import keras

from tfsp import experiment
from tfsp.command_line import plain_errors
from tfsp.config import default_config
from tfsp.distribute.guard import weights_hash

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Kill(keras.callbacks.Callback):
    """Ends the process in the middle of an epoch, as a crash does."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch:
            os.kill(os.getpid(), signal.SIGKILL)


def watch(folder, written):
    """Collects in `written` what this process opens for writing, makes or moves in a folder."""

    def hook(event, arguments):
        path = str(arguments[0]) if arguments else ""
        opens = event == "open" and (arguments[2] or 0) & _WRITES
        if path.startswith(folder) and (opens or event in ("os.mkdir", "os.rename", "os.remove")):
            written.append(path)

    sys.addaudithook(hook)


def settings(changes):
    config = default_config()
    config.data.update(train_size=200, validation_size=51)
    config.network.hidden = (8,)
    config.model.latent_dim = 2
    config.train.update(
        epochs=4, batch_size=50, strategy="multi_worker", steps_per_execution=2, keep_checkpoints=0
    )
    for section, values in changes.items():
        for name, value in values.items():  # the class first
            config[section][name] = value
    return config


@plain_errors
def main(_):
    run_dir, changes, *epoch = sys.argv[1:]
    written = []
    watch(run_dir, written)
    kills = [Kill(int(number)) for number in epoch]
    model = experiment.train(settings(json.loads(changes)), run_dir, extra=kills)
    print("hash", weights_hash(model))
    print("has written" if written else "has not written")


if __name__ == "__main__":
    sys.exit(main(sys.argv[:1]))
