"""The two-layer VAE, whose top latent takes any prior: HVAE, and with the VampPrior HVP."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import arguments, networks, shapes
from tfsp.models.core import network_checks
from tfsp.models.core.contract import register
from tfsp.models.core.posteriors import normal_from
from tfsp.models.vae import VAE, PriorView
from tfsp.networks.two_inputs import two_input_decoder
from tfsp.random import as_seed, split_seed

tfd = tfp.distributions


@register("hierarchical_vae")
class HierarchicalVAE(VAE):
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
      prior: as of `VAE`, with a density.
      latent_dim: size of z2. None takes that of a `Prior` object, else 40.
      bottom_dim: size of z1; None takes latent_dim.
      likelihood, **kwargs: as of `VAE`.

    Raises: ValueError as `VAE`, for other networks, for a `bottom_dim` below 1 and for the prior
      "none".

    Source: Tomczak & Welling 2018, arXiv:1705.07120, section 4.
    """

    posterior_covariances = ("diagonal",)
    term_names = ("log_likelihood", "kl", "kl_top", "kl_bottom")

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
        self.bottom_encoder = self.bottom_network = None

    @property
    def representation_dim(self):
        return self.bottom_dim + self.latent_dim

    def prior_view(self):
        """As of the base class: `encode` gives the means of z2, `decode` takes z2, with z1
        at the mean of p(z1 | z2).
        """

        def decode(z2):
            z2 = tf.cast(z2, self.variable_dtype)
            return self.decode(tf.concat([self.bottom_prior(z2).mean(), z2], axis=-1))

        return PriorView(self, decode)

    def build(self, input_shape):
        """Makes the networks for data of shape `input_shape[1:]`, and checks their shapes."""
        if self.built:
            return
        data_shape = self._static_data_shape(input_shape)
        pairs = {role: networks.build(spec) for role, spec in self._specs.items()}
        with network_checks.dtype_policy(self.dtype_policy):
            self.bottom_encoder = networks.TwoInputMLP(
                2 * self.bottom_dim, data_shape, self.latent_dim, **pairs["encoder"].get_config()
            )
            self.bottom_encoder.build()
            self.bottom_network = pairs["encoder"].encoder((self.latent_dim,), 2 * self.bottom_dim)
            self.decoder = two_input_decoder(
                pairs["decoder"],
                (self.bottom_dim, self.latent_dim),
                self.likelihood.output_shape(data_shape),
            )
        super().build(input_shape)

    def bottom_posterior(self, x, z2, training=False):
        """q(z1 | x, z2): x `[B, ...]`, z2 `[..., B, D2]` -> batch `[..., B]`, event `[D1]`."""
        self._require_built_networks()
        return normal_from(self.bottom_encoder(x, z2, training=training))

    def bottom_prior(self, z2, training=False):
        """p(z1 | z2): z2 `[..., D2]` -> batch `[...]`, event `[D1]`."""
        self._require_built_networks()
        flat = self.bottom_network(tf.reshape(z2, [-1, self.latent_dim]), training=training)
        outputs = tf.cast(flat, self.variable_dtype)
        shape = tf.concat([tf.shape(z2)[:-1], [2 * self.bottom_dim]], axis=0)
        static = [*z2.shape[:-1], 2 * self.bottom_dim]
        return normal_from(shapes.known(tf.reshape(outputs, shape), static))

    def call(self, x, training=False):
        x = self._check_data(x)
        q_top, z2, q_bottom, z1 = self._draw(x, self.num_samples, self.seeds.next(), training)
        p_bottom = self.bottom_prior(z2, training)
        log_likelihood = self.log_likelihood(x, tf.concat([z1, z2], axis=-1), training)
        kl_top = self.prior.kl(q_top, z2, training)
        if kl_top.shape.rank == 2:
            kl_top = tf.reduce_mean(kl_top, axis=0)
        kl_bottom = tf.reduce_mean(tfd.kl_divergence(q_bottom, p_bottom), axis=0)
        terms = {
            "log_likelihood": tf.reduce_mean(log_likelihood, axis=0),
            "kl": kl_top + kl_bottom,
            "kl_top": kl_top,
            "kl_bottom": kl_bottom,
        }
        if self.objective == "iwae":
            log_ratio = self._log_ratio(q_top, z2, q_bottom, z1, p_bottom, training)
            terms["iwae"] = self._log_mean_weight(log_likelihood + self.kl_weight * log_ratio)
        return terms

    def log_weights(self, x, num_samples, seed=None, training=False):
        """log p(x, z1, z2) - log q(z1, z2 | x) for S draws: `[S, B]`, nats."""
        x = self._check_data(x)
        num_samples = arguments.count("num_samples", num_samples, 1)
        q_top, z2, q_bottom, z1 = self._draw(x, num_samples, as_seed(seed), training)
        p_bottom = self.bottom_prior(z2, training)
        log_likelihood = self.log_likelihood(x, tf.concat([z1, z2], axis=-1), training)
        return log_likelihood + self._log_ratio(q_top, z2, q_bottom, z1, p_bottom, training)

    def encode(self, x):
        """Means of z1, given the mean of z2, and of z2: `[B, ...]` -> `[B, D1 + D2]`."""
        x = self._check_data(x)
        z2 = self.posterior(x).mean()
        return tf.concat([self.bottom_posterior(x, z2).mean(), z2], axis=-1)

    def sample_posterior(self, x, seed=None):
        """A draw of (z1, z2) for each x, as `encode` orders them: `[B, D1 + D2]`."""
        _, z2, _, z1 = self._draw(self._check_data(x), 1, as_seed(seed))
        return tf.concat([z1, z2], axis=-1)[0]

    def sample(self, n, seed=None, **condition):
        """Means of x for `n` draws of z2 from the prior, then of z1: `[n, *data_shape]`.

        Args:
          seed: None, an int, an int32 pair or a `SeedStream`.
          **condition: of the prior's `sample`: a part of it to draw from.
        """
        self._require_built_networks()
        seeds = split_seed(as_seed(seed))
        z2 = self.prior.sample(n, seeds[0], **condition)
        z1 = self.bottom_prior(z2).sample(seed=seeds[1])
        return self.decode(tf.concat([z1, z2], axis=-1)).mean()

    def _draw(self, x, num_samples, seed, training=False):
        seeds = split_seed(seed)
        q_top = self.posterior(x, training)
        z2 = q_top.sample(num_samples, seed=seeds[0])
        q_bottom = self.bottom_posterior(x, z2, training)
        return q_top, z2, q_bottom, q_bottom.sample(seed=seeds[1])

    def _log_ratio(self, q_top, z2, q_bottom, z1, p_bottom, training):
        top = self.prior.log_prob(z2, training) - q_top.log_prob(z2)
        return top + p_bottom.log_prob(z1) - q_bottom.log_prob(z1)

    def get_config(self):
        return {**super().get_config(), **self._config}


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
