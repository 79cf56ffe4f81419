"""What a prior does between epochs: start from data, anneal, tell how it is."""

import warnings

import keras

_NUM_CODES = 500


class PriorSchedule(keras.callbacks.Callback):
    """Starts a prior from data when its epoch has come, and logs its health.

    At the beginning of each epoch: `model.adapt(examples)` if the prior wants data and its
    `start_epoch` is reached, then `prior.begin_epoch(epoch)`. At the end: what
    `prior.health(codes)` returns goes into the logs, and its warnings (`prior.warnings()`) are
    shown, each kind once. `fit` adds this callback by itself.

    Args:
      examples: array `[n, *data_shape]`, or a function without arguments that returns one. Asked
        for only if the prior has a use for it.
    """

    def __init__(self, examples):
        super().__init__()
        self._source = examples
        self._examples = None
        self._warned = set()

    def examples(self):
        if self._examples is None:
            self._examples = self._source() if callable(self._source) else self._source
        return self._examples

    def on_epoch_begin(self, epoch, logs=None):
        prior = self.model.prior
        if prior.wants_data and epoch >= prior.start_epoch:
            self.model.adapt(self.examples())
        prior.begin_epoch(epoch)

    def on_epoch_end(self, epoch, logs=None):
        prior = self.model.prior
        if not prior.has_health:
            return
        health = prior.health(self.model.encode(self.examples()[:_NUM_CODES]))
        if logs is not None:
            logs.update(health)
        for kind, message in prior.warnings(health, epoch):
            if kind not in self._warned:
                self._warned.add(kind)
                warnings.warn(message, stacklevel=2)
