"""InteL-VAE: a map with an inductive bias between the stochastic latent and the decoder."""

from typing import ClassVar

import tensorflow as tf

from tfsp import mappings
from tfsp.models.core.assembly import PriorView
from tfsp.models.core.contract import register
from tfsp.models.vae import VAE


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
      encoder, decoder, prior, likelihood, **kwargs: see `VAE`; the decoder maps
        `[B, mapping.output_dim]`, the prior is over y.

    Raises:
      ValueError: as `VAE`, and for a mapping that does not fit `latent_dim`.

    Source: Miao et al. 2022, "On Incorporating Inductive Biases into VAEs", eq. (2).
    """

    capabilities = VAE.capabilities | {"mapping"}
    parts = (*VAE.parts, "mapping")
    term_names = ("log_likelihood", "kl", "regulariser")
    example_settings: ClassVar = {
        **VAE.example_settings,
        "mapping": {"name": "selector", "hidden": (4,)},
        "latent_dim": 4,
    }
    example_cases: ClassVar = {
        "selector": {},
        "sectors": {
            "mapping": {"name": "sectors", "num_sectors": 3, "learned": True},
            "objective": "iwae",
            "num_samples": 7,
        },
    }

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
        self.representation_dim = self.mapping.output_dim
        self.batch_weights = {"regulariser": 1.0}

    def representation(self, latents):
        """z = g(y)."""
        return self.mapping(latents)

    def prior_view(self):
        """See the base class: `encode` gives the means of y, `decode` takes y."""
        return PriorView(self, self.posterior_mean, lambda y: self.decode(self.mapping(y)))

    def make_networks(self, data_shape):
        self.mapping.build()
        super().make_networks(data_shape)

    def infer(self, x, num_samples, seed=None, training=False):
        """See `VAE`: latents are draws of y."""
        draw = super().infer(x, num_samples, seed, training)
        terms = {"regulariser": lambda: self.mapping.regulariser(draw.latents)}
        return draw._replace(batch_terms=terms)

    def _encode(self, x, training=False):
        """See `VAE`; the means, which stand first, are counted from where the map has moved."""
        outputs = super()._encode(x, training)
        shift = self.mapping.shift()
        if shift is None:
            return outputs
        means, rest = outputs[..., : self.latent_dim], outputs[..., self.latent_dim :]
        return tf.concat([means + tf.cast(shift, outputs.dtype), rest], axis=-1)
