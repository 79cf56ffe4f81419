"""The variational autoencoder with a pluggable prior."""

import keras
import tensorflow as tf

from tfsp import arguments, distribute, likelihoods, networks, priors, shapes
from tfsp.models.core import network_checks, posteriors
from tfsp.models.core.contract import StructuredVAE, register
from tfsp.models.inputs.examples import ADAPT_LIMIT, take_examples
from tfsp.random import as_seed


@register("vae")
class VAE(StructuredVAE):
    """q(z|x) = N(mu(x), Sigma(x)), any prior p(z), any likelihood p(x|z).

    Args:
      encoder: a name (`tfsp.networks.names()`), a dict `{"name": ..., **keywords}`, a
        `NetworkPair`, or any Keras model `[B, *data_shape]` -> `[B, 2 * latent_dim]`: means,
        then log-variances. (With a full covariance: means, then the D (D + 1) / 2 numbers of
        its triangular factor, the logarithms of the squared diagonal on the diagonal.)
      decoder: the same; a Keras model maps `[B, latent_dim]` to the shape that the likelihood
        wants, `[B, *likelihood.output_shape(data_shape)]`, without activation at the end.
        None takes the encoder's name.
      prior: a name (`tfsp.priors.names()`), a dict or a `Prior`.
      likelihood: a name (`tfsp.likelihoods.names()`), a dict or a `Likelihood`.
      latent_dim: D. None takes that of a `Prior` object, else 40.
      posterior_covariance: "diagonal", or "full": Sigma(x) = L(x) L(x)', D (D + 1) / 2 numbers
        for each x, for a small D and dimensions that depend on each other given x.
      **kwargs: of `StructuredVAE`: objective, num_samples, seed, name, dtype. With
        dtype="mixed_bfloat16" or "mixed_float16" the networks named compute in half precision,
        densities never do.

    Raises: ValueError for unknown names and keywords, and, when the model is built, for
      networks whose shapes do not fit the data, the latent size and the likelihood.

    Source: Kingma & Welling 2014, arXiv:1312.6114; Rezende et al. 2014, arXiv:1401.4082.
    """

    # Which covariances the posterior may have; a model with a posterior of its own says so here.
    posterior_covariances = posteriors.COVARIANCES

    def __init__(
        self,
        encoder="mlp",
        decoder=None,
        prior="normal",
        likelihood="bernoulli",
        latent_dim=None,
        posterior_covariance="diagonal",
        **kwargs,
    ):
        super().__init__(**kwargs)
        posteriors.check_covariance(
            posterior_covariance, type(self).__name__, self.posterior_covariances
        )
        self.posterior_covariance = posterior_covariance
        if latent_dim is None:
            latent_dim = prior.latent_dim if isinstance(prior, priors.Prior) else 40
        if decoder is None:
            if isinstance(encoder, keras.Model):
                raise ValueError(
                    "With a Keras model as `encoder`, `decoder` must be given too: a name "
                    f"({', '.join(networks.names())}) or a Keras model."
                )
            decoder = encoder
        for role, spec in (("encoder", encoder), ("decoder", decoder)):
            _check_spec(role, spec)
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
        if not self.prior.is_density and self.objective == "iwae":
            raise ValueError("The objective 'iwae' needs a prior with a density, not 'none'.")
        # Networks given as names are made in `build`, when the shape of the data is known.
        self.encoder = encoder if isinstance(encoder, keras.Model) else None
        self.decoder = decoder if isinstance(decoder, keras.Model) else None

    def build(self, input_shape):
        """Makes the networks for data of shape `input_shape[1:]`, and checks their shapes."""
        if self.built:
            return
        data_shape = self._static_data_shape(input_shape)
        outputs_shape = self.likelihood.output_shape(data_shape)
        num_outputs, meaning = self._encoder_outputs()
        with network_checks.dtype_policy(self.dtype_policy):
            if self.encoder is None:
                pair = networks.build(self._specs["encoder"])
                self.encoder = pair.encoder(data_shape, num_outputs)
            if self.decoder is None:
                pair = networks.build(self._specs["decoder"])
                self.decoder = pair.decoder(self.representation_dim, outputs_shape)
        network_checks.check(
            self.encoder,
            "encoder",
            data_shape,
            (num_outputs,),
            f"{meaning}, from data of shape {data_shape}",
        )
        network_checks.check(
            self.decoder,
            "decoder",
            (self.representation_dim,),
            outputs_shape,
            f"{self.likelihood.num_parameters} parameter(s) of the likelihood "
            f"{type(self.likelihood).__name__} for each entry of data of shape {data_shape}, "
            f"from {self._representation()} numbers",
        )
        self.data_shape = data_shape
        self.prior.connect(self.posterior, data_shape)
        self.prior.build()
        self.prior.check()
        self.likelihood.build()
        super().build(input_shape)
        self.built = True

    def posterior(self, x, training=False):
        """q(z|x): batch `[B]`, event `[D]`.

        A `tfd.Independent(tfd.Normal)` or, with a full covariance, a `tfd.MultivariateNormalTriL`.
        """
        outputs = self._encode(x, training)
        if self.posterior_covariance == "full":
            return posteriors.correlated_normal_from(outputs, self.latent_dim)
        return posteriors.normal_from(outputs)

    def log_likelihood(self, x, z, training=False):
        """log p(x|z) in nats: x `[B, ...]`, z `[..., B, D]` -> `[..., B]`."""
        outputs = self._decoder_outputs(z, training)
        return self.likelihood.log_prob(x, outputs, data_rank=len(self.data_shape))

    def call(self, x, training=False):
        x = self._check_data(x)
        q = self.posterior(x, training)
        if self.prior.is_density:
            z = q.sample(self.num_samples, seed=self.seeds.next())
        else:
            z = q.mean()[tf.newaxis]  # a plain autoencoder adds no noise
        log_likelihood = self.log_likelihood(x, z, training)
        kl = self.prior.kl(q, z, training)
        terms = {
            "log_likelihood": tf.reduce_mean(log_likelihood, axis=0),
            "kl": tf.reduce_mean(kl, axis=0) if kl.shape.rank == 2 else kl,
        }
        if self.objective == "iwae":
            log_ratio = self.prior.log_prob(z, training) - q.log_prob(z)
            terms["iwae"] = self._log_mean_weight(log_likelihood + self.kl_weight * log_ratio)
        return {**terms, **self.extra_terms(z)}

    def extra_terms(self, z):
        """Further terms of `call`, dict of `[B]`, from draws `[S, B, D]` of the posterior."""
        return {}

    def log_weights(self, x, num_samples, seed=None, training=False):
        x = self._check_data(x)
        num_samples = arguments.count("num_samples", num_samples, 1)
        q = self.posterior(x, training)
        z = q.sample(num_samples, seed=as_seed(seed))
        return (
            self.log_likelihood(x, z, training) + self.prior.log_prob(z, training) - q.log_prob(z)
        )

    def encode(self, x):
        """Posterior means: `[B, ...]` -> `[B, D]`."""
        if self.posterior_covariance == "full":
            # Without the factor, whose operations few runtimes of served models have.
            return self._encode(x)[..., : self.latent_dim]
        return self.posterior(self._check_data(x)).mean()

    def decode(self, z):
        """p(x|z): `[..., D]` -> `tfd.Distribution`, event `data_shape`."""
        outputs = self._decoder_outputs(tf.cast(z, self.variable_dtype))
        return self.likelihood.distribution(outputs, data_rank=len(self.data_shape))

    def sample(self, n, seed=None, **condition):
        """Means of x for `n` draws from the prior, `[n, *data_shape]`.

        Args:
          seed: None, an int, an int32 pair or a `SeedStream`.
          **condition: of the prior's `sample`: a part of it to draw from.
        """
        self._require_built_networks()
        return self.decode(self.prior.sample(n, seed, **condition)).mean()

    def adapt(self, x):
        """Lets the prior start from data: up to 20,000 examples of an array or a dataset.

        Of more a random subset, the same in every call; see `take_examples`.
        """
        examples = take_examples(x, ADAPT_LIMIT)
        self.build((None, *examples.shape[1:]))
        self.prior.adapt(examples)

    def update(self):
        self.prior.update()

    def _encode(self, x, training=False):
        self._require_built_networks()
        x = self._check_data(x)
        outputs = distribute.apply_to_rows(self.encoder, x, training)
        return tf.cast(outputs, self.variable_dtype)

    def _encoder_outputs(self):
        """How many numbers the encoder puts out for each example, and what they are."""
        return posteriors.num_outputs(self.latent_dim, self.posterior_covariance)

    def _representation(self):
        same = self.representation_dim == self.latent_dim
        return f"latent_dim={self.latent_dim}" if same else self.representation_dim

    def _require_built_networks(self):
        if self.data_shape is None:  # set by `build` before the prior asks for the posterior
            self._require_built()

    def _decoder_outputs(self, z, training=False):
        self._require_built_networks()
        self._check_representation(z)
        flat = tf.reshape(z, [-1, self.representation_dim])
        outputs = distribute.apply_to_rows(self.decoder, flat, training)
        shape = tf.concat([tf.shape(z)[:-1], tf.shape(outputs)[1:]], axis=0)
        static = [*z.shape[:-1], *outputs.shape[1:]]
        return shapes.known(tf.reshape(outputs, shape), static)

    def _check_representation(self, z):
        """Raises ValueError unless the last axis of z is what the decoder takes."""
        if z.shape.rank == 0 or z.shape[-1] not in (None, self.representation_dim):
            raise ValueError(
                f"The decoder takes {self._representation()} numbers for each example, ordered as "
                f"`encode` gives them. Received shape {tuple(z.shape)}."
            )

    def get_config(self):
        parts = {**self._specs, "prior": self.prior, "likelihood": self.likelihood}
        return {
            **super().get_config(),
            **{name: _serialize(part) for name, part in parts.items()},
            "latent_dim": self.latent_dim,
            "posterior_covariance": self.posterior_covariance,
        }

    @classmethod
    def from_config(cls, config):
        config = {
            name: keras.saving.deserialize_keras_object(value)
            if isinstance(value, dict) and "class_name" in value
            else value
            for name, value in config.items()
        }
        return cls(**config)


class PriorView:
    """A model seen from the space of its prior: posterior means, and p(x|z) by `decode(z)`.

    What `prior_view` returns where `encode` of the model itself tells more, or something else.
    """

    def __init__(self, model, decode):
        self._model = model
        self.decode = decode
        self.latent_dim = model.latent_dim
        self.data_shape = model.data_shape
        self.likelihood = model.likelihood

    def encode(self, x):
        return VAE.encode(self._model, x)


def _serialize(part):
    if isinstance(part, str):
        return part
    if hasattr(part, "keys"):
        return dict(part)
    return keras.saving.serialize_keras_object(part)


def _check_spec(role, spec):
    """Raises ValueError for what can be no network, before any data are seen."""
    if isinstance(spec, keras.Model):
        return
    pair = networks.build(spec)
    if not isinstance(pair, networks.NetworkPair):
        raise ValueError(
            f"`{role}` must be a name ({', '.join(networks.names())}), a dict, a `NetworkPair` or "
            f"a `keras.Model`. Received: {type(spec).__name__}."
        )
