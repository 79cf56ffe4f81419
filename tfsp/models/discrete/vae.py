"""Discrete VAE: a Boltzmann machine over binary units, smoothed, with normal layers below."""

import math
from typing import ClassVar

import tensorflow as tf

from tfsp import arguments, likelihoods, shapes
from tfsp.latent_layer import LATENT_DIM
from tfsp.models.core.contract import StructuredVAE, register
from tfsp.models.core.draw import Draw
from tfsp.models.discrete import chains, layers
from tfsp.models.discrete import units as unit_draws
from tfsp.models.discrete.networks import make_networks, mlp_settings
from tfsp.priors.boltzmann import BoltzmannPrior
from tfsp.random import as_seed, fold_in, split_seed


@register("discrete_vae")
class DiscreteVAE(StructuredVAE):
    """z ~ Boltzmann machine, zeta ~ r(.|z), y_m ~ N(. | zeta, y_<m), x ~ p(. | zeta, y).

        log p(x) >= E_q[log p(x | zeta, y)] - kl_discrete - kl_continuous        [nats]

    The posterior is q(z, zeta | x), hierarchical over groups of units, times q(y | zeta, x). The
    three variants are described in `tfsp.models.discrete.units`.

    The terms, metrics and bounds show these KLs themselves, one draw of the hierarchy each, with
    the prior's stored log Z (`BoltzmannPrior`). What carries the gradients of eqs. (11) and (12)
    adds nothing to any value. With "dvae#" and an overlapping smoothing p(zeta) is replaced by its
    mean-field lower bound, which keeps the whole a lower bound; `log_weights` has an unbiased
    estimate in its place.

    `encode` gives the means of zeta, group by group with the means of the earlier groups in place
    of their draws, followed by the means of y likewise: `[B, representation_dim]`. `sample` starts
    from the persistent chains.

    Args:
      encoder: "mlp", `{"name": "mlp", ...}` or a `networks.MLP`: its `hidden` and `activation` are
        those of every network of the posterior.
      likelihood: a name (`tfsp.likelihoods.names()`), a dict or a `Likelihood`.
      latent_dim: n, the number of binary units, even: one half is the left side, the other the
        right. `num_units` is another name for it; if both are given they must agree.
      num_groups: groups of the hierarchical posterior; 1 for a factorial one.
      variant: "dvae", "dvae++" or "dvae#".
      smoothing: a name, or a dict of `tfsp.priors.smoothing.UnitSmoothing`'s arguments (beta,
        trainable_beta, beta_bound, beta_growth); None takes "spike_and_exponential",
        "overlapping_exponential" or "power_function" as suits the variant.
      boltzmann: whether the units are coupled; False for independent ones.
      num_chains, num_sweeps, num_replicas: of the persistent chains, see `BoltzmannPrior`.
      sum_out_later: variant "dvae": whether the later unit of each pair counts by its mean given
        the earlier zeta. False takes its draw: eq. (12) to the letter, with more variance.
      unit_warmup_epochs, unit_warmup_strength: an additional warm-up of kl_discrete alone, whose
        weight rises from 1 / strength to 1 (the paper: 20 epochs, strength 2).
      log_z_chains, log_z_steps: of annealed importance sampling, see `BoltzmannPrior`.
      num_continuous_layers, continuous_size: M and the variables of each.
      prior_hidden: widths of the hidden layers of p(y_m | ...).
      num_sharing_groups: of recurrent parameter sharing, see `ContinuousLayers`; 0 for none.
      decoder_hidden: widths of the hidden layers of p(x | ...); () for a linear map.
      batch_norm: whether hidden layers and the units' logits are normalised (`L1BatchNorm`).
      bias_before_norm: whether what is normalised has a bias as well, see `ConditionalMLP`.
      **kwargs: of `StructuredVAE`; objective="iwae" with variant "dvae#" alone.

    Raises:
      ValueError: for settings that do not fit each other.

    Source: Rolfe 2017, arXiv:1609.02200; Vahdat et al. 2018, arXiv:1802.04920 (DVAE++); Vahdat,
      Andriyash & Macready 2018, arXiv:1805.07445 (DVAE#).
    """

    capabilities = frozenset({"gibbs_chains"})
    fixed_arguments = ("prior",)
    file_defaults: ClassVar = {"bias_before_norm": True}
    term_names = ("log_likelihood", "kl", "kl_discrete", "kl_continuous")
    example_settings: ClassVar = {
        **StructuredVAE.example_settings,
        "encoder": {"name": "mlp", "hidden": (5,)},
        "latent_dim": 6,
        "num_groups": 2,
        "num_chains": 10,
        "num_sweeps": 2,
    }
    example_cases: ClassVar = {
        "layer": {"num_continuous_layers": 1, "continuous_size": 2, "num_groups": 1},
        "tempered": {"num_replicas": 3, "smoothing": "spike_and_slab"},
        "dvae#": {"variant": "dvae#", "objective": "iwae", "num_samples": 3},
    }

    def __init__(
        self,
        encoder="mlp",
        likelihood="bernoulli",
        latent_dim=None,
        num_units=None,
        num_groups=4,
        variant="dvae",
        smoothing=None,
        boltzmann=True,
        num_chains=100,
        num_sweeps=100,
        num_replicas=1,
        sum_out_later=True,
        unit_warmup_epochs=0,
        unit_warmup_strength=2.0,
        log_z_chains=100,
        log_z_steps=1000,
        num_continuous_layers=0,
        continuous_size=64,
        prior_hidden=(200,),
        num_sharing_groups=0,
        decoder_hidden=(),
        batch_norm=True,
        bias_before_norm=False,
        **kwargs,
    ):
        self.refuse_fixed(kwargs)
        super().__init__(**kwargs)
        if num_units is not None and latent_dim not in (None, num_units):
            raise ValueError(
                "`num_units` is another name for `latent_dim`, so the two must agree. "
                f"Received: num_units={num_units}, latent_dim={latent_dim}."
            )
        units = num_units if latent_dim is None else latent_dim
        units = LATENT_DIM if units is None else units
        spec = unit_draws.check(variant, smoothing, self.bound)
        layers.check(num_continuous_layers, continuous_size, num_sharing_groups)
        units = arguments.integer("latent_dim", units)
        num_groups = arguments.integer("num_groups", num_groups, 1, units, "groups of units")
        self._config = dict(
            encoder=mlp_settings(encoder),
            latent_dim=units,
            num_groups=num_groups,
            variant=variant,
            smoothing=spec,
            boltzmann=bool(boltzmann),
            num_chains=num_chains,
            num_sweeps=num_sweeps,
            num_replicas=num_replicas,
            sum_out_later=bool(sum_out_later),
            unit_warmup_epochs=unit_warmup_epochs,
            unit_warmup_strength=unit_warmup_strength,
            log_z_chains=log_z_chains,
            log_z_steps=log_z_steps,
            num_continuous_layers=num_continuous_layers,
            continuous_size=continuous_size,
            prior_hidden=tuple(prior_hidden),
            num_sharing_groups=num_sharing_groups,
            decoder_hidden=tuple(decoder_hidden),
            batch_norm=bool(batch_norm),
            bias_before_norm=bool(bias_before_norm),
        )
        self.latent_dim = units
        self.prior = BoltzmannPrior(
            units,
            couplings=boltzmann,
            smoothing=spec,
            num_chains=num_chains,
            num_sweeps=num_sweeps,
            num_replicas=num_replicas,
            warmup_epochs=unit_warmup_epochs,
            warmup_strength=unit_warmup_strength,
            log_z_chains=log_z_chains,
            log_z_steps=log_z_steps,
            seed=self.seeds.seed,
            dtype=self.variable_dtype,
        )
        self.likelihood = likelihoods.build(likelihood, dtype=self.variable_dtype)
        self.representation_dim = units + num_continuous_layers * continuous_size
        self.posterior_units = self.continuous = self.decoder = self.units = None

    def build(self, input_shape):
        """Makes the networks for data of shape `input_shape[1:]`."""
        if self.built:
            return
        data_shape = self._static_data_shape(input_shape)
        self._outputs_shape = self.likelihood.output_shape(data_shape)
        self.posterior_units, self.continuous, self.decoder = make_networks(
            self._config,
            self.prior.smoothing,
            self.likelihood.encoder_shape(data_shape),
            self._outputs_shape,
            self.dtype_policy,
        )
        for part in (self.posterior_units, self.continuous, self.decoder):
            part.build()
        self.likelihood.build(data_shape)
        self.prior.build()
        self.units = unit_draws.Units(
            self.prior,
            self._config["variant"],
            self.posterior_units.groups,
            self._config["sum_out_later"],
        )
        self.data_shape = data_shape
        super().build(input_shape)
        self.built = True

    def infer(self, x, num_samples, seed=None, training=False):
        """See `StructuredVAE`: latents are draws of zeta, then y, as `encode` orders their means.

        Importance weights of "dvae" and "dvae++" have z drawn along; of "dvae#" z is summed out,
        exactly (gaussian_integral) or by an unbiased estimate. The prior's log Z is the stored
        one, whose standard error `model.prior.log_z_error` all weights have in common.
        """
        self._require_built()
        seed = as_seed(seed)
        context, seeds = self._context(x), split_seed(seed)
        parameters, zeta, rho = self.posterior_units.draw(
            self.units.quantile, context, num_samples, seeds[0], training
        )
        y, kl_continuous, continuous_ratio = self.continuous.draw(context, zeta, seeds[1], training)
        kl_discrete = self.units.kl(parameters, zeta, rho)

        def log_ratio():
            own_seed = fold_in(seed, 1)  # of the draws of z, or of the estimate of p(zeta)
            return self.units.log_ratio(parameters, zeta, rho, own_seed) + continuous_ratio

        def training_log_ratio():
            # Of "dvae#": -kl_discrete is log p(zeta) - log q(zeta | x) of this draw, or its bound.
            return continuous_ratio - tf.convert_to_tensor(self.prior.kl_weight) * kl_discrete

        return Draw(
            latents=tf.concat([zeta, *y], axis=-1),
            kl={"kl_discrete": kl_discrete, "kl_continuous": kl_continuous},
            log_ratio=log_ratio,
            training_log_ratio=training_log_ratio,
        )

    def extra_losses(self, terms, training):
        """The warm-up of the units' KL."""
        if self.bound.uses_weights:
            return None
        rest = self.kl_weight * (tf.convert_to_tensor(self.prior.kl_weight) - 1.0)
        return rest * terms["kl_discrete"]

    def encode(self, x):
        """Means of zeta, then of y, down the hierarchy: `[B, ...]` -> `[B, representation_dim]`.

        The mean of zeta_j is that of q(zeta_j | zeta_<j, x) with the earlier groups at their
        means, which is not the mean over the earlier groups.
        """
        self._require_built()
        context = self._context(self._check_data(x))
        _, zeta = self.posterior_units.unfold(
            context, lambda part, parameters: self.units.mean(*parameters)
        )
        return tf.concat([zeta, *self.continuous.means(context, zeta)], axis=-1)

    def generate(self, n, seed=None, chain_steps=None):
        """`n` draws of zeta and y from the prior, side by side: `[n, representation_dim]`.

        The units come from the persistent chains, moved on by block-Gibbs sweeps (the chains
        themselves stay); zeta and y follow from them by ancestral sampling.

        Args:
          chain_steps: sweeps; None takes the model's `num_sweeps`, 0 the chains as they are.
        """
        seeds = split_seed(as_seed(seed))
        return self.generate_given(self.prior.sample_units(n, seeds[0], chain_steps), seeds[1])

    def generate_given(self, z, seed=None):
        """One draw of zeta and y for each z, 0/1 `[n, latent_dim]`: `[n, representation_dim]`."""
        seeds = split_seed(as_seed(seed))
        zeta = self.prior.smooth(tf.cast(z, self.variable_dtype), seeds[0])
        return tf.concat([zeta, *self.continuous.sample(zeta, seeds[1])], axis=-1)

    def sample_chains(self, num_chains, num_rows, chain_steps=100, num_draws=5, seed=None):
        """Means of x along Gibbs chains of the units: the paper's figure 5.

        Args:
          num_chains: chains, started from the persistent ones.
          num_rows: states of each, `chain_steps` block-Gibbs sweeps apart.
          num_draws: draws of zeta and y for each state.

        Returns:
          `[num_rows, num_chains, num_draws, *data_shape]`.
        """
        self._require_built()
        return chains.rows(self, num_chains, num_rows, chain_steps, num_draws, seed)

    def refresh_log_z(self, method="auto", seed=0, **settings):
        """Computes and stores the prior's log Z: see `BoltzmannPrior.refresh_log_z`."""
        return self.prior.refresh_log_z(method, seed, **settings)

    def _context(self, x):
        x = self.likelihood.encoder_input(x)
        return tf.reshape(x, [-1, math.prod(self.likelihood.encoder_shape(self.data_shape))])

    def likelihood_parameters(self, latents, training=False):
        """The likelihood's parameters, `[..., *outputs_shape]`."""
        self._require_built()
        sizes = [self.latent_dim] + [self.continuous.size] * self.continuous.num_layers
        zeta, *y = tf.split(latents, sizes, axis=-1)
        features = self.continuous.features(zeta, y)
        outputs = self.decoder(latents=features, training=training)
        shape = tf.concat([tf.shape(outputs)[:-1], self._outputs_shape], axis=0)
        static = [*outputs.shape[:-1], *self._outputs_shape]
        return shapes.known(tf.reshape(outputs, shape), static)
