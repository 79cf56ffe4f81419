"""Masked autoregressive flow prior."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import arguments
from tfsp.distributions import diagonal_normal
from tfsp.networks.made import MADE
from tfsp.priors.base import Prior, register
from tfsp.random import check_seed, short_seed

tfd = tfp.distributions
tfb = tfp.bijectors


@register("flow")
class FlowPrior(Prior):
    """p(z) by masked autoregressive flow: z = f(u), u ~ N(0, I), f autoregressive and invertible.

    One pass of the network gives the density; a sample takes D passes, one dimension each.

    Args:
      latent_dim: D.
      num_flows: number of autoregressive maps; the order of the dimensions is reversed between
        them.
      hidden: widths of the hidden layers of each map's masked network. Default (512, 512), the
        size of the flow that LORACs is compared with (loracs.txt, section 6: "two layer, 512
        wide MADE").
      seed: int, for the start of the networks; None draws one.

    Raises:
      ValueError: for `num_flows` < 1 or empty `hidden`.

    Source: Papamakarios et al. 2017, arXiv:1705.07057, eqs. (3)-(5).
    """

    def __init__(self, latent_dim, num_flows=1, hidden=(512, 512), seed=None, **kwargs):
        super().__init__(latent_dim, **kwargs)
        num_flows = arguments.integer("num_flows", num_flows)
        hidden = arguments.integers("hidden", hidden, meaning="widths of layers")
        self._config = dict(
            num_flows=num_flows, hidden=hidden, seed=check_seed(seed, optional=True)
        )
        self.networks = [
            MADE(
                latent_dim,
                num_parameters=2,
                hidden=hidden,
                seed=short_seed(seed, i * len(hidden)),  # one for each layer
                dtype=self.variable_dtype,
            )
            for i in range(num_flows)
        ]
        for network in self.networks:
            network.build((None, latent_dim))

    def distribution(self, training=False):
        reverse = tfb.Permute(list(reversed(range(self.latent_dim))))
        chain = []
        for i, network in enumerate(self.networks):
            if i:
                chain.append(reverse)
            chain.append(tfb.MaskedAutoregressiveFlow(_shift_and_log_scale(network)))
        zeros = tf.zeros([self.latent_dim], self.variable_dtype)
        base = diagonal_normal(zeros, tf.ones_like(zeros))
        return tfd.TransformedDistribution(base, tfb.Chain(chain))

    @classmethod
    def example(cls):
        return cls(latent_dim=2, num_flows=2, hidden=(8,), seed=0)

    def get_config(self):
        return {**super().get_config(), **self._config}


def _shift_and_log_scale(network):
    def compute(z):
        shift, log_scale = tf.unstack(network(z), axis=-1)
        # Smoothly bounded to [-5, 5]: an unbounded scale overflows on a code far from all data.
        return shift, 5.0 * tf.tanh(log_scale / 5.0)

    return compute
