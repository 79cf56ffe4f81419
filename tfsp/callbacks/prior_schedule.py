"""Per-epoch hooks of a prior: initialisation from data, annealing, diagnostics."""

import warnings

import keras
import numpy as np

from tfsp import distribute, subset

_NUM_CODES = 200


class PriorSchedule(keras.callbacks.Callback):
    """Initialises a prior from data when its epoch has come, and logs its diagnostics.

    At the beginning of each epoch: `model.adapt(examples)` if the prior wants data and its
    `start_epoch` is reached, then `prior.begin_epoch(epoch)`. At the end: what
    `prior.health(codes)` returns goes into the logs, and its warnings (`prior.warnings()`) are
    shown, each kind once. `fit` adds this callback by itself. A later `fit` of the same model, or
    of one that was saved and loaded, goes on with the epochs where the one before stopped: they
    are counted by the steps of the optimiser.

    Args:
      examples: array `[n, *data_shape]`, or a function (limit) that returns so many of them at
        random, the same ones in every call, all for None. (Of an array they are chosen as
        `tfsp.subset` says.) Called only if the prior has a use for it. Without examples no prior
        can be started, and diagnostics that need codes are left out of the logs.
      limit: how many examples a prior starts from; None for all.
      count: function (most) that says how many examples there are and need not count beyond
        `most`; None asks `examples` for them.

    Raises:
      ValueError: in the epoch in which a prior is to start from data, if there are no examples; at
        once if there are fewer than it needs.
    """

    def __init__(self, examples=None, limit=None, count=None):
        super().__init__()
        self._source = examples
        self._limit = limit
        self._count = count or (lambda most: len(self.examples(most)))
        self._probe = None
        self._warned = set()
        self._epoch = 0

    def examples(self, limit):
        """`limit` examples, all for None."""
        if callable(self._source):
            return self._source(limit)
        return np.asarray(self._source)[subset.rows(len(self._source), limit)]

    def on_train_begin(self, logs=None):
        """Fails before training, not at `start_epoch`, if there are too few examples."""
        prior = self.model.prior
        needed = prior.min_examples
        starts = prior.wants_data and prior.start_epoch < self.params["epochs"]
        if self._source is None or not starts or needed == 1:
            return
        found = self._count(needed)
        if found < needed:
            raise ValueError(
                f"The prior {type(prior).__name__} starts from at least {needed} examples. "
                f"Received: {found}. Give more, or make the prior smaller."
            )

    def on_epoch_begin(self, epoch, logs=None):
        prior = self.model.prior
        epoch = self._epoch = max(epoch, self._epochs_trained())
        if prior.wants_data and epoch >= prior.start_epoch:
            if self._source is None:
                raise ValueError(
                    f"The prior {type(prior).__name__} starts from data in epoch {epoch}. Give "
                    "examples, `PriorSchedule(examples)`, or call `model.adapt(x)` beforehand."
                )
            self.model.adapt(self.examples(self._limit))
            # Other machines may round otherwise, and find other clusters.
            distribute.broadcast(self.model.distribute_strategy, self.model.weights)
        prior.begin_epoch(epoch)

    def on_epoch_end(self, epoch, logs=None):
        prior = self.model.prior
        if not prior.has_health or (prior.health_needs_codes and self._source is None):
            return
        health = prior.health(self._codes() if prior.health_needs_codes else None)
        if logs is not None:
            logs.update(health)
        for kind, message in prior.warnings(health, self._epoch):
            if kind not in self._warned:
                self._warned.add(kind)
                warnings.warn(message, stacklevel=2)

    def on_train_end(self, logs=None):
        prior = self.model.prior
        if prior.wants_data and self._epoch < prior.start_epoch:
            warnings.warn(
                f"Training ended before the prior {type(prior).__name__} has started from data, "
                f"which it does after {prior.start_epoch} epochs. Train on, call "
                "`model.adapt(x)`, or set a smaller `start_epoch` (in a config "
                "`model.start_epoch` or `prior.start_epoch`).",
                stacklevel=2,
            )

    def _epochs_trained(self):
        """Epochs of this length that the optimiser has behind it: a second `fit` goes on."""
        steps = (self.params or {}).get("steps")
        optimizer = getattr(self.model, "optimizer", None)
        if not steps or optimizer is None:
            return 0
        return int(optimizer.iterations.numpy()) // steps

    def _codes(self):
        if self._probe is None:
            self._probe = self.examples(_NUM_CODES)
        return self.model.prior_view().encode(self._probe)
