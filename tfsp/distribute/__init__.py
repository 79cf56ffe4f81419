"""Training on several devices and machines: batches, workers, and what all of them must agree on.

`workers()` makes the strategy; within its scope a model is built, and `fit` and `evaluate` are
those of Keras.
"""

from tfsp.distribute.batches import apply_to_rows, mean, symbolic_batch
from tfsp.distribute.cluster import is_chief, scope, several_workers, workers
from tfsp.distribute.exchange import broadcast, from_all, from_chief
from tfsp.distribute.guard import SameEverywhere
from tfsp.distribute.lost import WorkerLost, losses_explained
from tfsp.distribute.trainer import Trainer, by_rows

__all__ = [
    "SameEverywhere",
    "Trainer",
    "WorkerLost",
    "apply_to_rows",
    "broadcast",
    "by_rows",
    "from_all",
    "from_chief",
    "is_chief",
    "losses_explained",
    "mean",
    "scope",
    "several_workers",
    "symbolic_batch",
    "workers",
]
