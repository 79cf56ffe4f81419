"""The prior of the GM-VAE: a mixture of normals whose components a second latent shapes."""

import math

import keras
import tensorflow as tf

from tfsp import arguments
from tfsp.distributions.normal import Normal, stateless_normal
from tfsp.models.core.network_checks import over_leading_axes
from tfsp.models.core.posteriors import LOG_VARIANCE_RANGE
from tfsp.priors import Prior
from tfsp.random import as_seed, split_seed


@keras.saving.register_keras_serializable("tfsp")
class GMPrior(Prior):
    """p(z) = E_w~N(0,I)[1/K sum_k N(z; m_k(w), diag(s_k^2(w)))], m and s by a network.

    Not in the registry: p(z) itself has no closed form. Samples, and densities given w, have.

    Args:
      latent_dim: D.
      num_components: K.
      style_dim: size of w.
      units: width of the hidden layer.

    Raises:
      ValueError: unless all are positive integers.
    """

    def __init__(self, latent_dim, num_components, style_dim, units, **kwargs):
        super().__init__(latent_dim, **kwargs)
        self.num_components = arguments.integer("num_components", num_components)
        self.style_dim = arguments.integer("style_dim", style_dim)
        self.units = arguments.integer("prior_units", units)
        self.hidden = keras.layers.Dense(self.units, activation="tanh", dtype=self.variable_dtype)
        self.outputs = keras.layers.Dense(
            self.num_components * 2 * self.latent_dim,
            # Each component starts around a place of its own.
            bias_initializer=keras.initializers.RandomNormal(stddev=0.5),
            dtype=self.variable_dtype,
        )

    def build(self, input_shape=None):
        for layer, width in ((self.hidden, self.style_dim), (self.outputs, self.units)):
            if not layer.built:  # by a draw from the prior, before the model was
                layer.build((None, width))
        super().build(input_shape)

    def components(self, w):
        """Means and scales of all components: `[..., style_dim]` -> two of `[..., K, D]`."""
        w = tf.cast(w, self.variable_dtype)

        def parameters(rows):
            outputs = self.outputs(self.hidden(rows))
            return tf.reshape(outputs, [-1, self.num_components, 2 * self.latent_dim])

        outputs = over_leading_axes(parameters, w, self.style_dim)
        loc, log_variance = tf.split(outputs, 2, axis=-1)
        return loc, tf.exp(0.5 * tf.clip_by_value(log_variance, *LOG_VARIANCE_RANGE))

    def joint_log_prob(self, z, w):
        """log p(k, z | w) for every k: `[..., D]`, `[..., style_dim]` -> `[..., K]`, nats."""
        normal = Normal(*self.components(w))
        log_prob = tf.reduce_sum(normal.log_prob(z[..., tf.newaxis, :]), axis=-1)
        return log_prob - math.log(self.num_components)

    def component_kl(self, q, w):
        """KL(q || p(z | w, k)) for every k: w `[..., B, style_dim]` -> `[..., B, K]`, nats."""
        q = q.distribution
        q = Normal(q.loc[..., tf.newaxis, :], q.scale[..., tf.newaxis, :])
        return normal_kl(q, Normal(*self.components(w)))

    def sample(self, n, seed=None, component=None):
        """`n` draws of z, `[n, D]`.

        Args:
          component: k, of which alone to draw, an integer or an integer tensor (whose value is
            not checked); None takes all alike.

        Raises:
          ValueError: unless 0 <= component < K.
        """
        n = arguments.count("n", n)
        if component is not None and not tf.is_tensor(component):
            component = arguments.integer("component", component, 0, self.num_components - 1)
        seeds = split_seed(as_seed(seed), 3)
        w = stateless_normal([n, self.style_dim], seeds[0], self.variable_dtype)
        loc, scale = self.components(w)
        if component is None:
            k = tf.random.stateless_uniform([n], seeds[1], 0, self.num_components, tf.int32)
        else:
            k = tf.fill([n], component)
        loc, scale = (tf.gather(a, k, axis=1, batch_dims=1) for a in (loc, scale))
        return loc + scale * stateless_normal([n, self.latent_dim], seeds[2], self.variable_dtype)

    def log_prob(self, z, training=False):
        raise ValueError(
            "The density p(z) of the GM-VAE has no closed form, since w is integrated out. Take "
            "`joint_log_prob(z, w)`, or the model's `log_weights`, which hold w."
        )

    def kl(self, q, z, training=False):
        return self.log_prob(z)  # raises

    @classmethod
    def example(cls):
        return cls(latent_dim=2, num_components=3, style_dim=2, units=4)

    def get_config(self):
        return {
            **super().get_config(),
            "num_components": self.num_components,
            "style_dim": self.style_dim,
            "units": self.units,
        }


def normal_kl(q, p):
    """KL(q || p) of independent normals, summed over the last axis."""
    ratio = tf.math.log(p.scale) - tf.math.log(q.scale)
    square = (q.scale**2 + (q.loc - p.loc) ** 2) / p.scale**2
    return tf.reduce_sum(ratio + 0.5 * (square - 1.0), axis=-1)
