"""A guard against workers that part silently."""

import hashlib
from typing import Any

import keras
import numpy as np

from tfsp.distribute.exchange import from_all


class SameEverywhere(keras.callbacks.Callback):
    """Stops when the weights of the workers are no longer the same bits.

    At the end of each epoch every worker makes a hash of all weights, those of the optimiser and
    the states of chains included, and they are compared. `fit` adds this callback by itself where
    a strategy spans several workers.

    Raises:
      RuntimeError: at the end of an epoch, naming the workers that differ from the first.
    """

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        found = from_all(self.model.distribute_strategy, [weights_hash(self.model)])[:, 0]
        others = [str(worker) for worker, value in enumerate(found) if value != found[0]]
        if others:
            raise RuntimeError(
                f"After epoch {epoch + 1} the weights of worker {', '.join(others)} differ from "
                "those of worker 0. Are all machines of one kind, with the same versions of tfsp "
                "and TensorFlow, and do they see the same data in the same order?"
            )


def weights_hash(model: keras.Model) -> int:
    """A hash of all weights and of the optimiser's, an int of 56 bits."""
    optimizer = getattr(model, "optimizer", None)
    digest = hashlib.sha256()
    for weight in [*model.weights, *(optimizer.variables if optimizer is not None else ())]:
        digest.update(np.ascontiguousarray(weight.numpy()).tobytes())
    return int.from_bytes(digest.digest()[:7], "big")
