"""`fit`, `evaluate` and `predict`: data and weights of examples are checked, priors started."""

import functools

import keras
import numpy as np
import tensorflow as tf

from tfsp import distribute
from tfsp.callbacks import PriorSchedule, StopOnNonFinite
from tfsp.models.core.training import Training
from tfsp.models.inputs import fit_inputs
from tfsp.models.inputs.examples import ADAPT_LIMIT, count_examples, take_examples


class Fitting(Training):
    """What users call with data, as in `keras.Model`."""

    def fit(self, x=None, y=None, *, callbacks=None, shuffle=None, **kwargs):
        """As `keras.Model.fit`, with checks and the prior's schedule.

        Data are checked first (arrays whole, datasets by their first batch): what is not a batch of
        examples, not finite, or outside [0, 1] or no counts where the likelihood needs that, is an
        error.
        `sample_weight` counts with labels and without: as an argument, in a dataset of
        (x, None, w), and in `validation_data` = (x, None, w). A prior that is initialised
        from data is so when its epoch has come (`PriorSchedule`, which also logs its diagnostics),
        a likelihood at once.
        Training stops with `NonFiniteError` when a term turns NaN or infinite. Generators yield
        (x,), (x, y) or (x, y, w); a prior that is initialised from data needs an array or a
        dataset, or `model.adapt(x)` beforehand. With generators, diagnostics that need encodings
        are not logged. On several workers it stops with RuntimeError when their weights part
        (`tfsp.distribute.SameEverywhere`).
        """
        x, y, kwargs["sample_weight"], kwargs["class_weight"] = fit_inputs.prepare(
            self,
            x,
            y,
            kwargs.get("sample_weight"),
            kwargs.get("class_weight"),
            kwargs.get("steps_per_epoch"),
        )
        self._start_likelihood(x, kwargs.get("steps_per_epoch"))
        kwargs["validation_data"] = fit_inputs.prepare_validation(
            self, kwargs.get("validation_data"), kwargs.get("validation_steps")
        )
        kwargs["validation_data"] = distribute.by_rows(
            self.distribute_strategy, kwargs["validation_data"]
        )
        if shuffle is None:
            shuffle = not isinstance(x, tf.data.Dataset)  # Keras warns: a dataset shuffles itself
        if not isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
            callbacks = [callback for callback in callbacks if callback is not None]
            if not any(isinstance(callback, StopOnNonFinite) for callback in callbacks):
                callbacks.insert(0, StopOnNonFinite())
            if not any(isinstance(callback, PriorSchedule) for callback in callbacks):
                examples = count = None
                if isinstance(x, (np.ndarray, tf.Tensor, tf.data.Dataset)):
                    steps = kwargs.get("steps_per_epoch")
                    examples = functools.partial(take_examples, x, steps=steps)
                    count = functools.partial(count_examples, x)
                elif self.prior.wants_data:
                    self._refuse_generator(x)
                callbacks.insert(0, PriorSchedule(examples, self.prior.most_examples, count))
            if distribute.several_workers(self.distribute_strategy):
                callbacks.insert(0, distribute.SameEverywhere())
        x = distribute.by_rows(self.distribute_strategy, x)
        return super().fit(x, y, callbacks=callbacks, shuffle=shuffle, **kwargs)

    def evaluate(self, x=None, y=None, *, sample_weight=None, **kwargs):
        """As `keras.Model.evaluate`; data and weights are checked as in `fit`.

        First the prior computes what its density needs and training has outdated, such as the
        log Z of a Boltzmann machine.
        """
        self.prior.begin_evaluation()
        if not kwargs.get("_use_cached_eval_dataset"):  # of `fit`, which has checked them
            x, y, sample_weight, _ = fit_inputs.prepare(
                self, x, y, sample_weight, None, kwargs.get("steps"), "steps"
            )
        x = distribute.by_rows(self.distribute_strategy, x)
        return super().evaluate(x, y, sample_weight=sample_weight, **kwargs)

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """`latent`, what `encode` gives, and `reconstruction` of all examples, NumPy.

        Data are checked as in `fit`. Examples in later batches of a dataset that are not finite
        give NaN (those with missing entries do not, where the likelihood allows them).
        """
        x, *_ = fit_inputs.prepare(self, x, steps=steps, steps_name="steps")
        return super().predict(x, batch_size, verbose, steps, callbacks)

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, **kwargs):
        """As `keras.Model.train_on_batch`; data and weights are checked as in `fit`."""
        batch = fit_inputs.prepare(self, x, y, sample_weight, class_weight)
        self._start_likelihood(x)
        return super().train_on_batch(*batch, **kwargs)

    def test_on_batch(self, x, y=None, sample_weight=None, **kwargs):
        """As `keras.Model.test_on_batch`; data and weights are checked as in `fit`."""
        x, y, sample_weight, _ = fit_inputs.prepare(self, x, y, sample_weight)
        return super().test_on_batch(x, y, sample_weight, **kwargs)

    def predict_on_batch(self, x):
        """As `keras.Model.predict_on_batch`; data are checked as in `fit`."""
        return super().predict_on_batch(fit_inputs.prepare(self, x)[0])

    def predict_step(self, data):
        x = self._check_data(keras.utils.unpack_x_y_sample_weight(data)[0])
        results = {"latent": self.encode(x), "reconstruction": self.reconstruct(x)}
        # Some kernels turn NaN into 0, and a code of 0 looks like any other.
        finite = tf.math.is_finite(self.likelihood.filled(x))
        finite = tf.reduce_all(finite, axis=list(range(1, x.shape.rank)))
        return {
            name: tf.where(_aligned(finite, value), value, float("nan"))
            for name, value in results.items()
        }

    def _start_likelihood(self, x, steps=None):
        if not self.likelihood.wants_data:
            return
        x = fit_inputs.without_index(x)
        if not (hasattr(x, "__array__") or isinstance(x, tf.data.Dataset)):
            raise ValueError(
                f"The likelihood {type(self.likelihood).__name__} takes a number from data before "
                "training and needs an array or a `tf.data.Dataset`, or "
                "`model.likelihood.adapt(x)` beforehand with an array of examples. Received: "
                f"{type(x).__name__}."
            )
        self.likelihood.adapt(take_examples(x, ADAPT_LIMIT, steps))
        distribute.broadcast(self.distribute_strategy, self.likelihood.weights)

    def _refuse_generator(self, x):
        raise ValueError(
            f"The prior {type(self.prior).__name__} starts from data in the course of training and "
            "needs an array or a `tf.data.Dataset`, or the callback "
            "`tfsp.callbacks.PriorSchedule(examples)` with an array of examples. "
            f"Received: {type(x).__name__}."
        )


def _aligned(rows, value):
    """`[B]` as `[B, 1, ...]`, of the rank of `value`."""
    return tf.reshape(rows, [-1] + [1] * (value.shape.rank - 1))
