"""What likelihoods of counts share: the total count of an example, and how encoders see counts."""

import math
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from tfsp import arguments
from tfsp.likelihoods.base import Likelihood, OwnDraw, is_missing
from tfsp.likelihoods.library import LearnedLibrary, own_draw

_LIBRARIES = ("observed", "learned", "none")
# exp of it, squared or times thousands of entries, is still a float32; no count is near it.
_MOST_LOG_MEAN = 40.0
# In place of the total of an example without any count, whose probability is then 1.
_LEAST_TOTAL = 1e-30


class CountLikelihood(Likelihood):
    """x is 0, 1, 2, ... in each entry, around means mu that add up to the total of the example.

        library="observed":  mu = l softmax(first output),   over all entries of one x
        library="learned":   the same, l a latent variable
        library="none":      mu = exp(first output)

    l is the total count of the example, its library size. `log_prob` and `distribution_given` take
    it from x, which is hence given as well: log p(x | z, l) in nats is what a bound is of, and says
    nothing of l. Bounds with another `library` are not of the same quantity. `distribution`, and
    with it means and draws of decoded latents, takes a typical l: the median of the totals (those
    that are not 0) of up to 20,000 training examples, which `fit` and `train_on_batch` set at their
    start, or `adapt(x)` by hand. It is a weight, saved with the model. With `missing` totals are
    those of the entries that are there, and their means add up to it.

    A learned l is log-normal for each example, with mean and variance of log l from the training
    data, and has a posterior q(log l | x) by a network of its own (`library.LearnedLibrary`), the
    same given z: bounds are of p(x) then, with the KL of l as a part of theirs (`kl_library`), and
    importance weights hold its ratio. Where there is no x, l is the median of its prior, and in
    reconstructions that of its posterior. With `missing` l is the total of all entries, those that
    are missing too.

    Args:
      library: see above.
      typical_library: l where there is no x; None takes it from data. Goes with library="observed".
      log1p: whether encoders see log(1 + x) in place of x. Everything else is about counts, also
        what a model is given.
      **kwargs: of `Likelihood`: missing.

    Attributes:
      typical_library: with library="observed" a weight that is not trained; NaN until it is known.
      learned: the `LearnedLibrary` with library="learned", else None.

    Raises:
      ValueError: for another `library`, and a `typical_library` that is not positive or has no use.

    Source: Lopez et al. 2018, "Deep generative modeling for single-cell transcriptomics" (scVI),
      Nature Methods 15, with the observed library size of the scvi-tools that followed.
    """

    kind = "counts"
    unit_interval = False

    def __init__(
        self,
        library: str = "observed",
        typical_library: float | None = None,
        log1p: bool = True,
        library_units: int = 128,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if library not in _LIBRARIES:
            raise ValueError(f"`library` must be one of {_LIBRARIES}. Received: {library!r}.")
        if typical_library is not None:
            typical_library = arguments.number("typical_library", typical_library, "(0, inf)")
            if library != "observed":
                raise ValueError(
                    "`typical_library` goes with library='observed'; with 'none' the decoder tells "
                    "the totals, and a learned one has a prior from data. Received: "
                    f"typical_library={typical_library!r}."
                )
        library_units = arguments.integer("library_units", library_units)
        self._settings = dict(
            library=library,
            typical_library=typical_library,
            log1p=bool(log1p),
            library_units=library_units,
        )
        self.library = library
        self.log1p = bool(log1p)
        self.typical_library = self.learned = None
        if library == "learned":
            self.learned = LearnedLibrary(library_units, name="library", dtype=self.dtype_policy)
        if library == "observed":
            start = float("nan") if typical_library is None else typical_library
            self.typical_library = self.add_weight(
                name="typical_library",
                shape=(),
                initializer=lambda shape, dtype: tf.constant(start, dtype),
                trainable=False,
                aggregation="only_first_replica",
                autocast=False,
            )

    @property
    def wants_data(self) -> bool:
        """Whether the typical total, or the prior of a learned one, has not been set."""
        weight = self.typical_library if self.learned is None else self.learned.loc
        return weight is not None and bool(np.isnan(weight.numpy()))

    def build(self, data_shape: Any = None) -> None:
        """Makes the network of a learned library for an x of this shape.

        Raises:
          ValueError: with library="learned", without a shape or for another than before.
        """
        if self.learned is not None and not self.learned.built:
            shape = self.encoder_shape(self.shape_of_entries(data_shape))
            self.learned.build((None, math.prod(shape)))
        super().build(data_shape)

    def adapt(self, x: Any) -> None:
        """Sets the typical total, unless the constructor was given it, or the prior of a learned.

        Args:
          x: array of counts `[n, *data_shape]`.

        Raises:
          ValueError: if no example has any count.
        """
        if self.library == "none" or self._settings["typical_library"] is not None:
            return
        x = np.asarray(x)
        x = x.reshape(len(x), -1)
        if self.missing:
            x = np.where(np.isnan(x), 0, x)
        totals = x.sum(axis=1, dtype=np.float64)
        totals = totals[totals > 0]
        if not len(totals):
            raise ValueError(
                f"The likelihood {type(self).__name__} takes a typical total count from data. "
                f"Received: {len(x)} examples without any count. Leave empty examples out, or give "
                "`typical_library`."
            )
        if self.learned is not None:
            self.learned.adapt(totals)
        elif self.typical_library is not None:
            self.typical_library.assign(np.median(totals))

    def infer(self, x: tf.Tensor, num_samples: Any, seed: Any) -> OwnDraw | None:
        """See the base class: of a learned library."""
        if self.learned is None:
            return None
        return own_draw(self, *self.learned.draw(self._seen(x), num_samples, seed))

    def scaled(self, x: tf.Tensor) -> tf.Tensor:
        """log(1 + x) with `log1p`, else x.

        Below 0, where the learned pseudo-inputs of a VampPrior may be, it goes on as the odd
        function that it is there: finite, and without a bend.
        """
        if not self.log1p:
            return x
        x = tf.cast(x, self.variable_dtype)
        # Runtimes of served models lack `log1p`; of whole numbers nothing is lost without it.
        return tf.math.log(1.0 + tf.nn.relu(x)) - tf.math.log(1.0 + tf.nn.relu(-x))

    def distribution(self, outputs: tf.Tensor, data_rank: int) -> tfd.Distribution:
        """See the base class; for the typical total where there is one.

        Raises:
          ValueError: if that is not known. (Within a `tf.function`: means are NaN.)
        """
        if self.library == "none":
            return self._distribution(outputs, data_rank)
        if tf.executing_eagerly() and self.wants_data:
            raise ValueError(
                f"The likelihood {type(self).__name__} multiplies shares of the entries by a "
                "typical total count where there is no x, and has seen no data. Call `fit`, or "
                "`model.likelihood.adapt(x)` with an array of counts, or give `typical_library`."
            )
        if self.learned is not None:
            return self.around(outputs, data_rank, tf.exp(self.learned.loc))
        return self._distribution(outputs, data_rank, tf.convert_to_tensor(self.typical_library))

    def distribution_given(self, x: Any, outputs: tf.Tensor, data_rank: int) -> tfd.Distribution:
        """See the base class; for the total of x, or a learned one by the posterior's median."""
        if self.library == "none":
            return self._distribution(outputs, data_rank)
        x = tf.cast(x, self.variable_dtype)
        if self.learned is not None:
            total = tf.exp(self.learned.log_total(self.learned.posterior(self._seen(x))[0]))
            return self.around(outputs, data_rank, total[(...,) + (tf.newaxis,) * data_rank])
        total = tf.reduce_sum(self.filled(x), axis=_last_axes(data_rank), keepdims=True)
        return self._distribution(outputs, data_rank, total, is_missing(x))

    def log_prob(self, x: Any, outputs: tf.Tensor, data_rank: int) -> tf.Tensor:
        """See the base class.

        Raises:
          ValueError: with library="learned", as l is not known: models draw it by `infer`.
        """
        if self.learned is not None:
            raise ValueError(
                "With library='learned' log p(x | z) is an integral over the total l, for which "
                "there is no formula. Ask the model for `log_weights(x, num_samples)`, or take "
                "`likelihood.infer(x, num_samples, seed).likelihood.log_prob`."
            )
        return super().log_prob(x, outputs, data_rank)

    def around(self, outputs: tf.Tensor, data_rank: int, total: tf.Tensor) -> tfd.Distribution:
        """Distribution over x from decoder outputs, of means that add up to `total` `[..., 1]`."""
        return self._distribution(outputs, data_rank, total)

    def _seen(self, x):
        """What an encoder sees of x, flat: `[B, F]`."""
        seen = self.encoder_input(tf.cast(x, self.variable_dtype))
        return tf.reshape(seen, [tf.shape(seen)[0], math.prod(seen.shape[1:])])

    def pixel_distribution(self, log_mean: tf.Tensor, *others: tf.Tensor) -> tfd.Distribution:
        """Distribution of each entry of x, from the logs of the means and the other outputs."""
        raise NotImplementedError(f"{type(self).__name__} must define `pixel_distribution`.")

    def _distribution(self, outputs, data_rank, total=None, absent=None):
        outputs = tf.cast(outputs, self.variable_dtype)
        logits, *others = tf.split(outputs, self.num_parameters, axis=-1)
        if total is None:
            log_mean = tf.minimum(logits, _MOST_LOG_MEAN)
        else:
            axes = _last_axes(data_rank)
            if self.missing and absent is not None:
                shares = logits - _log_sum(tf.where(absent, logits.dtype.min, logits), axes)
            else:
                shares = logits - _log_sum(logits, axes)
            log_mean = tf.math.log(tf.maximum(total, _LEAST_TOTAL)) + shares
            if self.missing:  # a share of what is there, which may be next to nothing
                log_mean = tf.minimum(log_mean, _MOST_LOG_MEAN)
        return tfd.Independent(
            self.pixel_distribution(log_mean, *others), reinterpreted_batch_ndims=data_rank
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._settings}


def _last_axes(number):
    return list(range(-number, 0))


def _log_sum(logits, axes):
    """Log of the sum of exp, with operations that all served runtimes have; axes are kept."""
    top = tf.stop_gradient(tf.reduce_max(logits, axis=axes, keepdims=True))
    return top + tf.math.log(tf.reduce_sum(tf.exp(logits - top), axis=axes, keepdims=True))
