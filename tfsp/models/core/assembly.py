"""A model put together from an encoder, a decoder, a prior and a likelihood."""

from typing import ClassVar

import keras
import tensorflow as tf

from tfsp import distribute, likelihoods, networks, priors
from tfsp.latent_layer import LATENT_DIM
from tfsp.models.core import network_checks, posteriors
from tfsp.models.core.contract import StructuredVAE
from tfsp.models.core.draw import Draw
from tfsp.models.inputs.examples import take_examples
from tfsp.random import as_seed
from tfsp.registry import serialized


class EncoderDecoder(StructuredVAE):
    """q(z|x) = N(mu(x), diag(sigma(x)^2)), p(z), p(x|z): what models of one encoder have in common.

    A subclass with another posterior overrides `posterior`, or `infer` where its latents are not
    z alone, sets `encoder_outputs` and `representation_dim` where its encoder gives and its
    decoder takes other numbers, and makes further networks in `make_networks`.

    Args:
      encoder: a name (`tfsp.networks.names()`), a dict `{"name": ..., **keywords}`, a
        `NetworkPair`, or any Keras model `[B, *data_shape]` -> `[B, 2 * latent_dim]`: means,
        then log-variances. (Of some likelihoods encoders see more: `likelihood.encoder_shape`.)
      decoder: the same; a Keras model maps `[B, latent_dim]` to the shape that the likelihood
        wants, `[B, *likelihood.output_shape(data_shape)]`, without activation at the end.
        None takes the encoder's name.
      prior: a name (`tfsp.priors.names()`), a dict or a `Prior`.
      likelihood: a name (`tfsp.likelihoods.names()`), a dict or a `Likelihood`.
      latent_dim: D. None takes that of a `Prior` object, else 40.
      **kwargs: of `StructuredVAE`: objective, num_samples, seed, name, dtype. With
        dtype="mixed_bfloat16" or "mixed_float16" the networks named compute in half precision,
        densities never do.

    Attributes:
      encoder_outputs: (number of the encoder's outputs, what they are).
      representation_dim: size of what `encode` gives and `decode` takes.
      representation_parts: what that is made of, for errors; None for latent_dim or a number.
      decoder_inputs: (number of the decoder's inputs, what they are); None for the representation.

    Raises:
      ValueError: for unknown names and keywords, and, when the model is built, for networks whose
        shapes do not fit the data, the latent size and the likelihood.
    """

    capabilities = frozenset({"posterior"})
    parts = ("prior", "likelihood")
    example_settings: ClassVar = {
        **StructuredVAE.example_settings,
        "encoder": {"name": "mlp", "hidden": (8,), "activation": "tanh"},
        "latent_dim": 3,
    }

    def __init__(
        self,
        encoder="mlp",
        decoder=None,
        prior="normal",
        likelihood="bernoulli",
        latent_dim=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if latent_dim is None:
            latent_dim = prior.latent_dim if isinstance(prior, priors.Prior) else LATENT_DIM
        if decoder is None:
            if isinstance(encoder, keras.Model):
                raise ValueError(
                    "With a Keras model as `encoder`, `decoder` must be given too: a name "
                    f"({', '.join(networks.names())}) or a Keras model."
                )
            decoder = encoder
        for role, spec in (("encoder", encoder), ("decoder", decoder)):
            network_checks.check_spec(role, spec)
        self._specs = {"encoder": encoder, "decoder": decoder}
        self.latent_dim = latent_dim
        self.prior = priors.build(prior, latent_dim=latent_dim, dtype=self.variable_dtype)
        self.likelihood = likelihoods.build(likelihood, dtype=self.variable_dtype)
        if not isinstance(self.prior, priors.Prior):
            raise ValueError(
                "`prior` must be a name, a dict or a `tfsp.priors.Prior`. Received: "
                f"{type(self.prior).__name__}."
            )
        if self.prior.latent_dim != latent_dim:
            raise ValueError(
                f"`latent_dim` is {latent_dim}, but the prior was made for "
                f"{self.prior.latent_dim} dimensions."
            )
        if not self.prior.is_density and self.bound.uses_weights:
            raise ValueError(
                f"The objective {self.bound.name!r} needs a prior with a density, not 'none'."
            )
        self.representation_dim = latent_dim
        self.representation_parts = self.decoder_inputs = None
        self.encoder_outputs = posteriors.num_outputs(latent_dim, "diagonal")
        # Networks given as names are made in `build`, when the shape of the data is known.
        self.encoder = encoder if isinstance(encoder, keras.Model) else None
        self.decoder = decoder if isinstance(decoder, keras.Model) else None

    def build(self, input_shape):
        """Makes the networks for data of shape `input_shape[1:]`, and checks their shapes."""
        if self.built:
            return
        data_shape = self._static_data_shape(input_shape)
        self.make_networks(data_shape)
        self.data_shape = data_shape
        self.prior.connect(self.posterior, data_shape)
        self.prior.build()
        self.prior.check()
        self.likelihood.build(data_shape)
        super().build(input_shape)
        self.built = True

    def make_networks(self, data_shape):
        """Makes and checks encoder and decoder; a subclass makes what else it has."""
        self.make_encoder(data_shape)
        inputs, source = self.decoder_inputs or (
            self.representation_dim,
            f"{self._representation_text()} numbers",
        )
        outputs_shape = self.likelihood.output_shape(data_shape)
        if self.decoder is None:
            with network_checks.dtype_policy(self.dtype_policy):
                pair = networks.build(self._specs["decoder"])
                self.decoder = pair.decoder(inputs, outputs_shape)
        network_checks.check(
            self.decoder,
            "decoder",
            (inputs,),
            outputs_shape,
            f"{self.likelihood.describe_outputs(data_shape)}, from {source}",
        )

    def make_encoder(self, data_shape):
        """Makes the encoder, if it was given by name, and checks it."""
        number, meaning = self.encoder_outputs
        shape = self.likelihood.encoder_shape(data_shape)
        if self.encoder is None:
            with network_checks.dtype_policy(self.dtype_policy):
                pair = networks.build(self._specs["encoder"])
                self.encoder = pair.encoder(shape, number)
        meaning = f"{meaning}, from data of shape {data_shape}"
        network_checks.check(self.encoder, "encoder", shape, (number,), meaning)

    def posterior(self, x, training=False):
        """q(z|x), a `tfd.Distribution`: batch `[B]`, event `[D]`."""
        return posteriors.normal_from(self._encode(x, training))

    def infer(self, x, num_samples, seed=None, training=False):
        q = self.posterior(x, training)
        if self.prior.is_density:
            z = q.sample(num_samples, seed=as_seed(seed))
        else:
            z = q.mean()[tf.newaxis]  # a plain autoencoder adds no noise
        return Draw(
            latents=z,
            kl={"kl": self.prior.kl(q, z, training)},
            log_ratio=lambda: self.prior.log_prob(z, training) - q.log_prob(z),
            posteriors=(q,),
        )

    def generate(self, n, seed=None, **condition):
        return self.prior.sample(n, seed, **condition)

    def posterior_mean(self, x):
        """The mean of q(z|x): `[B, ...]` -> `[B, latent_dim]`."""
        return self.posterior(self._check_data(x)).mean()

    def encode(self, x):
        """Posterior means, as `decode` takes them: `[B, ...]` -> `[B, representation_dim]`."""
        return self.representation(self.posterior_mean(x))

    def adapt(self, x):
        """Initialises the prior from up to `prior.most_examples` of an array or a dataset.

        They are encoded where the prior goes by codes. Of more examples a random subset is taken,
        the same in every call; see `take_examples`.
        """
        examples = take_examples(x, self.prior.most_examples)
        self.build((None, *examples.shape[1:]))
        self.prior.adapt(priors.Encoded(examples, self.posterior))

    def _encode(self, x, training=False):
        """The encoder's outputs, `[B, F]`."""
        self._require_built()
        x = self.likelihood.encoder_input(self._check_data(x))
        outputs = distribute.apply_to_rows(self.encoder, x, training)
        return tf.cast(outputs, self.variable_dtype)

    def likelihood_parameters(self, z, training=False):
        """The likelihood's parameters: `[..., representation_dim]` -> `[..., *outputs_shape]`."""
        self._require_built()
        if z.shape.rank == 0 or z.shape[-1] not in (None, self.representation_dim):
            raise ValueError(
                f"The decoder takes {self._representation_text()} numbers for each example, "
                f"ordered as `encode` gives them. Received shape {tuple(z.shape)}."
            )
        return network_checks.over_leading_axes(
            lambda rows: self._decode_rows(rows, training), z, self.representation_dim
        )

    def _decode_rows(self, rows, training):
        return distribute.apply_to_rows(self.decoder, rows, training)

    def _representation_text(self):
        if self.representation_parts is not None:
            return self.representation_parts
        same = self.representation_dim == self.latent_dim
        return f"latent_dim={self.latent_dim}" if same else self.representation_dim

    def get_config(self):
        specs = {role: serialized(spec) for role, spec in self._specs.items()}
        return {**specs, "latent_dim": self.latent_dim, **super().get_config()}

    @classmethod
    def from_config(cls, config):
        # Files of version 0.1.0 name it also where there is no other.
        if config.get("posterior_covariance") == "diagonal":
            config = {k: v for k, v in config.items() if k != "posterior_covariance"}
        return super().from_config(config)


class PriorView:
    """A model seen from the space of its prior: posterior means, and p(x|z) by `decode(z)`.

    What `prior_view` returns where `encode` of the model itself tells more, or something else.
    """

    def __init__(self, model, encode, decode):
        self.encode, self.decode = encode, decode
        self.latent_dim = model.latent_dim
        self.data_shape = model.data_shape
        self.likelihood = model.likelihood
