"""The two-layer VAE, whose top latent takes any prior: HVAE, and with the VampPrior HVP."""

from typing import ClassVar

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import arguments, networks
from tfsp.models.core import network_checks
from tfsp.models.core.assembly import EncoderDecoder, PriorView
from tfsp.models.core.contract import register
from tfsp.models.core.draw import Draw
from tfsp.models.core.posteriors import normal_from
from tfsp.networks.two_inputs import two_input_decoder
from tfsp.random import as_seed, split_seed

tfd = tfp.distributions


@register("hierarchical_vae")
class HierarchicalVAE(EncoderDecoder):
    """z2 ~ p(z2), z1 | z2 ~ N(mu(z2), diag(sigma(z2)^2)), x | z1, z2 ~ p(x | z1, z2).

    The posterior is q(z2|x) q(z1|x, z2), two diagonal normals, and p(z2) any prior with a density:
    "normal" makes the paper's HVAE, "vamp" its HVP, a mixture of q(z2|u_k). `kl` of the bound is
    the sum of two parts, in nats:

        kl_top      KL(q(z2|x) || p(z2))
        kl_bottom   E_q(z2|x)[KL(q(z1|x, z2) || p(z1|z2))], closed form given z2

    `posterior` and `prior` are about z2. `encode` gives the means of z1 (at the mean of z2) and of
    z2, in this order, `[B, bottom_dim + latent_dim]`, and `decode` takes both.

    All networks have the widths of `encoder`. In those of two inputs (q(z1|x, z2) and the decoder)
    each input has a first hidden layer of its own, and the rest follows on both.

    Args:
      encoder: "mlp", a dict `{"name": "mlp", ...}` or a `tfsp.networks.MLP`. The paper's: two
        gated layers of 300.
      decoder: the same, its widths taken in reverse; None takes the encoder's.
      prior: see `VAE`, with a density.
      latent_dim: size of z2. None takes that of a `Prior` object, else 40.
      bottom_dim: size of z1; None takes latent_dim.
      likelihood, **kwargs: see `VAE`.

    Raises:
      ValueError: as `VAE`, for other networks, for a `bottom_dim` below 1 and for the prior "none".

    Source: Tomczak & Welling 2018, arXiv:1705.07120, section 4.
    """

    term_names = ("log_likelihood", "kl", "kl_top", "kl_bottom")
    example_settings: ClassVar = {
        **EncoderDecoder.example_settings,
        "encoder": {"name": "mlp", "hidden": (6, 5), "gated": True},
        "bottom_dim": 2,
    }
    example_cases: ClassVar = {
        "normal": {},
        "vamp": {"prior": {"name": "vamp", "num_components": 3, "start": "data"}},
        "flow": {"prior": {"name": "flow", "hidden": (4,)}},
        "iwae": {"objective": "iwae", "num_samples": 7},
    }

    def __init__(
        self,
        encoder="mlp",
        decoder=None,
        prior="normal",
        likelihood="bernoulli",
        latent_dim=None,
        bottom_dim=None,
        **kwargs,
    ):
        for role, spec in (("encoder", encoder), ("decoder", decoder)):
            _check_perceptron(role, spec)
        super().__init__(encoder, decoder, prior, likelihood, latent_dim, **kwargs)
        if not self.prior.is_density:
            raise ValueError(
                "The prior of z2 must have a density ('normal', 'vamp', ...), since z2 is drawn. "
                f"Received: {type(self.prior).__name__}. A plain autoencoder is the model 'vae'."
            )
        if bottom_dim is not None:
            bottom_dim = arguments.integer("bottom_dim", bottom_dim)
        self._config = dict(bottom_dim=bottom_dim)
        self.bottom_dim = self.latent_dim if bottom_dim is None else bottom_dim
        self.representation_dim = self.bottom_dim + self.latent_dim
        self.bottom_encoder = self.bottom_network = None

    def prior_view(self):
        """`encode` gives the means of z2; `decode` takes z2, with z1 at the mean of p(z1 | z2)."""

        def decode(z2):
            z2 = tf.cast(z2, self.variable_dtype)
            return self.decode(tf.concat([self.bottom_prior(z2).mean(), z2], axis=-1))

        return PriorView(self, self.posterior_mean, decode)

    def make_networks(self, data_shape):
        pairs = {role: networks.build(spec) for role, spec in self._specs.items()}
        with network_checks.dtype_policy(self.dtype_policy):
            self.bottom_encoder = networks.TwoInputMLP(
                2 * self.bottom_dim,
                self.likelihood.encoder_shape(data_shape),
                self.latent_dim,
                **pairs["encoder"].get_config(),
            )
            self.bottom_encoder.build()
            self.bottom_network = pairs["encoder"].encoder((self.latent_dim,), 2 * self.bottom_dim)
            self.decoder = two_input_decoder(
                pairs["decoder"],
                (self.bottom_dim, self.latent_dim),
                self.likelihood.output_shape(data_shape),
            )
        super().make_networks(data_shape)

    def bottom_posterior(self, x, z2, training=False):
        """q(z1 | x, z2): x `[B, ...]`, z2 `[..., B, D2]` -> batch `[..., B]`, event `[D1]`."""
        self._require_built()
        x = self.likelihood.encoder_input(x)
        return normal_from(self.bottom_encoder(x, z2, training=training))

    def bottom_prior(self, z2, training=False):
        """p(z1 | z2): z2 `[..., D2]` -> batch `[...]`, event `[D1]`."""
        self._require_built()

        def outputs(rows):
            return tf.cast(self.bottom_network(rows, training=training), self.variable_dtype)

        return normal_from(network_checks.over_leading_axes(outputs, z2, self.latent_dim))

    def infer(self, x, num_samples, seed=None, training=False):
        """See `EncoderDecoder`: latents are draws of (z1, z2), as `encode` orders them."""
        seeds = split_seed(as_seed(seed))
        q_top = self.posterior(x, training)
        z2 = q_top.sample(num_samples, seed=seeds[0])
        q_bottom = self.bottom_posterior(x, z2, training)
        z1 = q_bottom.sample(seed=seeds[1])
        p_bottom = self.bottom_prior(z2, training)

        def log_ratio():
            top = self.prior.log_prob(z2, training) - q_top.log_prob(z2)
            return top + p_bottom.log_prob(z1) - q_bottom.log_prob(z1)

        kl = {
            "kl_top": self.prior.kl(q_top, z2, training),
            "kl_bottom": tfd.kl_divergence(q_bottom, p_bottom),
        }
        return Draw(tf.concat([z1, z2], axis=-1), kl, log_ratio)

    def encode(self, x):
        """Means of z1, given the mean of z2, and of z2: `[B, ...]` -> `[B, D1 + D2]`."""
        x = self._check_data(x)
        z2 = self.posterior(x).mean()
        return tf.concat([self.bottom_posterior(x, z2).mean(), z2], axis=-1)

    def generate(self, n, seed=None, **condition):
        """`n` draws of z2 from the prior, then of z1: (z1, z2), `[n, D1 + D2]`.

        Args:
          condition: of the prior's `sample`: a part of it to draw from.
        """
        seeds = split_seed(as_seed(seed))
        z2 = self.prior.sample(n, seeds[0], **condition)
        return tf.concat([self.bottom_prior(z2).sample(seed=seeds[1]), z2], axis=-1)


def _check_perceptron(role, spec):
    """Raises ValueError unless `spec` is of an `MLP` (or None), of which all networks are made."""
    given = type(spec).__name__
    if not isinstance(spec, keras.Model):
        pair = None if spec is None else networks.build(spec)
        if isinstance(pair, networks.MLP) or (spec is None and role == "decoder"):
            return
        given = type(pair).__name__
    raise ValueError(
        f"`{role}` of a hierarchical VAE must be 'mlp', a dict with that name or a "
        "`tfsp.networks.MLP`: the networks of two inputs are made with its widths. "
        f"Received: {given}."
    )
