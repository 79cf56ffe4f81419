"""A clear stop when training runs into NaN or infinity."""

import keras
import numpy as np


class NonFiniteError(ArithmeticError):
    """Training met a term that is NaN or infinite."""


class StopOnNonFinite(keras.callbacks.Callback):
    """Raises `NonFiniteError`, naming the term and the step, as soon as a loss is not finite.

    Args:
      last_good: function that returns a line about where the last good weights are, or None.
    """

    def __init__(self, last_good=None):
        super().__init__()
        self.last_good = last_good

    def on_train_begin(self, logs=None):
        self.model.nonfinite_step.assign(-np.ones(len(self.model.term_names)))

    def on_train_batch_end(self, batch, logs=None):
        if not logs or np.isfinite(logs.get("loss", 0.0)):
            return
        steps = dict(zip(self.model.term_names, self.model.nonfinite_step.numpy(), strict=True))
        bad = {name: int(step) for name, step in steps.items() if step >= 0}
        if bad:
            step = min(bad.values())
            terms = " and ".join(name for name in bad if bad[name] == step)
            found = f"{terms} became NaN or infinite at training step {step}"
        else:
            found = (
                "a regulariser or the weight of an example became NaN or infinite before training "
                f"step {batch + 1}"
            )
        advice = (
            "Try a lower learning rate or gradient clipping (`train.clip_norm`), and check the "
            "data for NaN and for values outside [0, 1]."
        )
        where = self.last_good() if self.last_good is not None else None
        raise NonFiniteError(" ".join(filter(None, [f"Training stopped: {found}.", where, advice])))
