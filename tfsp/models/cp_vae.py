"""CP-VAE: a category, and a normal latent whose prior the category has learned."""

from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import arguments
from tfsp.distributions import diagonal_normal
from tfsp.distributions.gumbel import gumbel_softmax_draws, one_hot_draws
from tfsp.latent_layer import LATENT_DIM
from tfsp.models.core.assembly import EncoderDecoder
from tfsp.models.core.contract import register
from tfsp.models.core.draw import Draw
from tfsp.models.core.posteriors import LOG_VARIANCE_RANGE
from tfsp.models.inputs.examples import take_examples
from tfsp.networks.mlp import GatedDense
from tfsp.precision import variable_dtype
from tfsp.priors.conditional_normal import ConditionalNormalPrior
from tfsp.random import SeedStream, as_seed, split_seed

_BATCH = 500
tfd = tfp.distributions


@register("cp_vae")
class CPVAE(EncoderDecoder):
    """c ~ uniform on K categories, z | c ~ N(mu_c, diag(s_c^2)), x | z, c ~ p(x | z, c).

    All mu_c and s_c are learned with the networks. The posterior is q(c|x) = Cat(pi(x)) and
    q(z|x) = N(mu(x, pi), diag(sigma(x, pi)^2)): it depends on the vector pi, not on the draw of c,
    so that both parts of the KL have closed forms. The bound in nats (eqs. 7 to 9):

        log_likelihood   E_q[log p(x | z, c)]
        kl_discrete      B1 = KL(q(c|x) || 1/K) = log K - H(pi)
        kl_continuous    B2 = sum_k pi_k KL(q(z|x) || p(z | c = k))

    In training the decoder sees a relaxed c (Gumbel-softmax), elsewhere a one-hot one; with
    `sum_out_categories` it sees every category in turn, and the mean by pi is exact.

    While categories are held (`start_epoch`), the loss counts kl_discrete 100 times; terms and
    bounds never do. A kl_discrete near 0 says that the categories tell nothing of x, however even
    q(c) is.

    `encode` gives (mu, pi), `[B, D + K]`, and `decode` takes z followed by c. New data are drawn
    with c by the aggregated q(c) of eq. (14), which training keeps as a running average and
    `adapt(data)` sets from all of the data: `sample(n, seed, weights="uniform")` takes the prior's
    1/K instead, `sample(n, seed, category=k)` one category, or one for each draw.
    `responsibilities` is pi(x), for clustering.

    With one category it is a VAE whose normal prior is learned (eq. 15). Each p(z | c) is normal;
    `model.prior` is a `ConditionalNormalPrior`.

    Args:
      encoder: see `VAE`; a Keras model outputs `[B, K + F]`: the logits of pi, then F features,
        which pass together with pi through a gated layer (Dauphin et al. 2017) of F units, from
        which mu and log sigma^2 follow linearly.
      decoder: see `VAE`; a Keras model maps `[B, D + K]` to the likelihood's parameters.
      num_categories: K.
      gate_units: F, where the encoder is given by name.
      temperature, temperature_decay, min_temperature: of the relaxed categories, see
        `ConditionalNormalPrior`.
      start, start_epoch: for so many epochs of `fit` the category is held, then it begins at groups
        of the codes: the components of a "mixture" of Gaussians, or the clusters of the tree of
        nearest "neighbours"; "random": it is free from the first
        step on, as in the paper: all examples fall into one category at first. See
        `ConditionalNormalPrior`.
      sum_out_categories: K decodings of each z in place of one: the expectation over c is exact in
        the bound, and c is summed out of the importance weights. Of the objective "elbo".
      **kwargs: see `VAE`.

    Raises:
      ValueError: for settings outside their ranges.

    Source: Lavda, Gregorova & Kalousis 2020, arXiv:1911.10885 (cp_vae.txt).
    """

    fixed_arguments = ("prior",)
    capabilities = EncoderDecoder.capabilities | {"categories", "category_priors"}
    term_names = ("log_likelihood", "kl", "kl_discrete", "kl_continuous")
    example_settings: ClassVar = {
        **EncoderDecoder.example_settings,
        "num_categories": 4,
        "gate_units": 6,
        "start_epoch": 1,
    }
    example_cases: ClassVar = {
        "drawn": {},
        "summed": {"sum_out_categories": True, "num_samples": 2},
        "iwae": {"objective": "iwae", "num_samples": 7},
        "random": {"start": "random", "temperature": 1.0, "temperature_decay": 0.5},
    }

    def __init__(
        self,
        encoder="mlp",
        decoder=None,
        likelihood="bernoulli",
        latent_dim=None,
        num_categories=10,
        gate_units=300,
        temperature=0.5,
        temperature_decay=1.0,
        min_temperature=0.1,
        start="mixture",
        start_epoch=5,
        sum_out_categories=False,
        **kwargs,
    ):
        self.refuse_fixed(kwargs)
        latent_dim = LATENT_DIM if latent_dim is None else latent_dim
        dtype = variable_dtype(kwargs.get("dtype"))
        gate_units = arguments.integer("gate_units", gate_units)
        # A seed that is drawn is drawn here, so that the prior goes by what is kept in the config.
        kwargs["seed"] = SeedStream(kwargs.get("seed")).seed
        conditional = ConditionalNormalPrior(
            latent_dim,
            num_categories,
            temperature,
            temperature_decay,
            min_temperature,
            start,
            start_epoch,
            seed=kwargs["seed"],
            dtype=dtype,
        )
        super().__init__(encoder, decoder, conditional, likelihood, latent_dim, **kwargs)
        if sum_out_categories and self.bound.uses_weights:
            raise ValueError(
                f"With the objective {self.bound.name!r} `sum_out_categories` must be False: "
                "importance weights that have c summed out do not contain q(c|x), which would not "
                f"be trained. Received: objective={self.objective!r}."
            )
        self._config = dict(
            num_categories=num_categories,
            gate_units=gate_units,
            temperature=temperature,
            temperature_decay=temperature_decay,
            min_temperature=min_temperature,
            start=start,
            start_epoch=start_epoch,
            sum_out_categories=bool(sum_out_categories),
        )
        self.num_categories = num_categories
        self.sum_out_categories = bool(sum_out_categories)
        self.representation_dim = latent_dim + num_categories
        self.representation_parts = (
            f"latent_dim={latent_dim} + num_categories={num_categories} = {self.representation_dim}"
        )
        self.gate = self.parameters = None

    def make_networks(self, data_shape):
        units, num_categories = self._num_features(data_shape), self.num_categories
        self.gate = GatedDense(units, dtype=self.dtype_policy)
        self.gate.build((None, units + num_categories))
        self.parameters = keras.layers.Dense(2 * self.latent_dim, dtype=self.variable_dtype)
        self.parameters.build((None, units))
        self.encoder_outputs = (
            num_categories + units,
            (
                f"the logits of num_categories={num_categories} categories, then at least one "
                "feature from which the means and log-variances of z are made"
            ),
        )
        super().make_networks(data_shape)

    def posterior_parts(self, x, training=False):
        """(log pi `[B, K]`, mu `[B, D]`, log sigma^2 `[B, D]`) of q(c|x) and q(z|x)."""
        outputs = self._encode(x, training)
        logits, features = outputs[:, : self.num_categories], outputs[:, self.num_categories :]
        log_pi = tf.nn.log_softmax(logits)
        gated = self.gate(tf.concat([features, tf.exp(log_pi)], axis=-1))
        numbers = tf.cast(self.parameters(gated), self.variable_dtype)
        loc, log_variance = tf.split(numbers, 2, axis=-1)
        return log_pi, loc, tf.clip_by_value(log_variance, *LOG_VARIANCE_RANGE)

    def posterior(self, x, training=False):
        """q(z|x): `tfd.Independent(tfd.Normal)`, batch `[B]`, event `[D]`."""
        _, loc, log_variance = self.posterior_parts(x, training)
        return _normal(loc, log_variance)

    def responsibilities(self, x):
        """pi(x) = q(c|x), for clustering: `[B, ...]` -> `[B, K]`."""
        return tf.exp(self.posterior_parts(x)[0])

    def infer(self, x, num_samples, seed=None, training=False):
        """See `EncoderDecoder`: latents are draws of z, then c, relaxed in training.

        With `sum_out_categories` c is enumerated.
        """
        log_pi, loc, log_variance = self.posterior_parts(x, training)
        pi = tf.exp(log_pi)
        if training:
            self.prior.observe(pi)
        components = self.prior.component_kl(loc, log_variance, training)
        kl = {
            "kl_discrete": tf.reduce_sum(pi * log_pi, axis=-1) + self._log_num_categories(pi.dtype),
            "kl_continuous": tf.reduce_sum(pi * components, axis=-1),
        }
        q = _normal(loc, log_variance)
        posteriors = (tfd.OneHotCategorical(log_pi, dtype=pi.dtype), q)
        seeds = split_seed(as_seed(seed))
        z = q.sample(num_samples, seed=seeds[0])
        if self.sum_out_categories:

            def log_ratios():
                """log p(z, c) - log q(z | x) of each category: `[K, S, B]`."""
                log_ratios = self._log_prior(z, training) - q.log_prob(z)[..., tf.newaxis]
                return tf.transpose(log_ratios, [2, 0, 1])

            probabilities = tf.transpose(pi)[:, tf.newaxis]
            return Draw(
                self._pairs(z), kl, log_ratios, probabilities=probabilities, posteriors=posteriors
            )
        c = self._categories(log_pi, num_samples, seeds[1], training)

        def log_ratio():
            """log p(z, c) - log q(z, c | x); of a relaxed c the mean over it."""
            ratios = self._log_prior(z, training) - log_pi
            return tf.reduce_sum(c * ratios, axis=-1) - q.log_prob(z)

        return Draw(tf.concat([z, c], axis=-1), kl, log_ratio, posteriors=posteriors)

    def encode(self, x):
        """(mu, pi) of the posterior: `[B, ...]` -> `[B, D + K]`."""
        log_pi, loc, _ = self.posterior_parts(x)
        return tf.concat([loc, tf.exp(log_pi)], axis=-1)

    def sample_categories(self, n, seed=None):
        """Means of x for `n` draws from each category: `[K, n, *data_shape]` (Figure 7)."""
        n = arguments.count("n", n)
        k = tf.repeat(tf.range(self.num_categories), n)
        means = self.sample(self.num_categories * n, seed, category=k)
        return tf.reshape(means, [self.num_categories, n, *self.data_shape])

    def extra_losses(self, terms, training):
        """kl_discrete counts more while the categories are held."""
        return (tf.convert_to_tensor(self.prior.kl_weight) - 1.0) * terms["kl_discrete"]

    def adapt(self, x):
        """Sets q(c), the mean of q(c|x) over all of the data (eq. 14).

        Where the categories are still held, also starts them (of up to `prior.most_examples`, of
        more a random subset); `fit` does so in its `start_epoch`.

        Args:
          x: an array, a pair (x, y) or a batched dataset; labels are left out.

        Raises:
          ValueError: for no examples, and, to start them, for fewer than categories.
        """
        examples = take_examples(x)
        if not len(examples):
            raise ValueError("`adapt` needs examples. Received: none.")
        self.build((None, *examples.shape[1:]))
        if self.prior.wants_data:
            _, loc, log_variance = self._parts(take_examples(examples, self.prior.most_examples))
            self.prior.start_from(loc, log_variance)
        pi = np.exp(self._parts(examples)[0].astype(np.float64))
        self.prior.category_weights.assign(pi.mean(axis=0) / pi.mean(axis=0).sum())

    def _parts(self, x):
        """`posterior_parts` of many examples, as NumPy arrays."""
        found = [
            self.posterior_parts(x[start : start + _BATCH]) for start in range(0, len(x), _BATCH)
        ]
        return [np.concatenate(part) for part in zip(*found, strict=True)]

    def _categories(self, log_pi, num_samples, seed, training):
        """c of S draws, `[S, B, K]`."""
        if not training:
            return one_hot_draws(log_pi, num_samples, seed)
        temperature = tf.convert_to_tensor(self.prior.temperature)
        return gumbel_softmax_draws(log_pi, temperature, num_samples, seed)

    def _pairs(self, z):
        """z with every category: `[S, B, D]` -> `[K, S, B, D + K]`."""
        num_categories = self.num_categories
        c = tf.eye(num_categories, dtype=z.dtype)[:, tf.newaxis, tf.newaxis]
        shape = [num_categories, tf.shape(z)[0], tf.shape(z)[1], num_categories]
        z = tf.repeat(z[tf.newaxis], num_categories, axis=0)
        return tf.concat([z, tf.broadcast_to(c, shape)], axis=-1)

    def _log_prior(self, z, training):
        """log p(z, c) of every category: z `[S, B, D]` -> `[S, B, K]`."""
        return self.prior.component_log_prob(z, training) - self._log_num_categories(z.dtype)

    def _log_num_categories(self, dtype):
        return tf.math.log(tf.cast(self.num_categories, dtype))

    def _num_features(self, data_shape):
        if self.encoder is None:
            return self._config["gate_units"]
        try:
            shape = (None, *self.likelihood.encoder_shape(data_shape))
            outputs = self.encoder(keras.KerasTensor(shape, dtype="float32"))
            return max(1, outputs.shape[-1] - self.num_categories)
        except Exception:
            return 1  # whatever is wrong with the encoder, `build` reports it


def _normal(loc, log_variance):
    return diagonal_normal(loc, tf.exp(0.5 * log_variance))
