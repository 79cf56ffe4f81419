"""A clear stop when training runs into NaN or infinity."""

import keras
import numpy as np
import tensorflow as tf

from tfsp import distribute

_NUM_NAMED = 3
_NEVER = np.iinfo(np.int64).max


class NonFiniteError(ArithmeticError):
    """Training met a term that is NaN or infinite."""


class StopOnNonFinite(keras.callbacks.Callback):
    """Raises `NonFiniteError`, naming what and when, as soon as something is not finite.

    Looked at are the loss after each execution, naming term and step, and at the end of an epoch
    the weights, which its last update may have ruined, and what the validation measured. Place it
    before what saves the model: nothing ruined is saved then.

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
        # Of several workers one may have met what all of them see in the loss.
        steps = distribute.from_all(
            self.model.distribute_strategy, self.model.nonfinite_step.numpy()
        )
        steps = np.where(steps < 0, _NEVER, steps).min(axis=0)
        steps = dict(zip(self.model.term_names, steps, strict=True))
        bad = {name: int(step) for name, step in steps.items() if step < _NEVER}
        if bad:
            step = min(bad.values())
            terms = " and ".join(name for name in bad if bad[name] == step)
            self._stop(f"{terms} became NaN or infinite at training step {step}")
        self._stop(
            "a regulariser or the weight of an example became NaN or infinite before training "
            f"step {batch + 1}"
        )

    def on_epoch_end(self, epoch, logs=None):
        bad = nonfinite_weights(self.model)
        if bad:
            more = f" and {len(bad) - _NUM_NAMED} more" if len(bad) > _NUM_NAMED else ""
            self._stop(
                f"the last updates of epoch {epoch + 1} made weights NaN or infinite "
                f"({', '.join(bad[:_NUM_NAMED])}{more})"
            )
        measured = {name: v for name, v in (logs or {}).items() if name.startswith("val_")}
        bad = [name for name, value in measured.items() if not np.isfinite(value)]
        if bad:
            self._stop(
                f"{' and '.join(bad)} became NaN or infinite in the validation after epoch "
                f"{epoch + 1}"
            )

    def _stop(self, found):
        advice = (
            "Try a lower learning rate or gradient clipping (`train.clip_norm`), and check the "
            "data for NaN and for values outside [0, 1]."
        )
        where = self.last_good() if self.last_good is not None else None
        raise NonFiniteError(" ".join(filter(None, [f"Training stopped: {found}.", where, advice])))


def nonfinite_weights(model):
    """Paths of those weights, and of the optimiser's, that hold NaN or infinity."""
    optimizer = getattr(model, "optimizer", None)
    variables = [*model.weights, *(optimizer.variables if optimizer is not None else ())]
    floating = [v for v in variables if keras.backend.is_float_dtype(v.dtype)]
    finite = [tf.reduce_all(tf.math.is_finite(tf.convert_to_tensor(v.value))) for v in floating]
    good = np.array(tf.stack(finite)) if finite else ()
    return [v.path for v, whole in zip(floating, good, strict=True) if not whole]
