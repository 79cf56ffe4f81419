"""Layers of normal latents below the binary units, each given all before it."""

import keras
import tensorflow as tf

from tfsp import arguments
from tfsp.distributions.normal import stateless_normal
from tfsp.networks import ConditionalMLP
from tfsp.random import as_seed, split_seed

_LOG_VARIANCE_RANGE = (-10.0, 10.0)


class ContinuousLayers(keras.layers.Layer):
    """q(y_m | y_<m, zeta, x) and p(y_m | y_<m, zeta): diagonal normals, m = 1..M.

    The paper's Fraktur z is here y. Each conditional of q has networks of its own. Those of p, and
    p(x | zeta, y) with them, see (`features`)

        without sharing:  [zeta, y_1, ..., y_(m-1)]
        in G groups:      [S_1, ..., S_g],  S_h = M_h zeta + the sum of group h's y before y_m

    where g is the group of layer m, consecutive layers, M/G in each; the layers of a group share
    one network. G = 1 is the paper's complete recurrent parameter sharing. It does not say how
    several groups are joined; here the sums of earlier groups stand beside that of one's own.

    Args:
      num_layers: M, 0 for none.
      size: variables of each layer.
      num_units: n, size of zeta.
      context_size: F, size of x as the networks of q see it.
      posterior_hidden, prior_hidden: widths of the hidden layers.
      num_sharing_groups: G, a divisor of M; 0 for no sharing.
      activation, batch_norm, bias_before_norm: of all networks, see `ConditionalMLP`.

    Raises:
      ValueError: for numbers out of range.

    Source: Rolfe 2017, arXiv:1609.02200, section 4, appendix H.
    """

    def __init__(
        self,
        num_layers,
        size,
        num_units,
        context_size,
        posterior_hidden=(),
        prior_hidden=(),
        num_sharing_groups=0,
        activation="relu",
        batch_norm=False,
        bias_before_norm=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check(num_layers, size, num_sharing_groups)
        self.num_layers, self.size, self.num_units = num_layers, size, num_units
        self.num_groups = num_sharing_groups
        self.per_group = num_layers // num_sharing_groups if num_sharing_groups else 1
        options = dict(
            activation=activation,
            batch_norm=batch_norm,
            bias_before_norm=bias_before_norm,
            dtype=self.dtype_policy,
        )
        self.posteriors = [
            ConditionalMLP(
                2 * size, context_size, num_units + m * size, posterior_hidden, **options
            )
            for m in range(num_layers)
        ]
        widths = [self.features_size(m) for m in range(0, num_layers, self.per_group)]
        self.priors = [
            ConditionalMLP(2 * size, 0, width, prior_hidden, num_places=self.per_group, **options)
            for width in widths
        ]
        self.projections = [
            keras.layers.Dense(size, use_bias=False, dtype=self.variable_dtype)
            for _ in range(num_sharing_groups)
        ]

    def build(self, input_shape=None):
        for network in (*self.posteriors, *self.priors):
            network.build()
        for projection in self.projections:
            projection.build((None, self.num_units))
        self.built = True

    def features_size(self, m):
        """Width of `features` of the first m layers."""
        if not self.num_groups:
            return self.num_units + m * self.size
        return min(m // self.per_group + 1, self.num_groups) * self.size

    def features(self, zeta, y):
        """What p(y_m | ...), or p(x | ...) after the last layer, is a function of.

        Args:
          zeta: `[..., n]`.
          y: list of the layers so far, each `[..., size]`.
        """
        if not self.num_groups:
            return tf.concat([zeta, *y], axis=-1)
        groups = min(len(y) // self.per_group + 1, self.num_groups)
        sums = []
        for h in range(groups):
            own = y[h * self.per_group : (h + 1) * self.per_group]
            sums.append(tf.add_n([self.projections[h](zeta), *own]))
        return tf.concat(sums, axis=-1)

    def posterior(self, m, context, zeta, y, training=False):
        """Mean and log-variance of q(y_m | y_<m, zeta, x), m from 0."""
        latents = tf.concat([zeta, *y], axis=-1)
        return _parameters(self.posteriors[m](context, latents, training=training))

    def prior(self, m, zeta, y, training=False):
        """Mean and log-variance of p(y_m | y_<m, zeta)."""
        group, place = divmod(m, self.per_group)
        features = self.features(zeta, y)
        return _parameters(self.priors[group](latents=features, training=training, place=place))

    def draw(self, context, zeta, seed, training=False):
        """One draw of all layers for each zeta `[..., B, n]`.

        Returns:
          (y, kl, log_ratio): y a list of `[..., B, size]`; kl `[..., B]`, the sum over layers of
          KL(q_m || p_m), in closed form given the draws of the layers before (eq. 14); log_ratio
          `[..., B]`, log p(y | zeta) - log q(y | zeta, x). Nats.
        """
        y = []
        kl = log_ratio = tf.zeros_like(zeta[..., 0])
        for m, layer_seed in enumerate(self._seeds(seed)):
            q_loc, q_log = self.posterior(m, context, zeta, y, training)
            p_loc, p_log = self.prior(m, zeta, y, training)
            noise = stateless_normal(tf.shape(q_loc), layer_seed, q_loc.dtype)
            value = q_loc + tf.exp(0.5 * q_log) * noise
            square = tf.exp(-p_log) * (q_loc - p_loc) ** 2
            each = p_log - q_log + tf.exp(q_log - p_log) + square - 1.0
            kl += 0.5 * tf.reduce_sum(each, axis=-1)
            distance = tf.exp(-p_log) * (value - p_loc) ** 2 - noise**2
            log_ratio -= 0.5 * tf.reduce_sum(p_log - q_log + distance, axis=-1)
            y.append(value)
        return y, kl, log_ratio

    def means(self, context, zeta):
        """Means of q, each given the means before it: list of `[..., B, size]`."""
        y = []
        for m in range(self.num_layers):
            y.append(self.posterior(m, context, zeta, y)[0])
        return y

    def sample(self, zeta, seed):
        """A draw of p(y | zeta) for each zeta `[..., n]`: list of `[..., size]`."""
        y = []
        for m, layer_seed in enumerate(self._seeds(seed)):
            loc, log_variance = self.prior(m, zeta, y)
            noise = stateless_normal(tf.shape(loc), layer_seed, loc.dtype)
            y.append(loc + tf.exp(0.5 * log_variance) * noise)
        return y

    def _seeds(self, seed):
        return split_seed(as_seed(seed), self.num_layers) if self.num_layers else []


def _parameters(outputs):
    loc, log_variance = tf.split(outputs, 2, axis=-1)
    return loc, tf.clip_by_value(log_variance, *_LOG_VARIANCE_RANGE)


def check(num_layers, size, num_sharing_groups):
    """Raises ValueError for numbers of layers, variables and groups that cannot be."""
    for name, value, least in (
        ("num_continuous_layers", num_layers, 0),
        ("continuous_size", size, 1),
        ("num_sharing_groups", num_sharing_groups, 0),
    ):
        arguments.integer(name, value, least)
    if num_sharing_groups and (num_layers == 0 or num_layers % num_sharing_groups):
        raise ValueError(
            "`num_sharing_groups` must divide the number of continuous layers, so that each group "
            f"holds as many. Received: {num_sharing_groups} groups for {num_layers} layers."
        )
