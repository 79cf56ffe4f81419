"""The variational autoencoder with a pluggable prior."""

from typing import ClassVar

from tfsp.models.core import posteriors
from tfsp.models.core.assembly import EncoderDecoder
from tfsp.models.core.contract import register


@register("vae")
class VAE(EncoderDecoder):
    """q(z|x) = N(mu(x), Sigma(x)), any prior p(z), any likelihood p(x|z).

    Args:
      encoder, decoder, prior, likelihood, latent_dim: see `EncoderDecoder`. With a full covariance
        an encoder given as a Keras model outputs means, then the D (D + 1) / 2 numbers of the
        triangular factor of Sigma, the logarithms of the squared diagonal on the diagonal.
      posterior_covariance: "diagonal", or "full": Sigma(x) = L(x) L(x)', D (D + 1) / 2 numbers
        for each x, for a small D and dimensions that depend on each other given x.
      **kwargs: of `StructuredVAE`: objective, num_samples, seed, name, dtype.

    Raises:
      ValueError: as `EncoderDecoder`, and for another covariance.

    Source: Kingma & Welling 2014, arXiv:1312.6114; Rezende et al. 2014, arXiv:1401.4082.
    """

    example_cases: ClassVar = {
        "plain": {},
        "mixture": {
            "prior": {"name": "mixture", "num_components": 3},
            "objective": "iwae",
            "num_samples": 7,
        },
        "full": {"posterior_covariance": "full"},
    }

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
        super().__init__(encoder, decoder, prior, likelihood, latent_dim, **kwargs)
        posteriors.check_covariance(posterior_covariance)
        self.posterior_covariance = posterior_covariance
        self.encoder_outputs = posteriors.num_outputs(self.latent_dim, posterior_covariance)
        self._config = dict(posterior_covariance=posterior_covariance)

    def posterior(self, x, training=False):
        """q(z|x): batch `[B]`, event `[D]`.

        A `tfd.Independent(tfd.Normal)` or, with a full covariance, a `tfd.MultivariateNormalTriL`.
        """
        if self.posterior_covariance == "full":
            outputs = self._encode(x, training)
            return posteriors.correlated_normal_from(outputs, self.latent_dim)
        return super().posterior(x, training)

    def posterior_mean(self, x):
        if self.posterior_covariance == "full":
            # Without the factor, whose operations few runtimes of served models have.
            return self._encode(x)[..., : self.latent_dim]
        return super().posterior_mean(x)
