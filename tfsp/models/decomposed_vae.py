"""A VAE that controls overlap and structure of its encodings apart (decomposition)."""

from typing import ClassVar

import tensorflow as tf

from tfsp import arguments
from tfsp.models.core.contract import register
from tfsp.models.mmd import mmd_squared
from tfsp.models.vae import VAE
from tfsp.random import SeedStream, fold_in


@register("decomposed_vae")
class DecomposedVAE(VAE):
    """Maximises E_q[log p(x|z)] - beta KL(q(z|x) || p(z)) - alpha D(q(z), p(z)).

    beta sets how much the encodings of different examples overlap, alpha how close the aggregate
    posterior q(z), the mean of q(z|x) over the data, must come to the prior p(z). D is MMD^2
    between a draw for each example of the batch and as many of the prior (`tfsp.models.mmd`).
    With the prior "sparse" this is the method for sparse codes.

    The metrics are those of the model's bound, without alpha and beta; `divergence` is D. Weights
    of examples (`sample_weight`) weigh their bounds, not D, which belongs to the batch as a whole.

    Args:
      prior: see `VAE`, with a density.
      alpha: weight of D, at least 0.
      beta: weight of the KL in the training loss, times `kl_weight`; at least 0.
      scales: of the kernels, squared units of z, or one number.
      by_dimension: compare the D marginals one by one, as in the sparse experiments of the paper,
        instead of the joint distributions. Time and memory grow as the batch squared times D.
      **kwargs: see `VAE`.

    Raises:
      ValueError: for settings outside their ranges, for the prior "none", and for objective="iwae",
        in which the KL has no weight.

    Source: Mathieu et al. 2019, arXiv:1812.02833, eq. (7). Their sparse experiments have beta = 1,
      alpha = 100 (Fashion-MNIST, 50 dimensions, batches of 500).
    """

    term_names = ("log_likelihood", "kl", "divergence")
    example_settings: ClassVar = {**VAE.example_settings, "alpha": 3.0, "beta": 0.5}
    example_cases: ClassVar = {"plain": {}}

    def __init__(
        self,
        encoder="mlp",
        decoder=None,
        prior="sparse",
        likelihood="bernoulli",
        latent_dim=None,
        alpha=100.0,
        beta=1.0,
        scales=(0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
        by_dimension=True,
        **kwargs,
    ):
        super().__init__(encoder, decoder, prior, likelihood, latent_dim, **kwargs)
        if not self.prior.is_density:
            raise ValueError("The model 'decomposed_vae' needs a prior with a density, not 'none'.")
        if self.bound.uses_weights:
            raise ValueError(
                "The model 'decomposed_vae' has the objective 'elbo' alone, whose KL it weighs. "
                f"Received: {self.objective!r}."
            )
        self.alpha = arguments.number("alpha", alpha, "[0, inf)")
        self.beta = arguments.number("beta", beta, "[0, inf)")
        scales = tuple(scales) if hasattr(scales, "__iter__") else (scales,)
        if not scales:
            raise ValueError("`scales` must hold at least one number. Received: ().")
        self.scales = tuple(arguments.number("scales", c, "(0, inf)") for c in scales)
        self.by_dimension = bool(by_dimension)
        self.batch_weights = {"divergence": self.alpha}
        self._config = {
            **self._config,
            "alpha": self.alpha,
            "beta": self.beta,
            "scales": self.scales,
            "by_dimension": self.by_dimension,
        }

    def infer(self, x, num_samples, seed=None, training=False):
        """See `VAE`, with `divergence`: D between a draw for each example and the prior.

        Its gradients go to the posterior alone.
        """
        draw = super().infer(x, num_samples, seed, training)
        seed = seed if isinstance(seed, SeedStream) else fold_in(seed, 1)

        def divergence():
            batch = tf.shape(draw.latents)[1]
            draws = tf.stop_gradient(self.prior.sample(batch, seed=seed))
            return mmd_squared(draw.latents[0], draws, self.scales, self.by_dimension)

        return draw._replace(batch_terms={"divergence": divergence})

    def extra_losses(self, terms, training):
        """The weight beta of the KL."""
        return (self.beta - 1.0) * self.kl_weight * terms["kl"]
