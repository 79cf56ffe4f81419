"""Sparse VAE (variational sparse coding): latents that are exactly zero, or normal."""

import math
from typing import ClassVar

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfsp import arguments
from tfsp.distributions import SpikeAndSlab
from tfsp.latent_layer import LATENT_DIM
from tfsp.models.core.assembly import EncoderDecoder
from tfsp.models.core.contract import register
from tfsp.models.core.draw import Draw
from tfsp.models.core.posteriors import normal_from
from tfsp.precision import variable_dtype
from tfsp.priors import Prior
from tfsp.random import as_seed

tfd = tfp.distributions

# Log odds of a dimension being on are clipped to +-10, so that neither side is less probable than
# 4.5e-5: a rare draw of a spike (or of the choice of a slab) adds at most 10 nats to a log weight.
# Beyond, the log odds have no gradient; that of the probability is next to 0 there in any case.
_MAX_LOGIT = 10.0


@register("sparse_vae")
class SparseVAE(EncoderDecoder):
    """q(z|x) = prod_d gamma_d(x) N(mu_d(x), sigma_d^2(x)) + (1 - gamma_d(x)) delta(z_d).

    The prior is the same with gamma = alpha, mu = 0 and sigma = 1. The KL has a closed form:

        sum_d gamma_d KL(N(mu_d, sigma_d^2) || N(0, 1)) + KL(Bernoulli(gamma_d) || Bernoulli(alpha))

    In training the spikes are relaxed, s = sigmoid(c (gamma - u)) with u uniform, so that gamma
    has gradients; the `log_likelihood` and `elbo` of training are hence not quite those of the
    model. Outside training draws are exact, and so are bounds and importance weights (densities
    are with respect to Lebesgue measure plus a point mass at 0 in each dimension). `encode` gives
    the posterior means gamma mu. `model.prior` is the whole spike and slab.

    Two warm-ups, both linear in training steps: c from `sharpness_start` to `sharpness`; and that
    of the slabs, lambda from 0 to 1, during which the slabs are
    N(lambda mu, lambda sigma^2 + 1 - lambda) in training, so that at first only which dimensions
    are on can say about x.

    Implemented is the model with a fixed prior. The pseudo-inputs of the published version (a
    prior made of posteriors, with a classifier that chooses one, and a penalty on their mean
    gamma) are not.

    Args:
      alpha: prior probability of a dimension being on, in (0, 1).
      sharpness: c at the end, positive.
      sharpness_start: c at the beginning; None takes `sharpness`.
      warmup_steps: training steps until c has reached its end; 0 for none.
      slab_warmup_steps: training steps until lambda has reached 1; 0 for none.
      **kwargs: see `VAE`.

    Raises:
      ValueError: for settings outside their ranges, and for objective="iwae": the spikes are
        discrete, and their relaxation has no importance weights. (`tfsp.evaluation.log_likelihood`
        needs no gradients and works).

    Source: Tonolini, Jensen & Murray-Smith 2020, "Variational sparse coding", UAI; its first
      version (2018) has the fixed prior.
    """

    fixed_arguments = ("prior",)
    example_settings: ClassVar = {
        **EncoderDecoder.example_settings,
        "sharpness_start": 2.0,
        "sharpness": 10.0,
        "warmup_steps": 6,
        "slab_warmup_steps": 4,
    }

    def __init__(
        self,
        encoder="mlp",
        decoder=None,
        likelihood="bernoulli",
        latent_dim=None,
        alpha=0.2,
        sharpness=50.0,
        sharpness_start=None,
        warmup_steps=0,
        slab_warmup_steps=0,
        **kwargs,
    ):
        self.refuse_fixed(kwargs)
        latent_dim = LATENT_DIM if latent_dim is None else latent_dim
        dtype = variable_dtype(kwargs.get("dtype"))
        sharpness = arguments.number("sharpness", sharpness, "(0, inf)")
        if sharpness_start is not None:
            sharpness_start = arguments.number(
                "sharpness_start", sharpness_start, f"(0, {sharpness!r}]", "it rises to `sharpness`"
            )
        start = sharpness if sharpness_start is None else sharpness_start
        warmup_steps = arguments.integer("warmup_steps", warmup_steps, 0)
        slab_warmup_steps = arguments.integer("slab_warmup_steps", slab_warmup_steps, 0)
        slab = SpikeAndSlabPrior(latent_dim, alpha, dtype=dtype)
        super().__init__(encoder, decoder, slab, likelihood, latent_dim, **kwargs)
        if self.bound.uses_weights:
            raise ValueError(
                f"The model 'sparse_vae' has no objective {self.bound.name!r}: its spikes are "
                "discrete, and the relaxed draws of training have no importance weights. Take "
                "'elbo'."
            )
        self.encoder_outputs = (
            3 * latent_dim,
            "a mean, a log-variance and the log odds of being on for each of "
            f"latent_dim={latent_dim} dimensions",
        )
        self._config = dict(
            alpha=alpha,
            sharpness=sharpness,
            sharpness_start=sharpness_start,
            warmup_steps=warmup_steps,
            slab_warmup_steps=slab_warmup_steps,
        )
        self._sharpness = (start, sharpness)
        self.step = self.add_weight(
            name="step",
            shape=(),
            dtype="int64",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
            autocast=False,
        )

    def posterior(self, x, training=False):
        """q(z|x): `tfd.Independent(SpikeAndSlab)`, batch `[B]`, event `[D]`."""
        outputs = self._encode(x, training)
        normal, logits = tf.split(outputs, [2 * self.latent_dim, self.latent_dim], axis=-1)
        slab = normal_from(normal).distribution
        loc, scale = slab.loc, slab.scale
        if training and self._config["slab_warmup_steps"]:
            weight = self._progress(self._config["slab_warmup_steps"])
            loc, scale = weight * loc, tf.sqrt(weight * scale**2 + 1.0 - weight)
        logits = tf.clip_by_value(logits, -_MAX_LOGIT, _MAX_LOGIT)
        return tfd.Independent(SpikeAndSlab(logits, loc, scale), 1)

    def infer(self, x, num_samples, seed=None, training=False):
        """See `EncoderDecoder`; in training the draws are relaxed, and have no weights."""
        if not training:
            return super().infer(x, num_samples, seed)
        q = self.posterior(x, training)
        z = q.distribution.relaxed_sample(num_samples, self.sharpness(), as_seed(seed))
        return Draw(z, {"kl": self.prior.kl(q, z, training)}, _no_weights)

    def slab_probability(self, x):
        """gamma, the posterior probability of each dimension being on: `[B, ...]` -> `[B, D]`."""
        return self.posterior(self._check_data(x)).distribution.slab_probability()

    def sharpness(self):
        """c at the present training step, a scalar."""
        start, end = self._sharpness
        return start + (end - start) * self._progress(self._config["warmup_steps"])

    def update(self):
        super().update()
        self.step.assign_add(1)

    def _progress(self, num_steps):
        """From 0 to 1 over the first `num_steps` training steps."""
        if not num_steps:
            return tf.ones([], self.variable_dtype)
        # `update` has counted the present step already.
        done = tf.cast(tf.convert_to_tensor(self.step), self.variable_dtype) - 1.0
        return tf.clip_by_value(done / num_steps, 0.0, 1.0)


def _no_weights():
    raise ValueError("Relaxed spikes have no importance weights: take training=False.")


@keras.saving.register_keras_serializable("tfsp")
class SpikeAndSlabPrior(Prior):
    """p(z) = prod_d alpha N(z_d; 0, 1) + (1 - alpha) delta(z_d).

    Not in the registry: its density is with respect to a measure with point masses, and comparable
    only with that of a `SpikeAndSlab` posterior.

    Raises:
      ValueError: unless 0 < alpha < 1.
    """

    def __init__(self, latent_dim, alpha, **kwargs):
        super().__init__(latent_dim, **kwargs)
        self.alpha = arguments.number("alpha", alpha, "(0, 1)")

    def distribution(self, training=False):
        zeros = tf.zeros([self.latent_dim], self.variable_dtype)
        logits = zeros + math.log(self.alpha) - math.log1p(-self.alpha)
        return tfd.Independent(SpikeAndSlab(logits, zeros, tf.ones_like(zeros)), 1)

    def kl(self, q, z, training=False):
        return tfd.kl_divergence(q, self.distribution())

    @classmethod
    def example(cls):
        return cls(latent_dim=2, alpha=0.2)

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha}
