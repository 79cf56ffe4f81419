"""VampPrior: a mixture of the posteriors of learned pseudo-inputs."""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import arguments
from tfsp.distributions import DiagonalGaussianMixture
from tfsp.priors import encoded
from tfsp.priors.base import Prior, register
from tfsp.random import check_seed, generator

tfd = tfp.distributions


@keras.saving.register_keras_serializable("tfsp")
class UnitInterval(keras.constraints.Constraint):
    """Keeps a weight in [0, 1] by projection after each step.

    A clipped weight would get no gradient once outside; a projected one never leaves.
    """

    def __call__(self, value):
        return tf.clip_by_value(value, 0.0, 1.0)


@register("vamp")
class VampPrior(Prior):
    """p(z) = 1/K sum_k q(z | u_k), with K learned pseudo-inputs u_k in the space of the data.

    The model passes on its posterior when it is built; the pseudo-inputs then take the shape
    of the data. They start as noise around 0.5, or, by `adapt(x)`, as examples.

    Args:
      latent_dim: D.
      num_components: K.
      start: "noise" or "data" (`fit` then calls `adapt` with the training data, unless
        `model.adapt(x)` was called before).
      bounded: whether the pseudo-inputs are kept in [0, 1], as images are.
      learned: whether the pseudo-inputs are trained (False with start="data" gives a fixed
        subset of the data).
      seed: int, for the noise and for the choice of examples.

    Raises:
      ValueError: for K < 1, an unknown `start`, use before the model is built, or fewer than K
        examples given to `adapt`.

    Source: Tomczak & Welling 2018, arXiv:1705.07120, eq. (9).
    """

    needs_posterior = True

    def __init__(
        self,
        latent_dim,
        num_components=500,
        start="noise",
        bounded=True,
        learned=True,
        seed=0,
        **kwargs,
    ):
        super().__init__(latent_dim, **kwargs)
        num_components = arguments.integer("num_components", num_components)
        if start not in ("noise", "data"):
            raise ValueError(f"`start` must be 'noise' or 'data'. Received: {start!r}.")
        self._config = dict(
            num_components=num_components,
            start=start,
            bounded=bounded,
            learned=learned,
            seed=check_seed(seed, optional=True),
        )
        self.num_components = num_components
        self.pseudo_inputs = None
        self._posterior = None
        # A weight, so that a reloaded model does not start from data a second time.
        self._adapted = self._constant("adapted", start == "noise", False, dtype="bool")

    @property
    def wants_data(self):
        return not bool(self._adapted.numpy())

    @property
    def min_examples(self):
        return self.num_components

    def connect(self, posterior, data_shape):
        self._posterior = posterior
        if self.pseudo_inputs is not None:
            return
        shape = (self.num_components, *data_shape)
        rng = generator(self._config["seed"], optional=True)
        noise = np.clip(rng.normal(0.5, 0.1, size=shape), 0, 1)
        self.pseudo_inputs = self._constant(
            "pseudo_inputs",
            noise.astype("float32"),
            self._config["learned"],
            constraint=UnitInterval() if self._config["bounded"] else None,
        )

    def adapt(self, examples):
        """Initialises the pseudo-inputs by K of the examples, chosen by seed.

        With start="noise" nothing happens.

        Args:
          examples: `Encoded`, of which x `[n, *data_shape]` is used. Its missing entries (NaN) take
            values that other examples have there.

        Raises:
          ValueError: for fewer than K examples, another shape, or data outside [0, 1] where the
            pseudo-inputs are bounded.
        """
        if self._config["start"] != "data":
            return
        encoded.require(self, examples)
        self._require_posterior()
        rng = generator(self._config["seed"], optional=True)
        x = _completed(examples.x, rng)
        wanted = (self.num_components, *self.pseudo_inputs.shape[1:])
        if x.shape[1:] != wanted[1:] or len(x) < self.num_components:
            raise ValueError(
                f"`adapt` needs at least {wanted[0]} examples of shape {wanted[1:]} to start the "
                f"pseudo-inputs. Received: {len(x)} of shape {x.shape[1:]}."
            )
        if self._config["bounded"] and (x.min() < 0 or x.max() > 1):
            raise ValueError(
                "The pseudo-inputs are kept in [0, 1], but the data they are to start from run "
                f"from {x.min():.6g} to {x.max():.6g}. Set bounded=False."
            )
        chosen = rng.choice(len(x), size=self.num_components, replace=False)
        self.pseudo_inputs.assign(x[chosen])
        self._adapted.assign(True)

    def distribution(self, training=False):
        self._require_posterior()
        # In inference mode even while training: batch normalisation must neither be fed with
        # pseudo-inputs nor give them another posterior than the data have.
        q = self._posterior(self.pseudo_inputs.value, training=False)
        logits = tf.zeros([self.num_components], self.variable_dtype)
        if isinstance(q, tfd.MultivariateNormalTriL):
            return tfd.MixtureSameFamily(tfd.Categorical(logits=logits), q)
        normal = q.distribution if isinstance(q, tfd.Independent) else None
        if not isinstance(normal, tfd.Normal):
            raise ValueError(
                f"The VampPrior needs a Gaussian posterior. Received: {type(q).__name__}."
            )
        log_variance = 2.0 * tf.math.log(normal.scale) + tf.zeros_like(normal.loc)
        return DiagonalGaussianMixture(logits, normal.loc, log_variance, fast=training)

    def _require_posterior(self):
        if self._posterior is None:
            raise ValueError(
                "This VampPrior has no posterior yet. Build the model that holds it first "
                "(`model.build((None, *data_shape))`, or call `fit`), or call "
                "`prior.connect(posterior, data_shape)`."
            )

    @classmethod
    def example(cls):
        prior = cls(latent_dim=2, num_components=3)

        def posterior(x, training=False):
            return tfd.Independent(tfd.Normal(x[:, :2], 0.5 + x[:, 2:4]), 1)

        prior.connect(posterior, data_shape=(4,))
        return prior

    def get_config(self):
        return {**super().get_config(), **self._config}


def _completed(x, rng):
    """x `[n, ...]` with a value of another example, chosen at random, for each NaN."""
    absent = np.isnan(x)
    if not absent.any():
        return x
    flat, holes = x.reshape(len(x), -1).copy(), absent.reshape(len(x), -1)
    for column in np.flatnonzero(holes.any(axis=0)):
        there = flat[~holes[:, column], column]
        flat[holes[:, column], column] = rng.choice(there, holes[:, column].sum())
    return flat.reshape(x.shape)
