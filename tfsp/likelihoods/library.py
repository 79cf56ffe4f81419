"""The total count of an example as a latent variable, with a posterior of its own."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfsp.likelihoods.base import Likelihood, OwnDraw
from tfsp.random import SeedStream, as_seed, fold_in

_LEAST_SCALE = 1e-2  # of log l under the prior, where all examples have about one total
_LOG_VARIANCE_RANGE = (-10.0, 10.0)
_FOLD = 1_000  # keeps the draws apart from those of the model's latents at the same seed


class LearnedLibrary(keras.layers.Layer):
    """p(log l) = N(m, s^2), the same for all, and q(log l | x) = N(m + s a(x), s^2 b(x)^2).

    m and s are mean and standard deviation of the logs of the totals of training examples, a and
    log b^2 the outputs of a network of one hidden layer, which sees what an encoder sees.

    Args:
      units: of the hidden layer.
      **kwargs: of `keras.layers.Layer`.

    Attributes:
      loc, scale: m and s, weights that are not trained; NaN until `adapt`.

    Source: Lopez et al. 2018 (scVI), and scvi-tools' `use_observed_lib_size=False`.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hidden = keras.layers.Dense(units, activation="relu", dtype=self.dtype_policy)
        self.outputs = keras.layers.Dense(2, dtype=self.dtype_policy)
        once = {"trainable": False, "aggregation": "only_first_replica", "autocast": False}
        self.loc, self.scale = (
            self.add_weight(
                name=name,
                shape=(),
                initializer=lambda shape, dtype: tf.constant(float("nan"), dtype),
                **once,
            )
            for name in ("loc", "scale")
        )

    def build(self, input_shape: Any) -> None:
        """Makes the network, for inputs `[B, F]`."""
        self.hidden.build(input_shape)
        self.outputs.build((None, self.hidden.units))
        self.built = True

    def adapt(self, totals: np.ndarray) -> None:
        """Sets m and s from the positive totals of examples `[n]`."""
        logs = np.log(totals)
        self.loc.assign(logs.mean())
        self.scale.assign(max(_LEAST_SCALE, logs.std()))

    def posterior(self, inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """a and b `[B]`, mean and scale of (log l - m) / s under q, for inputs `[B, F]`."""
        a, log_variance = tf.unstack(self.outputs(self.hidden(inputs)), axis=-1)
        return a, tf.exp(0.5 * tf.clip_by_value(log_variance, *_LOG_VARIANCE_RANGE))

    def log_total(self, standardised: tf.Tensor) -> tf.Tensor:
        """log l of (log l - m) / s."""
        return tf.convert_to_tensor(self.loc) + tf.convert_to_tensor(self.scale) * standardised

    def draw(
        self, inputs: tf.Tensor, num_samples: Any, seed: Any
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """(log l `[S, B]`, KL(q || p) `[B]` in closed form, log p(l) - log q(l | x) `[S, B]`)."""
        a, b = self.posterior(inputs)
        seed = as_seed(seed) if isinstance(seed, SeedStream) else fold_in(as_seed(seed), _FOLD)
        noise = tf.random.stateless_normal([num_samples, tf.shape(a)[0]], seed, dtype=a.dtype)
        u = a + b * noise
        kl = 0.5 * (a**2 + b**2 - 1.0) - tf.math.log(b)
        return self.log_total(u), kl, 0.5 * (noise**2 - u**2) + tf.math.log(b)


class GivenLibrary:
    """A likelihood of counts whose total is a draw: what p(x | z, l) is asked for.

    Args:
      likelihood: a `CountLikelihood`.
      total: l `[S, B]`.
    """

    def __init__(self, likelihood: Any, total: tf.Tensor) -> None:
        self._likelihood, self._total = likelihood, total

    def distribution_given(self, x: Any, outputs: tf.Tensor, data_rank: int) -> Any:
        """p(x | z, l) of decoder outputs `[..., S, B, *output_shape]`."""
        del x
        total = self._total[(...,) + (tf.newaxis,) * data_rank]
        return self._likelihood.around(outputs, data_rank, total)

    def log_prob(self, x: Any, outputs: tf.Tensor, data_rank: int) -> tf.Tensor:
        """log p(x | z, l) in nats, of the entries that are there: `[..., S, B]`."""
        distribution = self.distribution_given(x, outputs, data_rank)
        return Likelihood.log_prob_under(self._likelihood, distribution, x, data_rank)


def own_draw(likelihood: Any, log_total: tf.Tensor, kl: tf.Tensor, log_ratio: tf.Tensor) -> OwnDraw:
    """The draw of a learned library as models take it."""
    return OwnDraw("kl_library", GivenLibrary(likelihood, tf.exp(log_total)), kl, log_ratio)
