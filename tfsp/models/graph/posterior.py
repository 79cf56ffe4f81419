"""The posterior of a graph of latent nodes: top-down and bottom-up predictions, fused."""

import math
from typing import NamedTuple

import tensorflow as tf

from tfsp import shapes
from tfsp.distributions.normal import stateless_normal
from tfsp.random import as_seed


class GraphDraw(NamedTuple):
    """Draws of all nodes with the conditional normals of q and p that met them, `[S, B, M]` each.

    z = loc + exp(log_variance / 2) noise; `prior_loc` and `prior_log_variance` are those of p.
    """

    z: tf.Tensor
    noise: tf.Tensor
    loc: tf.Tensor
    log_variance: tf.Tensor
    prior_loc: tf.Tensor
    prior_log_variance: tf.Tensor

    def node_kl(self, num_nodes):
        """KL(q(z_n | x, parents) || p(z_n | parents)) at these parents: `[S, B, N]`, nats.

        In closed form given the parents; the mean over draws is the n-th term of eq. (5).
        """
        ratio = self.log_variance - self.prior_log_variance
        square = (self.loc - self.prior_loc) ** 2 * tf.exp(-self.prior_log_variance)
        each = 0.5 * (square + tf.exp(ratio) - 1.0 - ratio)
        nodes = tf.split(each, num_nodes, axis=-1)
        return tf.stack([tf.reduce_sum(node, axis=-1) for node in nodes], axis=-1)

    def log_ratio(self):
        """log p(z) - log q(z | x): `[S, B]`, nats."""
        ratio = self.log_variance - self.prior_log_variance
        square = (self.z - self.prior_loc) ** 2 * tf.exp(-self.prior_log_variance)
        return 0.5 * tf.reduce_sum(ratio + self.noise**2 - square, axis=-1)


class GraphPosterior:
    """q(z | x) = prod_n N(z_n | fusion of top-down (parents) and bottom-up (x) prediction).

    Args:
      prior: `GraphPrior`; what it says of a node given its parents is its conditional in p.
      loc, log_variance: `[N, B, N']`, the bottom-up predictions.
      top_down: networks of the posterior's own top-down predictions; None takes the prior's.
      gates: `[E]`, shared by prior and posterior; None where the structure is fixed.
      training: whether batch normalisation takes the statistics of the batch.
    """

    def __init__(self, prior, loc, log_variance, top_down=None, gates=None, training=False):
        self.prior, self.top_down = prior, top_down
        self.loc, self.log_variance = loc, log_variance
        self.gates, self.training = gates, training

    def draw(self, num_samples, seed=None):
        """S draws for each example, a `GraphDraw`."""
        shape = [num_samples, tf.shape(self.loc)[1], self.prior.latent_dim]
        return self.draw_from(stateless_normal(shape, as_seed(seed), self.loc.dtype))

    def draw_from(self, noise):
        """The draws that this standard normal noise `[S, B, M]` becomes, a `GraphDraw`."""
        num_samples = noise.shape[0]
        if num_samples is None:
            num_samples = tf.shape(noise)[0]
        parts = tf.split(self._flat(noise), self.prior.num_nodes, axis=-1)

        def value(n, loc, log_variance):
            return loc + tf.exp(0.5 * log_variance) * parts[n]

        z, parameters = self._unfold(num_samples, value)
        shape = [num_samples, tf.shape(self.loc)[1], self.prior.latent_dim]
        static = [noise.shape[0], self.loc.shape[1], self.prior.latent_dim]
        columns = [tf.concat(nodes, axis=-1) for nodes in (z, *zip(*parameters, strict=True))]
        z, *columns = (shapes.known(tf.reshape(c, shape), static) for c in columns)
        return GraphDraw(z, noise, *columns)

    def sample(self, sample_shape=(), seed=None):
        """Draws `[B, M]`, or `[S, B, M]` with `sample_shape` S."""
        single = sample_shape in ((), [])
        z = self.draw(1 if single else sample_shape, seed).z
        return z[0] if single else z

    def mean(self):
        """Means down the graph, each node's given its parents' means: `[B, M]`.

        Not the mean over the parents, except for nodes without any.
        """
        z, _ = self._unfold(1, lambda n, loc, log_variance: loc)
        return tf.concat(z, axis=-1)

    def log_prob(self, z):
        """log q(z | x): `[..., B, M]` -> `[..., B]`, nats."""
        z = tf.convert_to_tensor(z)
        stacked = tf.reshape(z, [-1, tf.shape(z)[-2], self.prior.latent_dim])
        parts = tf.split(self._flat(stacked), self.prior.num_nodes, axis=-1)
        _, parameters = self._unfold(tf.shape(stacked)[0], lambda n, *_: parts[n])
        total = 0.0
        for node, (loc, log_variance, _, _) in zip(parts, parameters, strict=True):
            square = tf.exp(-log_variance) * (node - loc) ** 2
            each = square + log_variance + math.log(2 * math.pi)
            total -= 0.5 * tf.reduce_sum(each, axis=-1)
        return shapes.known(tf.reshape(total, tf.shape(z)[:-1]), z.shape[:-1])

    def _unfold(self, num_samples, value):
        """Nodes from N down to 1, each by `value(n, loc, log_variance)`: lists over nodes, 1 first.

        Returns:
          values `[S B, N']`; (loc, log_variance) of q, then of p, at them.
        """
        nodes = [None] * self.prior.num_nodes
        parameters = list(nodes)
        for n in reversed(range(self.prior.num_nodes)):
            up = [self._tiled(part[n], num_samples) for part in (self.loc, self.log_variance)]
            standard = (tf.zeros_like(up[0]), tf.zeros_like(up[0]))
            of_prior = (
                self.prior.top_down.parameters(n, nodes, self.gates, self.training) or standard
            )
            down = of_prior
            if self.top_down is not None:
                down = self.top_down.parameters(n, nodes, self.gates, self.training) or standard
            fused = fuse(*down, *up)
            nodes[n] = value(n, *fused)
            parameters[n] = (*fused, *of_prior)
        return nodes, parameters

    def _tiled(self, part, num_samples):
        """`[B, N']` -> `[S B, N']`, an example's draws B apart."""
        single = isinstance(num_samples, int) and num_samples == 1
        return part if single else tf.tile(part, [num_samples, 1])

    def _flat(self, z):
        return tf.reshape(z, [-1, self.prior.latent_dim])


def fuse(loc, log_variance, other_loc, other_log_variance):
    """Mean and log-variance of the normal proportional to the product of two normal densities.

        1 / v = 1 / v_1 + 1 / v_2,   m = v (m_1 / v_1 + m_2 / v_2)

    Source: graph_vae.txt, eq. (18), which prints the standard deviation where the variance is
      meant.
    """
    difference = log_variance - other_log_variance
    # The share of the other's precision; no variance is ever divided by.
    share = tf.sigmoid(difference)
    return loc + share * (other_loc - loc), log_variance - tf.nn.softplus(difference)
