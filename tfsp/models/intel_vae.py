"""InteL-VAE: a map with an inductive bias between the stochastic latent and the decoder."""

import keras
import tensorflow as tf

from tfsp import distribute, mappings
from tfsp.models.core.contract import register
from tfsp.models.vae import VAE, PriorView


@register("intel_vae")
class InteLVAE(VAE):
    """The bound of a VAE on y; the representation and the decoder's input are z = g(y).

        log p(x) >= E_q(y|x)[log p(x | z = g(y))] - KL(q(y|x) || p(y))        [nats]

    `posterior` and `prior` are about the intermediary y, of `latent_dim` dimensions; `encode`
    gives g(mu(x)), `decode` takes z, `sample` sends draws of the prior through g. With an
    invertible g the bound equals that of a VAE whose prior and posterior are the pushforwards of
    p(y) and q(y|x); else it is never above it (theorem 1). With the mapping "identity" the model
    is a `VAE`.

    A map that is not one-to-one makes the bound looser in some places than in others, and the ELBO
    puts mass where it is tight. Where the density itself matters, objective="iwae" with some
    `num_samples` is worth its time.

    The training loss gains the mapping's regulariser (that of the paper's eq. 7 for sparsity),
    tracked as `regulariser`; `elbo`, `log_likelihood` and `kl` never contain it.

    Args:
      mapping: a name (`tfsp.mappings.names()`), a dict `{"name": ..., **keywords}` or a
        `tfsp.mappings.Mapping`.
      latent_dim: D, size of y. None takes that of a `Mapping` or a `Prior` object, else 40.
      encoder, decoder, prior, likelihood, **kwargs: as of `VAE`; the decoder maps
        `[B, mapping.output_dim]`, the prior is over y.

    Raises: ValueError as `VAE`, and for a mapping that does not fit `latent_dim`.

    Source: Miao et al. 2022, "On Incorporating Inductive Biases into VAEs", eq. (2).
    """

    term_names = ("log_likelihood", "kl", "regulariser")

    def __init__(
        self,
        encoder="mlp",
        decoder=None,
        prior="normal",
        likelihood="bernoulli",
        latent_dim=None,
        mapping="identity",
        **kwargs,
    ):
        if latent_dim is None and isinstance(mapping, mappings.Mapping):
            latent_dim = mapping.latent_dim
        super().__init__(encoder, decoder, prior, likelihood, latent_dim, **kwargs)
        self.mapping = mappings.build(
            mapping, latent_dim=self.latent_dim, dtype=self.variable_dtype
        )
        if not isinstance(self.mapping, mappings.Mapping):
            raise ValueError(
                "`mapping` must be a name, a dict or a `tfsp.mappings.Mapping`. Received: "
                f"{type(self.mapping).__name__}."
            )
        if self.mapping.latent_dim != self.latent_dim:
            raise ValueError(
                f"`latent_dim` is {self.latent_dim}, but the mapping was made for "
                f"{self.mapping.latent_dim} dimensions."
            )

    def prior_view(self):
        """As of the base class: `encode` gives the means of y, `decode` takes y."""
        return PriorView(self, lambda y: self.decode(self.mapping(y)))

    @property
    def representation_dim(self):
        return self.mapping.output_dim

    def build(self, input_shape):
        self.mapping.build()
        super().build(input_shape)

    def _encode(self, x, training=False):
        """As of `VAE`; the means, which stand first, are counted from where the map has moved."""
        outputs = super()._encode(x, training)
        shift = self.mapping.shift()
        if shift is None:
            return outputs
        means, rest = outputs[..., : self.latent_dim], outputs[..., self.latent_dim :]
        return tf.concat([means + tf.cast(shift, outputs.dtype), rest], axis=-1)

    def log_likelihood(self, x, y, training=False):
        """log p(x | g(y)) in nats: x `[B, ...]`, y `[..., B, latent_dim]` -> `[..., B]`."""
        return super().log_likelihood(x, self.mapping(y), training)

    def extra_terms(self, y):
        batch = tf.shape(y)[-2]
        return {"regulariser": tf.fill([batch], self.mapping.regulariser(y))}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        # One number for the whole batch: weights of examples are not for it.
        regulariser = distribute.mean(y_pred["regulariser"], training)
        return loss + regulariser / tf.distribute.get_strategy().num_replicas_in_sync

    def encode(self, x):
        """g(mu(x)), the map of the posterior means: `[B, ...]` -> `[B, mapping.output_dim]`."""
        return self.mapping(super().encode(x))

    def sample(self, n, seed=None, **condition):
        """Means of x for `n` draws of y from the prior, through the map: `[n, *data_shape]`."""
        self._require_built_networks()
        return self.decode(self.mapping(self.prior.sample(n, seed, **condition))).mean()

    def get_config(self):
        return {
            **super().get_config(),
            "mapping": keras.saving.serialize_keras_object(self.mapping),
        }
